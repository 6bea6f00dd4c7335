"""Symbolic sizes in `archdsl check`: the sizes for which a network is valid, and the option `--size`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import click

from archdsl.analysis import SymbolicSizes, at_sizes
from archdsl.driver import Compiled
from archdsl.ir import Graph
from archdsl.sizes import describe

F = TypeVar("F", bound=Callable[..., Any])
_SIZE = re.compile(r"(?:(?P<name>[^\W\d]\w*)=)?(?P<sizes>\d{1,9}(?:x\d{1,9})*)")
Given = tuple[str | None, tuple[int, ...]]
"""The name of an input and its shape; without a name, the next input."""


class Size(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions alone
    """`3x517x389` or `image=3x517x389`."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Given:
        """Return the name, or None, and the sizes."""
        if isinstance(value, tuple):
            return value
        found = _SIZE.fullmatch(value)
        if found is None:
            self.fail(f"{value!r} is not a size, as in 3x517x389 or image=3x517x389", param, ctx)
        return found["name"], tuple(int(size) for size in found["sizes"].split("x"))


def size_option(command: F) -> F:
    """Add the option `--size` to a command."""
    help = "Replace the symbolic sizes of an input: --size 3x517x389, or image=3x517x389, without the batch. May be repeated."
    return click.option("--size", "given", type=Size(), multiple=True, metavar="[INPUT=]SIZE", help=help)(command)


def at_size(compiled: Compiled, given: tuple[Given, ...]) -> Compiled:
    """Specialize a network to the given sizes, or add the errors that this causes."""
    if compiled.graph is None or not given:
        return compiled
    graph, errors = at_sizes(compiled.graph, compiled.sizes, _by_input(compiled.graph, given))
    found = [*compiled.diagnostics, *errors]
    return replace(compiled, graph=graph, diagnostics=found, sizes=SymbolicSizes() if graph is not None else compiled.sizes)


def _by_input(graph: Graph, given: tuple[Given, ...]) -> dict[str, tuple[int, ...]]:
    """Return the shapes by the names of the inputs; shapes without a name are assigned in order."""
    names = [value.name or "" for value in graph.inputs]
    unknown = [name for name, _ in given if name is not None and name not in names]
    if unknown:
        raise click.UsageError(f"there is no input {unknown[0]!r}: the network has {', '.join(names)}")
    found = {name: sizes for name, sizes in given if name is not None}
    left = [name for name in names if name not in found]
    unnamed = [sizes for name, sizes in given if name is None]
    if len(unnamed) > len(left):
        raise click.UsageError(f"more sizes than inputs: the network has {', '.join(names)}")
    return found | dict(zip(left, unnamed, strict=False))


def verdict_data(sizes: SymbolicSizes) -> list[dict[str, Any]]:
    """Return, for each symbolic size, the valid values and the places that require them."""
    found = []
    for symbol, work in sizes.work.items():
        needs = [
            {"reason": demand.reason, "place": demand.span.place if demand.span is not None else None}
            for demand in sizes.decisive(symbol)
        ]
        found.append({"symbol": symbol, "must_be": describe(work), "smallest": work.smallest() if work else None, "needs": needs})
    return found
