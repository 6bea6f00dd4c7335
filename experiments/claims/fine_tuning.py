"""Fine-tuning: the last layer, all layers, or training from the start."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from archdsl import Expression
from experiments.experiment import Experiment, Numbers, average, train

TEXT = """\
network small(width: int = 32) {
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
DRAWS = range(3)
WAYS = {"last": "last layer", "all": "all layers", "fresh": "from the start"}


def measure() -> Numbers:
    """Return the accuracy on the digits 5 to 9, for each way and number of examples, after training on the digits 0 to 4.

    The values are means over random draws of the examples.
    """
    import numpy as np
    from sklearn.datasets import load_digits

    digits = load_digits()
    images, labels = digits.images[:, None].astype(np.float32), digits.target.astype(np.int64)
    order = np.random.default_rng(0).permutation(len(images))
    low, high = order[labels[order] < 5], order[labels[order] >= 5]
    with TemporaryDirectory() as name:
        folder = Path(name)
        source = _stored(folder / "low.npz", images, labels, low[100:], low[:100])
        train(TEXT, "small", folder=folder / "low", train__data=source)
        found: dict[str, list[float]] = {way: [] for way in WAYS}
        for count, epochs in zip(EXAMPLES, EPOCHS, strict=True):
            draws = [np.random.default_rng(draw).permutation(high[400:])[:count] for draw in DRAWS]
            sets = [_stored(folder / f"high{count}.{n}.npz", images, labels - 5, few, high[:400]) for n, few in enumerate(draws)]
            for way in WAYS:
                found[way].append(average([_tuned(way, data, epochs, folder / "low" / "weights.safetensors") for data in sets]))
    return found


def _stored(file: Path, images: Any, labels: Any, training: Any, test: Any) -> str:
    """Store the examples of some indices for training and for testing, and return the name of the file."""
    import numpy as np

    np.savez(file, x_train=images[training], y_train=labels[training], x_test=images[test], y_test=labels[test])
    return str(file)


def _tuned(way: str, data: str, epochs: int, weights: Path) -> float:
    """Return the accuracy after training on a stored set, from the weights or from the start."""
    from archdsl import Weights

    frozen = {"train__freeze": Expression("all_but(fc)")} if way == "last" else {}
    start = None if way == "fresh" else Weights(weights)
    run = train(TEXT, "small", weights=start, train__data=data, train__epochs=epochs, **frozen)
    assert run is not None
    return run["accuracy"]


def sentence(numbers: Numbers) -> str:
    """Say which way is best for few and for many examples."""
    few, many = (WAYS[max(WAYS, key=lambda way: numbers[way][place])] for place in (0, -1))

    def told(place: int) -> str:
        return f"with {EXAMPLES[place]} examples " + ", ".join(f"{numbers[way][place]:.1%} ({WAYS[way]})" for way in WAYS)

    last = numbers["last"][-1]
    unlike = f" {EXAMPLES[-1]} examples raise the accuracy with the last layer to no more than {last:.1%}: the features of five "
    unlike += "digits do not suffice to tell the other five apart, and features transfer less between tasks that differ."
    return (
        "A network trained on the digits 0 to 4 is tuned to the digits 5 to 9, in 160 to 195 steps, with these accuracies on "
        f"average over {len(DRAWS)} draws of the examples: {told(0)}; {told(1)}; {told(2)}. Best with the fewest examples is "
        f"“{few}”, and with the most “{many}”.{unlike if last < 0.9 else ''}"
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
    "If examples are few and weights are many, it is better to train only the last layer of a trained network, since all layers "
    "would overfit; with more examples, all layers are better (Yosinski et al. 2014, arXiv:1411.1792, section 1).",
    TEXT, measure, sentence, draw,
)  # fmt: skip
