"""`archdsl train` on the user's data: paths, sizes, mistakes reported before torch is imported, and a picture of a batch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

RANDOM = np.random.default_rng(0)
CONV = "conv(4, 3) -> bn -> relu"
QUICK = "epochs = 1; batch = 4"


def spec(body: str, recipe: str, name: str = "n.arch") -> Path:
    Path(name).write_text(f"network n(classes: int = 4) {{ {body} }}\ntrain {{ {recipe}; {QUICK} }}")
    return Path(name)


def masks(values: tuple[int, ...], count: int = 12, channels: int = 1) -> None:
    x = RANDOM.integers(0, 256, (count, channels, 16, 16), dtype=np.uint8)
    np.savez("masks.npz", x=x, y=RANDOM.choice(np.array(values, np.uint8), (count, 16, 16)))


def photographs(folder: str, count: int = 6) -> None:
    """Photographs of different sizes in two classes."""
    for number, label in enumerate(("cat", "dog")):
        Path(folder, label).mkdir(parents=True)
        for place in range(count):
            pixels = np.full((40 + place, 60 - 3 * place, 3), 60 + 120 * number, np.uint8)
            Image.fromarray(pixels).save(Path(folder, label, f"{place}.jpg"))


MASKS: list[tuple[tuple[int, ...], str, str, str, str]] = [
    ((0, 255), "conv(1, 1)", "loss = bce", "the network has 1 output, and the labels are two numbers, 0 and 255", "`y // 255`"),
    ((0, 255), "conv(2, 1)", "loss = cross_entropy", "the labels are two numbers, 0 and 255", "`y // 255`"),
    ((0, 1, 2, 3, 255), "conv(classes, 1)", "loss = cross_entropy", "the numbers from 0 to 3, and 255, far above",
     "leave it out: `ignore = 255`"),
    ((0, 1, 255), "conv(1, 1)", "loss = bce", "the numbers from 0 to 1, and 255", "`ignore = 255`"),
    ((0, 1, 2, 255), "conv(classes, 1)", "loss = cross_entropy", "from 0 to 2, and 255",
     "`ignore = 255`, and give the network as many outputs: `classes = 3`"),
    ((1, 2, 3, 4), "conv(classes, 1)", "loss = cross_entropy", "4 numbers from 1 to 4; classes are numbered from 0", "`y - 1`"),
    ((0, 10, 20, 30), "conv(classes, 1)", "loss = cross_entropy", "4 numbers from 0 to 30", "without gaps"),
]  # fmt: skip


@pytest.mark.parametrize(("values", "last", "loss", "message", "help"), MASKS)
def test_values_of_masks_decide_what_is_advised(
    cli: Any, tmp_path: Path, values: tuple[int, ...], last: str, loss: str, message: str, help: str
) -> None:
    masks(values)
    spec(f"input image [1, 16, 16]; {CONV}; {last}", f'data = "masks.npz"; {loss}')
    result = cli("train", "n.arch")
    assert result.exit_code == 1 and "error[E0801]" in result.stderr and message in result.stderr and help in result.stderr
    if "ignore = 255" in help:
        settings = ["--set", "train.ignore=255", "--set", "train.epochs=1", "--device", "cpu"]
        settings += ["--set", "classes=3"] if "classes = 3" in help else []
        assert cli("check", "n.arch").exit_code == 0


@pytest.mark.parametrize(
    ("y", "message", "help"),
    [
        (
            RANDOM.integers(0, 256, (12, 3, 16, 16), dtype=np.uint8),
            "a label is [3, 16, 16], an image in colors",
            "save `y / 255` as floats",
        ),
        (
            RANDOM.integers(0, 2, (12, 3, 16, 16), dtype=np.uint8) * 255,
            "a label is [3, 16, 16], an image in colors",
            "numpy.unique(numpy.moveaxis(y, 1, -1)",
        ),
        (RANDOM.integers(-1, 4, (12, 16, 16)), "found the label -1", "number them from 0"),
    ],
)
def test_labels_that_are_no_masks(cli: Any, tmp_path: Path, y: Any, message: str, help: str) -> None:
    np.savez("masks.npz", x=RANDOM.integers(0, 256, (12, 1, 16, 16), dtype=np.uint8), y=y)
    spec(f"input image [1, 16, 16]; {CONV}; conv(classes, 1)", 'data = "masks.npz"')
    result = cli("train", "n.arch")
    assert result.exit_code == 1 and message in result.stderr and help in result.stderr


def test_the_advice_for_colours_gives_masks(cli: Any, tmp_path: Path) -> None:
    """The text of the message, run as it is written."""
    y = np.array([[0, 0, 0], [255, 0, 0], [0, 0, 255]], np.uint8)[RANDOM.integers(0, 3, (12, 16, 16))].transpose(0, 3, 1, 2)
    np.savez("masks.npz", x=np.zeros((12, 1, 16, 16), np.uint8), y=y)
    spec(f"input image [1, 16, 16]; {CONV}; conv(3, 1)", 'data = "masks.npz"')
    said = cli("train", "n.arch").stderr
    program = said.partition("give each color a number: `")[2]
    names: dict[str, Any] = {"numpy": np, "y": y}
    for line in program.replace("\n", " ").split("`")[:3:2]:
        exec(" ".join(line.split()), names)
    assert names["y"].shape == (12, 16, 16) and set(np.unique(names["y"])) == {0, 1, 2}


def test_a_shipped_network_on_images_of_ones_own(cli: Any, tmp_path: Path) -> None:
    """Paths on the command line start at the current directory; the images determine the sizes of `unet`."""
    masks((0, 1))
    small = ("--set", "width=2", "--set", "depth=2", "--set", "train.epochs=1", "--device", "cpu")
    for number, path in enumerate(("masks.npz", '"masks.npz"', "./masks.npz")):
        result = cli("train", "unet", "--set", f"train.data={path}", *small, "-o", f"run{number}")
        assert result.exit_code == 0, result.stderr
    assert json.loads(Path("run0/environment.json").read_text())["normalization"]["shapes"] == [[1, 16, 16]]
    result = cli("train", "unet", "--set", "train.data=nowhere.npz", *small)
    assert "error[E0802]: nowhere.npz does not exist" in result.stderr and str(tmp_path) in result.stderr
    x = RANDOM.integers(0, 256, (12, 1, 18, 16), dtype=np.uint8)
    np.savez("odd.npz", x=x, y=x[:, 0] % 2)
    result = cli("train", "unet", "--set", "train.data=odd.npz", *small)
    assert result.exit_code == 1 and "error[E0312]" in result.stderr and "multiple of 4" in result.stderr


def test_paths_in_a_file_start_at_the_file(cli: Any, tmp_path: Path) -> None:
    masks((0, 1))
    Path("below").mkdir()
    Path("masks.npz").rename("below/masks.npz")
    spec(f"input image [1, H, W]; {CONV}; conv(2, 1)", 'data = "masks.npz"', "below/n.arch")
    assert cli("train", "below/n.arch", "-o", "run", "--device", "cpu").exit_code == 0
    assert "nowhere" not in os.listdir()
    result = cli("train", "below/n.arch", "--set", "train.data=masks.npz")
    assert result.exit_code == 1 and "masks.npz does not exist" in result.stderr


def test_several_inputs_and_integers(cli: Any, tmp_path: Path) -> None:
    image, words, y = RANDOM.integers(0, 256, (20, 1, 8, 8), dtype=np.uint8), RANDOM.integers(0, 9, (20, 5)), np.arange(20) % 4
    np.savez("both.npz", image=image, words=words, y=y)
    body = (
        "input image [1, 8, 8]; input words: int [5]; concat {{ image -> gap -> flatten; words -> embedding({}, "
        "3) -> flatten }}; linear(classes)"
    )
    spec(body.format(9), 'data = "both.npz"; augment = flip')
    result = cli("train", "n.arch", "-o", "run", "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    spec(body.format(4), 'data = "both.npz"')
    result = cli("train", "n.arch", "-o", "small", "--device", "cpu")
    assert (
        result.exit_code == 1
        and "the greatest token number is 8 in `words`" in result.stderr
        and "`embedding(9, ...)`" in result.stderr
    )


def test_photographs_of_different_sizes(cli: Any, tmp_path: Path) -> None:
    """From the message alone to a run that reads them all, with the names of the classes in its record."""
    photographs("pets")
    spec("input image [3, 32, 32]; conv(4, 3, stride = 4) -> bn -> relu; gap; flatten; linear(2)", 'data = imagefolder("pets")')
    result = cli("train", "n.arch")
    assert "error[E0803]" in result.stderr and "0.jpg is [40, 60]" in result.stderr
    help = result.stderr.partition("transform = ")[2].partition("`")[0]
    Path("pets/cat/9.jpg").write_bytes(b"no image")
    given = (
        "train",
        "n.arch",
        "--set",
        f"train.transform={help}",
        "--set",
        "train.augment=[random_resized_crop(32), flip, mixup]",
        "--device",
        "cpu",
    )
    result = cli(*given)
    assert result.exit_code == 1 and "cannot read pets/cat/9.jpg" in result.stderr and "--skip-bad" in result.stderr
    result = cli(*given, "--skip-bad", "-o", "run")
    assert result.exit_code == 0 and "skipped 1 unreadable file: pets/cat/9.jpg" in result.stderr, result.stderr
    assert json.loads(Path("run/environment.json").read_text())["normalization"]["classes"] == ["cat", "dog"]


@pytest.mark.parametrize("kind", ["classes", "masks", "mixed"])
def test_a_picture_of_a_batch(cli: Any, tmp_path: Path, kind: str) -> None:
    if kind == "masks":
        masks((0, 1, 2, 3))
        spec(f"input image [1, H, W]; {CONV}; conv(classes, 1)", 'data = "masks.npz"; augment = [shift(4), noise(0.1)]')
    else:
        photographs("pets")
        augment = "[random_resized_crop(32), cutmix]" if kind == "mixed" else "random_resized_crop(32)"
        spec(
            "input image [3, H, W]; gap; flatten; linear(2)", f'data = "pets"; transform = resize([32, 32]); augment = {augment}'
        )
    before = set(os.listdir())
    result = cli("train", "n.arch", "--show-batch", "batch.png")
    assert result.exit_code == 0, result.stderr
    assert "4 of 4 images of" in result.stderr and set(os.listdir()) - before == {"batch.png"}
    picture = np.asarray(Image.open("batch.png"))
    assert (
        picture.shape[0] > 190
        and picture.shape[1] == 200
        and len(np.unique(picture.reshape(-1, 3), axis=0)) > (3 if kind == "masks" else 1)
    )


def test_a_batch_without_images(cli: Any, tmp_path: Path) -> None:
    spec("input row [4]; linear(3)", "data = iris")
    result = cli("train", "n.arch", "--show-batch", "batch.png")
    assert result.exit_code == 1 and "a batch is drawn from images" in result.stderr and not Path("batch.png").exists()


def test_options_that_would_do_nothing(cli: Any, tmp_path: Path) -> None:
    spec("input row [4]; linear(3)", "data = iris")
    for option in ("--skip-bad", "--download"):
        result = cli("train", "n.arch", option)
        assert result.exit_code == 1 and f"`{option}` is for" in result.stderr and f"leave out {option}" in result.stderr


MISTAKES = [
    ("input image [3, 32, 32]; gap; flatten; linear(2)", 'data = "pets"'),
    ("input image [3, H, W]; gap; flatten; linear(3)", 'data = "pets"; transform = resize([32, 32])'),
    ("input image [3, H, W]; gap; flatten; linear(2)", 'data = "pest"'),
    ("input image [3, H, W]; gap; flatten; linear(2)", 'data = "pets"; transform = resize([32, 32]); augment = shift(40)'),
    ("input image [1, 8, 8]; gap; flatten; linear(9)", "data = digits"),
]


@pytest.mark.parametrize(("body", "recipe"), MISTAKES)
def test_a_mistake_in_the_data_is_told_without_torch(cli: Any, tmp_path: Path, body: str, recipe: str) -> None:
    photographs("pets", 5)
    spec(body, recipe)
    code = (
        "import sys; from archdsl.cli import main; status = main(['train', 'n.arch']); print(status, 'torch' in sys.modules, "
        "'sklearn' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["1", "False", "False"], result.stdout + result.stderr
    assert "error[E080" in result.stderr


def test_a_picture_of_a_batch_is_a_png(cli: Any, small: Path, tmp_path: Path) -> None:
    result = cli("train", small, "--show-batch", "batch.jpg")
    assert result.exit_code == 2 and "name the file batch.png" in result.stderr
    assert not (tmp_path / "batch.jpg").exists()
