"""The table of layers that `check` prints, with repeats folded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from archdsl.analysis.cost import Costs
from archdsl.ir import Call, Function, Graph, Module, Node, OpNode, Paths, Usage, Value, join_path, less, tensor_key
from archdsl.literals import show
from archdsl.ops.base import Category, Op
from archdsl.shapes import Dim, Shape, SymbolicSize
from archdsl.sizes import simplified

if TYPE_CHECKING:
    from archdsl.recipe import Recipe

_WIDEST: Final = 72
"""Characters of an argument that the table shows in full; the numbers of a `const` can be many."""
Trained: TypeAlias = "Callable[[str, OpNode], str] | None"
"""How a recipe trains an op, by its path, if it treats any part in a special way."""


class Row(NamedTuple):
    """One line: a layer, or `times` equal blocks of layers folded into the first.

    `params` and `macs` are of one time. Probabilities that differ among them are a range in `op`. `part` is `main`,
    `head` for what runs in training alone, or `unused` for what no result needs and so never runs. A `shared` row is a further
    run of a layer whose parameters an earlier row counts.
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
    shared: bool = False
    runs: tuple[int, ...] = ()
    """The numbers of the ops that it stands for, in the order of `archdsl.ir.flatten`; none for an input."""


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
    lines = _Folder(costs, _training_of(recipe)).folded(graph.main).lines
    rows = [Row(value.name or "", "input", value.shape, 0, 0) for value in graph.inputs]
    named: set[str] = set()
    for line in lines:
        row = _row(line, costs)
        if line.nodes[0].module is not None:
            row = row._replace(shared=True, params=0) if line.path in named else row
            named.add(line.path)
        rows.append(row)
    counts = costs.counts(graph.main)
    if graph.valid_sizes:
        rows = [row._replace(macs=_simpler(row.macs, graph)) for row in rows]
        counts = counts._replace(macs=_simpler(counts.macs, graph))
    return Table(tuple(rows), *counts)


def _training_of(recipe: Recipe | None) -> Trained:
    if recipe is None:
        return None
    from archdsl.analysis.training import training_of  # here: most files have no recipe

    return training_of(recipe)


def _simpler(size: Dim | None, graph: Graph) -> Dim | None:
    """Return a size with the text that is right for the valid sizes."""
    return size.with_text(simplified(size, graph.valid_sizes)) if isinstance(size, SymbolicSize) else size


def _row(line: _Line, costs: Costs) -> Row:
    node = line.nodes[0]
    cost, part = costs.of(node), _PARTS[line.usage]
    macs = cost.macs if part != "unused" else 0
    text = describe(*{id(other.op): other.op for other in line.nodes}.values())
    name, shape = _path(line) or node.output.name or "", node.output.shape
    return Row(name, text, shape, cost.params, macs, part, line.times, line.training, runs=line.runs)


def _path(line: _Line) -> str:
    """Return the path of a row: that of the parameter, for an op whose only one belongs to the scope around it."""
    node = line.nodes[0]
    names = list(node.op.parameters(*[value.shape for value in node.inputs]))
    alone = node.op.keys_in_scope and len(names) == 1
    return tensor_key(line.path, names[0]) if alone else line.path


def _shown(value: Any, words: frozenset[str]) -> str:
    """Return a value as a spec writes it; only the first of many numbers."""
    text = show(value, words)
    return text if len(text) <= _WIDEST else show(value, words, most=3)


def describe(op: Op, *others: Op) -> str:
    """Return an op as a spec writes it, with its resolved bias; numbers that differ in others that it stands for as a range."""
    given = dict(op)
    words = []
    for position, name in enumerate(op.parameters_in_order()):
        value, field = given[name], type(op).fields[name]
        if name == "init" or (not field.is_required() and value == field.default):
            continue
        text = _range(name, op, *others) if varies(op, name) else _shown(value, op.words(name))
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


class _Place(NamedTuple):
    """A path below a function, or below the module that is `up` modules further out."""

    up: int = 0
    path: str = ""


_Places: TypeAlias = tuple[_Place, ...]
"""The place of a module, behind those of the modules around it as far as the function that is being folded."""


def _around(places: _Places, levels: int) -> _Places:
    """Return the places without so many modules at the end."""
    missing = levels - len(places) + 1
    return (_Place(places[0].up + missing),) if missing > 0 else places[: len(places) - levels]


def _below(places: _Places, module: Module | None) -> _Places:
    """Return the places of a module of a function at some places."""
    if module is None:
        return places
    around = _around(places, module.levels)
    return (*around, _Place(around[-1].up, join_path(around[-1].path, *module.key)))


