"""Whole runs on data of one's own beside loops that are written out, and runs that are stopped between two batches."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from archdsl.recipe import Augmentation, Dataset, Normalization, Optimizer, Recipe, Schedule, Transform
from archdsl.train import Experiment, Hardware, Input, Interrupted, fit
from archdsl.train.rng import seed_of
from tests.data.reading import call, save

SGD = call(Optimizer, "sgd", lr=0.1)
CONSTANT = call(Schedule, "constant")


def network(channels: int = 3, classes: int = 3) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(channels, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, classes, 1))


def trained(
    folder: Path, module: nn.Module, inputs: Input, root: Path, *, resume: bool = False, **keys: Any
) -> dict[str, Tensor]:
    recipe = Recipe.create({"optimizer": SGD, "schedule": CONSTANT, "epochs": 2, "batch": 5, **keys})
    fit(Experiment("net", module, recipe, (inputs,), root=root), folder, resume=resume, hardware=Hardware("cpu"))
    return load_file(folder / "weights.safetensors")


def compare(one: dict[str, Tensor], other: dict[str, Tensor], tolerance: float) -> None:
    for key, value in one.items():
        torch.testing.assert_close(value, other[key], rtol=0, atol=tolerance)


def test_masks_with_void_and_a_border_as_a_loop_would(tmp_path: Path) -> None:
    """`ignore`, `normalize = fixed`, a transform and a crop whose position is not by chance, from the bytes to the weights."""
    random = np.random.default_rng(0)
    x, y = random.integers(0, 256, (20, 3, 8, 8), dtype=np.uint8), random.choice(np.array([0, 1, 2, 255], np.uint8), (20, 8, 8))
    np.savez(tmp_path / "data.npz", x_train=x, y_train=y, x_test=x[:4], y_test=y[:4])
    weights = trained(
        tmp_path / "run", network(), Input("x", (3, None, None)), tmp_path, data="data.npz", ignore=255,
        normalize=call(Normalization, "fixed", mean=(0.25,), std=(0.5,)), transform=call(Transform, "center_crop", size=6),
        augment=[call(Augmentation, "flip", p=1.0), call(Augmentation, "flip", axis="vertical", p=1.0)],
    )  # fmt: skip
    module = network()
    optimizer = torch.optim.SGD(module.parameters(), 0.1)
    for epoch in range(2):
        order = torch.randperm(20, generator=torch.Generator().manual_seed(seed_of(0, 1, epoch)))
        for chosen in order.split(5):
            images = torch.from_numpy(x)[chosen][:, :, 1:7, 1:7].flip(-1).flip(-2) / 255
            labels = torch.from_numpy(y)[chosen][:, 1:7, 1:7].flip(-1).flip(-2).long()
            optimizer.zero_grad()
            nn.functional.cross_entropy(module((images - 0.25) / 0.5), labels, ignore_index=255).backward()
            optimizer.step()
    compare(dict(module.state_dict()), weights, 1e-6)


def test_mixed_labels_as_a_loop_would(tmp_path: Path) -> None:
    """`mixup` and `balanced`: the batches come from the data, the arithmetic from here."""
    random = np.random.default_rng(0)
    x, y = random.normal(size=(30, 1, 4, 4)).astype(np.float32), np.repeat([0, 1, 2], [20, 6, 4])
    np.savez(tmp_path / "data.npz", x_train=x, y_train=y, x_test=x[:4], y_test=y[:4])
    keys = {"data": "data.npz", "augment": call(Augmentation, "mixup", alpha=0.5), "sampler": "balanced", "normalize": None}
    torch.manual_seed(0)
    weights = trained(tmp_path / "run", nn.Sequential(nn.Flatten(), nn.Linear(16, 3)), Input("x", (1, 4, 4)), tmp_path, **keys)
    from archdsl.train.data import load

    data = load(Recipe.create({**keys, "batch": 5}), tmp_path, (Input("x", (1, 4, 4)),))
    prepare = data.preparation(data.recipe)
    torch.manual_seed(0)
    module = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    for epoch in range(2):
        for batch in data.training_batches(5, 0, lambda epoch=epoch: epoch * 6):  # type: ignore[misc]
            (images,), soft = prepare(batch, training=True)
            score = module(images).log_softmax(1)
            loss = -(soft * score).sum(1).mean()
            gradients = torch.autograd.grad(loss, list(module.parameters()))
            with torch.no_grad():
                for parameter, gradient in zip(module.parameters(), gradients, strict=True):
                    parameter -= 0.1 * gradient
    compare(dict(module.state_dict()), weights, 1e-6)


class Stopped(nn.Module):
    """Hears a signal in one of its steps."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self.inner, self.left = network(), step

    def forward(self, x: Tensor) -> Tensor:
        if self.training and len(x) > 2:
            self.left -= 1
            if self.left == 0:
                signal.raise_signal(signal.SIGTERM)
        return self.inner(x)  # type: ignore[no-any-return]


@pytest.mark.parametrize(("step", "workers"), [(2, 1), pytest.param(6, 2, marks=pytest.mark.exhaustive)])
def test_workers_masks_and_augmentations_resume_bit_for_bit(tmp_path: Path, step: int, workers: int) -> None:
    """A run that is stopped between two batches, and goes on with another number of workers."""
    random = np.random.default_rng(0)
    for number in range(20):
        save(random.integers(0, 256, (12 + number % 3, 10, 3), dtype=np.uint8), tmp_path / "images" / f"{number}.png")
        save(random.integers(0, 3, (12 + number % 3, 10), dtype=np.uint8), tmp_path / "masks" / f"{number}.png")
    keys = {
        "data": call(Dataset, "imagefolder", path=".", masks="masks"), "batch": 4,
        "transform": call(Transform, "resize", size=(9, 9)),
        "augment": [call(Augmentation, "random_crop", size=8, pad=1), call(Augmentation, "rotate", degrees=30.0),
                    call(Augmentation, "color_jitter")],
    }  # fmt: skip
    image = Input("x", (3, None, None))
    whole = trained(tmp_path / "whole", Stopped(-1), image, tmp_path, **keys, workers=0)
    with pytest.raises(Interrupted):
        trained(tmp_path / "run", Stopped(step), image, tmp_path, **keys, workers=workers)
    compare(whole, trained(tmp_path / "run", Stopped(-1), image, tmp_path, **keys, workers=0, resume=True), 0)


def test_a_large_matrix_is_kept_beside_the_weights(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(200, 1, 9, 9))
    np.savez(tmp_path / "data.npz", x=x, y=np.arange(200) % 3)
    torch.manual_seed(0)
    module = nn.Sequential(nn.Flatten(), nn.Linear(81, 3))
    trained(
        tmp_path / "run",
        module,
        Input("x", (1, 9, 9)),
        tmp_path,
        data="data.npz",
        epochs=1,
        normalize=call(Normalization, "whiten"),
    )
    record = json.loads((tmp_path / "run" / "environment.json").read_text())["normalization"]
    assert (record["normalize"], record["matrix"]) == ("whiten", "in preparation.safetensors")
    assert load_file(tmp_path / "run" / "preparation.safetensors")["normalizers.0.matrix"].shape == (81, 81)
