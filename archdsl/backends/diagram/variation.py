"""In what the instances of a block differ that one frame stands for: a sentence, or a small table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from archdsl.analysis import varies
from archdsl.backends.diagram.contents import Contents
from archdsl.backends.diagram.model import Table
from archdsl.backends.diagram.op_text import short_name
from archdsl.ir import Call, Function, OpNode
from archdsl.ops.base import Op

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


def numbers(nodes: Sequence[OpNode]) -> dict[str, tuple[int, ...]]:
    """Return the whole numbers of ops of one form by parameter, and the channels that they make as an empty name."""
    found = {name: tuple([getattr(node.op, name) for node in nodes]) for name, value in nodes[0].op if _is_number(value)}
    channels = tuple([node.outputs[0].shape[0] for node in nodes if node.outputs and node.outputs[0].shape])
    if all(isinstance(size, int) for size in channels):
        found[""] = channels
    return found


def is_regular(values: Sequence[int]) -> bool:
    """Return whether numbers grow or shrink by the same amount from each to the next."""
    return len({after - before for before, after in pairwise(values)}) == 1


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def loose_form(op: Op) -> object:
    """Return what of an op is equal in instances of a block that differ in numbers."""
    return op.name, tuple((name, repr(value)) for name, value in op if not varies(op, name) and not _is_number(value))


def _differences(nodes: Sequence[OpNode]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield what differs between the ops that one op stands for: a name, and the numbers. Channels are named after the op."""
    found = {name: values for name, values in numbers(nodes).items() if len(set(values)) > 1}
    if "" in found:
        width = found.pop("")
        yield (short_name(nodes[0]) if nodes[0].op.weight_layer else ""), width
        found = {name: values for name, values in found.items() if values != width}
    yield from found.items()


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
