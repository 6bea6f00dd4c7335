"""Read the header of a safetensors file, with the validation of its library, so that a file that passes can be loaded.

The format (github.com/huggingface/safetensors, README, "Format"): eight bytes with the length of a JSON header, the header,
and the tensors, contiguous and up to the end of the file. The library imports PyTorch or NumPy to read a file;
`check` avoids that.
"""

from __future__ import annotations

import json
import re
from math import isfinite, prod
from typing import Any, Final, NamedTuple

from archdsl.diagnostics import SpecError, codes
from archdsl.limits import Limits
from archdsl.weights.stored import StoredTensor

LONGEST: Final = 100_000_000
"""The maximum length of a header in bytes, the limit of the library."""
_KINDS: Final = {
    "F64": ("float64", 64), "F32": ("float32", 32), "F16": ("float16", 16), "BF16": ("bfloat16", 16),
    "F8_E4M3": ("float8_e4m3fn", 8), "F8_E5M2": ("float8_e5m2", 8), "F8_E8M0": ("float8_e8m0fnu", 8),
    "F8_E4M3FNUZ": ("float8_e4m3fnuz", 8), "F8_E5M2FNUZ": ("float8_e5m2fnuz", 8),
    "F6_E2M3": ("6-bit float", 6), "F6_E3M2": ("6-bit float", 6), "F4": ("4-bit float", 4),
    "C64": ("complex64", 64), "BOOL": ("bool", 8), "I64": ("int64", 64), "I32": ("int32", 32), "I16": ("int16", 16),
    "I8": ("int8", 8),
    "U64": ("uint64", 64), "U32": ("uint32", 32), "U16": ("uint16", 16), "U8": ("uint8", 8),
}  # fmt: skip
"""The dtypes of the format, with their names in PyTorch and their numbers of bits.

PyTorch cannot compute with less than 8 bits.
"""
_FIELDS: Final = frozenset(("dtype", "shape", "data_offsets"))
_METADATA: Final = "__metadata__"
_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_SIGNS: Final = 16
"""Brackets, braces and commas that one tensor takes, at most: it has a few axes."""


class Part(NamedTuple):
    """The shape and dtype of a tensor, and the range of its bytes in the file."""

    entry: StoredTensor
    start: int
    end: int


def parse_header(name: str, text: bytes, room: int, limits: Limits) -> dict[str, Part]:
    """Parse a header that `room` bytes follow. Raise `SpecError` E0906 if the library would reject the file."""
    signs = sum(text.count(sign) for sign in (b"{", b"[", b","))
    if signs > _SIGNS * limits.tensors:
        raise _too_many(name, limits)
    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=_table, parse_int=_whole, parse_constant=_refuse_constant)
        if _SURROGATE.search(text):
            json.dumps(header, ensure_ascii=False).encode("utf-8")  # rejects unpaired surrogates, as the library does
    except _Twice as error:
        raise damaged(name, f"its header has `{error.key}` twice") from error
    except (ValueError, OverflowError, RecursionError) as error:
        raise damaged(name, "its header is not JSON") from error
    if not isinstance(header, dict):
        raise damaged(name, "its header is no table")
    _check_metadata(name, header.pop(_METADATA, None))
    if len(header) > limits.tensors:
        raise _too_many(name, limits)
    parts = {key: _part(name, key, value) for key, value in header.items()}
    _check_places(name, parts, room)
    return parts


def damaged(name: str, why: str) -> SpecError:
    """Return the error (E0906) for a safetensors file that its library would refuse."""
    return SpecError(codes.outputs.DamagedSafetensors(name, why))


def _too_many(name: str, limits: Limits) -> SpecError:
    return SpecError(codes.outputs.TooManyTensors(name, limits.tensors))


class _Twice(Exception):
    """A duplicate key in a table, which the format forbids."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        raise _Twice(next(key for key, _ in pairs if key in seen or seen.add(key)))  # type: ignore[func-returns-value]
    return found


def _whole(text: str) -> int | float:
    """Parse a 64-bit integer; the library treats other integers, and `-0`, as floats."""
    number = float(text)
    return int(text) if abs(number) < 2**64 and text != "-0" else number


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def _check_metadata(name: str, metadata: Any) -> None:
    if metadata is None:
        return
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise damaged(name, f"`{_METADATA}` in its header is no table of strings")


def _part(name: str, key: str, value: Any) -> Part:
    match value:
        case {"dtype": str(dtype), "shape": list(shape), "data_offsets": [start, end]} if dtype in _KINDS:
            kind, bits = _KINDS[dtype]
            counts = all(type(number) is int and 0 <= number < 2**63 for number in (*shape, start, end))
            if counts and start <= end and prod(max(size, 1) for size in shape) < 2**60 and _plain(value):
                if prod(shape) * bits == 8 * (end - start):
                    return Part(StoredTensor(tuple(shape), kind), start, end)
        case {"dtype": str(dtype)} if dtype not in _KINDS:
            raise damaged(name, f"`{key}` is of the kind {dtype!r}, which there is not")
    raise damaged(name, f"its header contradicts itself at `{key}`")


def _plain(value: dict[str, Any]) -> bool:
    """Return whether the library ignores additional fields of an entry, too."""
    if len(value) == len(_FIELDS):
        return True
    others = [value[field] for field in value.keys() - _FIELDS]
    return all(
        other is None or isinstance(other, str) or (isinstance(other, int | float) and isfinite(other)) for other in others
    )


def _check_places(name: str, parts: dict[str, Part], room: int) -> None:
    """Raise `SpecError` if the tensors are not contiguous up to the end of the file."""
    at = 0
    for key, part in sorted(parts.items(), key=lambda item: item[1][1:]):
        if part.start != at:
            where = "overlaps the tensor before it" if part.start < at else "leaves bytes before it that belong to no tensor"
            raise damaged(name, f"`{key}` {where}")
        at = part.end
    if at > room:
        raise SpecError(codes.outputs.WeightsCutOff(name))
    if at < room:
        raise damaged(name, f"{room - at:,} bytes at its end belong to no tensor")
