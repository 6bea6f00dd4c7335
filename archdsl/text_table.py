"""Format text tables with aligned columns. Styles do not count for the width of a cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import click


class Cell(NamedTuple):
    """The text of a cell and its style, as arguments of `click.style`."""

    text: str
    style: tuple[tuple[str, bool | str], ...] = ()


BOLD: Final = (("bold", True),)
DIM: Final = (("dim", True),)


def format_columns(rows: Sequence[Sequence[Cell | str]], align: str, *, color: bool = False) -> str:
    """Return rows of cells as lines of text. `align` has `<` or `>` for each column. Empty columns are omitted."""
    cells = [[cell if isinstance(cell, Cell) else Cell(cell) for cell in row] for row in rows]
    widths = [max((len(row[i].text) for row in cells), default=0) for i in range(len(align))]
    kept = [i for i, width in enumerate(widths) if width]
    lines = []
    for row in cells:
        parts = [_fit(row[i], widths[i], align[i], color) for i in kept]
        lines.append("  ".join(parts).rstrip() + "\n")
    return "".join(lines)


def _fit(cell: Cell, width: int, side: str, color: bool) -> str:
    space = " " * (width - len(cell.text))
    text = click.style(cell.text, **dict(cell.style)) if color and cell.style and cell.text else cell.text  # type: ignore[arg-type]
    return text + space if side == "<" else space + text
