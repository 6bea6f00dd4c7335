"""Averages of predictions: over views of an image, and over networks."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from experiments.experiment import Experiment, Numbers, train

TEXT = """\
network small(width: int = 12) {
  input image [1, 8, 8]
  for i in 0..3 { conv(width, 3) -> bn -> relu }
  gap; flatten; linear(10)
}

train { data = digits(held_out = 1497); epochs = 12; batch = 32; optimizer = adam(lr = 0.01) }
"""
SEEDS = range(5)


def measure() -> Numbers:
    """Return the accuracy of each network, of growing ensembles, and of the first network averaged over views."""
    import archdsl

    with TemporaryDirectory() as folder:
        for seed in SEEDS:
            train(TEXT, "small", folder=Path(folder) / str(seed), train__seed=seed)
        runs = [archdsl.run(Path(folder) / str(seed)) for seed in SEEDS]
        modules = [run.build().eval() for run in runs]
        first = runs[0].trained()
        single = [run.evaluate(device="cpu").scores.metrics["accuracy"] for run in runs]
        ensembles = [single[0]]
        for count in range(2, len(runs) + 1):
            averaged = first.evaluate(ensemble=modules[:count], device="cpu").averaged
            assert averaged is not None
            ensembles.append(averaged.metrics["accuracy"])
        flipped = first.evaluate(tta="flip", device="cpu").averaged
        assert flipped is not None
    return {"single": single, "ensembles": ensembles, "flip": flipped.metrics["accuracy"]}


def sentence(numbers: Numbers) -> str:
    """Compare the averages with single networks."""
    single, ensemble = numbers["single"], numbers["ensembles"][-1]
    mean = sum(single) / len(single)
    change = "lowers" if numbers["flip"] < single[0] else "does not lower"
    return (
        f"Single networks, trained on 300 digits, reach {min(single):.1%} to {max(single):.1%} validation accuracy, on average "
        f"{mean:.1%}; the average of the predictions of all {len(single)} reaches {ensemble:.1%}. Averaging over an image and "
        f"its mirror image {change} the accuracy of the first network, from {single[0]:.1%} to {numbers['flip']:.1%}: mirrored "
        "digits are no digits, and a view must be one that keeps the label."
    )


def draw(axes: list[Any], numbers: Numbers) -> None:
    """Draw the accuracy by the size of the ensemble."""
    counts = range(1, len(numbers["ensembles"]) + 1)
    axes[0].plot(counts, numbers["ensembles"], marker="o", label="ensemble of the first n")
    axes[0].plot(counts, numbers["single"], "x", label="single networks")
    axes[0].axhline(numbers["flip"], linestyle=":", color="C3", label="first network, averaged over mirror images")
    axes[0].set(xlabel="networks", ylabel="validation accuracy")
    axes[0].set_xticks(list(counts))
    axes[0].legend(fontsize=7)


EXPERIMENT = Experiment(
    "Averages of predictions",
    "Averaging predictions over views of an image, or over networks with other seeds, improves them (Krizhevsky et al. 2012; "
    "Hansen & "
    "Salamon 1990).",
    TEXT, measure, sentence, draw,
)  # fmt: skip
