"""How a notebook shows a network: the diagram as an SVG element, and the layer table as HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, cast

from archdsl.html_page import html_table
from archdsl.shapes import format_shape

if TYPE_CHECKING:
    from archdsl.analysis import Row
    from archdsl.network import Network


class ShownInNotebooks:
    """Base of `Network`."""

    def _repr_svg_(self) -> str:
        """Return the diagram for notebooks, or an image with the error."""
        return diagram_element(cast("Network", self))

    def _repr_html_(self) -> str:
        """Return the layer table for notebooks, or the error."""
        return table_element(cast("Network", self))


def diagram_element(network: Network) -> str:
    """Return the diagram as an SVG element, or an image with the error."""
    drawn = network.drawing()
    if isinstance(drawn, bytes):
        text = drawn.decode()
        return text[text.index("<svg") :]
    from archdsl.backends.diagram.svg import text_picture  # here: the table needs no backend

    return text_picture([f"{drawn.code}: {drawn.message}", f"help: {drawn.help}"])


def table_element(network: Network) -> str:
    """Return the layer table as HTML, or the error. Text from the spec is escaped."""
    try:
        return _table(network)
    except Exception as error:
        return f"<p>{escape(f'archdsl cannot show the table of {network.name}: {type(error).__name__}: {error}')}</p>"


def _table(network: Network) -> str:
    table = network.table()
    rows = (
        (
            row.name,
            row.op,
            format_shape(row.shape),
            f"{row.params:,}",
            "" if row.macs is None else _number(row.macs),
            _remark(row),
        )
        for row in table.rows
    )
    totals = f"{table.params:,} params, {table.params_eval:,} without heads, depth {table.depth}"
    return html_table(f"{network.name}: {totals}", ("layer", "op", "output", "params", "MACs", ""), rows)


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _remark(row: Row) -> str:
    words = f"×{row.times}" if row.times > 1 else "", "head" if row.part == "head" else "", "shared" if row.shared else ""
    return " ".join(word for word in words if word)
