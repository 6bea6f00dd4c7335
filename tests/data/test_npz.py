"""Damaged and crafted `.npz` files: an error that names the file, and no more memory than the file can fill."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from archdsl.data import Input
from archdsl.data.arrays import open_arrays
from archdsl.data.request import Request
from archdsl.data.sources import Arrays
from archdsl.diagnostics import SpecError

X, Y = np.arange(60, dtype=np.float32).reshape(20, 3), np.arange(20) % 2


def read_arrays(path: Path) -> list[Any]:
    """Examples and labels, as training opens them."""
    source = open_arrays(path, Request(path.parent, (Input("x", (3,)),)))
    parts = (source.train, source.held_out)
    assert all(isinstance(part, Arrays) for part in parts)
    return [source.train.inputs[0], source.train.labels]


def header(shape: object, dtype: str = "'<f4'", *, version: bytes = b"\1\0", text: str | None = None) -> bytes:
    said = (text or f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}").encode()
    said = said.ljust(117) + b"\n"
    return b"\x93NUMPY" + version + len(said).to_bytes(2, "little") + said


def packed(path: Path, x: bytes, method: int = zipfile.ZIP_DEFLATED) -> Path:
    y = io.BytesIO()
    np.save(y, Y)
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("x.npy", x)
        archive.writestr("y.npy", y.getvalue())
    return path


def refused(path: Path) -> SpecError:
    with pytest.raises(SpecError) as caught:
        read_arrays(path)
    assert (
        caught.value.diagnostic.code == "E0802" and str(path) in caught.value.diagnostic.message and caught.value.diagnostic.help
    )
    return caught.value


CRAFTED = {
    "more than memory": header("(10, 1000000, 1000000)"),
    "beyond 64 bits": header("(10, 10000000000, 10000000000)"),
    "negative": header("(-1, 5)") + bytes(20),
    "less than there is": header("(20, 2)") + X.tobytes(),
    "no numbers": header("(20, 3)"),
    "bytes without end": header("(20,)", "'V9223372036854775807'"),
    "no table": header("", text="[1, 2]") + X.tobytes(),
    "no Python": header("", text="{'descr': (((") + X.tobytes(),
    "deep": header("", text="(" * 100) + X.tobytes(),
    "a version that is none": header("(20, 3)", version=b"\7\0") + X.tobytes(),
    "a dtype that is none": header("(20, 3)", "'<q9'") + X.tobytes(),
    "text in place of an array": b"no array",
    "nothing": b"",
    "a header that is cut off": header("(20, 3)")[:40],
}


@pytest.mark.parametrize("name", CRAFTED)
def test_a_crafted_header(tmp_path: Path, name: str) -> None:
    refused(packed(tmp_path / "data.npz", CRAFTED[name]))


def test_an_array_of_objects_is_not_loaded(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", x=np.array([{}, []], dtype=object), y=np.zeros(2))
    assert "of Python objects" in refused(tmp_path / "data.npz").diagnostic.message


def test_a_size_in_the_archive_that_cannot_be(tmp_path: Path) -> None:
    path = packed(tmp_path / "data.npz", header("(1000, 1000, 1000)") + bytes(100), zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    claimed = (4 * 10**9 + 128).to_bytes(4, "little")
    at = data.rindex(b"PK\1\2", 0, data.rindex(b"y.npy"))
    at = data.rindex(b"PK\1\2", 0, data.index(b"x.npy", data.index(b"PK\1\2")))
    data[at + 24 : at + 28] = claimed
    path.write_bytes(data)
    assert "cannot have 4,000,000,128 bytes" in refused(path).diagnostic.message


def test_compression_that_numpy_does_not_use(tmp_path: Path) -> None:
    assert (
        "compressed in another way"
        in refused(packed(tmp_path / "data.npz", header("(20, 3)") + X.tobytes(), zipfile.ZIP_BZIP2)).diagnostic.message
    )


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_every_flipped_byte_is_found(tmp_path: Path, save: Callable[..., None]) -> None:
    path, random = tmp_path / "data.npz", Random(7)
    save(path, x=X, y=Y)
    whole = path.read_bytes()
    assert [array.tolist() for array in read_arrays(path)] == [X.tolist(), Y.tolist()]
    for at in random.sample(range(len(whole)), 300):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << random.randrange(8)]) + whole[at + 1 :])
        try:
            arrays = read_arrays(path)
        except SpecError as error:
            assert error.diagnostic.code == "E0802"
        else:  # a byte that means nothing, such as of a date
            assert [array.tolist() for array in arrays] == [X.tolist(), Y.tolist()]


@pytest.mark.parametrize(
    "array", [X, X.T.copy().T, np.asfortranarray(X), X.astype(">f8"), np.zeros((20, 3), bool), np.zeros((20, 100_000))]
)
def test_every_array_of_numbers_is_read(tmp_path: Path, array: np.ndarray) -> None:
    np.savez_compressed(tmp_path / "data.npz", x=array, y=Y, other=np.array([object()]))
    assert np.array_equal(read_arrays(tmp_path / "data.npz")[0], array)
