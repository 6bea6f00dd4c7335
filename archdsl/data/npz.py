"""Read arrays of a `.npz` file, a zip archive of `.npy` files. Uncompressed arrays are mapped from disk.

Nothing in the file is executed. The header of an array is compared with the file before memory is allocated, because a header
of a hundred bytes can claim any size.
"""

from __future__ import annotations

import math
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Final

import numpy as np

from archdsl.diagnostics import SpecError, codes

_SUFFIX: Final = ".npy"
_EXPANDED: Final = {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: 1032}
"""The maximum expansion of one byte: deflate encodes 258 bytes in two bits (zlib.net/zlib_tech.html).

NumPy uses no other method.
"""
_LOCAL_HEADER: Final = 30
"""The length of the header before a file in a zip archive.

Its last two numbers are the lengths of the name and of an extra field.
"""
_CHECKED: Final = 1 << 28
"""Mapped arrays of up to this many bytes are checked against their checksum; reading larger ones would take too long."""


def read_npz(path: Path, choose: Callable[[list[str]], Collection[str]], help: str) -> tuple[list[str], dict[str, Any]]:
    """Return the names of all arrays, and the arrays that `choose` selects; changes to them are not written.

    Raise `SpecError` E0802.
    """
    try:
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):
                raise SpecError(codes.data.MissingData(str(path), "a .npz file", help))
            with zipfile.ZipFile(file) as archive:
                members = {info.filename.removesuffix(_SUFFIX): info for info in archive.infolist()}
                return list(members), {name: _array(path, archive, members[name], help) for name in choose(list(members))}
    except SpecError:
        raise
    except OSError as error:
        raise SpecError(codes.data.UnreadableFile(str(path), str(error.strerror or error), help)) from error
    except MemoryError as error:
        raise SpecError(codes.data.ArraysTooLarge(str(path))) from error
    except Exception as error:  # of many kinds: damage can be anywhere in the archive
        raise _damaged(path, str(error).partition("\n")[0] or type(error).__name__, help) from error


def _array(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, help: str) -> Any:
    most = _EXPANDED.get(info.compress_type)
    if most is None:
        raise SpecError(codes.data.OtherCompression(str(path), help))
    if info.file_size > most * info.compress_size:
        raise _damaged(path, f"`{info.filename}` cannot have {info.file_size:,} bytes", help)
    with archive.open(info) as member:
        shape, fortran, dtype, begins = _header(path, info, member, help)
    if info.compress_type == zipfile.ZIP_STORED and not info.flag_bits & 1 and shape and all(shape):
        return np.memmap(path, dtype, "c", _start(path, info) + begins, shape, "F" if fortran else "C")
    with archive.open(info) as member, warnings.catch_warnings(action="ignore"):  # about headers that Python 2 wrote
        array = np.lib.format.read_array(member, allow_pickle=False)
        member.read(1)  # reads to the end, where the checksum is compared
    return array


def _header(path: Path, info: zipfile.ZipInfo, member: Any, help: str) -> tuple[tuple[int, ...], bool, Any, int]:
    """Return shape, order, dtype and the offset of the data. Raise `SpecError` if the header does not match the data."""
    if not member.peek(8).startswith(np.lib.format.MAGIC_PREFIX):
        raise SpecError(codes.data.NoArray(str(path), info.filename, help))
    version = np.lib.format.read_magic(member)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    with warnings.catch_warnings(action="ignore"):
        shape, fortran, dtype = read(member)
    if dtype.hasobject:
        raise SpecError(codes.data.PythonObjects(str(path)))
    begins = int(member.tell())
    if any(size < 0 for size in shape) or math.prod(shape) * dtype.itemsize != info.file_size - begins:
        raise _damaged(path, f"`{info.filename}` claims to be {list(shape)} of {dtype}, and has {info.file_size:,} bytes", help)
    return shape, fortran, dtype, begins


def _start(path: Path, info: zipfile.ZipInfo) -> int:
    """Return the offset of an uncompressed member in the file. Raise `ValueError` if it is damaged."""
    with path.open("rb") as file:
        file.seek(info.header_offset)
        header = file.read(_LOCAL_HEADER)
        if header[:4] != b"PK\x03\x04":
            raise ValueError(f"`{info.filename}` is not where the archive says")
        start: int = info.header_offset + _LOCAL_HEADER + sum(struct.unpack("<HH", header[26:30]))
        file.seek(start)
        if info.file_size <= _CHECKED and _checksum(file, info.file_size) != info.CRC:
            raise ValueError(f"the checksum of `{info.filename}` differs")
    return start


def _checksum(file: Any, size: int) -> int:
    value = 0
    while size > 0 and (piece := file.read(min(size, 1 << 20))):
        value, size = zlib.crc32(piece, value), size - len(piece)
    return value


def _damaged(path: Path, reason: str, help: str) -> SpecError:
    return SpecError(codes.data.DamagedFile(str(path), reason, help))
