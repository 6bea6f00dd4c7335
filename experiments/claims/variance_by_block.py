"""The variance of activations by residual block, with and without normalization."""

from __future__ import annotations

from typing import Any

from experiments.experiment import Experiment, Numbers, average, probe

TEXT = """\
block unit(width, normed) {
  skip {
    if normed { bn }
    relu; linear(width, bias = false)
  }
}

network residual(blocks: int = 16, normed: bool = false) {
  input value [512]
  for i in 0..blocks { unit(512, normed) }
  init { linear = he }
}
"""
SEEDS = range(5)


def measure() -> Numbers:
    """Return the mean square of the activations behind each block, on average over the seeds."""
    found = {}
    for name, normed in (("plain", False), ("normed", True)):
        runs = []
        for seed in SEEDS:
            options = {"batch": 256, "seed": seed, "points": 0, "samples": 0}
            (one,) = probe(TEXT, "residual", options=options, normed=normed)
            runs.append([1.0] + [layer.std**2 + layer.mean**2 for layer in one.layers if layer.op == "add"])
        found[name] = average(runs)
    return found


def sentence(numbers: Numbers) -> str:
    """Say by which factor, and by how much, it grows with each block."""
    plain, normed = numbers["plain"], numbers["normed"]
    blocks = len(plain) - 1
    factor = (plain[-1] / plain[0]) ** (1 / blocks)
    step = (normed[-1] - normed[0]) / blocks
    return (
        f"Without normalization the mean square grows by a factor of {factor:.2f} per block, to {plain[-1]:,.0f} after {blocks} "
        f"blocks (2^{blocks} is {2**blocks:,}). With batch normalization in the branch it grows by {step:.2f} per block, to "
        f"{normed[-1]:.1f}."
    )


def draw(axes: list[Any], numbers: Numbers) -> None:
    """Draw both by block."""
    blocks = range(len(numbers["plain"]))
    axes[0].plot(blocks, numbers["plain"], label="without normalization")
    axes[0].plot(blocks, [2.0**block for block in blocks], ":", label="$2^n$", color="black")
    axes[0].plot(blocks, numbers["normed"], label="with batch normalization")
    axes[0].plot(blocks, [1.0 + block for block in blocks], "--", label="$1 + n$", color="black")
    axes[0].set(xlabel="residual blocks", ylabel="mean square", yscale="log")
    axes[0].legend()


EXPERIMENT = Experiment(
    "Variance by residual block",
    "At initialization, the variance of the activations doubles with each residual block without normalization, and grows by one "
    "with each block that has it in its branch (De & Smith 2020, arXiv:2002.10444).",
    TEXT, measure, sentence, draw,
)  # fmt: skip
