"""`archdsl ops`: the reference of ops, from their registry."""

from __future__ import annotations

import sys
from inspect import cleandoc
from itertools import groupby

import click

from archdsl.cli import completions
from archdsl.cli.console import colorful
from archdsl.cli.output import print_text
from archdsl.diagnostics.suggest import nearest
from archdsl.literals import show
from archdsl.ops import Op
from archdsl.registry import describe, signature
from archdsl.text_table import BOLD, DIM, Cell, format_columns


@click.command(epilog="\b\nExamples:\n  archdsl ops\n  archdsl ops conv")
@click.argument("name", required=False, shell_complete=completions.ops)
def command(name: str | None) -> None:
    """List all ops, or describe the op NAME with its parameters and an example."""
    color = colorful(sys.stdout)
    if name is None:
        print_text(_list(color))
        return
    op = Op.registry.get(name)
    if op is None:
        near = nearest(name, Op.registry.names())
        raise click.UsageError(f"no op {name!r}" + (f"; did you mean {near!r}?" if near else "; `archdsl ops` lists them"))
    print_text(_page(op, color))


def _list(color: bool) -> str:
    ops = sorted(Op.registry, key=_category)
    rows: list[list[Cell | str]] = []
    for category, members in groupby(ops, key=_category):
        rows += [["", ""]] if rows else []
        rows.append([Cell(category, BOLD), ""])
        rows += [["  " + (f"{op.name} {{ ... }}" if op.statement else op.name), _first_line(op)] for op in members]
    return format_columns(rows, "<<", color=color)


def _page(op: type[Op], color: bool) -> str:
    rows: list[list[Cell | str]] = [
        ["  " + name, describe(field.annotation), _default(op, name), Cell(field.description or "", DIM)]
            for name in op.parameters_in_order() if (field := op.fields[name])]  # fmt: skip
    parts = [click.style(_call(op), bold=True) if color else _call(op), "", cleandoc(op.__doc__ or ""), ""]
    if rows:
        parts += ["parameters:", format_columns(rows, "<<<<", color=color)]
    parts += ["example:", f"  input x {op.example_input}", *(f"  {line}" for line in op.example.splitlines())]
    return "\n".join(parts)


def _category(op: type[Op]) -> str:
    return str(op.category)


def _call(op: type[Op]) -> str:
    return f"{signature(op)} {{ ... }}" if op.statement else signature(op)


def _first_line(op: type[Op]) -> str:
    return cleandoc(op.__doc__ or "").partition("\n")[0]


def _default(op: type[Op], name: str) -> str:
    field = op.fields[name]
    return "" if field.is_required() else f"= {show(field.default, op.words(name))}"
