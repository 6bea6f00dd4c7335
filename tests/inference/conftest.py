"""Small runs, trained once for all tests of trained networks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

import archdsl
from archdsl.cli import root as command_line
from archdsl.trained import Run

FLOWERS = """network flowers(classes: int = 3) {
  input image [3, 8, 8]
  conv(8, 3) -> bn -> relu
  aux(weight = 0.3) early: { gap; flatten; linear(classes) }
  gap; flatten; fc: linear(classes)
}
train {
  data = "flowers"; epochs = 6; batch = 8; workers = 0; keep = 3; optimizer = adam(lr = 0.02); metrics = [f1, auroc]
  transform = [resize(10), center_crop(8)]; augment = [random_crop(8), flip]
}"""
STREETS = """network streets {
  input image [1, H, W]
  conv(4, 3) -> relu -> conv(2, 1)
}
train {
  data = imagefolder("streets", masks = "masks", values = [0, 255]); epochs = 3; batch = 4; workers = 0
  optimizer = adam(lr = 0.1); transform = [resize(12)]
}"""
SUMS = """network sums { input row [3]; linear(8) -> relu -> linear(2) }
train { data = "sums.npz"; epochs = 3; batch = 20; loss = mse(scale = auto); optimizer = adam(lr = 0.03) }"""
TAGS = """network tags { input row [3]; linear(3) }
train { data = "tags.npz"; epochs = 3; batch = 20; loss = bce; optimizer = adam(lr = 0.1) }"""
NAMES = ("ant", "bee", "cow")


def flowers(folder: Path, names: tuple[str, ...] = NAMES, splits: tuple[str, ...] = ("train", "val", "test")) -> None:
    """Colour images of several sizes, redder from class to class."""
    random = np.random.default_rng(len(names))
    for split, count in zip(splits, (36, 15, 12), strict=False):
        for number in range(count):
            path = folder / split / names[number % len(names)]
            path.mkdir(parents=True, exist_ok=True)
            pixels = random.normal(90, 40, (12 + number % 3, 14, 3))
            pixels[..., 0] += 50 * (number % len(names))
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path / f"{number:02}.png")


def streets(folder: Path) -> None:
    """Grey images with a bright square, and its mask."""
    random = np.random.default_rng(0)
    for number in range(20):
        image = random.normal(80, 10, (16, 20))
        top, left = random.integers(0, 9, 2)
        image[top : top + 7, left : left + 7] += 100
        mask = np.zeros((16, 20), np.uint8)
        mask[top : top + 7, left : left + 7] = 255
        for part, pixels in (("images", image.clip(0, 255).astype(np.uint8)), ("masks", mask)):
            (folder / part).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / part / f"{number:02}.png")


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """`cli("evaluate", path)` in process, in the folder of the test."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | Path, input: bytes | None = None) -> Result:
        return CliRunner().invoke(command_line, [str(argument) for argument in arguments], input=input, prog_name="archdsl")

    return run


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Run]:
    """`trained("flowers")` is a run; it is trained when a test first asks for it."""
    folder = tmp_path_factory.mktemp("trained")
    random = np.random.default_rng(0)
    rows = random.normal(size=(60, 3)).astype(np.float32)
    runs: dict[str, Run] = {}

    def run(name: str) -> Run:
        if name in runs:
            return runs[name]
        (folder / f"{name}.arch").write_text({"flowers": FLOWERS, "streets": STREETS, "sums": SUMS, "tags": TAGS}[name])
        if name == "flowers":
            flowers(folder / "flowers")
        elif name == "streets":
            streets(folder / "streets")
        elif name == "sums":
            labels = np.stack([rows.sum(1), 100 * rows[:, 0]], 1)
            np.savez(folder / "sums.npz", x=rows, y=labels)
        else:
            np.savez(folder / "tags.npz", x=rows, y=(rows > 0).astype(np.float32))
        archdsl.load(folder / f"{name}.arch").fit(folder / "runs" / name, device="cpu")
        runs[name] = archdsl.run(folder / "runs" / name)
        return runs[name]

    return run
