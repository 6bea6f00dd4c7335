"""In what the instances of a block differ that one frame stands for: a sentence, or a small table."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from itertools import pairwise

from archdsl.analysis import varies
from archdsl.backends.diagram.contents import Contents
from archdsl.backends.diagram.model import Table
from archdsl.backends.diagram.op_text import differ, short_name, width
from archdsl.ir import Call, Function, OpNode

_MOST_COLUMNS = 5
_MOST_ROWS = 8
"""Of a table; of more instances it has the first ones and the last."""


def varying(functions: Sequence[Function], contents: Callable[[Function], Contents]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the numbers that differ between functions of one form, each with a name: of ops, and the channels that they make."""
    for items in zip(*(contents(function).items for function in functions), strict=True):
        calls = [item.callee for item in items if isinstance(item, Call)]
        if calls:
            yield from varying(calls, contents)
            continue
        for nodes in zip(*(item for item in items if not isinstance(item, Call)), strict=True):
            yield from _differences(nodes)


def is_regular(values: Sequence[int]) -> bool:
    """Return whether numbers grow or shrink by the same amount from each to the next."""
    return len({after - before for before, after in pairwise(values)}) == 1


def loose_form(node: OpNode) -> object:
    """Return what of an op is equal in instances of a block that differ in numbers.

    A window such as `[7, 1]` is no number, and a size that says what the shape says, as that of a `reshape`, is left out.
    """
    shapes = [value.shape for value in node.outputs]
    return node.op.name, tuple(
        (name, _without_numbers(value)) for name, value in node.op if not varies(node.op, name) and value not in shapes
    )


def _numbers_in(name: str, value: object) -> Iterator[tuple[str, int]]:
    """Yield the whole number that is a parameter's value, or those of the axes in it, each with a name."""
    match value:
        case bool():
            return
        case int():
            yield name, value
        case tuple():
            for part in value:
                match part:
                    case (str(axis), size):
                        yield from _numbers_in(axis, size)


def _without_numbers(value: object) -> Hashable:
    """Return what is left of a parameter's value without whole numbers that have a name."""
    match value:
        case int() if not isinstance(value, bool):
            return int
        case (str(axis), size):
            return axis, _without_numbers(size)
        case tuple() if any(isinstance(part, tuple) for part in value):
            return tuple([_without_numbers(part) for part in value])
    return repr(value)


def _differences(nodes: Sequence[OpNode]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield in what ops of one form differ, each with a name; features are named after the op that makes them."""
    if nodes[0].op.weight_layer and nodes[0].output.shape:
        widths = [width(node) for node in nodes]
        whole = tuple([size for size in widths if isinstance(size, int)])
        if differ(whole) and len(whole) == len(widths):
            yield short_name(nodes[0]), whole
    yield from differing_parameters(nodes)


def differing_parameters(nodes: Sequence[OpNode]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the whole numbers in which ops of one form differ, by name, apart from those that their shapes say too."""
    sizes = list(zip(*(node.outputs[0].shape for node in nodes if node.outputs), strict=False))
    each = [[number for name, value in node.op for number in _numbers_in(name, value)] for node in nodes]
    for same in zip(*each, strict=True):
        values = tuple([number for _, number in same])
        if differ(values) and values not in sizes:
            yield same[0][0], values


def what_varies(found: Sequence[tuple[str, tuple[int, ...]]], instances: Sequence[str]) -> tuple[str, Table | None]:
    """Return a note for a frame, and a table unless all numbers change by the same amount from each instance to the next.

    The channels of the last op with weights are the width of the block.
    """
    columns: dict[tuple[int, ...], str] = {}
    for name, values in found:
        if len(values) == len(instances) and name:
            columns.setdefault(values, name)
    if not columns:
        return "", None
    widths = [values for name, values in found if len(values) == len(instances) and name in columns.values()]
    if all(is_regular(values) for values in columns):
        step = widths[-1][1] - widths[-1][0]
        return f"width {'+' if step > 0 else '−'} {abs(step)} each", None
    chosen = list(columns.items())[:_MOST_COLUMNS]
    rows = [(name, *(str(values[i]) for values, _ in chosen)) for i, name in enumerate(instances)]
    if len(rows) > _MOST_ROWS:
        rows = [*rows[: _MOST_ROWS - 2], ("…", *("…" for _ in chosen)), rows[-1]]
    return "", Table(("", *(name for _, name in chosen)), tuple(rows))
