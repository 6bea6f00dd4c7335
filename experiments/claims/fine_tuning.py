"""Fine-tuning: the last layer, all layers, or training from the start."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from archdsl import Expression
from experiments.experiment import Experiment, Numbers, train

TEXT = """\
network small(width: int = 16) {
  input image [1, 8, 8]
  for i in 0..4 { conv(width, 3) -> bn -> relu }
  gap; flatten
  fc: linear(5)
}

train { data = digits; epochs = 15; batch = 32; optimizer = adam(lr = 0.01) }
"""
EXAMPLES = (10, 40, 400)
EPOCHS = (160, 80, 15)
"""As many as give about 160 to 200 steps for each number of examples."""
WAYS = {"last": "last layer", "all": "all layers", "fresh": "from the start"}


def measure() -> Numbers:
    """Return the accuracy on the digits 5 to 9, for each way and number of examples, after training on the digits 0 to 4."""
    import numpy as np
    from sklearn.datasets import load_digits

    from archdsl import Weights

    digits = load_digits()
    images, labels = digits.images[:, None].astype(np.float32), digits.target.astype(np.int64)
    order = np.random.default_rng(0).permutation(len(images))
    low, high = order[labels[order] < 5], order[labels[order] >= 5]
    rest, test = high[:400], high[400:]
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    with TemporaryDirectory() as name:
        folder = Path(name)
        source = {
            "x_train": images[low[100:]],
            "y_train": labels[low[100:]],
            "x_test": images[low[:100]],
            "y_test": labels[low[:100]],
        }
        np.savez(folder / "low.npz", **source)
        train(TEXT, "small", folder=folder / "low", train__data=str(folder / "low.npz"))
        weights = Weights(folder / "low" / "weights.safetensors")
        for count, epochs in zip(EXAMPLES, EPOCHS, strict=True):
            few, data = rest[:count], folder / f"high{count}.npz"
            np.savez(data, x_train=images[few], y_train=labels[few] - 5, x_test=images[test], y_test=labels[test] - 5)
            for way in WAYS:
                frozen = {"train__freeze": Expression("all_but(fc)")} if way == "last" else {}
                start = None if way == "fresh" else weights
                run = train(TEXT, "small", weights=start, train__data=str(data), train__epochs=epochs, **frozen)
                assert run is not None
                found[way].append(run["accuracy"])
    return found


def sentence(numbers: Numbers) -> str:
    """Say which way is best for few and for many examples."""
    few, many = (max(WAYS, key=lambda way: numbers[way][place]) for place in (0, -1))

    def told(place: int) -> str:
        return ", ".join(f"{numbers[way][place]:.1%} ({WAYS[way]})" for way in WAYS)

    return (
        "A network trained on the digits 0 to 4 is tuned to the digits 5 to 9, in 160 to 195 steps. "
        f"With {EXAMPLES[0]} examples, the accuracy is {told(0)}; with {EXAMPLES[1]} examples, {told(1)}; with {EXAMPLES[2]} "
        f"examples, {told(2)}. The best is {WAYS[few]} with the fewest examples, and {WAYS[many]} with the most."
    )


def draw(axes: list[Any], numbers: Numbers) -> None:
    """Draw the accuracy by the number of examples."""
    for way, label in WAYS.items():
        axes[0].plot(EXAMPLES, numbers[way], marker="o", label=label)
    axes[0].set(xlabel="examples", ylabel="accuracy", xscale="log")
    axes[0].set_xticks(EXAMPLES, [str(count) for count in EXAMPLES])
    axes[0].minorticks_off()
    axes[0].legend()


EXPERIMENT = Experiment(
    "Fine-tuning the last layer or all layers",
    "With few examples, it is better to train only the last layer of a trained network, and with more examples all layers "
    "(Yosinski "
    "et al. 2014, arXiv:1411.1792).",
    TEXT, measure, sentence, draw,
)  # fmt: skip
