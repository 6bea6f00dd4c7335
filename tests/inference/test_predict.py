"""Predictions against the validation of training, and what is not predicted."""

from __future__ import annotations

import io
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import archdsl
from archdsl.trained import Run
from tests.inference.conftest import NAMES

Trained = Callable[[str], Run]


def test_predictions_give_the_reported_accuracy(trained: Trained) -> None:
    """Image files of the validation set, from their folder; and the same images as bytes, arrays and images of Pillow."""
    run = trained("flowers")
    folder = run.folder.parents[1] / "flowers" / "val"
    files = sorted(folder.rglob("*.png"))
    found = run.predict(*files, device="cpu", top=3)
    right = sum(one.best == path.parent.name for one, path in zip(found, files, strict=True))
    results = json.loads((run.folder / "results.json").read_text())["validation"]
    assert right / len(files) == pytest.approx(results["metrics"]["accuracy"], abs=1e-7)
    assert [one.name for one in found] == [str(path) for path in files]
    assert all(sum(chance for _, chance in one.classes) == pytest.approx(1) for one in found)
    opened = [Image.open(path) for path in files]
    arrays = [np.array(image).transpose(2, 0, 1) for image in opened]
    for same in ([path.read_bytes() for path in files], opened, arrays, [torch.from_numpy(array) for array in arrays]):
        assert [one.classes for one in run.predict(*same, device="cpu", top=3)] == [one.classes for one in found]


def test_arrays_of_values(trained: Trained) -> None:
    """Rows give values in the units of the labels, in batches or one by one."""
    run = trained("sums")
    with np.load(run.folder.parents[1] / "sums.npz") as held:
        rows, wanted = held["x"], held["y"]
    found = np.array([one.values for one in run.predict(rows, device="cpu")])
    metrics = [run.evaluate(split, device="cpu") for split in ("training", "validation")]
    mean = sum(one.metrics["mae"] * one.examples for one in metrics) / 60
    assert float(abs(found - wanted).mean()) == pytest.approx(mean, rel=1e-5)
    assert run.predict(rows[7], device="cpu")[0].values == pytest.approx(tuple(found[7]), rel=1e-5)


def test_masks_have_the_size_of_the_image(trained: Trained) -> None:
    run = trained("streets")
    folder = run.folder.parents[1] / "streets"
    [one] = run.predict(folder / "images" / "00.png", device="cpu")
    assert one.pixels.shape == (16, 20) and dict(one.classes)["0"] == float((one.pixels == 0).mean())


def test_an_image_for_a_run_on_arrays(tmp_path: Path) -> None:
    """Bytes become floats from 0 to 1. That fits a run on such floats, and is refused by one on floats from 0 to 16."""
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (30, 1, 8, 8), dtype=np.uint8)
    text = 'network n {{ input image [1, 8, 8]; flatten; linear(3) }}\ntrain {{ data = "{}"; epochs = 1 }}'
    for name, scale in (("unit.npz", 255), ("wide.npz", 16)):
        np.savez(tmp_path / name, x=(pixels / np.float32(scale)).astype(np.float32), y=np.arange(30) % 3)
        (tmp_path / "n.arch").write_text(text.format(name))
        archdsl.load(tmp_path / "n.arch").fit(tmp_path / name.removesuffix(".npz"), device="cpu")
    Image.fromarray(pixels[0, 0]).save(tmp_path / "0.png")
    unit, wide = archdsl.run(tmp_path / "unit"), archdsl.run(tmp_path / "wide")
    file, array = unit.predict(tmp_path / "0.png", device="cpu")[0], unit.predict(pixels[:1] / np.float32(255), device="cpu")[0]
    assert [chance for _, chance in file.classes] == pytest.approx([chance for _, chance in array.classes], rel=1e-5)
    assert unit.predict(pixels[:1], device="cpu")[0].classes == file.classes
    for refused in (tmp_path / "0.png", pixels[:1], pixels[:1] / np.float32(255)):
        with pytest.raises(archdsl.SpecError, match=r"`image` has .*, and the network was trained with floats from 0 to 15\.94"):
            wide.predict(refused, device="cpu")
    with pytest.raises(archdsl.SpecError, match="floats from 4 to 248, and the network was trained with floats from 0 to 1"):
        unit.predict(pixels[:1].astype(np.float32), device="cpu")


