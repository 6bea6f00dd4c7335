"""`archdsl specs`: the networks that come with archdsl."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

import click

from archdsl.analysis import layer_table
from archdsl.cli.console import colorful
from archdsl.cli.output import print_text
from archdsl.columns import BOLD, DIM, Cell, columns
from archdsl.diagnostics import json_text
from archdsl.driver import compile_networks, shipped_files
from archdsl.ir import Graph
from archdsl.shapes import format_shape
from archdsl.syntax.outline import introduction

_PAPER = re.compile(r".*?\barXiv:[\d.]*\d|.*?\b(?:19|20)\d\d\b")


@dataclass(frozen=True)
class Entry:
    """A network as it is listed; MACs are none where the input leaves sizes open.

    `params` counts heads too, `params_eval` does not; `about` is its documentation, `introduction` that of its file.
    """

    name: str
    file: str
    params: int
    params_eval: int
    macs: int | None
    depth: int
    input: str
    about: str
    introduction: str = field(repr=False)

    @property
    def paper(self) -> str:
        """What it is and where it is from: its documentation, or its file's, up to the paper's number, else its year."""
        said = [text.replace("\n", " ") for text in (self.about, self.introduction) if text]
        found = next(filter(None, map(_PAPER.match, said)), None)
        text = found[0] if found is not None else re.split(r"[.:](?:\s|$)", said[0] if said else "")[0]
        return text + ")" * (text.count("(") - text.count(")"))


@click.command(epilog="\b\nExamples:\n  archdsl specs\n  archdsl specs --format json | jq '.[].name'\n  archdsl check resnet50")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="A table, or data.")
def command(form: str) -> None:
    """Show the networks that come with archdsl; other commands take their names as NETWORK."""
    listed = list(entries())
    if form == "json":
        print_text(json_text([_data(entry) for entry in listed]))
        return
    rows: list[list[Cell | str]] = [[Cell(title, BOLD) for title in ("network", "params", "MACs", "input", "")]]
    for entry in listed:
        macs = f"{entry.macs:,}" if entry.macs is not None else "open"
        rows.append([entry.name, f"{entry.params:,}", macs, entry.input, Cell(entry.paper, DIM)])
    print_text(columns(rows, "<>><<", color=colorful(sys.stdout)))


def _data(entry: Entry) -> dict[str, object]:
    data = asdict(entry) | {"paper": entry.paper}
    del data["introduction"]
    return data


def entries() -> Iterator[Entry]:
    """Every network that comes with archdsl, file by file; for the base of a family stand those made of it."""
    for path in shipped_files():
        for definition, file, compiled in compile_networks(path, bases_too=False):
            yield entry_of(definition.name, path.name, compiled.require(), introduction(file, "#"))


def entry_of(name: str, file: str, graph: Graph, about_file: str) -> Entry:
    """What is listed of a network."""
    table = layer_table(graph)
    return Entry(
        name, file, table.params, table.params_eval, table.macs if isinstance(table.macs, int) else None, table.depth,
        ", ".join(format_shape(graph.nodes[i].shape) for i in graph.inputs), graph.doc or about_file, about_file,
    )  # fmt: skip
