"""The gradient by path length, before and after some training."""

from __future__ import annotations

from typing import Any

from experiments.experiment import Experiment, Numbers, probe

TEXT = """\
block residual(width) {
  skip { conv(width, 3) -> bn -> relu -> conv(width, 3) -> bn }
  relu
}

network deep(blocks: int = 24, width: int = 8) {
  input image [1, 8, 8]
  conv(width, 3) -> bn -> relu
  repeat blocks { residual(width) }
  gap; flatten; linear(10)
}

train { data = digits; epochs = 4; batch = 64; optimizer = sgd(lr = 0.1, momentum = 0.9) }
"""
STEPS = 60


def measure() -> Numbers:
    """Return norms and shares by length, and the range through which most of the gradient comes."""
    found = {}
    for one in probe(TEXT, "deep", options={"train": STEPS, "batch": 32, "points": 0, "samples": 40}):
        assert one.paths is not None
        low, high = one.paths.range_of(0.9)
        found["trained" if one.steps else "untrained"] = {
            "norms": list(one.paths.norms), "shares": one.paths.shares, "paths": one.paths.paths, "low": low, "high": high,
            "of_paths": one.paths.share_of_paths(low, high), "mean": one.paths.mean_length,
        }  # fmt: skip
    return found


def sentence(numbers: Numbers) -> str:
    """Say how the norm changes by length, and through which paths the gradient comes."""
    blocks = len(numbers["trained"]["norms"]) - 1

    def told(when: str) -> str:
        one = numbers[when]
        short, long = one["norms"][blocks // 4], one["norms"][blocks - blocks // 4]
        return (
            f"the gradient of one path of {blocks - blocks // 4} blocks is {long / short:.2g} times that of one of "
            f"{blocks // 4} blocks; 90% of the gradient comes through paths of {one['low']} to {one['high']} blocks, on average "
            f"{one['mean']:.1f}, which are {one['of_paths']:.1%} of all paths"
        )

    shorter = numbers["trained"]["mean"] < blocks / 2
    verdict = (
        "Effective paths are shorter than the average path"
        if shorter
        else "Effective paths are not shorter than the average path"
    )
    return (
        f"In a network of {blocks} residual blocks at initialization, {told('untrained')}. After {STEPS} steps on the digits, "
        f"{told('trained')}. {verdict}, which has {blocks // 2} blocks."
    )


def draw(axes: list[Any], numbers: Numbers) -> None:
    """Draw the norm of one path, and the share of the gradient, by length."""
    for when in ("untrained", "trained"):
        one = numbers[when]
        axes[0].plot(one["norms"], label=when)
        axes[1].plot(one["shares"], label=when)
    axes[1].plot(numbers["trained"]["paths"], ":", color="black", label="all paths")
    axes[0].set(xlabel="blocks on the path", ylabel="gradient norm of one path", yscale="log")
    axes[1].set(xlabel="blocks on the path", ylabel="share of the gradient")
    axes[1].legend()


EXPERIMENT = Experiment(
    "Path lengths",
    "The gradient through a path of a residual network falls with the length of the path, so that most of it comes through "
    "relatively short ones: of 54 blocks, through paths of 5 to 17 (Veit, Wilber & Belongie 2016, arXiv:1605.06431).",
    TEXT, measure, sentence, draw, 2,
)  # fmt: skip