@pytest.mark.parametrize(("name", "example", "code", "said"), [
    ("flowers", np.zeros((8, 8, 3), np.uint8), "E1002", "the network's input is [3, 8, 8]"),
    ("flowers", np.full((3, 8, 8), 255.0), "E1002", "floats from 255 to 255, and the network was trained with bytes, or floats"),
    ("flowers", np.array(5.0), "E1002", "the network's input is [3, 8, 8]"),
    ("flowers", b"no image", "E0802", "cannot identify"),
    ("flowers", "nowhere.png", "E0802", "No such file"),
    ("sums", "nowhere.png", "E1002", "image files are for a network with one image as input; the inputs are row"),
    ("sums", (np.zeros(3), np.zeros(3)), "E1002", "the network has the inputs row, found 2 arrays"),
])  # fmt: skip
def test_what_is_not_predicted(trained: Trained, name: str, example: Any, code: str, said: str) -> None:
    with pytest.raises(archdsl.SpecError) as raised:
        trained(name).predict(example, device="cpu")
    assert raised.value.diagnostic.code == code and said in str(raised.value)


def test_something_else_is_no_example(trained: Trained) -> None:
    with pytest.raises(TypeError, match="an example is a path"):
        trained("flowers").predict(3)


def test_heads_do_not_run(trained: Trained) -> None:
    """A trained network has no auxiliary heads."""
    assert not [name for name, _ in trained("flowers").trained().module.named_modules() if "early" in name]


@pytest.fixture
def here(trained: Trained, tmp_path: Path) -> Path:
    """An empty folder with links to the runs and the data."""
    for name in ("flowers", "streets", "sums"):
        folder = trained(name).folder
        (tmp_path / name).symlink_to(folder)
    (tmp_path / "data").symlink_to(trained("flowers").folder.parents[1])
    return tmp_path


def test_the_command_evaluate(here: Path, cli: Any) -> None:
    """A table with the averaged result beside the single one; the files of a report; JSON as in Python."""
    result = cli("evaluate", "flowers", "--device", "cpu", "--tta", "flip", "-o", "report", "--worst", "2")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert (
        lines[0].split()[:3] == ["examples", "loss", "accuracy"] and lines[1].startswith("test") and lines[2].startswith("flip")
    )
    assert "true \\ predicted" in result.stdout and "largest losses" in result.stdout and "results in report" in result.stderr
    assert sorted(path.name for path in (here / "report").iterdir()) == ["confusion.csv", "confusion.svg", "evaluation.json"]
    assert b">cow<" in (here / "report" / "confusion.svg").read_bytes()
    data = json.loads(cli("evaluate", "flowers", "--device", "cpu", "--format", "json", "--split", "validation").stdout)
    assert data["metrics"]["loss"] == json.loads((here / "flowers" / "results.json").read_text())["validation"]["metrics"]["loss"]
    network = cli(
        "evaluate", "data/flowers.arch", "--weights", "flowers/weights.safetensors", "--device", "cpu", "--format", "json"
    )
    assert json.loads(network.stdout)["metrics"] == json.loads((here / "report" / "evaluation.json").read_text())["metrics"]
    assert cli("evaluate", "sums", "--device", "cpu", "-o", "sums-report").exit_code == 0
    assert sorted(path.name for path in (here / "sums-report").iterdir()) == ["evaluation.json"]


