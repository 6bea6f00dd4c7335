"""Count values that are NaN or infinite, or would be in float32, in the bytes of a tensor, without NumPy or PyTorch.

A floating-point number is NaN or infinite if all bits of its exponent are set. For nearly all numbers, the byte with the highest
of these bits rules that out: slicing, `translate` and `count` process a gigabyte in a second or two. Only the numbers for which
this byte is inconclusive are decoded one by one. All formats are little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from math import isfinite
from typing import IO, Final, NamedTuple

_CHUNK = 1 << 22
_LEAST_INFINITE: Final = (2 - 2**-24) * 2.0**127
"""The smallest float64 that becomes infinite in float32: half a step above the largest float32."""


class _Format(NamedTuple):
    """The width of a number in bytes, the inconclusive highest bytes, and the test for an inconclusive number."""

    width: int
    doubtful: bytes
    """For each value of the highest byte: 1 if it is inconclusive, else 0."""
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
    """Count the numbers in a range of a file that are not finite in float32; 0 for dtypes that are not floats."""
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
