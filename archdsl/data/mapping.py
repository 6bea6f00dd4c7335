"""Arrays of a `.npz` file: mapped from the disk if they are not compressed, else read."""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any, Final

import numpy as np

_MAGIC: Final = b"\x93NUMPY"
_LOCAL_HEADER: Final = 30
"""Bytes of the header before a file in a zip archive; its last two numbers are the lengths of the name and of an extra field."""
_CHECKED: Final = 1 << 28
"""Arrays of up to so many bytes are compared with their checksum; to read all of a larger one would take too long."""


def read_array(path: Path, archive: zipfile.ZipFile, name: str) -> Any:
    """The array of a member; changes to it go nowhere. Raise `ValueError` and others if it is damaged or holds Python objects."""
    info = archive.getinfo(name)
    with archive.open(info) as member:
        if member.read(len(_MAGIC)) != _MAGIC:
            raise ValueError(f"`{name}` is no array")
    if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
        with archive.open(info) as member:
            return np.lib.format.read_array(member, allow_pickle=False)
    with path.open("rb") as file:
        file.seek(info.header_offset)
        header = file.read(_LOCAL_HEADER)
        if header[:4] != b"PK\x03\x04":
            raise ValueError(f"`{name}` is not where the archive says")
        start = info.header_offset + _LOCAL_HEADER + sum(struct.unpack("<HH", header[26:30]))
        file.seek(start)
        if info.file_size <= _CHECKED and _checksum(file, info.file_size) != info.CRC:
            raise ValueError(f"`{name}` is damaged: its checksum differs")
        file.seek(start)
        shape, fortran, dtype = _header(file)
        if dtype.hasobject:
            raise ValueError(f"`{name}` holds Python objects")
        size = dtype.itemsize
        for side in shape:
            size *= side
        offset = file.tell()
        if size != start + info.file_size - offset:
            raise ValueError(f"`{name}` is {list(shape)}, and has {start + info.file_size - offset:,} bytes in place of {size:,}")
        if not size or not shape:
            return np.frombuffer(file.read(size), dtype).reshape(shape)
    return np.memmap(path, dtype, "c", offset, shape, "F" if fortran else "C")


def _checksum(file: Any, size: int) -> int:
    value = 0
    while size > 0 and (piece := file.read(min(size, 1 << 20))):
        value, size = zlib.crc32(piece, value), size - len(piece)
    return value


def _header(file: Any) -> tuple[tuple[int, ...], bool, Any]:
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(file)
    if version == (2, 0):
        return np.lib.format.read_array_header_2_0(file)
    raise ValueError(f"version {version} of the format is not known")