class _Line(NamedTuple):
    """A row in the making: `times` equal ops. `nodes` has each that differs."""

    place: _Place
    nodes: tuple[OpNode, ...]
    times: int = 1
    training: str = ""
    usage: Usage = Usage.ALWAYS
    runs: tuple[int, ...] = (0,)
    """The numbers of the ops among those of the function that is being folded, with all calls inlined."""

    @property
    def path(self) -> str:
        """The path below the function that is being folded."""
        return self.place.path

    def inside(self, places: _Places, usage: Usage) -> _Line:
        """Return the line of a function at some places as one of the function around it, whose call has this usage."""
        around = _around(places, self.place.up)[-1]
        return self._replace(place=_Place(around.up, join_path(around.path, self.path)), usage=less(self.usage, usage))


class _Folded(NamedTuple):
    """The lines of a function, paths below it, and a number that functions with equal lines share."""

    form: int
    lines: tuple[_Line, ...]


class _Item:
    """An op of a function, or a call of a block in it: the lines, what is equal in equal items, and what it takes.

    `run` is the application of a declared module to which it belongs, if there is one: another one has the same layers.
    """

    __slots__ = ("form", "is_call", "lines", "run", "takes")

    def __init__(self, form: int, lines: tuple[_Line, ...], takes: set[_Item], is_call: bool, run: Node | None = None) -> None:
        self.form = form
        self.lines = lines
        self.takes = takes
        self.is_call = is_call
        self.run = run

    def begin_at(self, before: int) -> None:
        """Count its ops from the first one of the function, of which so many are before it."""
        if before:
            self.lines = tuple([line._replace(runs=tuple([before + run for run in line.runs])) for line in self.lines])

    def follows(self, other: _Item | None) -> bool:
        """Return whether it continues a run of equal calls that ends with another item."""
        alike = other is not None and self.is_call and self.form == other.form and self.run is other.run
        return alike and other in self.takes


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

    def folded(self, function: Function, paths: Paths = ("",)) -> _Folded:
        """Return the lines of a function, whose own path is the last of some paths."""
        known = self._functions.get(function)
        if known is not None:
            return known
        forms: list[object] = []
        runs: list[list[_Item]] = []
        previous: _Item | None = None
        before = 0
        for place, item in self._items(function, paths, (_Place(),), {}, None, Usage.ALWAYS):
            item.begin_at(before)
            before += sum([len(line.runs) for line in item.lines])
            forms.append((place, item.form, item.is_call))
            if item.follows(previous):
                runs[-1].append(item)
            else:
                runs.append([item])
            previous = item
        found = _Folded(self._number(tuple(forms)), tuple([line for run in runs for line in _merged(run)]))
        if self._trained is None:
            self._functions[function] = found
        return found

    def _items(
        self, function: Function, paths: Paths, places: _Places, made: dict[Value, set[_Item]], run: Node | None, usage: Usage
    ) -> Iterator[tuple[_Place, _Item]]:
        """Yield the ops and block calls of a function and its groups, with their places; `made` gets who makes each value."""
        declared = {declaration.module for declaration in function.declarations}
        for node in function.nodes:
            below, inside = node.paths_below(paths) if self._trained is not None else paths, _below(places, node.module)
            takes = {item for value in node.inputs for item in made.get(value, ())}
            own = node if node.module is not None and (node.module.levels or node.module in declared) else run
            if isinstance(node, Call) and node.callee.kind == "group":
                callee = node.callee
                within = {inner: made.get(value, set()) for inner, value in zip(callee.inputs, node.inputs, strict=True)}
                yield from self._items(callee, below, inside, within, own, less(node.usage, usage))
                made.update((out, within[inner]) for out, inner in zip(node.outputs, callee.outputs, strict=True))
                continue
            if isinstance(node, Call):
                folded = self.folded(node.callee, below)
                item = _Item(
                    folded.form, tuple([line.inside(inside, less(node.usage, usage)) for line in folded.lines]), takes, True, own
                )
            else:
                item = self._op(node, below[-1], inside[-1], takes, less(node.usage, usage))
            made.update((value, {item}) for value in node.outputs)
            yield inside[-1], item

    def _op(self, node: Node, path: str, place: _Place, takes: set[_Item], usage: Usage) -> _Item:
        assert isinstance(node, OpNode)
        training = self._trained(path, node) if self._trained is not None else ""
        form = self._ops.get(id(node.op))
        if form is None:
            form = self._ops[id(node.op)] = op_form(node.op)
        number = self._number((form, node.output.shape, self._costs.of(node), usage, training))
        return _Item(number, (_Line(place, (node,), 1, training, usage),), takes, False)

    def _number(self, form: object) -> int:
        return self._forms.setdefault(form, len(self._forms))


def _merged(run: list[_Item]) -> Sequence[_Line]:
    """Return the lines of equal items as those of the first, which stand for all of them."""
    if len(run) == 1:
        return run[0].lines
    found: list[_Line] = []
    for lines in zip(*[item.lines for item in run], strict=True):
        nodes = dict.fromkeys([node for line in lines for node in line.nodes])
        numbers = tuple([number for line in lines for number in line.runs])
        found.append(lines[0]._replace(times=sum([line.times for line in lines]), nodes=tuple(nodes), runs=numbers))
    return found
