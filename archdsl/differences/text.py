"""A difference as text: a line for each change, then the totals and what becomes of stored weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from archdsl.diagnostics import printable
from archdsl.shapes import Dim
from archdsl.text_table import BOLD, DIM, Cell, format_columns

if TYPE_CHECKING:
    from archdsl.differences.compare import Difference, Total

_MOST_COUNTS: Final = 12
"""Ops whose numbers a summary shows."""
_COLOURS: Final = {"+": (("fg", "green"),), "-": (("fg", "red"),), "~": (("fg", "yellow"),)}


def difference_text(found: Difference, title: str | None = None, *, color: bool = False) -> str:
    """Return a difference as text below a title, with colours for a terminal."""
    names = printable(title or found.title)
    if found.is_identical:
        return f"{names}: no differences\n"
    head = format_columns([[Cell(names, BOLD)]], "<", color=color)
    if found.is_empty:
        return head + "the graphs are equal\n" + _rest(found, color)
    return (
        head
        + (_lines(found, color) if found.is_readable else "".join(f"{line}\n" for line in summary_lines(found)))
        + _rest(found, color)
    )


def _lines(found: Difference, color: bool) -> str:
    rows: list[list[Cell | str]] = [
        [Cell(change.sign, _COLOURS[change.sign]), printable(change.home), printable(change.text)] for change in found.changes
    ]
    return format_columns(rows, "<<<", color=color)


def change_lines(found: Difference) -> list[tuple[str, str]]:
    """Return the sign of each change, and its text in aligned columns."""
    table = format_columns([[printable(change.home), printable(change.text)] for change in found.changes], "<<").splitlines()
    return [(change.sign, line) for change, line in zip(found.changes, table, strict=True)]


def summary_lines(found: Difference) -> list[str]:
    """Return how much networks have in common that are too different for a list of changes."""
    counts = [f"{name} {old} -> {new}" for name, old, new in found.op_counts()]
    more = f", and {len(counts) - _MOST_COUNTS} other ops" if len(counts) > _MOST_COUNTS else ""
    equal = "1 op is equal" if found.equal_ops == 1 else f"{found.equal_ops:,} ops are equal"
    ops = f"{equal}, of {found.ops[0]:,} and {found.ops[1]:,}; {len(found.changes):,} changes"
    lines = [f"too different to list: {ops}", *([f"ops: {', '.join(counts[:_MOST_COUNTS])}{more}"] if counts else [])]
    return lines + [f"{change.sign} {change.text}" for change in found.changes if change.is_of_ends]


def _rest(found: Difference, color: bool) -> str:
    """Return the totals that differ, and what becomes of the keys."""
    rows: list[list[Cell | str]] = []
    for total in found.totals:
        if total.before != total.after:
            rows.append([Cell(total.name, DIM), f"{number(total.before)} -> {number(total.after)}{_relation(total)}"])
    rows += [[Cell("keys" if not i else "", DIM), sentence] for i, sentence in enumerate(found.keys.sentences())]
    return format_columns(rows, "<<", color=color)


def number(value: Dim | None) -> str:
    """Return a total as text."""
    return "unknown" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def relation(total: Total) -> str:
    """Return by how much a total changed in percent, with its sign; empty if it did not, or if that is not known."""
    if total.before == total.after or not isinstance(total.before, int) or not isinstance(total.after, int) or not total.before:
        return ""
    return f"{100 * (total.after - total.before) / total.before:+.1f} %"


def _relation(total: Total) -> str:
    return f" ({text})" if (text := relation(total)) else ""
