"""Read CIFAR-10 and MNIST from their published archives or folders, without executing anything in them."""

from __future__ import annotations

import gzip
import io
import pickle
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from archdsl.data.labels import describe_labels
from archdsl.data.request import Request
from archdsl.data.sources import Arrays, Source
from archdsl.diagnostics import SpecError, codes

CIFAR_CLASSES: Final = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_BATCHES: Final = tuple(f"data_batch_{number}" for number in range(1, 6))
_ROW: Final = 1 + 3 * 32 * 32
_DAMAGED: Final = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    MemoryError,
    tarfile.TarError,
    zlib.error,
    pickle.UnpicklingError,
)


def open_cifar10(source: Any, request: Request) -> Source:
    """Open the binary or the Python version of CIFAR-10."""
    path = request.root / source.path
    help = (
        "give `cifar-10-binary.tar.gz` or `cifar-10-python.tar.gz` from "
        "https://www.cs.toronto.edu/~kriz/cifar.html, or its folder"
    )
    files = _files(path, help)
    binary = "test_batch.bin" in files
    wanted = [f"{name}.bin" for name in (*_BATCHES, "test_batch")] if binary else [*_BATCHES, "test_batch"]
    missing = [name for name in wanted if name not in files]
    if missing:
        raise SpecError(codes.data.MissingMember(str(path), missing[0], help))
    parts = []
    for names in (wanted[:5], wanted[5:]):
        read = [_batch(path, name, files[name], binary) for name in names]
        parts.append(Arrays((np.concatenate([x for x, _ in read]),), np.concatenate([y for _, y in read])))
    return _classes(parts, CIFAR_CLASSES, request)


def _classes(parts: list[Arrays], names: tuple[str, ...], request: Request) -> Source:
    labels = describe_labels(parts[0].labels, [parts[1].labels], names, request.ignore)
    return Source(parts[0], parts[1], labels)


def _files(path: Path, help: str) -> dict[str, Callable[[], bytes]]:
    """Return a function that reads each file of an archive or folder, by the name of the file."""
    if not path.exists():
        raise SpecError(codes.data.MissingData(str(path), None, help))
    if path.is_dir():
        return {file.name: file.read_bytes for file in sorted(path.rglob("*")) if file.is_file()}
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                name = member.name.rpartition("/")[2]
                if member.isfile() and name.startswith(("data_batch_", "test_batch")) and (opened := archive.extractfile(member)):
                    found[name] = opened.read()
    except _DAMAGED as error:
        raise SpecError(codes.data.UnreadableFile(str(path), str(error), help)) from error
    return {name: (lambda data=data: data) for name, data in found.items()}  # type: ignore[misc]


def _batch(path: Path, name: str, read: Callable[[], bytes], binary: bool) -> tuple[Any, Any]:
    """Return the images [count, 3, 32, 32] and classes of one file."""
    help = "download it again: its files are damaged"
    try:
        data = read()
        if binary:
            if not data or len(data) % _ROW:
                raise ValueError(f"{len(data):,} bytes are no rows of {_ROW:,}")
            rows = np.frombuffer(data, np.uint8).reshape(-1, _ROW)
            x, y = rows[:, 1:], rows[:, 0].astype(np.int64)
        else:
            held = _Unpickler(io.BytesIO(data), encoding="bytes").load()
            entries = {key.decode() if isinstance(key, bytes) else key: value for key, value in held.items()}
            x, y = entries["data"].array, np.asarray(entries["labels"], np.int64)
            if x.shape != (len(y), _ROW - 1):
                raise ValueError(f"its images are {list(x.shape)}, for {len(y)} labels")
        if len(y) == 0 or y.min() < 0 or y.max() > 9:
            raise ValueError("a label is not from 0 to 9")
    except _DAMAGED as error:
        raise SpecError(codes.data.UnreadableFile(f"`{name}` of {path}", str(error), help)) from error
    return np.ascontiguousarray(x).reshape(-1, 3, 32, 32), y


