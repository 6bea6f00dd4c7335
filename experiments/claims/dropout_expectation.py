"""The output of dropout at test time, and the mean over its random outputs."""

from __future__ import annotations

from typing import Any

from experiments.experiment import Experiment, Numbers, load

TEXT = """\
network linear_head {
  input value [64]
  dropout(0.5); linear(10)
}

network mlp {
  input value [64]
  linear(256) -> relu -> dropout(0.5)
  linear(256) -> relu -> dropout(0.5)
  linear(10)
}
"""
COUNTS = (1, 4, 16, 64, 256, 1024, 4096)


def measure() -> Numbers:
    """Return how far the mean over some random outputs is from the output in evaluation, relative to its norm."""
    import torch

    torch.set_num_threads(1)
    found = {}
    for name in ("linear_head", "mlp"):
        torch.manual_seed(0)
        module = load(TEXT, name).build()
        inputs = torch.randn(64, 64)
        with torch.no_grad():
            expected = module.eval()(inputs)
            module.train()
            outputs, total, distances = 0, torch.zeros_like(expected), []
            for count in COUNTS:
                while outputs < count:
                    total += module(inputs)
                    outputs += 1
                distances.append(float((total / count - expected).norm() / expected.norm()))
        found[name] = distances
    return found


def sentence(numbers: Numbers) -> str:
    """Compare the linear network, for which it is exact, with the other."""
    linear, mlp = numbers["linear_head"], numbers["mlp"]
    return (
        f"The mean of {COUNTS[-1]:,} random outputs of a linear layer behind dropout differs by {linear[-1]:.1%} of the norm "
        f"from the output at test time, and that of a single one by {linear[0]:.0%}: it falls with the square root of the "
        "number, as for equal expectations. For a network with two hidden layers, where the expectation does not pass through "
        f"the second ReLU, {mlp[-1]:.1%} remain."
    )


def draw(axes: list[Any], numbers: Numbers) -> None:
    """Draw the distance by the number of random outputs."""
    axes[0].plot(COUNTS, numbers["linear_head"], marker="o", label="linear layer")
    axes[0].plot(COUNTS, numbers["mlp"], marker="o", label="two hidden layers")
    axes[0].plot(
        COUNTS, [numbers["linear_head"][0] / count**0.5 for count in COUNTS], ":", color="black", label=r"$1 / \sqrt{n}$"
    )
    axes[0].set(xlabel="random outputs in the mean", ylabel="relative distance", xscale="log", yscale="log")
    axes[0].legend()


EXPERIMENT = Experiment(
    "The expectation of dropout",
    "At test time, dropout gives the expectation of its output in training: exactly for a linear layer, and approximately for a "
    "network (Srivastava et al. 2014).",
    TEXT, measure, sentence, draw,
)  # fmt: skip
