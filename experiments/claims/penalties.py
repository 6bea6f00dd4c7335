"""L1, L2 and both: sparsity and norm of the weights."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from archdsl import Expression
from experiments.experiment import Experiment, Numbers, train

TEXT = """\
network mlp {
  input image [1, 8, 8]
  flatten; linear(64) -> relu; linear(10)
}

train { data = digits; epochs = 15; batch = 64; optimizer = adam(lr = 0.003) }
"""
RULES = {"none": "[]", "l1": "[l1(1e-3)]", "l2": "[l2(1e-2)]", "both": "[l1(5e-4), l2(5e-3)]"}
NAMES = {"none": "no penalty", "l1": "L1", "l2": "L2", "both": "elastic net"}
SMALL = 1e-3


def measure() -> Numbers:
    """Return the share of weights near zero, the norms of the weights, and the accuracy, for each penalty."""
    import safetensors.torch
    import torch

    found = {}
    for name, rule in RULES.items():
        with TemporaryDirectory() as folder:
            run = Path(folder) / "run"
            metrics = train(TEXT, "mlp", folder=run, train__regularize=Expression(rule))
            stored = safetensors.torch.load_file(run / "weights.safetensors")
        assert metrics is not None
        weights = torch.cat([value.flatten() for value in stored.values() if value.ndim > 1]).abs()
        found[name] = {
            "sparse": float((weights < SMALL).float().mean()), "l1": float(weights.sum()), "l2": float(weights.norm()),
            "accuracy": metrics["accuracy"], "sorted": weights.sort().values[:: len(weights) // 100].tolist(),
        }  # fmt: skip
    return found


def sentence(numbers: Numbers) -> str:
    """Say sparsity, norm and accuracy of each."""
    parts = [
        f"{NAMES[name]}: {one['sparse']:.1%} of the weights are below {SMALL}, their L1 norm is {one['l1']:.0f} and their L2 "
        f"norm {one['l2']:.1f}, at {one['accuracy']:.1%} validation accuracy"
        for name, one in numbers.items()
    ]
    sparsest = max(numbers, key=lambda name: numbers[name]["sparse"])
    smallest = min(numbers, key=lambda name: numbers[name]["l2"])
    return "; ".join(parts).replace("no penalty", "No penalty", 1) + (
        f". The sparsest weights are those with {NAMES[sparsest]}, and the smallest L2 norm is that with {NAMES[smallest]}."
    )


def draw(axes: list[Any], numbers: Numbers) -> None:
    """Draw the sorted magnitudes of the weights."""
    for name, one in numbers.items():
        places = [100 * place / len(one["sorted"]) for place in range(len(one["sorted"]))]
        axes[0].plot(places, [max(value, 1e-8) for value in one["sorted"]], label=NAMES[name])
    axes[0].axhline(SMALL, color="black", linestyle=":", linewidth=0.8)
    axes[0].set(xlabel="percent of the weights", ylabel="magnitude", yscale="log")
    axes[0].legend()


EXPERIMENT = Experiment(
    "L1, L2 and elastic net",
    "An L1 penalty makes weights sparse, an L2 penalty makes them small, and both together (elastic net, Zou & Hastie 2005) do "
    "some of both.",
    TEXT, measure, sentence, draw,
)  # fmt: skip
