"""`archdsl specs`: the networks that come with archdsl."""

from __future__ import annotations

import sys

import click

from archdsl.analysis import layer_table
from archdsl.cli.columns import Cell, columns
from archdsl.cli.console import colorful, print_text
from archdsl.driver import compile_address, shipped_networks

_TITLES = ("network", "file", "params", "depth", "")
_BOLD, _DIM = (("bold", True),), (("dim", True),)


@click.command(epilog="\b\nExamples:\n  archdsl specs\n  archdsl check resnet50")
def command() -> None:
    """Show the networks that come with archdsl; other commands take their names as NETWORK."""
    rows: list[list[Cell | str]] = [[Cell(title, _BOLD) for title in _TITLES]]
    for name, path in shipped_networks().items():
        compiled = compile_address(f"{path}:{name}")
        table = layer_table(compiled.require())
        about = compiled.sources[0].line_text(1).removeprefix("##").strip()
        rows.append([name, path.name, f"{table.params:,}", str(table.depth), Cell(about, _DIM)])
    print_text(columns(rows, "<<>><", color=colorful(sys.stdout)))
