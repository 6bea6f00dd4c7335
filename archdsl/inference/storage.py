"""How the training examples of a run were stored, and whether other examples have the same scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from archdsl.diagnostics import SpecError, codes

_TOLERANCE = 1e-3
_WIDE = 10.0
"""From this width on, a range is clearly not that of pixels between 0 and 1."""


class Values(NamedTuple):
    """The values of an input: `bytes`, `integers` or `floats`, of which the range is known."""

    type: str
    low: float = 0.0
    high: float = 1.0

    def described(self) -> str:
        """Return the values in words."""
        if self.type != "floats":
            return self.type
        return f"floats from {self.low:.4g} to {self.high:.4g}"


class Storage(NamedTuple):
    """Whether the training examples were image files, and the values of each input by name; files have bytes."""

    files: bool
    deep: bool
    """Whether some image files have 16 bits, so that all are read as floats."""
    values: Mapping[str, Values]

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """Return the storage that `Data.storage` describes. Raise `LookupError` or `TypeError` for something else."""
        if data["from"] == "files":
            return cls(True, bool(data["deep"]), {})
        return cls(False, False, {name: Values(**values) for name, values in data["values"].items()})

    def of(self, name: str) -> Values:
        """Return the values of an input in training. Images of 16 bits are read as floats from 0 to 1."""
        return self.values.get(name, Values("floats" if self.deep else "bytes"))

    def check(self, name: str, found: Values, *, image: bool) -> None:
        """Raise `SpecError` E1002 if values have another scale than in training.

        Bytes become floats from 0 to 1, and fit only a range that lies there and fills a quarter of it or more. Of floats, only
        ranges that cannot be meant are errors: for images, values beyond twice the range, and values between 0 and 1 for a
        range that is ten times as wide.
        """
        wanted = self.of(name)
        if found.type == wanted.type != "floats" or "integers" in (found.type, wanted.type):
            return
        low, high, width = found.low, found.high, wanted.high - wanted.low
        if found.type == "bytes":
            wrong = wanted.low < -_TOLERANCE or not 0.25 <= wanted.high <= 1 + _TOLERANCE
        elif wanted.type == "bytes":
            wrong = low < -_TOLERANCE or high > 1 + _TOLERANCE
        else:
            beyond = low < wanted.low - width or high > wanted.high + width
            wrong = image and (beyond or (0 <= low < high <= 1 and width > _WIDE))
        if wrong:
            expected = wanted.described() + (", or floats from 0 to 1" if wanted.type == "bytes" else "")
            raise SpecError(codes.inference.OtherScale(name, found.described(), expected))
