"""Published archives, Hugging Face's data sets, and streams of tar files, all made small here."""

from __future__ import annotations

import gzip
import io
import pickle
import tarfile
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from archdsl.data import Input, ReadOptions
from archdsl.diagnostics import SpecError
from archdsl.recipe import Dataset
from tests.data.reading import call, everything, read

COLOR = Input("image", (3, 32, 32))
RANDOM = np.random.default_rng(0)
PIXELS, CLASSES = RANDOM.integers(0, 256, (60, 3072), dtype=np.uint8), np.arange(60) % 10
NAMES = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]


def cifar(folder: Path, *, binary: bool) -> Path:
    """Six batches of ten images."""
    folder.mkdir()
    for number, name in enumerate(NAMES):
        x, y = PIXELS[number * 10 : number * 10 + 10], CLASSES[number * 10 : number * 10 + 10]
        if binary:
            (folder / f"{name}.bin").write_bytes(np.concatenate([y[:, None].astype(np.uint8), x], 1).tobytes())
        else:
            (folder / name).write_bytes(_as_python_2(x, y.tolist()))
    return folder


def _as_python_2(x: Any, labels: list[int]) -> bytes:
    """The pickle of a batch as it is published: bytes for texts, and NumPy under its old name."""
    held = pickle.dumps({b"data": x, b"labels": labels, b"batch_label": b"one"}, protocol=3)
    return held.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("packed", [True, False])
def test_cifar10(tmp_path: Path, binary: bool, packed: bool) -> None:
    path = cifar(tmp_path / "cifar-10", binary=binary)
    if packed:
        with tarfile.open(tmp_path / "cifar.tar.gz", "w:gz") as archive:
            archive.add(path, "cifar-10-batches")
        path = tmp_path / "cifar.tar.gz"
    data = read(call(Dataset, "cifar10", path=str(path)), Path(), COLOR)
    images, labels = everything(data, data.train)
    assert torch.equal(images, torch.from_numpy(PIXELS[:50].reshape(-1, 3, 32, 32))) and labels.tolist() == CLASSES[:50].tolist()
    assert data.labels.names is not None and data.labels.names[3] == "cat" and len(data.held_out) == 10


class Evil:
    def __reduce__(self) -> Any:
        return open, ("executed", "w")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps(Evil()), "which is no array"),
        (pickle.dumps({b"data": np.array([print]), b"labels": [1]}), "no array|and images are bytes"),
        (pickle.dumps({b"data": np.zeros((2, 3072)), b"labels": [1, 2]}, protocol=3), "and images are bytes"),
        (pickle.dumps({b"labels": [1]}), "data"),
        (_as_python_2(PIXELS[:2], [1, 2, 3]), "for 3 labels"),
        (_as_python_2(PIXELS[:2], [1, 12]), "not from 0 to 9"),
        (b"no pickle", "cannot read"),
        (b"", "cannot read"),
    ],
)
def test_pickles_are_not_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, message: str) -> None:
    monkeypatch.chdir(tmp_path)
    (cifar(tmp_path / "cifar", binary=False) / "data_batch_2").write_bytes(content)
    with pytest.raises(SpecError, match=message) as caught:
        read(call(Dataset, "cifar10", path="cifar"), tmp_path, COLOR)
    assert caught.value.diagnostic.code == "E0802" and not Path("executed").exists()


def test_archives_that_lack_something(tmp_path: Path) -> None:
    (cifar(tmp_path / "cifar", binary=True) / "data_batch_5.bin").unlink()
    with pytest.raises(SpecError, match=r"has no `data_batch_5\.bin`"):
        read(call(Dataset, "cifar10", path="cifar"), tmp_path, COLOR)
    (tmp_path / "text.tar.gz").write_text("no archive")
    for name, said in (("text.tar.gz", "cannot read"), ("absent", "does not exist")):
        with pytest.raises(SpecError, match=said) as caught:
            read(call(Dataset, "cifar10", path=name), tmp_path, COLOR)
        assert "https://www.cs.toronto.edu/~kriz/cifar.html" in (caught.value.diagnostic.help or "")
    with pytest.raises(SpecError, match="is an archive"):
        read("text.tar.gz", tmp_path, COLOR)


def idx(array: Any) -> bytes:
    return bytes((0, 0, 8, array.ndim)) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


