"""Training beside a loop written by hand, and how long `archdsl train` takes to its first step: CPU time, in one process each.

python benchmarks/training.py [--quick] [--json]
"""

from __future__ import annotations

import logging
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.measure import Section, paired, plain_environment, print_sections, ratios, run_process, spread, verdict

SPEEDS = {"mlp": 0.35, "digits_resnet": 0.9, "resnet20": 0.97}
"""Share of the loop's speed that each network has to reach."""
START = 1.2
"""The first step's share of the time that importing PyTorch and Lightning takes."""
MLP = """network mlp { input row [20]; linear(32) -> relu -> linear(32) -> relu -> linear(4) }
train { data = "rows.npz"; epochs = 4; batch = 32; optimizer = sgd(lr = 0.01, momentum = 0.9) }"""
IMPORTS = "import torch, lightning.pytorch"
FIRST_STEP = """\
import os, sys, archdsl
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as `archdsl train` sets it
network = archdsl.load("digits_resnet")
import lightning.pytorch
class First(lightning.pytorch.Callback):
    def on_train_batch_end(self, *arguments):
        os._exit(0)
network.fit(sys.argv[1], device="cpu", callbacks=[First()])"""


def networks(folder: Path, *, quick: bool) -> dict[str, Any]:
    """The networks by name, with their data."""
    import numpy as np

    from archdsl import Expression, load, loads

    rng = np.random.default_rng(0)
    rows, images = (1_600, 256) if quick else (16_000, 2_560)
    np.savez(folder / "rows.npz", x=rng.normal(size=(rows, 20)).astype(np.float32), y=np.arange(rows) % 4)
    np.savez(folder / "images.npz", x=rng.integers(0, 256, (images, 3, 32, 32), dtype=np.uint8), y=np.arange(images) % 10)
    settings = {
        "train.data": str(folder / "images.npz"), "train.epochs": 1, "train.batch": 128,
        "train.optimizer": Expression("sgd(lr = 0.1, momentum = 0.9)"),
    }  # fmt: skip
    return {
        "mlp": loads(MLP, **{"train.data": str(folder / "rows.npz")}),
        "digits_resnet": load("digits_resnet", **{"train.epochs": 1 if quick else 2}),
        "resnet20": load("resnet20", **settings),
    }


def by_archdsl(network: Any, folder: Path) -> float:
    """CPU seconds of a run's epochs, without reading data and the final table."""
    folder = Path(tempfile.mkdtemp(dir=folder))
    with patch("time.monotonic", time.process_time):  # what a run says of its time, in CPU time
        return float(network.fit(folder / "run", device="cpu").seconds)


def by_hand(network: Any, folder: Path) -> float:
    """CPU seconds of the same epochs in a plain loop: the same batches, augmentations, losses, penalties and metrics."""
    import torch
    import torch.nn.functional as F

    from archdsl.train.data import load

    recipe = network.recipe
    heads = {head.name: head.weight for head, _ in network.graph.heads}
    data = load(recipe, network.data_folder, network.inputs())
    preparation = data.preparation(recipe)
    position = 0
    batches = data.training_batches(recipe.batch, recipe.seed, lambda: position)
    torch.manual_seed(0)
    module = network.build()
    weights = [weight for weight in module.parameters() if weight.ndim > 1]
    optimizer = torch.optim.SGD(
        module.parameters(), lr=0.1, momentum=0.9, fused=True, weight_decay=recipe.optimizer.weight_decay,
        nesterov=recipe.optimizer.nesterov
    )  # fmt: skip
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, recipe.epochs * len(batches))
    smoothing = recipe.loss.label_smoothing
    rows: list[dict[str, float]] = []
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
            for penalty in recipe.regularize:
                objective = objective + penalty.weight * sum(weight.abs().sum() for weight in weights)
            optimizer.zero_grad()
            objective.backward()
            optimizer.step()
            schedule.step()
            total, correct, count = (
                total + loss.item() * len(labels),
                correct + int((main.argmax(1) == labels).sum()),
                count + len(labels),
            )
        module.eval()
        with torch.no_grad():
            prepared = (preparation(batch, training=False) for batch in data.evaluation_batches(data.held_out))
            right = sum(int((module(*given).argmax(1) == labels).sum()) for given, labels in prepared)
        rows.append(
            {"epoch": epoch, "loss": total / count, "accuracy": correct / count, "val_accuracy": right / len(data.held_out)}
        )
        torch.save({"module": module.state_dict(), "optimizer": optimizer.state_dict()}, folder / "by-hand.pt")
    return time.process_time() - started


def speeds(rounds: int, *, quick: bool) -> Section:
    """Steps per second of both."""
    section = Section(
        "Training beside a loop by hand",
        "Epochs with the same model, batches, augmentation, optimizer, penalties, evaluation, metrics and checkpoint, "
        f"in CPU seconds; {rounds} rounds in turn.",
        ["", "speed, share of the loop's", "target", ""],
    )
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as name, open(os.devnull, "w") as silent, patch("sys.stderr", silent):
        folder = Path(name)
        for title, network in networks(folder, quick=quick).items():
            sides: list[Callable[[], float]] = [
                lambda network=network: by_hand(network, folder),
                lambda network=network: by_archdsl(network, folder),
            ]  # type: ignore[misc]
            shares = ratios(*paired(*sides, rounds=rounds))
            target = SPEEDS[title]
            section.rows.append([title, spread(shares, ".3f"), f"≥ {target}", verdict(target, statistics.median(shares))])
    return section


def start(rounds: int) -> Section:
    """From the start of the process to the end of the first step."""
    section = Section(
        "The first step",
        "CPU seconds of a process to the end of the first step of digits_resnet, and of one that imports PyTorch and Lightning; "
        f"{rounds} rounds in turn.",
        ["", "first step, s", "imports, s", "ratio", "target", ""],
    )
    environment = plain_environment()

    def cpu(program: str) -> float:
        with tempfile.TemporaryDirectory() as name:
            return run_process([sys.executable, "-c", program, f"{name}/run"], environment).cpu

    ours, theirs = paired(lambda: cpu(FIRST_STEP), lambda: cpu(IMPORTS), rounds=rounds)
    found = ratios(ours, theirs)
    section.rows.append(
        ["digits_resnet", spread(ours), spread(theirs), spread(found), f"≤ {START}", verdict(statistics.median(found), START)]
    )
    return section


def measure(*, quick: bool) -> list[Section]:
    """Everything."""
    return [speeds(1 if quick else 5, quick=quick), start(1 if quick else 5)]


if __name__ == "__main__":
    print_sections(measure(quick="--quick" in sys.argv), as_json="--json" in sys.argv)
