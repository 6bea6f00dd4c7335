"""Steps per second of `archdsl train` and of a loop written by hand: same model, data, batches, augmentation, optimizer, metrics.

`python benchmarks/steps.py [NAME ...]` runs the two in turn, `ROUNDS` times each, in one process, and prints the ratio of each round
and their median. A run has the epochs that are in `CASES`, each with an evaluation, a row of metrics and the end of the epoch.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
import torch.nn.functional as F

from archdsl import load, loads
from archdsl.declared import Expression
from archdsl.network import Network
from archdsl.train import Experiment, Hardware, fit
from archdsl.train.data import load as load_data

ROUNDS = 5
MLP = """network mlp { input row [20]; linear(32) -> relu -> linear(32) -> relu -> linear(4) }
train { data = "rows.npz"; epochs = 4; batch = 32; optimizer = sgd(lr = 0.01, momentum = 0.9); schedule = cosine }"""


def cases(folder: Path) -> dict[str, Callable[[], tuple[Network, Path]]]:
    """The networks by name; each makes its data where it has none."""
    rng = np.random.default_rng(0)

    def mlp() -> tuple[Network, Path]:
        np.savez(folder / "rows.npz", x=rng.normal(size=(16_000, 20)).astype(np.float32), y=np.arange(16_000) % 4)
        return loads(MLP), folder

    def resnet20() -> tuple[Network, Path]:
        images = rng.integers(0, 256, (2_560, 3, 32, 32), dtype=np.uint8)
        np.savez(folder / "images.npz", x=images, y=np.arange(2_560) % 10)
        settings = {"train.data": "images.npz", "train.epochs": 1, "train.batch": 128, "train.optimizer": Expression("sgd(lr = 0.1, momentum = 0.9)")}
        return load("resnet20", **settings), folder

    def digits_resnet() -> tuple[Network, Path]:
        return load("digits_resnet", **{"train.epochs": 2}), folder

    return {"mlp": mlp, "digits_resnet": digits_resnet, "resnet20": resnet20}


def by_archdsl(network: Network, folder: Path) -> float:
    """CPU seconds of a run's epochs, without reading data and the final table."""
    graph = network.graph
    inputs = network.inputs()
    recipe = network.recipe
    assert recipe is not None
    torch.manual_seed(0)
    experiment = Experiment(network.name, network.build(), recipe, inputs, {head.name: head.weight for head in graph.heads}, folder)
    with patch("time.monotonic", time.process_time):  # what a run says of its time, in CPU time: other programs may run
        return fit(experiment, folder / "run", hardware=Hardware("cpu")).seconds


def by_hand(network: Network, folder: Path) -> float:
    """CPU seconds of the same epochs in a plain loop."""
    graph, recipe = network.graph, network.recipe
    assert recipe is not None
    heads = {head.name: head.weight for head in graph.heads}
    inputs = network.inputs()
    data = load_data(recipe, folder, inputs)
    preparation = data.preparation(recipe)
    position = 0
    batches = data.training_batches(recipe.batch, recipe.seed, lambda: position)
    torch.manual_seed(0)
    module = network.build()
    optimizer = torch.optim.SGD(
        module.parameters(), lr=0.1, momentum=0.9, fused=True, weight_decay=recipe.optimizer.weight_decay,
        nesterov=getattr(recipe.optimizer, "nesterov", False),
    )  # fmt: skip
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, recipe.epochs * len(batches))
    smoothing = getattr(recipe.loss, "label_smoothing", 0.0)
    rows: list[dict[str, Any]] = []
    started = time.process_time()
    for epoch in range(recipe.epochs):
        position = epoch * len(batches)
        total, correct, count = 0.0, 0, 0
        module.train()
        for batch in batches:
            given, labels = preparation(batch, training=True)
            outputs = module(*given)
            main = outputs if isinstance(outputs, torch.Tensor) else outputs[0]
            loss = F.cross_entropy(main, labels, label_smoothing=smoothing)
            objective = loss
            for head, weight in heads.items():
                objective = objective + weight * F.cross_entropy(getattr(outputs, head), labels, label_smoothing=smoothing)
            optimizer.zero_grad()
            objective.backward()
            optimizer.step()
            schedule.step()
            total, correct, count = total + loss.item() * len(labels), correct + int((main.argmax(1) == labels).sum()), count + len(labels)
        module.eval()
        with torch.no_grad():
            found = [(module(*given), labels) for given, labels in (preparation(b, training=False) for b in data.evaluation_batches(data.held_out))]
            right = sum(int((output.argmax(1) == labels).sum()) for output, labels in found)
        rows.append({"epoch": epoch, "loss": total / count, "accuracy": correct / count, "val_accuracy": right / len(data.held_out)})
        torch.save({"module": module.state_dict(), "optimizer": optimizer.state_dict()}, folder / "by-hand.pt")
    return time.process_time() - started


def main() -> None:
    """Print a line for each network."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name, make in cases(folder).items():
            if sys.argv[1:] and name not in sys.argv[1:]:
                continue
            network, root = make()
            by_archdsl(network, root)
            ratios = []
            for _ in range(ROUNDS):
                mine = by_hand(network, root)
                ratios.append(mine / by_archdsl(network, root))
            print(f"{name}: {statistics.median(ratios):.3f} of the speed by hand ({', '.join(f'{ratio:.2f}' for ratio in ratios)})")


if __name__ == "__main__":
    main()