@pytest.mark.parametrize("zipped", [True, False])
def test_mnist(tmp_path: Path, zipped: bool) -> None:
    x, y = RANDOM.integers(0, 256, (30, 28, 28), dtype=np.uint8), (np.arange(30) % 10).astype(np.uint8)
    for part, rows in (("train", slice(20)), ("t10k", slice(20, 30))):
        for name, array in ((f"{part}-images-idx3-ubyte", x[rows]), (f"{part}-labels-idx1-ubyte", y[rows])):
            content = gzip.compress(idx(array)) if zipped else idx(array)
            (tmp_path / (name + ".gz" * zipped)).write_bytes(content)
    source = call(Dataset, "mnist", path=".")
    data = read(source, tmp_path, Input("image", (1, 28, 28)))
    images, labels = everything(data, data.held_out)
    assert torch.equal(images[:, 0], torch.from_numpy(x[20:])) and labels.tolist() == y[20:].tolist()
    file = tmp_path / ("train-images-idx3-ubyte" + ".gz" * zipped)
    content = idx(x[:20])
    for wrong, said in ((content[:-5], "and has"), (b"\0\0\x0d\3" + content[4:], "does not begin"), (b"", "does not begin")):
        file.write_bytes(gzip.compress(wrong) if zipped else wrong)
        with pytest.raises(SpecError, match=said):
            read(source, tmp_path, Input("image", (1, 28, 28)))
    file.unlink()
    with pytest.raises(SpecError, match="has no `train-images-idx3-ubyte`"):
        read(source, tmp_path, Input("image", (1, 28, 28)))


datasets = pytest.importorskip("datasets")


def pictures(count: int, size: int = 6) -> list[dict[str, Any]]:
    found = []
    for number in range(count):
        file = io.BytesIO()
        Image.new("RGB", (size, size), (number * 5, 0, 0)).save(file, "PNG")
        found.append({"bytes": file.getvalue(), "path": None})
    return found


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    """Parquet files as the hub stores them: images in bytes, and the names of the classes."""
    folder = tmp_path / "hub"
    (folder / "data").mkdir(parents=True)
    features = datasets.Features(
        {"img": datasets.Image(), "fine": datasets.ClassLabel(names=["cat", "dog"]), "size": datasets.Value("float32")}
    )
    for part, count in (("train", 20), ("test", 6)):
        held = {
            "img": pictures(count),
            "fine": [number % 2 for number in range(count)],
            "size": [number / 2 for number in range(count)],
        }
        datasets.Dataset.from_dict(held, features).to_parquet(folder / "data" / f"{part}-00000-of-00001.parquet")
    return folder


def test_parquet_files(hub: Path) -> None:
    data = read(call(Dataset, "hf", path="hub", image="img", label="fine"), hub.parent, Input("x", (3, None, None)), workers=1)
    assert (len(data.train), len(data.held_out), data.labels.names, data.shapes) == (20, 6, ("cat", "dog"), ((3, 6, 6),))
    images, labels = everything(data, data.train)
    assert images[:, 0, 0, 0].tolist() == [number * 5 for number in range(20)] and labels.tolist() == [0, 1] * 10
    values = read(call(Dataset, "hf", path="hub", image="img", label="size"), hub.parent, Input("x", (3, 6, 6)))
    assert values.labels.kind == "value" and values.labels.high == 9.5


def test_a_folder_of_images_by_hugging_face(tmp_path: Path) -> None:
    for label in ("cat", "dog"):
        for number in range(10):
            (tmp_path / "animals" / label).mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (4, 4), (number, 0, 0)).save(tmp_path / "animals" / label / f"{number}.png")
    data = read(call(Dataset, "hf", path="animals"), tmp_path, Input("x", (3, 4, 4)))
    assert (len(data.train), len(data.held_out), data.labels.names) == (16, 4, ("cat", "dog"))
    assert everything(data, data.held_out)[1].bincount().tolist() == [2, 2]


def test_numbers_by_hugging_face(tmp_path: Path) -> None:
    rows = RANDOM.normal(size=(20, 4)).astype(np.float32)
    table = datasets.Dataset.from_dict({"features": rows.tolist(), "kind": ["iris", "rose"] * 10})
    datasets.DatasetDict({"train": table}).save_to_disk(tmp_path / "saved")
    data = read(call(Dataset, "hf", path="saved", image="features", label="kind"), tmp_path, Input("x", (4,)))
    assert (len(data.train), data.labels.names) == (16, ("iris", "rose"))
    images, _ = everything(data, data.train)
    assert all((rows == image.numpy()).all(1).any() for image in images)


