"""What of a model the language cannot express: each operation once, with its module and the line of its source."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from archdsl.importers.aten import Lacking, Refused, Translation
from archdsl.importers.layouts import Dims
from archdsl.importers.model import Apply, Place, Value


class Refusals:
    """The operations that are refused, in the order of execution; those on one line of the source count once."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, int, str], list[Place]] = {}
        self._others: list[str] = []

    def __bool__(self) -> bool:
        return bool(self._found or self._others)

    def add(self, place: Place, reason: str) -> None:
        """Note an operation, and why it is refused."""
        known = (place.file, place.line, reason) if place.file else (place.module, 0, reason)
        self._found.setdefault(known, []).append(place)

    def add_result(self, name: str, reason: str) -> None:
        """Note a result of the model that is refused."""
        self._others.append(f"the result `{name}`: {reason}")

    def lines(self) -> tuple[str, ...]:
        """Return a line for each."""
        found = []
        for (_, _, reason), places in self._found.items():
            more = len({place.module for place in places}) - 1
            also = f", and in {more} more {'module' if more == 1 else 'modules'}" if more else ""
            found.append(f"{places[0]}{also}: {reason}")
        return (*found, *self._others)

    def of_node(self, translation: Translation, node: Any, place: Place, error: Exception) -> None:
        """Note why a node is refused, unless it may only follow from an operation before, which is."""
        if isinstance(error, Lacking) or not translation.follows_lost(node):
            self.add(place, _reason(node, error))


def _reason(node: Any, error: Exception) -> str:
    from archdsl.diagnostics import SpecError

    if isinstance(error, Refused):
        return str(error)
    if isinstance(error, SpecError):  # a rule of the language that does not hold for this use of it
        return f"{node.target}: {error.diagnostics[0].message}"
    return f"{node.target}: a use that is not known ({type(error).__name__}: {error})"


def placeholder(translation: Translation, node: Any, place: Place, error: Exception) -> list[Apply]:
    """Return an op in place of one that is refused, whose results take the axes of an input of the same shape."""
    translation.lost.add(node.name)
    values = translation.values
    sources = [n for n in node.all_input_nodes if isinstance(values.get(n.name), Value)]
    made = node.meta.get("val")
    several = isinstance(made, list | tuple)
    outputs: list[Value] = []
    for tensor in made if several else [made]:
        if isinstance(tensor, Tensor):
            value, dims = _like(translation, sources, tuple(int(n) for n in tensor.shape))
            outputs.append(value)
            if dims is not None:
                translation.layouts[node.name] = dims
    if not sources or not outputs:
        values[node.name] = None
        return []
    values[node.name] = outputs if several else outputs[0]
    inputs = [values[source.name] for source in sources]
    return [Apply("UNKNOWN", {"reason": _reason(node, error)}, inputs, outputs, None, "", place)]


def _like(translation: Translation, sources: list[Any], shape: tuple[int, ...]) -> tuple[Value, Dims | None]:
    """Return a value for a tensor of a shape, with its layout: that of a source of the same shape."""
    for source in sources:
        if tuple(int(n) for n in source.meta["val"].shape) == shape:
            known = translation.values[source.name]
            return Value(known.shape, known.batched), translation.layouts.get(source.name)
    return Value(shape[1:]), None
