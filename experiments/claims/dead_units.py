"""Dead and always-active units at initialization, with and without batch normalization."""

from __future__ import annotations

from typing import Any

from experiments.experiment import Experiment, Numbers, average, probe

TEXT = """\
network mlp(layers: int = 30, normed: bool = false, width: int = 128) {
  input image [1, 8, 8]
  flatten
  for i in 0..layers {
    linear(width)
    if normed { bn }
    relu
  }
  linear(10)
  init { linear = he }
}

train { data = digits }
"""
SEEDS = range(3)


def measure() -> Numbers:
    """Return the shares by depth on 256 digits, on average over the seeds."""
    found: dict[str, Any] = {}
    for name, normed in (("without", False), ("with", True)):
        options = {"batch": 256, "points": 0, "samples": 0, "data": True}
        runs = [probe(TEXT, "mlp", options={**options, "seed": seed}, normed=normed)[0] for seed in SEEDS]
        for share in ("dead", "always_active"):
            found[f"{share} {name}"] = average([[getattr(layer, share) for layer in one.layers if layer.units] for one in runs])
    return found


def sentence(numbers: Numbers) -> str:
    """Compare the last layers."""
    return (
        f"In the thirtieth layer, {numbers['dead without'][-1]:.0%} of the units are zero for all 256 digits, and "
        f"{numbers['always_active without'][-1]:.0%} are positive for all of them, so that they are linear. With batch "
        f"normalization, it is {numbers['dead with'][-1]:.0%} and {numbers['always_active with'][-1]:.0%}; in the first layer "
        f"without it, {numbers['dead without'][0]:.0%} and {numbers['always_active without'][0]:.0%}."
    )


def draw(axes: list[Any], numbers: Numbers) -> None:
    """Draw the shares by depth."""
    for color, name in (("C1", "without"), ("C0", "with")):
        for share, style in (("dead", "-"), ("always_active", "--")):
            values = numbers[f"{share} {name}"]
            label = f"{share.replace('_', ' ')}, {name} batch normalization"
            axes[0].plot(range(1, len(values) + 1), values, style, color=color, label=label)
    axes[0].set(xlabel="layer", ylabel="share of units", ylim=(-0.03, 1))
    axes[0].legend(fontsize=7)


EXPERIMENT = Experiment(
    "Dead units",
    "Rectifiers can be dead at initialization: zero for every example, so that no gradient reaches their weights. Batch "
    "normalization "
    "makes that rare (Ioffe & Szegedy 2015, arXiv:1502.03167; Balduzzi et al. 2017, arXiv:1702.08591, section 2).",
    TEXT, measure, sentence, draw,
)  # fmt: skip
