"""Averages of predictions: over views of an image, and over networks."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from archdsl import Expression
from experiments.experiment import Experiment, Numbers, average, train

TEXT = """\
network small(width: int = 12) {
  input image [1, 8, 8]
  for i in 0..3 { conv(width, 3) -> bn -> relu }
  gap; flatten; linear(10)
}

train { data = digits(held_out = 1497); epochs = 12; batch = 32; optimizer = adam(lr = 0.01) }
"""
SEEDS = range(5)
AUGMENTED = {"plain": "[]", "flipped": "[flip]"}
"""The augmentations of the networks: of those that are trained without mirror images, and with them."""


def measure() -> Numbers:
    """Return the accuracies of single networks, of growing ensembles, and of averages over an image and its mirror image."""
    import archdsl

    with TemporaryDirectory() as folder:
        runs = {}
        for name, augment in AUGMENTED.items():
            for seed in SEEDS:
                run = Path(folder) / f"{name}{seed}"
                train(TEXT, "small", folder=run, train__seed=seed, train__augment=Expression(augment))
                runs[name, seed] = archdsl.run(run)
        modules = [runs["plain", seed].build().eval() for seed in SEEDS]
        first = runs["plain", 0].trained()
        found: dict[str, list[float]] = {"ensembles": []}
        for name in AUGMENTED:
            evaluated = [runs[name, seed].evaluate(tta="flip", device="cpu") for seed in SEEDS]
            found[name] = [one.scores.metrics["accuracy"] for one in evaluated]
            found[f"{name} views"] = [one.averaged.metrics["accuracy"] for one in evaluated if one.averaged is not None]
        for count in range(2, len(modules) + 1):
            averaged = first.evaluate(ensemble=modules[:count], device="cpu").averaged
            assert averaged is not None
            found["ensembles"].append(averaged.metrics["accuracy"])
    return found


def sentence(numbers: Numbers) -> str:
    """Compare the averages with single networks."""
    single, ensemble = numbers["plain"], numbers["ensembles"][-1]
    return (
        f"Single networks, trained on 300 digits, reach a validation accuracy of {min(single):.1%} to {max(single):.1%}, on "
        f"average {average(single):.1%}. The average of the predictions of all {len(single)} reaches {ensemble:.1%}. Averaging "
        f"over an image and its mirror image changes the mean accuracy of single networks {_changed(numbers, 'plain')}: they "
        "have seen no mirrored digits in training. That of networks which were trained with random mirror images changes "
        f"{_changed(numbers, 'flipped')}."
    )


def _changed(numbers: Numbers, name: str) -> str:
    return f"from {average(numbers[name]):.1%} to {average(numbers[f'{name} views']):.1%}"


def draw(axes: list[Any], numbers: Numbers) -> None:
    """Draw the accuracy by the size of the ensemble, and with and without mirror images."""
    counts = range(1, len(numbers["plain"]) + 1)
    axes[0].plot(counts, [numbers["plain"][0], *numbers["ensembles"]], marker="o", label="ensemble of the first n")
    axes[0].plot(counts, numbers["plain"], "x", label="single networks")
    axes[0].set(xlabel="networks", ylabel="validation accuracy")
    axes[0].set_xticks(list(counts))
    axes[0].legend()
    for name, label in (("plain", "trained without mirror images"), ("flipped", "trained with mirror images")):
        values = [average(numbers[name]), average(numbers[f"{name} views"])]
        axes[1].plot([0, 1], values, marker="o", label=label)
    axes[1].set_xticks([0, 1], ["image", "image and mirror image"])
    axes[1].set(ylabel="mean validation accuracy", xlim=(-0.3, 1.3))
    axes[1].legend()


EXPERIMENT = Experiment(
    "Averages of predictions",
    "Averaging predictions over views of an image, or over networks with other seeds, improves them (Krizhevsky et al. 2012; "
    "Hansen & Salamon 1990).",
    TEXT, measure, sentence, draw, 2,
)  # fmt: skip
