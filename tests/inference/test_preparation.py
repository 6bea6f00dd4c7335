"""The preparation of a run, restored from its folder, against that of the training itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import archdsl
from archdsl.train.data import load

NET = """network net(classes: int = 3) {{ input image [{channels}, 8, 8]; flatten; fc: linear(classes) }}
train {{ data = "{data}"; epochs = 1; batch = 16; workers = 0; {more} }}"""


def pictures(folder: Path, size: tuple[int, int] = (12, 10)) -> None:
    """Images of three classes, below train, val and test."""
    rng = np.random.default_rng(0)
    for split, count in {"train": 30, "val": 9}.items():
        for number in range(count):
            path = folder / split / ("ant", "bee", "cow")[number % 3]
            path.mkdir(parents=True, exist_ok=True)
            pixels = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(path / f"{number:02}.png")


def arrays(path: Path, values: Any) -> None:
    """Thirty examples [1, 8, 8] of three classes."""
    labels = np.arange(30) % 3
    np.savez(path, x_train=values[:24], y_train=labels[:24], x_test=values[24:], y_test=labels[24:])


@pytest.fixture
def trained(tmp_path: Path) -> Callable[..., archdsl.trained.Run]:
    def train(data: str, more: str = "", channels: int = 1) -> archdsl.trained.Run:
        (tmp_path / "net.arch").write_text(NET.format(data=data, more=more, channels=channels))
        archdsl.load(tmp_path / "net.arch").fit(tmp_path / "run", device="cpu")
        return archdsl.run(tmp_path / "run")

    return train


@pytest.mark.parametrize(
    "normalize", ["data", "whiten", "whiten(over = channels)", "pca", "fixed(mean = [0.5], std = [0.25])", "none"]
)
def test_the_preparation_is_restored_to_the_bit(trained: Any, tmp_path: Path, normalize: str) -> None:
    """Statistics in JSON, and matrices in a file of their own, give the tensors that training would give."""
    arrays(tmp_path / "x.npz", np.random.default_rng(0).integers(0, 256, (30, 1, 8, 8), dtype=np.uint8))
    run = trained("x.npz", f"normalize = {normalize}")
    network = archdsl.load(tmp_path / "net.arch")
    data = load(network.recipe, network.data_folder, network.inputs())
    [batch] = data.evaluation_batches(data.held_out)
    wanted, labels = data.preparation(network.recipe)(batch, training=False)
    found, same = run.preparation.for_data(data)(batch, training=False)
    assert found[0].equal(wanted[0]) and same.equal(labels)
    assert run.preparation.module()(batch.inputs[0]).equal(wanted[0])
    assert (run.preparation.task, run.preparation.classes, run.classes, run.preparation.outputs) == ("class", None, None, 3)


def test_the_preparation_of_image_files(trained: Any, tmp_path: Path) -> None:
    """Classes have their names. A module without transforms equals validation; with them it differs by the rounding to bytes."""
    pictures(tmp_path / "images")
    run = trained("images", "transform = [resize(9), center_crop(8)]", channels=3)
    network = archdsl.load(tmp_path / "net.arch")
    data = load(network.recipe, network.data_folder, network.inputs())
    [batch] = data.evaluation_batches(data.held_out)
    wanted = data.preparation(network.recipe)(batch, training=False)[0][0]
    assert run.preparation.for_data(data)(batch, training=False)[0][0].equal(wanted)
    assert run.classes == run.preparation.classes == ("ant", "bee", "cow")
    assert run.preparation.module(transform=False)(batch.inputs[0]).equal(wanted)
    first = sorted((tmp_path / "images" / "val" / "ant").iterdir())[0]
    raw = torch.from_numpy(np.array(Image.open(first))).permute(2, 0, 1)[None]
    scale = float(run.preparation.normalizers[0].deviation.min())
    assert float((run.preparation.module()(raw)[0] - wanted[0]).abs().max()) * scale < 1.01 / 255
    assert run.record.facts["data_folder"] == str(tmp_path)


def test_the_module_can_be_exported(trained: Any, tmp_path: Path) -> None:
    arrays(tmp_path / "x.npz", np.random.default_rng(0).random((30, 1, 12, 12), dtype=np.float32))
    run = trained("x.npz", "transform = [resize(10), center_crop(8)]")
    whole = torch.nn.Sequential(run.preparation.module(), run.build())
    image = torch.rand(2, 1, 12, 12)
    exported = torch.export.export(whole.eval(), (image,)).module()
    assert torch.allclose(exported(image), whole(image), atol=1e-6)


def _change(path: Path, change: Callable[[Any], Any]) -> None:
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def _respell(path: Path) -> None:
    path.write_text(path.read_text().replace("workers = 0;", "workers = 0; normalize = none;"))


@pytest.mark.parametrize(("change", "said"), [
    (lambda run: (run / "environment.json").unlink(), "it has no environment.json"),
    (lambda run: _change(run / "environment.json", lambda data: data.pop("task")), "`task` in environment.json"),
    (lambda run: _change(run / "environment.json", lambda data: data["normalization"].pop("std")), "`std` in environment.json"),
    (lambda run: _change(run / "environment.json", lambda data: data.pop("recipe")), "`recipe` in environment.json"),
    (lambda run: _change(run / "environment.json", lambda data: data["normalization"].update(mean="x")), "its preparation"),
    (lambda run: _respell(run / "spec" / "net.arch"), "`normalize` was data when"),
])  # fmt: skip
def test_nothing_is_guessed(trained: Any, tmp_path: Path, change: Callable[[Path], Any], said: str) -> None:
    """A run of an earlier version, or one that was changed, gives an error, and no network with other inputs."""
    arrays(tmp_path / "x.npz", np.random.default_rng(0).random((30, 1, 8, 8), dtype=np.float32))
    folder = trained("x.npz").folder
    change(folder)
    with pytest.raises(archdsl.SpecError) as raised:
        archdsl.run(folder).preparation
    assert said in str(raised.value) and raised.value.diagnostic.code == "E1001"
