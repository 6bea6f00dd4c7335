"""In what the instances of a block differ that one frame stands for: a sentence, or a small table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archdsl.backends.diagram.fold import is_regular, numbers
from archdsl.backends.diagram.model import Table
from archdsl.backends.diagram.op_text import short_name
from archdsl.ir import OpNode

_MOST_COLUMNS = 5
_MOST_ROWS = 8
"""Of a table; of more instances it has the first ones and the last."""


def differences(nodes: Sequence[OpNode]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield what differs between the ops that one op stands for: a name, and the numbers. Channels are named after the op."""
    found = {name: values for name, values in numbers(nodes).items() if len(set(values)) > 1}
    if "" in found:
        width = found.pop("")
        yield (short_name(nodes[0]) if nodes[0].op.weight_layer else ""), width
        found = {name: values for name, values in found.items() if values != width}
    for name, values in found.items():
        yield name, values


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
