"""Read files of weights without PyTorch: the kind of a file, its digest, and the header of a safetensors file."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Final, Literal

from archdsl.diagnostics import SpecError, codes
from archdsl.limits import DEFAULT, Limits
from archdsl.weights.non_finite import count_spoiled
from archdsl.weights.safetensors_header import LONGEST, parse_header
from archdsl.weights.stored import StoredWeights, unreadable

_OTHERS: Final = (
    (b"version https://git-lfs", "is a Git LFS pointer, a note of where the file is", "fetch the file itself: `git lfs pull`"),
    (b"<", "is a web page or XML", "a download may have given a page in place of the file: download it again"),
    (b"\x89HDF", "is an HDF5 file, as Keras writes", None),
    (b"\x93NUMPY", "is one NumPy array", None),
    (b"\x1f\x8b", "is compressed with gzip", "unpack it: `gunzip`"),
)


def file_kind(path: Path) -> Literal["safetensors", "torch"]:
    """Return the kind of a file by its first bytes.

    Raise `SpecError` E0601 if it is unreadable, and E0906 if it contains no weights.
    """
    start = _start(path)
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") <= LONGEST:
        return "safetensors"
    if start[:4] == b"PK\x03\x04" or start[:1] == b"\x80":
        return "torch"
    if not start:
        raise unreadable(path.name, "is empty")
    for magic, what, help in _OTHERS:
        if start.lstrip()[: len(magic)] == magic:
            raise unreadable(path.name, what, help)
    what = "is text" if all(byte in b"\t\r\n" or byte >= 32 for byte in start) else "is neither safetensors nor PyTorch's"
    raise unreadable(path.name, f"{what}, and holds no weights" if what == "is text" else what)


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(64)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        raise _unread(path, error) from error


def _unread(path: Path, error: OSError | ValueError) -> SpecError:
    return SpecError(codes.files.CannotRead(str(path), str(getattr(error, "strerror", None) or error)))


def fingerprint(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal. Raise `SpecError` E0601 if it is unreadable."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unread(path, error) from error


def read_header(path: Path, limits: Limits = DEFAULT) -> StoredWeights:
    """Read the header of a safetensors file. Raise `SpecError` E0906 if the library would not load the file."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > min(size - 8, LONGEST):
                raise SpecError(codes.outputs.WeightsCutOff(path.name))
            text = file.read(length)
    except OSError as error:
        raise _unread(path, error) from error
    parts = parse_header(path.name, text, size - 8 - length, limits)
    if not parts:
        raise unreadable(path.name, "holds no tensors")

    def spoiled(key: str, wanted: str) -> int:
        part = parts[key]
        try:
            with path.open("rb") as file:
                return count_spoiled(file, 8 + length + part.start, 8 + length + part.end, part.entry.dtype)
        except OSError as error:
            raise _unread(path, error) from error

    return StoredWeights(path.name, {key: part.entry for key, part in parts.items()}, ordered=False, spoiled=spoiled)


def foreign(said: str) -> str | None:
    """Return the content of a file that PyTorch refused to load, from its message; None if the message is another one."""
    if "TorchScript" in said:
        return "a TorchScript program"
    named = re.search(r"GLOBAL (\S+)", said)
    if named is not None:
        return f"the Python object `{named[1]}`"
    return "Python objects, not only tensors" if "Weights only load failed" in said else None


def not_tensors(name: str, what: str) -> SpecError:
    """Return E0906, for a PyTorch file with objects other than tensors and plain values, which could execute code."""
    return SpecError(codes.outputs.UnsafeWeights(name, what))
