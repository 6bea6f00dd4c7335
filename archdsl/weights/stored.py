"""Files of weights, as far as they can be known without PyTorch: what a file is, and what a safetensors file holds.

The format of safetensors: eight bytes with the length of a JSON header, the header, and the tensors
(github.com/huggingface/safetensors, README, "Format"). Its header alone says every key and shape.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Final, Literal

from archdsl.declared import Fault

_LONGEST_HEADER = 100_000_000
"""In bytes; the library's own limit."""
_DTYPES: Final = {
    "F64": ("float64", 8), "F32": ("float32", 4), "F16": ("float16", 2), "BF16": ("bfloat16", 2),
    "F8_E4M3": ("float8_e4m3fn", 1), "F8_E5M2": ("float8_e5m2", 1), "C64": ("complex64", 8), "BOOL": ("bool", 1),
    "I64": ("int64", 8), "I32": ("int32", 4), "I16": ("int16", 2), "I8": ("int8", 1),
    "U64": ("uint64", 8), "U32": ("uint32", 4), "U16": ("uint16", 2), "U8": ("uint8", 1),
}  # fmt: skip
"""The names of safetensors, as PyTorch says them, and the bytes of one number."""
_OTHERS: Final = (
    (b"version https://git-lfs", "is a Git LFS pointer, a note of where the file is", "fetch the file itself: `git lfs pull`"),
    (b"<", "is a web page or XML", "a download may have given a page in place of the file: download it again"),
    (b"\x89HDF", "is an HDF5 file, as Keras writes", None),
    (b"\x93NUMPY", "is one NumPy array", None),
    (b"\x1f\x8b", "is compressed with gzip", "unpack it: `gunzip`"),
)
_SAVE = "save its tensors alone: torch.save(module.state_dict(), ...), or safetensors.torch.save_file"


@dataclass(frozen=True, slots=True)
class Entry:
    """A stored tensor: its shape, and its kind of number as PyTorch calls it, such as `float32`."""

    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class Stored:
    """What a file of weights holds, by key; `ordered` where the order of the keys is that of the module.

    `notes` say what was done to find the tensors.
    """

    name: str
    entries: Mapping[str, Entry]
    ordered: bool = True
    notes: tuple[str, ...] = ()


def unreadable(name: str, why: str, help: str | None = None) -> Fault:
    """E0906: a file from which no weights can be read."""
    return Fault("E0906", f"{name} {why}", help=help or "weights are .safetensors files, and .pt or .pth files of a state_dict")


def file_kind(path: Path) -> Literal["safetensors", "torch"]:
    """What a file is by its first bytes, whatever its name. Raises `Fault` E0601 and E0906."""
    start = _start(path)
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") <= _LONGEST_HEADER:
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
    except OSError as error:
        raise Fault("E0601", f"{path} cannot be read: {error.strerror or error}") from error


def fingerprint(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_header(path: Path) -> Stored:
    """What a safetensors file holds, from its header alone. Raises `Fault` E0906 where it is damaged."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > min(size - 8, _LONGEST_HEADER):
            raise _cut_off(path)
        text = file.read(length)
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise unreadable(path.name, "is a damaged safetensors file: its header is not JSON") from error
    if not isinstance(header, dict):
        raise unreadable(path.name, "is a damaged safetensors file: its header is no table")
    room = size - 8 - length
    entries = {key: _entry(path, key, value, room) for key, value in header.items() if key != "__metadata__"}
    if not entries:
        raise unreadable(path.name, "holds no tensors")
    return Stored(path.name, entries, ordered=False)


def _entry(path: Path, key: str, value: Any, room: int) -> Entry:
    match value:
        case {"dtype": str(dtype), "shape": list(shape), "data_offsets": [int(start), int(end)]} if 0 <= start <= end:
            if end > room:
                raise _cut_off(path)
            name, width = _DTYPES.get(dtype, (dtype.lower(), None))
            sizes = tuple(size for size in shape if isinstance(size, int) and size >= 0)
            if len(sizes) == len(shape) and (width is None or prod(sizes) * width == end - start):
                return Entry(sizes, name)
    raise unreadable(path.name, f"is a damaged safetensors file: its header contradicts itself at `{key}`")


def _cut_off(path: Path) -> Fault:
    return unreadable(path.name, "is cut off: it is shorter than its header says", "download or copy it again")


def not_tensors(name: str, what: str) -> Fault:
    """E0906: a PyTorch file that holds more than tensors and plain values, which could execute code."""
    return unreadable(name, f"holds {what}, which archdsl does not load, since it could execute code", _SAVE)
