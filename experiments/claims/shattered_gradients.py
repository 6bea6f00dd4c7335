"""The correlation of gradients for neighbouring inputs, by depth, with and without skip connections."""

from __future__ import annotations

from typing import Any

from experiments.experiment import Experiment, Numbers, average, probe

TEXT = """\
block plain(width) { linear(width) -> bn -> relu -> linear(width) -> bn -> relu }

block residual(width) {
  skip { bn -> relu -> linear(width) -> bn -> relu -> linear(width) }
}

network stack(unit = residual, blocks: int = 4, width: int = 100) {
  input value [16]
  linear(width)
  repeat blocks { unit(width) }
  linear(1)
  init { linear = he }
}
network residual_stack = stack(residual)
network plain_stack    = stack(plain)
"""
BLOCKS = (1, 3, 6, 12, 24)
SEEDS = range(3)


def measure() -> Numbers:
    """Return the correlations by distance for each network, on average over the seeds."""
    found = {}
    for unit in ("plain", "residual"):
        for blocks in BLOCKS:
            options = {"batch": 64, "points": 128, "samples": 0}
            runs = [
                probe(TEXT, f"{unit}_stack", options={**options, "seed": seed}, blocks=blocks)[0].correlations[:17]
                for seed in SEEDS
            ]
            found[f"{unit} {2 * blocks + 2}"] = average(runs)
    return found


def sentence(numbers: Numbers) -> str:
    """Compare neighbours in the shallowest and in the deepest networks."""
    first, last = 2 * BLOCKS[0] + 2, 2 * BLOCKS[-1] + 2
    return (
        f"Of 128 inputs on a line, the gradients of neighbours correlate with {numbers[f'plain {first}'][1]:.2f} in a plain "
        f"network of {first} layers, and with {numbers[f'plain {last}'][1]:.2f} in one of {last} layers. In the residual "
        f"networks, it is {numbers[f'residual {first}'][1]:.2f} and {numbers[f'residual {last}'][1]:.2f}."
    )


def draw(axes: list[Any], numbers: Numbers) -> None:
    """Draw the correlation by distance, and that of neighbours by depth."""
    depths = [2 * blocks + 2 for blocks in BLOCKS]
    for unit, style in (("plain", "-"), ("residual", "--")):
        for place, depth in enumerate((depths[0], depths[2], depths[-1])):
            axes[0].plot(numbers[f"{unit} {depth}"], style, color=f"C{place}", label=f"{unit}, {depth} layers")
        axes[1].plot(depths, [numbers[f"{unit} {depth}"][1] for depth in depths], f"{style}o", color="black", label=unit)
    axes[0].set(xlabel="distance on the line", ylabel="correlation of gradients")
    axes[1].set(xlabel="layers", ylabel="correlation of neighbours")
    axes[0].legend(fontsize=7)
    axes[1].legend()


EXPERIMENT = Experiment(
    "Shattered gradients",
    "In deep plain networks, gradients with respect to the input resemble white noise; skip connections make that less so "
    "(Balduzzi et al. 2017, arXiv:1702.08591).",
    TEXT, measure, sentence, draw, 2,
)  # fmt: skip
