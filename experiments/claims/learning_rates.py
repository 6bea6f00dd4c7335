"""Learning rates with and without batch normalization."""

from __future__ import annotations

from typing import Any

from experiments.experiment import Experiment, Numbers, train

TEXT = """\
network stack(normed: bool = true, layers: int = 4, width: int = 16) {
  input image [1, 8, 8]
  for i in 0..layers {
    conv(width, 3)
    if normed { bn }
    relu
  }
  gap; flatten; linear(10)
  init { conv = he }
}

train { data = digits; epochs = 6; batch = 64; optimizer = sgd(lr = 0.1, momentum = 0.9); schedule = constant }
"""
RATES = (0.01, 0.03, 0.1, 0.3, 1.0)


def measure() -> Numbers:
    """Return the training accuracy for each learning rate; None if training diverged."""
    return {
        name: [
            (train(TEXT, "stack", normed=normed, train__optimizer__lr=rate) or {}).get("train_accuracy") for rate in RATES
        ]
        for name, normed in (("without", False), ("with", True))
    }  # fmt: skip


def sentence(numbers: Numbers) -> str:
    """Say the largest rate with which each network learns more than half, and its best result."""

    def told(name: str) -> str:
        values = [value or 0.0 for value in numbers[name]]
        largest = max((rate for rate, value in zip(RATES, values, strict=True) if value > 0.5), default=None)
        reached = "with no learning rate" if largest is None else f"up to a learning rate of {largest:g}"
        return f"{reached} (at best {max(values):.1%})"

    return (
        f"After 6 epochs on the digits, a network of 4 convolutions fits more than half of the training set {told('without')} "
        f"without batch normalization, and {told('with')} with it."
    )


def draw(axes: list[Any], numbers: Numbers) -> None:
    """Draw the accuracy by learning rate."""
    for name in ("without", "with"):
        axes[0].plot(RATES, [value or 0.0 for value in numbers[name]], marker="o", label=f"{name} batch normalization")
    axes[0].set(xlabel="learning rate", ylabel="training accuracy", xscale="log", ylim=(0, 1.03))
    axes[0].legend()


EXPERIMENT = Experiment(
    "Learning rates and batch normalization",
    "Batch normalization allows higher learning rates (Ioffe & Szegedy 2015, arXiv:1502.03167; Bjorck et al. 2018, "
    "arXiv:1806.02375).",
    TEXT, measure, sentence, draw,
)  # fmt: skip
