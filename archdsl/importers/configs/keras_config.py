"""The `config` of a Keras layer: values by name, whose types are checked where they are read."""

from __future__ import annotations

import math
from typing import Any

from archdsl.importers.configs.layers import Layers

KERAS = "Keras JSON"


class Config:
    """Reads the values of one layer. All methods raise `SpecError` E1211 about the layer for a value of another type."""

    def __init__(self, layers: Layers, data: Any) -> None:
        self._layers = layers
        self.data: dict[str, Any] = data if isinstance(data, dict) else {}

    def has(self, name: str) -> bool:
        """Whether a value is given, and not null."""
        return self.data.get(name) is not None

    def first(self, *names: str) -> Any:
        """Return the first of some values that is given; None if there is none."""
        return next((self.data[name] for name in names if self.has(name)), None)

    def text(self, name: str, default: str) -> str:
        """Return a text."""
        value = self.data.get(name)
        if isinstance(value, dict):
            inner = value.get("config")
            value = inner.get("name") if isinstance(inner, dict) else inner if isinstance(inner, str) else value.get("class_name")
        if value is None:
            return default
        if not isinstance(value, str):
            self._layers.invalid(f"`{name}` must be a text")
        return value

    def number(self, name: str, default: int | None = None, least: int = 1) -> int:
        """Return an integer of at least `least`."""
        value = self.data.get(name, default)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if value is None:
            self._layers.invalid(f"`{name}` is missing")
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 2**31:
            self._layers.invalid(f"`{name}` is {str(value)[:40]}, and must be an integer from {least} on")
        return value

    def real(self, name: str, default: float) -> float:
        """Return a number."""
        value = self.data.get(name)
        value = default if value is None else value
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            self._layers.invalid(f"`{name}` is {str(value)[:40]}, and must be a number")
        return float(value)

    def flag(self, name: str, default: bool) -> bool:
        """Return a truth value."""
        value = self.data.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            self._layers.invalid(f"`{name}` must be true or false")
        return value

    def sizes(self, name: str, axes: int, default: int | None = None, least: int = 1) -> tuple[int, ...]:
        """Return one number per axis."""
        value = self.data.get(name)
        value = default if value is None else value
        if value is None:
            self._layers.invalid(f"`{name}` is missing")
        found = [value] * axes if isinstance(value, int) else value
        if not isinstance(found, list) or any(
            isinstance(n, bool) or not isinstance(n, int) or not least <= n < 2**31 for n in found
        ):
            self._layers.invalid(f"`{name}` is {str(value)[:40]}, and must be integers from {least} on")
        if len(found) != axes:
            self._layers.invalid(f"`{name}` has {len(found)} numbers, and the input {axes} spatial axes")
        return tuple(found)