def test_matplotlib_is_needed_for_pictures_alone(here: Path, cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked for before the evaluation begins."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = cli("evaluate", "flowers", "--device", "cpu", "-o", "report")
    assert result.exit_code == 1 and "E0608" in result.output and "archdsl[plot]" in result.output
    assert not (here / "report").exists()
    assert cli("evaluate", "flowers", "--device", "cpu").exit_code == 0
    assert cli("evaluate", "sums", "--device", "cpu", "-o", "sums-report").exit_code == 0


def test_the_command_predict(here: Path, cli: Any) -> None:
    """Files, folders and standard input; text, JSON and CSV; masks."""
    first = here / "data" / "flowers" / "val" / "ant" / "00.png"
    result = cli("predict", "flowers", "--device", "cpu", "--top", "2", first, "data/flowers/val")
    assert result.exit_code == 0 and len(result.stdout.splitlines()) == 16 and str(first) in result.stdout, result.output
    found = json.loads(cli("predict", "flowers", "-", "--device", "cpu", "--format", "json", input=first.read_bytes()).stdout)
    assert found[0]["name"] == "-" and {one["name"] for one in found[0]["classes"]} == set(NAMES)
    table = cli("predict", "flowers", first, "--device", "cpu", "--format", "csv", "--top", "1").stdout.splitlines()
    assert table[0] == "image,rank,class,probability" and table[1].startswith(f"{first},1,{found[0]['classes'][0]['name']},0.")
    result = cli("predict", "streets", "data/streets/images", "--device", "cpu", "-o", "masks", "--format", "csv")
    head, row = result.stdout.splitlines()[:2]
    assert head == "image,rank,class,fraction,file" and row.endswith(f",{Path('masks') / '00.png'}")
    assert result.exit_code == 0 and len(list((here / "masks").iterdir())) == 20, result.output
    mask = Image.open(here / "masks" / "00.png")
    assert mask.size == (20, 16) and set(np.unique(np.array(mask)).tolist()) <= {0, 1}
    assert cli("predict", "sums", first, "--device", "cpu").exit_code == 1


@pytest.mark.parametrize(("arguments", "status", "said"), [
    (["predict", "flowers", "data/flowers.arch"], 1, "help: replace it, or leave it out"),
    (["predict", "flowers", "empty"], 1, "empty contains no images"),
    (["predict", "flowers", "data/flowers/val", "-o", "masks"], 1, "the network predicts none"),
    (["predict", "flowers"], 2, "Missing argument"),
    (["predict", "flowers", "x.png", "--set", "classes=3"], 2, "leave out --set"),
    (["predict", "data/flowers.arch", "x.png"], 2, "is no run: say which weights, --weights FILE"),
    (["predict", "streets", "data/streets/images", "-o", "data/streets/images"], 1, "00.png exists already"),
    (["predict", "streets", "data/streets/images", "-o", "data/flowers.arch"], 1, "error[E0606]"),
    (["evaluate", "empty"], 1, "empty holds no run"),
    (["evaluate", "flowers", "--weights", "streets/weights.safetensors"], 1, "error[E0905]"),
    (["evaluate", "flowers", "--data", "empty"], 1, "empty has no folders of images"),
    (["evaluate", "data/flowers.arch", "--weights", "flowers/best.safetensors", "--ensemble", "2"], 2, "--ensemble needs a run"),
    (["evaluate", "digits_resnet", "--set", "train.data=digits", "--weights", "flowers/weights.safetensors"], 1, "error[E0905]"),
    (["evaluate", "flowers", "-o", "data/flowers.arch/x", "--device", "cpu"], 1, "error[E0606]"),
])  # fmt: skip
def test_wrong_commands(here: Path, cli: Any, arguments: list[str], status: int, said: str) -> None:
    """An error with its code, no traceback, and nothing written."""
    (here / "empty").mkdir()
    result = cli(*arguments)
    assert result.exit_code == status and said in result.output, result.output
    assert not (here / "masks").exists() and result.stdout == ""


def test_weights_of_a_network_without_a_recipe(here: Path, cli: Any) -> None:
    """Statistics of the data to evaluate on are not those of training: the normalization must be said."""
    shutil.copy(here / "data" / "flowers.arch", here / "bare.arch")
    (here / "bare.arch").write_text((here / "bare.arch").read_text().partition("train {")[0])
    common = ["evaluate", "bare.arch", "--weights", "flowers/weights.safetensors", "--data", "data/flowers", "--device", "cpu"]
    assert "nothing says how the inputs of `flowers` were normalized" in cli(*common).output
    assert (
        "was trained with `transform = [resize(size = 10), center_crop(size = 8)]`"
        in cli(*common, "--set", "train.normalize=none").output
    )
    torch.save(torch.nn.Module.state_dict(archdsl.run(here / "flowers").build()), here / "plain.pt")
    common[3] = "plain.pt"
    said = cli(*common, "--set", "train.normalize=imagenet", "--set", "train.transform=[resize([8, 8])]")
    assert said.exit_code == 0 and said.stdout.splitlines()[1].startswith("test"), said.output


def test_deep_images(trained: Trained) -> None:
    """An image of 16 bits for a run on bytes is read as training would read it in a folder of bytes."""
    run = trained("streets")
    pixels = np.random.default_rng(0).integers(0, 65536, (12, 12)).astype(np.uint16)
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "PNG")
    flat = (pixels / np.float32(65535) * 255).round().astype(np.uint8)
    [one], [two] = (run.predict(example, device="cpu") for example in (written.getvalue(), flat[None]))
    assert (one.pixels == two.pixels).all()