@pytest.mark.parametrize(
    ("arguments", "message", "help"),
    [
        ({"path": "hub"}, "has no column `image`: it has img, fine, size", '`image = "img"`'),
        ({"path": "hub", "image": "img", "label": "fin"}, "has no column `fin`", '`label = "fine"`'),
        (
            {"path": "hub", "image": "img", "label": "fine", "train": "training"},
            "has no split `training`: it has train, test",
            'train = "train"',
        ),
        ({"path": "hub", "image": "img", "label": "fine", "validation": "dev"}, "has no split `dev`", "leave `validation` out"),
        ({"path": "someone/something"}, "is neither a folder below .* nor a data set in the cache", "`--download`"),
    ],
)
def test_what_is_wrong_with_a_data_set(hub: Path, arguments: dict[str, Any], message: str, help: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        read(call(Dataset, "hf", **arguments), hub.parent, Input("x", (3, 6, 6)))
    assert caught.value.diagnostic.code == "E0802" and help in (caught.value.diagnostic.help or "")


def test_damaged_images_of_a_data_set(tmp_path: Path) -> None:
    held = pictures(20)
    held[3]["bytes"] = b"no image"
    held[5]["bytes"] = held[5]["bytes"][:-30]
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"])})
    table = datasets.Dataset.from_dict({"image": held, "label": [0, 1] * 10}, features)
    datasets.DatasetDict({"train": table}).save_to_disk(tmp_path / "saved")
    source = call(Dataset, "hf", path="saved")
    with pytest.raises(SpecError, match="cannot read row 3: "):
        read(source, tmp_path, Input("x", (3, 6, 6)))
    data = read(source, tmp_path, Input("x", (3, 6, 6)), reading=ReadOptions(skip_bad=True))
    assert len(data.train) + len(data.held_out) == 18 and len(data.left_out) == 2


def shards(folder: Path, count: int = 4, each: int = 12) -> None:
    """Tar files of examples: an image with its number as colour, and its class."""
    for shard in range(count):
        with tarfile.open(folder / f"s-{shard:03}.tar", "w") as archive:
            for number in range(shard * each, shard * each + each):
                file = io.BytesIO()
                Image.new("RGB", (8 + number % 3, 9), (number, 0, 0)).save(file, "PNG")
                for ending, content in (("png", file.getvalue()), ("cls", str(number % 3).encode()), ("json", b"{}")):
                    member = tarfile.TarInfo(f"{number:04}.{ending}")
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))


def stream(folder: Path, workers: int = 0, **arguments: Any) -> Any:
    from archdsl.recipe import Augmentation, Transform

    source = call(Dataset, "webdataset", path="s-{000..003}.tar", **arguments)
    keys = {"transform": call(Transform, "resize", size=(8, 8)), "augment": call(Augmentation, "flip")}
    return read(source, folder, Input("x", (3, 8, 8)), workers=workers, **keys)


def numbers(batches: Any) -> list[int]:
    return [int(value) for batch in batches for value in batch.inputs[0][:, 0, 0, 0]]


def test_streams_of_tar_files(tmp_path: Path) -> None:
    shards(tmp_path)
    data = stream(tmp_path)
    assert (len(data.train), len(data.held_out), data.labels.count, data.labels.frequencies) == (36, 12, 3, (12, 12, 12))
    assert sorted(numbers(data.evaluation_batches(data.held_out, 5))) == list(range(36, 48))
    batches = list(data.training_batches(6, 0, lambda: 0))
    assert len(batches) == 6 and sorted(numbers(batches)) == list(range(36)) != numbers(batches)
    assert all(
        int(image[0, 0, 0]) % 3 == int(label)
        for batch in batches
        for image, label in zip(batch.inputs[0], batch.labels, strict=True)
    )
    assert len(torch.cat([batch.keys for batch in batches]).unique()) == 36


def test_streams_are_resumed_at_a_batch(tmp_path: Path) -> None:
    """By counters, whatever the number of workers; each process reads its own files."""
    shards(tmp_path)
    step = 0
    plain, worked = (stream(tmp_path, workers, buffer=8).training_batches(6, 0, lambda: step) for workers in (0, 3))
    epochs = []
    for step in (0, 6):  # noqa: B007  # read by the batches
        epochs.append(numbers(plain))
        assert numbers(worked) == epochs[-1]
    assert epochs[0] != epochs[1]
    for step in (2, 9):
        assert numbers(plain) == numbers(worked) == epochs[step // 6][step % 6 * 6 :]
    step = 0
    data = stream(tmp_path)
    parts = [numbers(data.training_batches(6, 0, lambda: 0, rank, 3)) for rank in range(3)]
    assert sorted(chain.from_iterable(parts)) == list(range(36))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"path": "s-{000..009}.tar"}, "6 of 10 tar files do not exist, the first is .*s-004.tar"),
        ({"path": "s-000.tar"}, "and none can be held out"),
        ({"path": "pipe:cat s-000.tar"}, "is no path, and only files are read"),
        ({"path": "s-{003..000}.tar"}, "is no range"),
        ({"path": "s-{000..003}.tar", "label": "txt"}, r"has no file `\.txt` with the number of its class"),
        ({"path": "s-{000..003}.tar", "label": "json"}, "is '{}', and no number of a class"),
        ({"path": "s-{000..003}.tar", "classes": 2, "examples": 36}, "is 2, and `classes` is 2"),
        ({"path": "bad.tar", "validation": "s-000.tar"}, r"cannot read .*bad\.tar"),
    ],
)
def test_what_is_wrong_with_tar_files(tmp_path: Path, arguments: dict[str, Any], message: str) -> None:
    shards(tmp_path)
    (tmp_path / "bad.tar").write_bytes(b"no archive" * 100)
    with pytest.raises(SpecError, match=message) as caught:
        read(call(Dataset, "webdataset", **arguments), tmp_path, Input("x", (3, None, None)))
    assert caught.value.diagnostic.code in ("E0801", "E0802") and caught.value.diagnostic.help
