"""Batch and group normalization at small batch sizes."""

from __future__ import annotations

from typing import Any

from archdsl import Expression
from experiments.experiment import Experiment, Numbers, average, train

TEXT = """\
network stack(norm = bn, width: int = 16) {
  input image [1, 8, 8]
  conv(width, 3) -> norm -> relu
  for i in 0..3 { conv(width, 3, stride = 2) -> norm -> relu }
  flatten; linear(10)
}

train { data = digits(held_out = 1497); epochs = 5; batch = 32; optimizer = sgd(lr = 0.05, momentum = 0.9) }
"""
BATCHES = (2, 32)
SEEDS = range(2)


def measure() -> Numbers:
    """Return the validation error for each normalization and batch size, on average over the seeds.

    The learning rate is proportional to the batch size. In the last layer, an image has one position, so that the statistics
    of a batch of two are those of two numbers.
    """
    found = {}
    for name, norm in (("batch", "bn"), ("group", "gn(4)")):
        found[name] = [average([_error(norm, batch, seed) for seed in SEEDS]) for batch in BATCHES]
    return found


def _error(norm: str, batch: int, seed: int) -> float:
    rate = 0.05 * batch / 32
    run = train(TEXT, "stack", norm=Expression(norm), train__batch=batch, train__optimizer__lr=rate, train__seed=seed)
    assert run is not None
    return 1 - run["accuracy"]


def sentence(numbers: Numbers) -> str:
    """Compare the errors at batch size 2."""
    batch, group = numbers["batch"], numbers["group"]
    verdict = "lower" if group[0] < batch[0] else "not lower"
    return (
        f"Trained on 300 digits for 5 epochs, on average over {len(SEEDS)} seeds, the validation error with batch normalization "
        f"is {batch[-1]:.1%} at batch size 32 and {batch[0]:.1%} at batch size 2. With group normalization, it is "
        f"{group[-1]:.1%} and {group[0]:.1%}: at batch size 2, it is {verdict} than that with batch normalization."
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
