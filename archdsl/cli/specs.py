"""`archdsl specs`: the networks that come with archdsl."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import click

from archdsl.analysis import layer_table
from archdsl.cli.columns import Cell, columns
from archdsl.cli.console import colorful, print_text
from archdsl.driver import compile_networks, shipped_files
from archdsl.shapes import format_shape
from archdsl.syntax.outline import documentation

_BOLD, _DIM = (("bold", True),), (("dim", True),)
_PAPER = re.compile(r".*?\b(?:19|20)\d\d\b(?:, arXiv:[\d.]*\d)?")


@dataclass(frozen=True)
class _Entry:
    """A network as it is listed; MACs are none where the input leaves sizes open."""

    name: str
    file: str
    params: int
    macs: int | None
    depth: int
    input: str
    about: str

    @property
    def paper(self) -> str:
        """What it is and where it is from: its documentation up to the year and the number of the paper."""
        about = self.about.replace("\n", " ")
        found = _PAPER.match(about)
        text = found[0] if found is not None else re.split(r"[.:](?:\s|$)", about)[0]
        return text + ")" * (text.count("(") - text.count(")"))


@click.command(epilog="\b\nExamples:\n  archdsl specs\n  archdsl specs --format json | jq '.[].name'\n  archdsl check resnet50")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="A table, or data.")
def command(form: str) -> None:
    """Show the networks that come with archdsl; other commands take their names as NETWORK."""
    entries = list(_entries())
    if form == "json":
        print_text(json.dumps([{**asdict(e), "paper": e.paper} for e in entries], indent=2, ensure_ascii=False))
        return
    rows: list[list[Cell | str]] = [[Cell(title, _BOLD) for title in ("network", "params", "MACs", "input", "")]]
    for entry in entries:
        macs = f"{entry.macs:,}" if entry.macs is not None else "open"
        rows.append([entry.name, f"{entry.params:,}", macs, entry.input, Cell(entry.paper, _DIM)])
    print_text(columns(rows, "<>><<", color=colorful(sys.stdout)))


def _entries() -> Iterator[_Entry]:
    for path in shipped_files():
        for definition, file, compiled in compile_networks(path):
            graph = compiled.require()
            table = layer_table(graph)
            yield _Entry(
                definition.name, path.name, table.params, table.macs if isinstance(table.macs, int) else None, table.depth,
                ", ".join(format_shape(graph.nodes[i].shape) for i in graph.inputs), documentation(file, definition),
            )  # fmt: skip
