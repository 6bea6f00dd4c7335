"""The table of layers that `check` prints, with repeats folded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from archdsl.analysis.cost import Costs, depth
from archdsl.declared import show
from archdsl.ir import Graph, Node
from archdsl.shapes import Dim, Shape


class Row(NamedTuple):
    """One line: a layer, or `times` equal blocks of layers folded into the first.

    `params` and `macs` are of one time. `part` is `main`, or `head` for what runs in training alone.
    """

    name: str
    op: str
    shape: Shape
    params: int
    macs: Dim | None
    part: str = "main"
    times: int = 1


class Table(NamedTuple):
    """All rows, and the totals: learned numbers with and without the heads, MACs in evaluation, depth."""

    rows: tuple[Row, ...]
    params: int
    params_eval: int
    macs: Dim | None
    depth: int


def layer_table(graph: Graph) -> Table:
    """The table of a graph: one row a node, and runs of equal blocks folded."""
    costs = Costs(graph)
    evaluated = [node for node in graph.nodes if graph.in_evaluation[node.index]]
    groups = _fold(_units(graph, costs))
    return Table(
        tuple(row for group in groups for row in group), costs.params(graph.nodes), costs.params(evaluated), costs.macs(evaluated), depth(graph, evaluated)
    )


def _row(graph: Graph, costs: Costs, node: Node, texts: dict[int, str]) -> Row:
    cost = costs.of(node)
    part = "main" if graph.in_evaluation[node.index] or not graph.in_training[node.index] else "head"
    name = node.path or node.label or ""
    text = texts.get(id(node.op))
    if text is None:
        text = texts[id(node.op)] = describe(node)
    return Row(name, text, node.shape, cost.params, cost.macs, part)


def describe(node: Node) -> str:
    """An op as a spec writes it, with its resolved bias."""
    if node.op.name == "input":
        return "input"
    given = dict(node.op)
    words = []
    for position, name in enumerate(node.op.parameters_in_order()):
        value, field = given[name], type(node.op).model_fields[name]
        if name == "init" or (not field.is_required() and value == field.default):
            continue
        text = show(value, node.op.words(name))
        words.append(text if field.is_required() and position < 2 else f"{name} = {text}")
    return f"{node.op.name}({', '.join(words)})" if words else node.op.name


def _units(graph: Graph, costs: Costs) -> list[tuple[str, list[Row]]]:
    """Rows grouped by the innermost block call they belong to: what a fold can repeat."""
    units: list[tuple[str, list[Row]]] = []
    last: object = None
    texts: dict[int, str] = {}
    for node in graph.nodes:
        owner = next((s for s in node.scope.enclosing() if s.kind == "block"), None)
        if owner is None or owner is not last:
            units.append((owner.path if owner is not None else "", []))
        units[-1][1].append(_row(graph, costs, node, texts))
        last = owner if owner is not None else object()
    return units


def _fold(units: Sequence[tuple[str, list[Row]]]) -> list[list[Row]]:
    """Runs of equal units become the first of them, with how often they stand there."""
    folded: list[list[Row]] = []
    previous: tuple[object, ...] | None = None
    for path, rows in units:
        form = tuple((row.name.removeprefix(path), row.op, row.shape, row.params, row.part) for row in rows) if path else None
        if form is not None and form == previous:
            folded[-1] = [row._replace(times=row.times + 1) for row in folded[-1]]
        else:
            folded.append(rows)
        previous = form
    return folded
