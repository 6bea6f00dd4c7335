"""A layer table as plain data, as programs read it. A symbolic size is a formula, as a string."""

from __future__ import annotations

from typing import Any

from archdsl.analysis.table import Row, Table
from archdsl.shapes import Dim


def row_data(row: Row) -> dict[str, Any]:
    """Return one row of a table."""
    return {
        "name": row.name, "op": row.op, "shape": [_plain(size) for size in row.shape], "params": row.params,
        "macs": _plain(row.macs), "head": row.part == "head", "unused": row.part == "unused",
        "times": row.times, **({"shared": True} if row.shared else {}), **({"training": row.training} if row.training else {}),
    }  # fmt: skip


def totals_data(table: Table) -> dict[str, Any]:
    """Return the totals of a table."""
    return {"params": table.params, "params_eval": table.params_eval, "macs": _plain(table.macs), "depth": table.depth}


def _plain(value: Dim | None) -> int | str | None:
    return value if value is None or isinstance(value, int) else str(value)
