"""Initializations: the variance by depth, and what a network of ten layers learns."""

from __future__ import annotations

from typing import Any

from archdsl import Expression
from experiments.experiment import Experiment, Numbers, probe, train

TEXT = """\
network mlp(layers: int = 20, act = relu, start = he, width: int = 128) {
  input image [1, 8, 8]
  flatten
  for i in 0..layers { linear(width) -> act }
  linear(10)
  init { linear = start }
}

train { data = digits; epochs = 6; batch = 64; optimizer = sgd(lr = 0.02, momentum = 0.9) }
"""
RULES = {
    "zeros, relu": ("relu", "zeros"),
    "normal(0.01), relu": ("relu", "normal(0.01)"),
    "xavier, relu": ("relu", "xavier"),
    "he, relu": ("relu", "he"),
    "xavier, tanh": ("tanh", "xavier"),
    "he, tanh": ("tanh", "he"),
}
DEPTHS = (1, 10)


def measure() -> Numbers:
    """Return standard deviations by depth, and accuracies after training."""
    found: dict[str, Any] = {"std": {}, "gradient": {}, "accuracy": {}}
    for name, (act, start) in RULES.items():
        arguments = {"act": Expression(act), "start": Expression(start)}
        (one,) = probe(TEXT, "mlp", options={"batch": 256, "seed": 0, "points": 0, "samples": 0}, **arguments)
        layers = [layer for layer in one.layers if layer.op == "linear"]
        found["std"][name] = [layer.std for layer in layers[:-1]]
        found["gradient"][name] = [layer.weight_gradient for layer in layers]
        found["accuracy"][name] = {
            str(layers): (train(TEXT, "mlp", layers=layers, **arguments) or {}).get("train_accuracy") for layers in DEPTHS
        }
    return found


def sentence(numbers: Numbers) -> str:
    """Say what becomes of the deviation in 20 layers, and which networks learn."""
    std, accuracy = numbers["std"], numbers["accuracy"]

    def ratio(name: str) -> str:
        return f"{std[name][-1] / std[name][0]:.2g}"

    def learned(name: str) -> str:
        shallow, deep = (accuracy[name][str(layers)] for layers in DEPTHS)
        return f"{shallow:.1%} and {deep:.1%}"

    zero = max(numbers["gradient"]["zeros, relu"][:-1])
    factor = std["xavier, tanh"][0] / std["xavier, tanh"][-1]
    lost = f"Xavier and tanh lose a factor of {factor:.1f}, since tanh is linear only near zero. " if factor > 2 else ""
    return (
        "From the first to the twentieth layer, the standard deviation before the activation changes by a factor of "
        f"{ratio('he, relu')} with He and ReLU, {ratio('xavier, relu')} with Xavier and ReLU, {ratio('xavier, tanh')} with "
        f"Xavier and tanh, {ratio('he, tanh')} with He and tanh, and {ratio('normal(0.01), relu')} with `normal(0.01)` and ReLU. "
        f"{lost}With zeros, the largest gradient norm of a weight is {zero:.2g}. After 6 epochs on the digits, networks with one "
        f"and with ten hidden layers fit {learned('zeros, relu')} of the training set from zeros, "
        f"{learned('normal(0.01), relu')} from `normal(0.01)`, {learned('he, relu')} from He (ReLU) and "
        f"{learned('xavier, tanh')} from Xavier (tanh)."
    )


def draw(axes: list[Any], numbers: Numbers) -> None:
    """Draw the deviation by depth, and the accuracies as bars."""
    for name, values in numbers["std"].items():
        if any(values):
            axes[0].plot(range(1, len(values) + 1), values, label=name)
    axes[0].set(xlabel="layer", ylabel="standard deviation", yscale="log")
    axes[0].legend(fontsize=7)
    for place, layers in enumerate(DEPTHS):
        heights = [numbers["accuracy"][name][str(layers)] or 0.0 for name in RULES]
        axes[1].barh([row + 0.4 * place for row in range(len(RULES))], heights, 0.4, label=f"{layers} hidden")
    axes[1].set_yticks([row + 0.2 for row in range(len(RULES))], list(RULES))
    axes[1].set(xlabel="training accuracy", xlim=(0, 1))
    axes[1].legend(fontsize=7)


EXPERIMENT = Experiment(
    "Initialization",
    "Zeros learn nothing, and small normal numbers fail in deep networks. Xavier initialization preserves the variance for tanh "
    "(Glorot & Bengio 2010), He initialization that for ReLU (He et al. 2015, arXiv:1502.01852).",
    TEXT, measure, sentence, draw, 2,
)  # fmt: skip
