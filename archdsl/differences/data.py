"""A difference as plain data, as programs read it. A symbolic size is a formula, as a string."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archdsl.shapes import Dim

if TYPE_CHECKING:
    from archdsl.differences.changes import Change
    from archdsl.differences.compare import Difference


def difference_data(found: Difference) -> dict[str, Any]:
    """Return a difference: each change, the totals of both networks, their ops, and what becomes of stored weights."""
    return {
        "before": found.before.name, "after": found.after.name,
        "equal_graphs": found.is_empty, "equal": found.is_identical,
        "changes": [_change_data(change) for change in found.changes],
        "totals": {total.name: {"before": _plain(total.before), "after": _plain(total.after)} for total in found.totals},
        "ops": {"before": found.ops[0], "after": found.ops[1], "equal": found.equal_ops},
        "op_counts": {name: {"before": old, "after": new} for name, old, new in found.op_counts()},
        "keys": found.keys.as_data(),
    }  # fmt: skip


def _change_data(change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind, "where": change.where, "instances": change.instances, "times": change.times, "text": change.text,
        "arguments": [
            {"name": argument.name, "values": [{"before": old, "after": new} for old, new in argument.values]}
            for argument in change.arguments
        ],
        "before": list(change.before), "after": list(change.after),
        "place_before": change.places[0], "place_after": change.places[1],
    }  # fmt: skip


def _plain(value: Dim | None) -> int | str | None:
    return value if value is None or isinstance(value, int) else str(value)
