"""The table of layers that `check` prints, with repeats folded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from archdsl.analysis.cost import Costs, depth
from archdsl.analysis.training import training_of
from archdsl.ir.unrolled import Graph, Node, Scope
from archdsl.literals import show
from archdsl.ops.base import Category
from archdsl.shapes import Dim, Shape

if TYPE_CHECKING:
    from archdsl.recipe import Recipe


class Row(NamedTuple):
    """One line: a layer, or `times` equal blocks of layers folded into the first.

    `params` and `macs` are of one time. Probabilities that differ among them are a range in `op`. `part` is `main`, or `head` for what runs in training alone.
    """

    name: str
    op: str
    shape: Shape
    params: int
    macs: Dim | None
    part: str = "main"
    times: int = 1
    training: str = ""
    """How a recipe trains it, where that is not as usual: `frozen`, `lr × 0.1`."""


class Table(NamedTuple):
    """All rows, and the totals: learned numbers with and without the heads, MACs in evaluation, depth. Printed, it is what `check` shows."""

    rows: tuple[Row, ...]
    params: int
    params_eval: int
    macs: Dim | None
    depth: int

    def __str__(self) -> str:
        from archdsl.analysis.shown import table_text  # here: most tables are read, not printed

        return table_text(self).rstrip("\n")


def layer_table(graph: Graph, recipe: Recipe | None = None) -> Table:
    """The table of a graph: one row a node, and runs of equal blocks folded. A recipe says how parts are trained."""
    costs = Costs(graph)
    training = training_of(graph, recipe) if recipe is not None else {}
    evaluated = [node for node in graph.nodes if graph.in_evaluation[node.index]]
    texts: dict[frozenset[int], str] = {}
    folded = _Folder(graph, costs, training).folded(_tree(graph))[1]
    rows = tuple(_row(graph, costs, nodes, texts)._replace(training=training.get(nodes[0].index, "")) for nodes in folded)
    params, heads = costs.params(graph.nodes), costs.params(node for node in graph.nodes if graph.in_heads[node.index])
    return Table(rows, params, params - heads, costs.macs(evaluated), depth(graph, evaluated))


def _row(graph: Graph, costs: Costs, nodes: list[Node], texts: dict[frozenset[int], str]) -> Row:
    """The row of a node and of those that it stands for."""
    node = nodes[0]
    cost = costs.of(node)
    key = frozenset([id(other.op) for other in nodes])
    text = texts.get(key)
    if text is None:
        text = texts[key] = describe(*nodes)
    return Row(node.path or node.label or "", text, node.shape, cost.params, cost.macs, _part(graph, node), len(nodes))


def _part(graph: Graph, node: Node) -> str:
    return "head" if graph.in_heads[node.index] else "main"


def describe(node: Node, *others: Node) -> str:
    """An op as a spec writes it, with its resolved bias; numbers that differ in others that it stands for as a range."""
    if node.op.name == "input":
        return "input"
    given = dict(node.op)
    words = []
    for position, name in enumerate(node.op.parameters_in_order()):
        value, field = given[name], type(node.op).model_fields[name]
        if name == "init" or (not field.is_required() and value == field.default):
            continue
        text = _range(name, node, *others) if varies(node, name) else show(value, node.op.words(name))
        words.append(text if field.is_required() and position < 2 else f"{name} = {text}")
    return f"{node.op.name}({', '.join(words)})" if words else node.op.name


def _range(name: str, *nodes: Node) -> str:
    values = [getattr(node.op, name) for node in nodes]
    low, high = f"{min(values):.4g}", f"{max(values):.4g}"
    return low if low == high else f"{low} to {high}"


def varies(node: Node, name: str) -> bool:
    """A number that may differ between instances that are shown as one, which then shows its range."""
    return node.op.category is Category.REGULARIZATION and isinstance(getattr(node.op, name), float)


def op_form(node: Node) -> object:
    """What of an op is equal in instances that are shown as one."""
    return node.op.name, tuple((name, repr(value)) for name, value in node.op if not varies(node, name))


class _Call(NamedTuple):
    """A block call, or the network: its nodes, and the calls in it, in their order."""

    path: str
    items: list[Node | _Call]

    def end(self, place: int) -> Node:
        """Its first node (0), or its last (-1)."""
        item: Node | _Call = self
        while isinstance(item, _Call):
            item = item.items[place]
        return item


def _tree(graph: Graph) -> _Call:
    """The graph's nodes by the block calls that they belong to: what a fold can repeat."""
    root = _Call("", [])
    calls: dict[Scope | None, _Call] = {None: root}

    def call_of(scope: Scope | None) -> _Call:
        found = calls.get(scope)
        if found is None:
            assert scope is not None
            found = call_of(scope.parent)
            if scope.kind == "block":
                around, found = found, _Call(scope.path, [])
                around.items.append(found)
            calls[scope] = found
        return found

    for node in graph.nodes:
        call_of(node.scope).items.append(node)
    return root


class _Folder:
    """Folds runs of equal calls, each of which takes what the one before it gives; those inside first."""

    def __init__(self, graph: Graph, costs: Costs, training: Mapping[int, str]) -> None:
        self._graph, self._costs, self._training = graph, costs, training
        self._ops: dict[int, object] = {}

    def folded(self, call: _Call) -> tuple[object, list[list[Node]]]:
        """What is equal in equal calls, and for each row the nodes that it stands for."""
        forms: list[object] = []
        groups: list[list[list[Node]]] = []
        previous: object = None
        last = -1
        for item in call.items:
            if isinstance(item, _Call):
                form, rows = self.folded(item)
                forms.append((item.path.removeprefix(call.path), form))
            else:
                form, rows = None, [[item]]
                forms.append((item.path.removeprefix(call.path), self._form(item)))
            in_a_row = isinstance(item, _Call) and last in item.end(0).inputs
            if in_a_row and form == previous:
                for row, more in zip(groups[-1], rows, strict=True):
                    row += more
            else:
                groups.append(rows)
            previous = form
            last = item.end(-1).index if isinstance(item, _Call) else item.index
        return tuple(forms), [row for rows in groups for row in rows]

    def _form(self, node: Node) -> object:
        op = self._ops.get(id(node.op))
        if op is None:
            op = self._ops[id(node.op)] = op_form(node)
        return op, node.shape, self._costs.of(node), _part(self._graph, node), self._training.get(node.index)
