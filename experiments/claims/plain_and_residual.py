"""Plain and residual networks of 8, 20 and 56 layers."""

from __future__ import annotations

from typing import Any

from experiments.experiment import Experiment, Numbers, train

TEXT = """\
block plain(width) { conv(width, 3) -> bn -> relu -> conv(width, 3) -> bn -> relu }

block residual(width) {
  skip { conv(width, 3) -> bn -> relu -> conv(width, 3) -> bn }
  relu
}

network stack(unit = residual, n: int = 1, width: int = 8) {
  input image [1, 8, 8]
  conv(width, 3) -> bn -> relu
  repeat 3 * n { unit(width) }
  gap; flatten; linear(10)
  expect depth == 6 * n + 2
}
network residual_stack = stack(residual)
network plain_stack    = stack(plain)

train { data = digits; epochs = 60; batch = 128; optimizer = sgd(lr = 0.1, momentum = 0.9, weight_decay = 1e-4) }
"""
SIZES = {8: 1, 20: 3, 56: 9}


def measure() -> Numbers:
    """Return the training loss and the validation accuracy of each network."""
    found: dict[str, Any] = {}
    for unit in ("plain", "residual"):
        for depth, n in SIZES.items():
            found[f"{unit} {depth}"] = train(TEXT, f"{unit}_stack", n=n)
    return found


def sentence(numbers: Numbers) -> str:
    """Compare the training losses by depth."""
    plain, residual = ([numbers[f"{unit} {depth}"]["train_loss"] for depth in SIZES] for unit in ("plain", "residual"))
    lower = [depth for depth, one, two in zip(SIZES, plain, residual, strict=True) if two < one]
    return (
        "After 60 epochs on the digits, 720 steps, the training loss of the plain networks with 8, 20 and 56 layers is "
        f"{_three(plain)}, and that of the residual ones {_three(residual)}. With 56 layers it is {plain[2] / plain[1]:,.1f} "
        f"times that with 20 layers in the plain networks, and {residual[2] / residual[1]:,.1f} times in the residual ones. The "
        f"residual network has the lower loss at {len(lower)} of the {len(SIZES)} depths. With 56 layers, the plain network "
        "reaches a validation accuracy of "
        f"{numbers['plain 56']['accuracy']:.1%}, and the residual one of {numbers['residual 56']['accuracy']:.1%}."
    )


def _three(values: list[float]) -> str:
    return f"{values[0]:.3f}, {values[1]:.3f} and {values[2]:.3f}"


def draw(axes: list[Any], numbers: Numbers) -> None:
    """Draw the loss and the accuracy by depth."""
    for axis, name, label in zip(axes, ("train_loss", "accuracy"), ("training loss", "validation accuracy"), strict=True):
        for unit in ("plain", "residual"):
            axis.plot(list(SIZES), [numbers[f"{unit} {depth}"][name] for depth in SIZES], marker="o", label=unit)
        axis.set(xlabel="layers", ylabel=label)
    axes[0].legend()


EXPERIMENT = Experiment(
    "Plain and residual networks of 8, 20 and 56 layers",
    "Deeper plain networks have a higher training error than shallower ones; deeper residual networks do not (He et al. 2015, "
    "arXiv:1512.03385, Figures 1 and 6).",
    TEXT, measure, sentence, draw, 2,
)  # fmt: skip
