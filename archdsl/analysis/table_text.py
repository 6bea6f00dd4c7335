"""The table of layers as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from archdsl.diagnostics import printable
from archdsl.shapes import Dim, format_shape
from archdsl.text_table import BOLD, DIM, Cell, format_columns

if TYPE_CHECKING:
    from archdsl.analysis.table import Row, Table

_LONG: Final = 40
"""A longer formula of the total stands behind the column of numbers."""
_PART, _TIMES = (("fg", "yellow"),), (("fg", "cyan"),)


def table_text(table: Table, *, color: bool = False, titles: Sequence[str] = (), columns: Sequence[Sequence[str]] = ()) -> str:
    """Return the rows and, below them, the totals. There may be further `columns`, with their texts for each row."""
    trained = any(row.training for row in table.rows)
    head = ("layer", "", "op", "output", "params", "MACs", *titles, *(["training"] if trained else []))
    rows: list[list[Cell | str]] = [[Cell(title, BOLD) for title in head]]
    previous = None
    for number, row in enumerate(table.rows):
        further = columns[number] if columns else ()
        rows.append([*_cells(row, same_shape=row.shape == previous), *further, *([row.training] if trained else [])])
        previous = row.shape
    align = "<<<<>>" + ">" * len(titles) + "<" * trained
    return format_columns(rows, align, color=color) + "\n" + format_columns(_totals(table), "<><", color=color)


def _cells(row: Row, *, same_shape: bool) -> list[Cell | str]:
    part = " ".join(word for word in (row.part if row.part != "main" else "", "shared" if row.shared else "") if word)
    mark = Cell(" ".join([f"×{row.times}", part]).rstrip(), _TIMES) if row.times > 1 else Cell(part, _PART)
    return [
        printable(row.name), mark, printable(row.op), Cell(format_shape(row.shape), DIM if same_shape else ()),
        _count(row.params), "symbolic" if row.macs is None else _count(row.macs),
    ]  # fmt: skip


def _count(value: Dim) -> str:
    """Return a number with separators; empty for zero, so that layers with weights or costs stand out."""
    return "" if value == 0 else f"{value:,}" if isinstance(value, int) else str(value)


def _totals(table: Table) -> list[list[Cell | str]]:
    heads = table.params - table.params_eval
    macs = f"{table.macs:,}" if isinstance(table.macs, int) else str(table.macs) if table.macs is not None else "symbolic"
    rows: list[list[Cell | str]] = [[Cell("params", BOLD), f"{table.params:,}", ""]]
    if heads:
        rows.append([Cell("params without heads", BOLD), f"{table.params_eval:,}", ""])
    images = all(len(row.shape) == 3 for row in table.rows if row.op == "input")
    note = f"for one {'image' if images else 'example'}, in evaluation"
    if table.macs is None:
        note = "depends on the sizes, which are symbolic"
    if len(macs) > _LONG:
        macs, note = "", f"{macs}, {note}"
    rows.append([Cell("MACs", BOLD), macs, Cell(note, DIM)])
    rows.append([Cell("depth", BOLD), str(table.depth), Cell("convolutions and dense layers on the longest path", DIM)])
    return rows