class _Unpickler(pickle.Unpickler):
    """Load dictionaries, lists, strings, numbers and byte arrays, and reject everything else in a pickle."""

    def find_class(self, module: str, name: str) -> Any:
        """Replace the three names that a pickled array needs by classes that only store bytes."""
        if module in ("numpy", "numpy.core.multiarray", "numpy._core.multiarray") and name in _STAND_INS:
            return _STAND_INS[name]
        raise pickle.UnpicklingError(f"it asks for `{module}.{name}`, which is no array")


class _Pixels:
    """A replacement for `numpy.ndarray` that accepts only bytes."""

    def __init__(self, *arguments: Any) -> None:
        self.array: Any = np.zeros(0, np.uint8)

    def __setstate__(self, state: Any) -> None:
        """Set the state of an array: version, shape, dtype, order and bytes."""
        _, shape, kind, fortran, data = state
        if not isinstance(kind, _ByteType) or not isinstance(data, bytes) or fortran:
            raise pickle.UnpicklingError("it holds an array that is not of bytes")
        self.array = np.frombuffer(data, np.uint8).reshape(shape)


class _ByteType:
    """A replacement for `numpy.dtype` that accepts only bytes."""

    def __init__(self, code: Any, *arguments: Any) -> None:
        if code not in (b"u1", "u1"):
            raise pickle.UnpicklingError(f"it holds an array of {code!r}, and images are bytes")

    def __setstate__(self, state: Any) -> None:
        """Ignore the state."""


_STAND_INS: Final = {"_reconstruct": _Pixels, "ndarray": _Pixels, "dtype": _ByteType}


def open_mnist(source: Any, request: Request) -> Source:
    """Open the four files of MNIST, optionally gzipped. Some copies have `.idx` in place of `-idx`."""
    path = request.root / source.path
    help = (
        "give the folder with train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte"
    )
    if not path.is_dir():
        raise SpecError(codes.data.MissingData(str(path), "a folder" if path.exists() else None, help))
    parts = []
    for part in ("train", "t10k"):
        x, y = (_idx(path, f"{part}-{what}", axes, help) for what, axes in (("images", 3), ("labels", 1)))
        if len(x) != len(y):
            raise SpecError(codes.data.CountsDiffer(str(path), part, len(x), len(y), help))
        parts.append(Arrays((x[:, None],), y.astype(np.int64)))
    names = tuple(str(number) for number in range(10)) if int(max(part.labels.max() for part in parts)) <= 9 else None
    return _classes(parts, names or (), request)


def _idx(folder: Path, name: str, axes: int, help: str) -> Any:
    """Return the array in an idx file: two zero bytes, the type, the number of axes, the sizes, the values."""
    endings = [f"{dash}idx{axes}-ubyte{zipped}" for dash in "-." for zipped in ("", ".gz")]
    file = next((folder / (name + ending) for ending in endings if (folder / (name + ending)).is_file()), None)
    if file is None:
        raise SpecError(codes.data.MissingMember(str(folder), f"{name}-idx{axes}-ubyte", help))
    try:
        data = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        if data[:4] != bytes((0, 0, 8, axes)):
            raise ValueError(f"it does not begin as a file of {axes} axes of bytes does")
        shape = tuple(int(size) for size in np.frombuffer(data, ">u4", axes, 4))
        if len(data) - 4 - 4 * axes != int(np.prod([int(size) for size in shape], dtype=object)) or not shape[0]:
            raise ValueError(f"it says {list(shape)}, and has {len(data) - 4 - 4 * axes:,} bytes")
        return np.frombuffer(bytearray(data), np.uint8, offset=4 + 4 * axes).reshape(shape)
    except _DAMAGED as error:
        raise SpecError(codes.data.UnreadableFile(str(file), str(error), "download it again, or extract it again")) from error
