"""What the sizes of a value are called, as parameters of a class."""

from __future__ import annotations

from collections.abc import Mapping

from archdsl.ir import Value

_AXES: Mapping[int, tuple[str, ...]] = {
    1: ("features",),
    2: ("channels", "length"),
    3: ("channels", "height", "width"),
    4: ("channels", "depth", "height", "width"),
}


def hint_of(value: Value, axis: int) -> str:
    """Return what the size of a value is called, as a parameter."""
    producer = value.producer
    key = producer.module.key[-1] if producer is not None and producer.module is not None else ""
    name, kind = value.name or key, axis_name(value, axis)
    return f"{name}_{kind}" if name.isidentifier() else kind


def axis_name(value: Value, axis: int) -> str:
    """Return what an axis of a value is called."""
    names = _AXES.get(len(value.shape))
    return names[axis] if names is not None else f"size{axis}"
