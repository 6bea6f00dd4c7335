"""The table of layers that `check` prints, with repeats folded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from archdsl.analysis.cost import Costs
from archdsl.analysis.training import training_of
from archdsl.ir import Call, Function, Graph, Node, OpNode, Usage, Value, join_path
from archdsl.literals import show
from archdsl.ops.base import Category, Op
from archdsl.shapes import Dim, Shape, SymbolicSize
from archdsl.sizes import simplified

if TYPE_CHECKING:
    from archdsl.recipe import Recipe

Trained: TypeAlias = "Callable[[str, OpNode], str] | None"
"""How a recipe trains an op, by its path, if it treats any part in a special way."""


class Row(NamedTuple):
    """One line: a layer, or `times` equal blocks of layers folded into the first.

    `params` and `macs` are of one time. Probabilities that differ among them are a range in `op`. `part` is `main`,
    `head` for what runs in training alone, or `unused` for what no result needs and so never runs.
    """

    name: str
    op: str
    shape: Shape
    params: int
    macs: Dim | None
    part: str = "main"
    times: int = 1
    training: str = ""
    """How a recipe trains it, if not as usual: `frozen`, `lr × 0.1`."""


class Table(NamedTuple):
    """The rows, and the totals: parameters with and without heads, MACs in evaluation, depth. Its text is what `check` prints."""

    rows: tuple[Row, ...]
    params: int
    params_eval: int
    macs: Dim | None
    depth: int

    def __str__(self) -> str:
        from archdsl.analysis.table_text import table_text  # here: most tables are read, not printed

        return table_text(self).rstrip("\n")


_PARTS = {Usage.ALWAYS: "main", Usage.TRAINING: "head", Usage.NEVER: "unused"}


def layer_table(graph: Graph, recipe: Recipe | None = None) -> Table:
    """Return the table of a graph: one row for each op, and runs of equal blocks folded. A recipe says how parts are trained."""
    costs = Costs()
    lines = _Folder(costs, training_of(recipe) if recipe is not None else None).folded(graph.main).lines
    rows = [Row(value.name or "", "input", value.shape, 0, 0) for value in graph.inputs]
    rows += [_row(line, costs) for line in lines]
    counts = costs.counts(graph.main)
    if graph.valid_sizes:
        rows = [row._replace(macs=_simpler(row.macs, graph)) for row in rows]
        counts = counts._replace(macs=_simpler(counts.macs, graph))
    return Table(tuple(rows), *counts)


def _simpler(size: Dim | None, graph: Graph) -> Dim | None:
    """Return a size with the text that is right for the valid sizes."""
    return size.with_text(simplified(size, graph.valid_sizes)) if isinstance(size, SymbolicSize) else size


def _row(line: _Line, costs: Costs) -> Row:
    node = line.nodes[0]
    cost, part = costs.of(node), _PARTS[node.usage]
    macs = cost.macs if part != "unused" else 0
    text = describe(*{id(other.op): other.op for other in line.nodes}.values())
    return Row(line.path or node.output.name or "", text, node.output.shape, cost.params, macs, part, line.times, line.training)


def describe(op: Op, *others: Op) -> str:
    """Return an op as a spec writes it, with its resolved bias; numbers that differ in others that it stands for as a range."""
    given = dict(op)
    words = []
    for position, name in enumerate(op.parameters_in_order()):
        value, field = given[name], type(op).fields[name]
        if name == "init" or (not field.is_required() and value == field.default):
            continue
        text = _range(name, op, *others) if varies(op, name) else show(value, op.words(name))
        plain = (field.is_required() and position < 2 and name not in op.by_name) or (name == "number" and position == 0)
        words.append(text if plain else f"{name} = {text}")
    if op.sizes_by_name:
        words += [f"{name} = {size}" for name, size in given["sizes"] if isinstance(size, int)]
    return f"{op.name}({', '.join(words)})" if words else op.name


def _range(name: str, *ops: Op) -> str:
    values = [getattr(op, name) for op in ops]
    low, high = f"{min(values):.4g}", f"{max(values):.4g}"
    return low if low == high else f"{low} to {high}"


def varies(op: Op, name: str) -> bool:
    """Return whether a number may differ between instances that are shown as one, which then shows its range."""
    return op.category is Category.REGULARIZATION and isinstance(getattr(op, name), float)


def op_form(op: Op) -> object:
    """Return what of an op is equal in instances that are shown as one."""
    return op.name, tuple((name, repr(value)) for name, value in op if not varies(op, name))


class _Line(NamedTuple):
    """A row in the making: `times` equal ops. `nodes` has each that differs."""

    path: str
    nodes: tuple[OpNode, ...]
    times: int = 1
    training: str = ""


class _Folded(NamedTuple):
    """The lines of a function, paths below it, and a number that functions with equal lines share."""

    form: int
    lines: tuple[_Line, ...]


class _Item:
    """An op of a function, or a call of a block in it: the lines, what is equal in equal items, and what it takes."""

    __slots__ = ("form", "is_call", "lines", "takes")

    def __init__(self, form: int, lines: tuple[_Line, ...], takes: set[_Item], is_call: bool) -> None:
        self.form = form
        self.lines = lines
        self.takes = takes
        self.is_call = is_call


class _Folder:
    """Folds runs of equal calls of blocks, each of which takes what the one before it gives; those inside first.

    Labelled groups are transparent: what is in them counts as part of the function around them. A function is folded
    once, unless a recipe treats parts by their paths, so that equal calls may differ.
    """

    def __init__(self, costs: Costs, trained: Trained) -> None:
        self._costs, self._trained = costs, trained
        self._functions: dict[Function, _Folded] = {}
        self._forms: dict[object, int] = {}
        self._ops: dict[int, object] = {}

    def folded(self, function: Function, path: str = "") -> _Folded:
        """Return the lines of a function at a path."""
        known = self._functions.get(function)
        if known is not None:
            return known
        forms: list[object] = []
        runs: list[list[_Item]] = []
        previous: _Item | None = None
        for relative, item in self._items(function, path, "", {}):
            forms.append((relative, item.form, item.is_call))
            if item.is_call and previous is not None and item.form == previous.form and previous in item.takes:
                runs[-1].append(item)
            else:
                runs.append([item])
            previous = item
        found = _Folded(self._number(tuple(forms)), tuple([line for run in runs for line in _merged(run)]))
        if self._trained is None:
            self._functions[function] = found
        return found

    def _items(self, function: Function, path: str, relative: str, made: dict[Value, set[_Item]]) -> Iterator[tuple[str, _Item]]:
        """Yield the ops and block calls of a function and its groups, with their paths; `made` gets who makes each value."""
        for node in function.nodes:
            below = node.path_below(relative)
            takes = {item for value in node.inputs for item in made.get(value, ())}
            if isinstance(node, Call) and node.callee.kind == "group":
                callee = node.callee
                inside = {inner: made.get(value, set()) for inner, value in zip(callee.inputs, node.inputs, strict=True)}
                yield from self._items(callee, path, below, inside)
                made.update((out, inside[inner]) for out, inner in zip(node.outputs, callee.outputs, strict=True))
                continue
            item = self._call(node, path, below, takes) if isinstance(node, Call) else self._op(node, path, below, takes)
            made.update((value, {item}) for value in node.outputs)
            yield below, item

    def _call(self, call: Call, path: str, below: str, takes: set[_Item]) -> _Item:
        folded = self.folded(call.callee, join_path(path, below))
        lines = tuple([line._replace(path=join_path(below, line.path)) for line in folded.lines])
        return _Item(folded.form, lines, takes, True)

    def _op(self, node: Node, path: str, below: str, takes: set[_Item]) -> _Item:
        assert isinstance(node, OpNode)
        training = self._trained(join_path(path, below), node) if self._trained is not None else ""
        form = self._ops.get(id(node.op))
        if form is None:
            form = self._ops[id(node.op)] = op_form(node.op)
        number = self._number((form, node.output.shape, self._costs.of(node), node.usage, training))
        return _Item(number, (_Line(below, (node,), 1, training),), takes, False)

    def _number(self, form: object) -> int:
        return self._forms.setdefault(form, len(self._forms))


def _merged(run: list[_Item]) -> Sequence[_Line]:
    """Return the lines of equal items as those of the first, which stand for all of them."""
    if len(run) == 1:
        return run[0].lines
    found: list[_Line] = []
    for lines in zip(*[item.lines for item in run], strict=True):
        nodes = dict.fromkeys([node for line in lines for node in line.nodes])
        found.append(lines[0]._replace(times=sum([line.times for line in lines]), nodes=tuple(nodes)))
    return found
