"""Learning the identity, with plain and with residual blocks."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from experiments.experiment import Experiment, Numbers, train

TEXT = """\
block plain(width) { linear(width) -> relu -> linear(width) }
block residual(width) { skip { linear(width) -> relu -> linear(width) } }

network copy(unit = residual, blocks: int = 1) {
  input value [16]
  repeat blocks { unit(16) }
}
network residual_copy = copy(residual)
network plain_copy    = copy(plain)

train { data = "same.npz"; epochs = 10; batch = 64; loss = mse; optimizer = adam(lr = 0.003) }
"""
BLOCKS = (1, 2, 4, 8)


def measure() -> Numbers:
    """Return the validation loss for each unit and number of blocks. Labels are the inputs: standard normal numbers."""
    import numpy as np

    values = np.random.default_rng(0).standard_normal((2000, 16)).astype(np.float32)
    found: dict[str, list[float]] = {}
    with TemporaryDirectory() as folder:
        data = Path(folder) / "same.npz"
        np.savez(data, x=values, y=values)
        for unit in ("plain", "residual"):
            runs = [train(TEXT, f"{unit}_copy", blocks=blocks, train__data=str(data)) for blocks in BLOCKS]
            found[unit] = [run["loss"] for run in runs if run is not None]
    return found


def sentence(numbers: Numbers) -> str:
    """Compare the losses with the variance of the labels, which is one."""
    plain, residual = numbers["plain"], numbers["residual"]
    return (
        "The labels are the inputs, of variance 1. After 10 epochs, the mean squared error of one plain block is "
        f"{plain[0]:.2g}, and of {BLOCKS[-1]} plain blocks {plain[-1]:.2g}; that of one residual block is {residual[0]:.2g}, and "
        f"of {BLOCKS[-1]} residual blocks {residual[-1]:.2g}."
    )


def draw(axes: list[Any], numbers: Numbers) -> None:
    """Draw the loss by the number of blocks."""
    for unit in ("plain", "residual"):
        axes[0].plot(BLOCKS, numbers[unit], marker="o", label=unit)
    axes[0].set(xlabel="blocks", ylabel="validation loss", yscale="log")
    axes[0].legend()


EXPERIMENT = Experiment(
    "The identity",
    "The identity is easy for a residual block, whose branch only has to become zero, and hard for a stack of plain layers (He "
    "et al. "
    "2015, arXiv:1512.03385, section 3.1).",
    TEXT, measure, sentence, draw,
)  # fmt: skip
