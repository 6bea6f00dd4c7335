"""Numbers that are NaN or infinite, or would be as float32, counted in the bytes of a tensor without NumPy or PyTorch.

A number of a binary format is NaN or infinite where all bits of its exponent are set. The byte that holds the highest of these
bits tells for nearly all numbers that they are not: slices, `translate` and `count` go through a gigabyte in a second or
two. Only numbers that this byte leaves in doubt are looked at one by one. All formats are little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from math import isfinite
from typing import IO, Final, NamedTuple

_CHUNK = 1 << 22
_LEAST_INFINITE: Final = (2 - 2**-24) * 2.0**127
"""The least float64 that becomes infinite as a float32: half a step above the greatest float32."""


class _Format(NamedTuple):
    """How long a number is, which highest bytes leave it in doubt, and whether one in doubt is no finite float32."""

    width: int
    doubtful: bytes
    """For each highest byte 1 where it leaves doubt, else 0."""
    spoiled: Callable[[bytes], bool]


def _format(width: int, doubtful: Callable[[int], bool], spoiled: Callable[[bytes], bool] = lambda number: True) -> _Format:
    return _Format(width, bytes(doubtful(byte) for byte in range(256)), spoiled)


_FORMATS: Final = {
    "float64": _format(8, lambda b: b & 0x7F >= 0x47, lambda n: not abs(struct.unpack("<d", n)[0]) < _LEAST_INFINITE),
    "float32": _format(4, lambda b: b & 0x7F == 0x7F, lambda n: not isfinite(struct.unpack("<f", n)[0])),
    "float16": _format(2, lambda b: b & 0x7C == 0x7C),
    "bfloat16": _format(2, lambda b: b & 0x7F == 0x7F, lambda n: n[0] >= 0x80),
    "float8_e4m3fn": _format(1, lambda b: b & 0x7F == 0x7F),
    "float8_e5m2": _format(1, lambda b: b & 0x7C == 0x7C),
    "float8_e8m0fnu": _format(1, lambda b: b == 0xFF),
    "float8_e4m3fnuz": _format(1, lambda b: b == 0x80),
    "float8_e5m2fnuz": _format(1, lambda b: b == 0x80),
}


def count_spoiled(file: IO[bytes], start: int, end: int, dtype: str) -> int:
    """How many numbers between two places of a file are no finite float32; those of other kinds than floats all are."""
    form = _FORMATS.get(dtype)
    if form is None:
        return 0
    file.seek(start)
    return sum(_count(chunk, form) for chunk in _chunks(file, end - start))


def _chunks(file: IO[bytes], length: int) -> Iterator[bytes]:
    while length > 0 and (chunk := file.read(min(length, _CHUNK))):
        yield chunk
        length -= len(chunk)


def _count(chunk: bytes, form: _Format) -> int:
    width = form.width
    flags = chunk[width - 1 :: width].translate(form.doubtful)
    if not flags.count(1):
        return 0
    found, at = 0, flags.find(1)
    while at >= 0:
        found += form.spoiled(chunk[at * width : (at + 1) * width])
        at = flags.find(1, at + 1)
    return found
