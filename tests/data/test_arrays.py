"""Arrays in `.npz` files: what is read, what stays on the disk, and what is said of arrays that do not fit."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from archdsl.data import Input
from archdsl.data.split import hold_out
from archdsl.diagnostics import SpecError
from archdsl.recipe import Dataset
from tests.data.reading import call, everything, read


def test_digits_hold_out_360_evenly() -> None:
    data = read(call(Dataset, "digits"), Path(), Input("x", (1, 8, 8)))
    assert (len(data.train), len(data.held_out), data.classes) == (1437, 360, 10)
    x, y = everything(data, data.train)
    assert {int(count) for count in everything(data, data.held_out)[1].bincount()} <= {35, 36, 37}
    assert (float(x.min()), float(x.max())) == (0, 1)
    assert data.labels.frequencies == tuple(y.bincount().tolist())


@pytest.mark.parametrize("seed", range(20))
def test_what_is_held_out_is_what_scikit_learn_holds_out(seed: int) -> None:
    from sklearn.model_selection import train_test_split

    random = np.random.default_rng(seed)
    classes = np.concatenate([random.integers(0, 4, random.integers(20, 200)), [0, 0, 1, 1, 2, 2, 3, 3]])
    for given in (classes, None):
        expected = train_test_split(np.arange(len(classes)), test_size=len(classes) // 5, stratify=given, random_state=seed)
        for own, other in zip(hold_out(len(classes), given, None, seed, ""), expected, strict=True):
            assert own.tolist() == other.tolist()


def test_npz_with_and_without_a_split(tmp_path: Path) -> None:
    x, y = np.random.default_rng(0).integers(0, 256, (50, 4, 4), dtype=np.uint8), np.arange(50) % 5
    np.savez(tmp_path / "one.npz", x=x, y=y)
    np.savez_compressed(tmp_path / "two.npz", x_train=x[:30], y_train=y[:30], x_test=x[30:], y_test=y[30:])
    for name, held_out in (("one.npz", 10), ("two.npz", 20)):
        data = read(name, tmp_path, Input("x", (1, 4, 4)))
        images, labels = everything(data, data.held_out)
        assert images.shape == (held_out, 1, 4, 4) and images.dtype == torch.uint8
        assert data.classes == 5
        assert all((x == image.numpy()).all((1, 2)).argmax() % 5 == label for image, label in zip(images, labels, strict=True))


def test_arrays_that_are_not_compressed_stay_on_the_disk(tmp_path: Path) -> None:
    """However an array lies in its file, no copy of it is made, and the numbers are right."""
    random = np.random.default_rng(0)
    x = np.asfortranarray(random.normal(size=(40, 3)).astype(">f8"))
    np.savez(tmp_path / "data.npz", odd=np.zeros(3, np.uint8), x=x, y=x.sum(1))
    data = read("data.npz", tmp_path, Input("x", (3,)))
    [array] = data.train._part.inputs  # type: ignore[union-attr]
    assert isinstance(array, np.memmap)
    values, sums = everything(data, data.train)
    torch.testing.assert_close(values.sum(1), sums)
    assert values.dtype == torch.float32


def test_masks_are_held_out_by_the_picture(tmp_path: Path) -> None:
    np.savez(tmp_path / "masks.npz", x=np.zeros((10, 4, 4)), y=np.arange(160).reshape(10, 4, 4) % 3)
    data = read("masks.npz", tmp_path, Input("x", (1, 4, 4)))
    assert (len(data.train), everything(data, data.held_out)[1].shape, data.classes) == (8, (2, 4, 4), 3)
    assert (data.labels.kind, data.labels.shape, sum(data.labels.frequencies)) == ("mask", (4, 4), 8 * 16)


def test_arrays_to_validate_with_leave_those_to_test_with_for_the_end(tmp_path: Path) -> None:
    x, y = np.zeros((6, 4)), np.arange(6) % 2
    np.savez(tmp_path / "both.npz", x_train=x, y_train=y, x_val=x[:4], y_val=y[:4], x_test=x[:2], y_test=y[:2])
    data = read("both.npz", tmp_path, Input("x", (4,)))
    assert len(data.held_out) == 4 and data.test is not None and len(data.test) == 2


def test_several_inputs_by_name(tmp_path: Path) -> None:
    """Images and tokens, one of them integers: arrays are called as the inputs."""
    image, words, y = np.zeros((20, 3, 8, 8), np.uint8), np.arange(80).reshape(20, 4), np.arange(20) % 2
    np.savez(tmp_path / "two.npz", image=image, words=words, y=y)
    parts = {
        f"{name}_{part}": array[:10]
        for part in ("train", "test")
        for name, array in (("image", image), ("words", words), ("y", y))
    }
    np.savez(tmp_path / "parts.npz", **parts)
    inputs = Input("image", (3, 8, 8)), Input("words", (4,), integer=True)
    for name, count in (("two.npz", 4), ("parts.npz", 10)):
        data = read(name, tmp_path, *inputs)
        batch = next(data.evaluation_batches(data.held_out))
        assert [(given.dtype, len(given)) for given in batch.inputs] == [(torch.uint8, count), (torch.int64, count)]
        images, tokens = data.preparation(data.recipe)(batch, training=False)[0]
        assert images.dtype == torch.float32 and torch.equal(tokens, batch.inputs[1])
    np.savez(tmp_path / "one.npz", image=image, y=y)
    with pytest.raises(
        SpecError, match="where `image_train`, `words_train`, `y_train`, `image_test`, `words_test` and `y_test` are looked for"
    ) as caught:
        read("one.npz", tmp_path, *inputs)
    assert "numpy.savez(path, image_train=..., words_train=..., y_train=..., image_test=" in (caught.value.diagnostic.help or "")
    np.savez(tmp_path / "real.npz", image=image, words=words + 0.5, y=y)
    with pytest.raises(SpecError, match="the input `words` takes whole numbers, and the data set has float64") as caught:
        read("real.npz", tmp_path, *inputs)


def test_images_determine_symbolic_sizes(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", x=np.zeros((20, 16, 24), np.uint8), y=np.arange(20) % 2)
    assert read("data.npz", tmp_path, Input("x", (1, None, None))).shapes == ((1, 16, 24),)
    with pytest.raises(SpecError, match=r"examples of the data set are \[1, 16, 24\], and the network's input is \[1, \?, 25\]"):
        read("data.npz", tmp_path, Input("x", (1, None, 25)))


def test_damaged_files_are_errors(tmp_path: Path) -> None:
    """Every byte of a small file in turn, compressed or not: it is read as it was, or refused."""
    x, y = np.arange(40.0).reshape(10, 4), np.arange(10) % 2
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "whole.npz", x=x, y=y)
        whole = (tmp_path / "whole.npz").read_bytes()
        for place in range(0, len(whole), 3):
            (tmp_path / "bad.npz").write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
            try:
                data = read("bad.npz", tmp_path, Input("x", (4,)))
            except SpecError as error:
                assert error.diagnostic.code in ("E0801", "E0802", "E0803")
            else:
                assert torch.equal(
                    everything(data, data.train)[0].sum(),
                    everything(read("whole.npz", tmp_path, Input("x", (4,))), data.train)[0].sum(),
                )


def test_a_header_that_claims_too_much(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", x=np.zeros((10, 4)), y=np.arange(10) % 2)
    content = (tmp_path / "data.npz").read_bytes().replace(b"'shape': (10, 4), ", b"'shape': (10**6,4),")
    for claimed in (b"(99, 4), ", b"(9, 99), ", b"(0, 4),  "):
        (tmp_path / "bad.npz").write_bytes(content.replace(b"'shape': (10**6,4),", b"'shape': " + claimed))
        with pytest.raises(SpecError, match="cannot read"):
            read("bad.npz", tmp_path, Input("x", (4,)))


@pytest.mark.parametrize(
    ("arrays", "shape", "code", "help"),
    [
        ({"x": np.zeros((10, 4, 4, 3)), "y": np.arange(10) % 2}, (3, 4, 4), "E0803", "channels first"),
        ({"x": np.zeros((10, 3, 5, 5)), "y": np.arange(10) % 2}, (3, 4, 4), "E0803", "write `input image [3, 5, 5]`"),
        ({"x": np.zeros((10, 4)), "y": np.arange(9) % 2}, (4,), "E0802", "one label to each"),
        (
            {f"{name}_{part}": np.zeros(len(part) - (name == "y")) for name in "xy" for part in ("train", "test")},
            (1,),
            "E0802",
            "one label",
        ),
        ({"x": np.zeros((10, 4)), "y": np.zeros((10, 0), int)}, (4,), "E0802", "not empty"),
        ({"x": np.zeros((10, 4)), "y": np.arange(10)}, (4,), "E0802", "x_test"),
        ({"x": np.full((10, 4), np.nan), "y": np.arange(10) % 2}, (4,), "E0802", "remove"),
        ({"x": np.array([None] * 10), "y": np.arange(10) % 2}, (4,), "E0802", "arrays of numbers"),
        ({"x": np.zeros((10, 4)), "y": np.array(["a", "b"] * 5)}, (4,), "E0802", "numpy.unique"),
        ({"x": np.array(1), "y": np.array(1)}, (4,), "E0802", "savez"),
        ({"z": np.zeros(3)}, (4,), "E0802", "savez"),
    ],
)
def test_data_that_does_not_fit(tmp_path: Path, arrays: dict[str, Any], shape: tuple[int, ...], code: str, help: str) -> None:
    np.savez(tmp_path / "data.npz", **arrays)
    with pytest.raises(SpecError) as caught:
        read("data.npz", tmp_path, Input("x", shape))
    assert (caught.value.diagnostic.code, caught.value.diagnostic.argument) == (code, "data")
    assert help in (caught.value.diagnostic.help or "")


PARTS = {"x_train": np.zeros((6, 4)), "y_train": np.arange(6) % 2, "x_test": np.zeros((4, 4)), "y_test": np.arange(4) % 2}


@pytest.mark.parametrize(
    ("changes", "code", "message", "help"),
    [
        ({"y_test": np.arange(4.0) % 2}, "E0801", "`y_test` holds values (float64), and `y_train`",
         "`y_test.astype(int)`; for values"),
        ({"y_test": np.arange(4) / 3}, "E0801", "`y_test` holds values (float64)",
         "save both as floats: `y_train.astype(float)`"),
        ({"y_train": np.arange(6.0) % 2}, "E0801", "`y_train` holds values (float64), and `y_test`",
         "`y_train.astype(int)`; for values"),
        ({"y_test": np.zeros((4, 1), int)}, "E0801", "and in `y_test` [1]", "`y_test.reshape(4)`"),
        ({"y_train": np.zeros((6, 1), int)}, "E0801", "and in `y_test` []", "`y_train.reshape(6)`"),
        ({"y_test": np.zeros((4, 3), int)}, "E0801", "and in `y_test` [3]", "`y_test` as [4]"),
        ({"y_test": np.eye(4, 2, dtype=int) + np.eye(4, 2, -2, dtype=int)}, "E0801", "and in `y_test` [2]", "`y_test.argmax(1)`"),
        ({"x_test": np.zeros((4, 5))}, "E0803", "those of `x_test` are [5]", "one shape"),
        ({"x_train": np.zeros((6, 4), np.uint8)}, "E0802", "`x_train` is uint8, which is divided by 255, and `x_test` is float64",
         "`x_train / 255`"),
        ({"x_test": np.full((4, 4), 200, np.uint8)}, "E0802", "`x_test` is uint8", "`x_test / 255`"),
        ({"x_train": np.zeros((6, 4), np.uint8), "x_test": np.full((4, 4), 255)}, "E0802", "x_test` is int64",
         "`x_test.round().astype(numpy.uint8)`"),
        ({"x_train": np.zeros((6, 4), np.uint8), "x_test": -np.ones((4, 4))}, "E0802", "x_test` is float64",
         "`x_train.astype(float)`"),
        ({"y_train": np.array([0, 1, 2, 0, 1, np.nan])}, "E0802",
         "`y_train` has labels that are not finite, the first at `y_train[5]`", "numpy.argwhere"),
        ({"y_train": np.arange(6, dtype=np.uint64) + np.uint64(2**64 - 9)}, "E0801",
         "found the label 18446744073709551612 in `y_train`", "numpy.unique"),
        ({"y_train": np.arange(6) * 1j}, "E0802", "`y_train` is complex128", "`y_train.real`"),
        ({"x_test": np.zeros((0, 4)), "y_test": np.zeros(0, int)}, "E0802", "`x_test` has the shape [0, 4]", "not empty"),
        ({"x_test": np.full((4, 4), 1e300)}, "E0802", "`x_test` has values up to 1e+300", "`x_test / 1e+300`"),
    ],
)  # fmt: skip
def test_parts_that_do_not_go_together(tmp_path: Path, changes: dict[str, Any], code: str, message: str, help: str) -> None:
    np.savez(tmp_path / "data.npz", **{**PARTS, **changes})
    with pytest.raises(SpecError) as caught:
        read("data.npz", tmp_path, Input("x", (4,)))
    assert (caught.value.diagnostic.code, caught.value.diagnostic.argument) == (code, "data")
    assert message in caught.value.diagnostic.message and help in (caught.value.diagnostic.help or "")


@pytest.mark.parametrize(
    ("x", "help"),
    [
        (np.zeros((10, 8, 8, 3)), "`x.transpose(0, 3, 1, 2)`, and write `input image [3, 8, 8]`"),
        (np.zeros((10, 8, 8, 1)), "put the channels first: `x.transpose(0, 3, 1, 2)`"),
        (np.zeros((10, 9)), "write `input row [9]`"),
        (np.zeros(10), "save rows of one number: `x[:, None]`, and write `input row [1]`"),
    ],
)
def test_examples_of_another_shape(tmp_path: Path, x: Any, help: str) -> None:
    np.savez(tmp_path / "data.npz", x=x, y=np.arange(10) % 2)
    with pytest.raises(SpecError) as caught:
        read("data.npz", tmp_path, Input("x", (1, 8, 8)))
    assert caught.value.diagnostic.code == "E0803" and help in (caught.value.diagnostic.help or "")


@pytest.mark.parametrize("examples", [0, 1, 20])
def test_too_few_to_hold_out_of(tmp_path: Path, examples: int) -> None:
    """In our words, not in scikit-learn's."""
    np.savez(tmp_path / "data.npz", x=np.zeros((examples, 4)), y=np.arange(examples) // 2)
    with pytest.raises(
        SpecError, match=r"one example|no numbers in it|a fifth of 20 examples, 4, are fewer than the 10 classes"
    ) as caught:
        read("data.npz", tmp_path, Input("x", (4,)))
    assert caught.value.diagnostic.code == "E0802"


def test_data_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.npz").write_text("no archive")
    with zipfile.ZipFile(tmp_path / "bytes.npz", "w") as archive:
        archive.writestr("x", "no array")
        archive.writestr("y", "no array")
    np.save(tmp_path / "array.npy", np.zeros(3))
    for name, said in (
        ("absent.npz", "does not exist"),
        ("empty", "has no folders of images"),
        ("bytes.npz", "is no array"),
        ("text.npz", "is not a .npz file"),
        ("array.npy", "is not a .npz file"),
    ):
        with pytest.raises(SpecError) as caught:
            read(name, tmp_path, Input("x", (1,)))
        assert (caught.value.diagnostic.code, caught.value.diagnostic.argument) == ("E0802", "data")
        assert said in caught.value.diagnostic.message and "pickle" not in caught.value.diagnostic.message
