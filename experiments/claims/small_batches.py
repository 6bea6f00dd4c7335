"""Batch and group normalization at small batch sizes."""

from __future__ import annotations

from typing import Any

from archdsl import Expression
from experiments.experiment import Experiment, Numbers, train

TEXT = """\
network stack(norm = bn, width: int = 16) {
  input image [1, 8, 8]
  for i in 0..4 { conv(width, 3) -> norm -> relu }
  flatten; linear(10)
}

train { data = digits(held_out = 1497); epochs = 5; batch = 32; optimizer = sgd(lr = 0.05, momentum = 0.9) }
"""
BATCHES = (2, 32)


def measure() -> Numbers:
    """Return the validation error for each normalization and batch size; the learning rate is proportional to the batch size."""
    found = {}
    for name, norm in (("batch", "bn"), ("group", "gn(4)")):
        runs = [
            train(TEXT, "stack", norm=Expression(norm), train__batch=batch, train__optimizer__lr=0.05 * batch / 32)
            for batch in BATCHES
        ]
        found[name] = [None if run is None else 1 - run["accuracy"] for run in runs]
    return found


def sentence(numbers: Numbers) -> str:
    """Compare the errors at batch size 2."""
    batch, group = numbers["batch"], numbers["group"]
    verdict = "lower" if group[0] < batch[0] else "not lower"
    return (
        f"Trained on 300 digits for 5 epochs, the validation error with batch normalization is {batch[-1]:.1%} at batch size 32 "
        f"and {batch[0]:.1%} at batch size 2. With group normalization, it is {group[-1]:.1%} and {group[0]:.1%}: at batch size "
        f"2, it is {verdict} than that with batch normalization."
    )


def draw(axes: list[Any], numbers: Numbers) -> None:
    """Draw the error by batch size."""
    for name in ("batch", "group"):
        axes[0].plot(BATCHES, numbers[name], marker="o", label=f"{name} normalization")
    axes[0].set(
        xlabel="batch size", ylabel="validation error", xscale="log", ylim=(0, 1.2 * max(*numbers["batch"], *numbers["group"]))
    )
    axes[0].set_xticks(BATCHES, [str(batch) for batch in BATCHES])
    axes[0].minorticks_off()
    axes[0].legend()


EXPERIMENT = Experiment(
    "Group normalization at batch size 2",
    "The error with batch normalization grows as the batch becomes small; that with group normalization does not depend on the "
    "batch "
    "(Wu & He 2018, arXiv:1803.08494, Figure 1).",
    TEXT, measure, sentence, draw,
)  # fmt: skip
