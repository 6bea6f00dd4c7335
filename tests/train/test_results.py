"""results.json against counts that are made here."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import archdsl

NET = """network net(classes: int = 3) { input image [1, 8, 8]; flatten; fc: linear(classes) }
train { data = "images"; epochs = 3; batch = 8; workers = 0; optimizer = sgd(lr = 0.02) }"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Images of three classes in three splits; the test set has none of the last class."""
    rng = np.random.default_rng(0)
    for split, count in {"train": 30, "val": 15, "test": 8}.items():
        for number in range(count):
            place = number % (2 if split == "test" else 3)
            path = tmp_path / "images" / split / ("ant", "bee", "cow")[place]
            path.mkdir(parents=True, exist_ok=True)
            pixels = rng.normal(100 + 20 * place, 60, (8, 8)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(path / f"{number:02}.png")
    return tmp_path


def test_each_class_of_each_split(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    result = archdsl.loads(NET).fit("run", device="cpu")
    assert [row.split for row in result.rows] == ["training", "validation", "test"]
    assert [row.examples for row in result.rows] == [30, 15, 8]
    found = json.loads(Path("run/results.json").read_text())
    preparation = json.loads(Path("run/environment.json").read_text())["normalization"]
    module = archdsl.loads(NET).build(weights="run/weights.safetensors").eval()
    for split, name in {"training": "train", "validation": "val", "test": "test"}.items():
        expected = np.zeros((3, 3), int)
        for place, kind in enumerate(("ant", "bee", "cow")):
            for path in sorted(Path("images", name, kind).glob("*.png")):
                pixels = torch.from_numpy(np.array(Image.open(path)))[None, None] / 255
                with torch.no_grad():
                    answer = module((pixels - preparation["mean"][0]) / preparation["std"][0]).argmax().item()
                expected[place, int(answer)] += 1
        assert found[split]["confusion"] == expected.tolist()
        for place, facts in enumerate(found[split]["classes"]):
            count = int(expected[place].sum())
            assert (facts["name"], facts["examples"]) == (("ant", "bee", "cow")[place], count)
            assert facts["accuracy"] == (pytest.approx(expected[place, place] / count) if count else None)
        assert found[split]["metrics"]["accuracy"] == pytest.approx(expected.trace() / expected.sum())
    assert found["best_epoch"] == result.best_epoch and found["epochs"] == 3


def test_values_have_no_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = np.random.default_rng(0).normal(size=(40, 4))
    np.savez("sums.npz", x=rows, y=rows.sum(axis=1))
    archdsl.loads('network sums { input row [4]; linear(1) }\ntrain { data = "sums.npz"; epochs = 1; loss = mse }').fit(
        "run", device="cpu"
    )
    found = json.loads(Path("run/results.json").read_text())
    assert set(found["validation"]) == {"examples", "metrics"} and "r2" in found["validation"]["metrics"]
