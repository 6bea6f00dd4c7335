"""From a graph to its diagram: cards, frames, folded repeats, edges, facts.

What is to be drawn is counted before anything is made of it that takes time: boxes, words, edges, forks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby, zip_longest
from math import prod

from archdsl.analysis import Costs
from archdsl.backends.diagram.contents import Card, family_of, first_node, last_node, whole_families
from archdsl.backends.diagram.drawn_once import drawn_before
from archdsl.backends.diagram.edges import longest_way, mark_projections, mark_skips, write_shapes
from archdsl.backends.diagram.fold import Folder, Run, is_join
from archdsl.backends.diagram.frames import add_forks, close_frames, frames_at, remove_trivial_frames, set_headings
from archdsl.backends.diagram.model import Box, Detail, Diagram, Edge, Frame, Kind, Level, Part
from archdsl.backends.diagram.op_text import inputs_text, op_part, shape_text, shared_part
from archdsl.backends.diagram.parallel import entering
from archdsl.backends.diagram.size import Size
from archdsl.backends.diagram.tags import add_tags, tagged_values
from archdsl.backends.diagram.variation import varying, what_varies
from archdsl.ir import Call, Failure, Function, Graph, OpNode, Paths, Usage, Value, join_path, less, shared_nodes
from archdsl.ops.base import Category, Op
from archdsl.ops.join import Join
from archdsl.shapes import Dim


def build_diagram(graph: Graph, level: Level = "blocks") -> Diagram:
    """Return the diagram of a network. Raise `SpecError` E0904 if there is more to draw than a picture can show.

    At a level with a number, blocks that are inside so many others are one box each.
    """
    detail: Detail = "full" if level == "full" else "blocks"
    folder = Folder(detail)
    folded = None if detail == "blocks" else lambda: _size(graph, Folder("blocks"))
    _size(graph, folder).require(graph.name, folded)
    drawing = _Drawing(graph, folder, detail)
    root, edges = drawing.root, drawing.edges
    mark_skips(edges, {box.key: box for box in root.boxes()})
    remove_trivial_frames(root, edges)
    set_headings(root)
    tagged = tagged_values(root, edges)
    if isinstance(level, int):
        edges = close_frames(root, edges, {frame.key: () for frame in frames_at(root, level)})
    elif level == "blocks":
        edges = close_frames(root, edges, drawn_before(root, edges))
    add_tags(root, edges, tagged)
    boxes = {box.key: box for box in root.boxes()}
    mark_skips(edges, boxes)
    mark_projections(edges, boxes)
    write_shapes(edges, boxes)
    add_forks(root, edges)
    return Diagram(graph.name, _facts(graph), graph.doc, root, edges, longest_way(edges, [box.key for box in root.boxes()]))


def _size(graph: Graph, folder: Folder) -> Size:
    """Return how much there is to draw."""
    folded, ends = folder.folded(graph.main), len(graph.results)
    return Size(len(graph.inputs) + folded.boxes + ends, folded.edges + ends)


class _Drawing:
    """The boxes of a network in the frames of its calls, with the edges between them.

    A call that is folded away has no boxes: those of the first call of its run stand for it, and show its ops too.
    """

    def __init__(self, graph: Graph, folder: Folder, detail: Detail) -> None:
        self._folder, self._detail = folder, detail
        self._shared = shared_nodes(graph)
        self._usage = Usage.ALWAYS
        """That of the calls around what is being drawn: a module may run in more phases in another of its applications."""
        self._frames = 0
        self._boxes = 0
        self._points: dict[tuple[Paths, tuple[Value, ...]], Box] = {}
        """Those that lead several values to parallel parts, by the function's paths and these values."""
        self._stacked: set[str] = set()
        """Boxes that stand for several instances whose values are all taken."""
        self._repeats: list[tuple[int, frozenset[str]]] = []
        """The runs around what is being drawn: how often each is there, and the boxes whose value every instance takes."""
        self.edges: list[Edge] = []
        self.root = Frame("root")
        made: dict[Value, Box] = {}
        for value in graph.inputs:
            parts = Part(value.name or "input", main=True), Part(shape_text(value.shape))
            made[value] = self._box(Kind.INPUT, Category.INPUT, parts=parts)
            self.root.items.append(made[value])
        self.root.items += self._function([graph.main], ("",), made)
        self._ends(graph, [made[value] for value in graph.main.outputs])

    def _box(
        self,
        kind: Kind,
        category: Category,
        nodes: Card = (),
        parts: tuple[Part, ...] = (),
        usage: Usage = Usage.ALWAYS,
        path: str = "",
    ) -> Box:
        self._boxes += 1
        return Box(f"n{self._boxes - 1}", kind, category, parts, nodes, usage, path)

    def _function(self, functions: Sequence[Function], paths: Paths, made: dict[Value, Box]) -> list[Box | Frame]:
        """Return the boxes and frames of a function at the last of some paths.

        `functions` has those that it stands for too, itself first.
        `made` has the box that makes each input of the function; afterwards also that of each of its values.
        """
        folded = self._folder.folded(functions[0])
        own = folded.contents.items
        families = whole_families(own)
        items: list[Box | Frame] = []
        for family, runs in groupby(folded.runs, lambda run: family_of(own[run.start])):
            members = [item for run in runs for item in self._run(run, functions, paths, made)]
            items += [self._frame(join_path(paths[-1], family), items=members)] if family in families else members
        return [*items, *(self._failure(failure, made) for failure in functions[0].failures)]

    def _failure(self, failure: Failure, made: dict[Value, Box]) -> Box:
        """Return the box of what could not be applied, with an edge from each value that it was to take."""
        op = Op.registry.get(failure.what)
        joins = failure.what == "skip" or (op is not None and issubclass(op, Join))
        word = "add" if failure.what == "skip" else failure.what
        box = self._box(Kind.JOIN if joins else Kind.CARD, Category.JOIN, parts=(Part(word, main=True),))
        box.failed = True
        for value in failure.inputs:
            source = made[value]
            self.edges.append(Edge(source.key, box.key, value.shape, shape_text(value.shape), failed=True))
        return box

    def _run(self, run: Run, functions: Sequence[Function], paths: Paths, made: dict[Value, Box]) -> list[Box | Frame]:
        """Return what is drawn of a run: its items, or a frame that says how often."""
        every = [self._folder.contents(function).items for function in functions]
        own = every[0]
        if run.parallel:
            return self._parallel(run, functions, paths, made)
        drawn: list[Box | Frame] = []
        self._repeats.append((run.times, self._taken_by_all(run, functions[0], made)))
        for i in range(run.start, run.start + run.period):
            counterparts = _counterparts(every, run, i)
            drawn.append(self._item(counterparts, paths, made))
            boxes = [made[value] for value in last_node(counterparts[0]).outputs]
            if run.dense:
                self._stacked |= {box.key for box in boxes}
                for item in own[run.start : run.end]:
                    made.update(zip(last_node(item).outputs, boxes, strict=True))
            made.update(zip(last_node(own[i + (run.times - 1) * run.period]).outputs, boxes, strict=True))
        self._repeats.pop()
        if run.times == 1:
            return drawn
        frame = self._repeated(run, drawn, own[run.end - 1], paths)
        if run.varied:
            calls = [item for item in own[run.start : run.end] if isinstance(item, Call)]
            names = [call.module.key[-1] if call.module is not None else str(i) for i, call in enumerate(calls)]
            found = varying([call.callee for call in calls], self._folder.contents)
            frame.note, frame.table = what_varies(list(found), names)
        return [frame]

    def _taken_by_all(self, run: Run, function: Function, made: dict[Value, Box]) -> frozenset[str]:
        """Return the boxes whose value every instance of a run takes, and not only the first one."""
        contents = self._folder.contents(function)
        if run.times == 1 or run.dense:
            return frozenset()
        same: set[str] = set()
        for i in range(run.start, run.start + run.period):
            values = first_node(contents.items[i]).inputs
            pairs = zip(values, contents.sources[i], contents.sources[i + run.period], strict=True)
            same |= {made[value].key for value, first, second in pairs if first == second}
        return frozenset(same)

    def _parallel(self, run: Run, functions: Sequence[Function], paths: Paths, made: dict[Value, Box]) -> list[Box | Frame]:
        """Return a frame around the first part of a parallel run, behind a point that leads the values of all parts into it."""
        every = [self._folder.contents(function).items for function in functions]
        contents = self._folder.contents(functions[0])
        taken = range(run.start, run.end)
        values = {
            source: value
            for i in taken
            for source, value in zip(contents.sources[i], first_node(every[0][i]).inputs, strict=True)
        }
        entries = tuple([values[source] for source in entering(contents, run.start, run.period, run.times)])
        point, drawn = self._points.get((paths, entries)), []
        if point is None:
            point = self._points[paths, entries] = self._box(Kind.FORK, Category.JOIN)
            point.key = f"fork_{point.key}"
            self.edges += [Edge(made[value].key, point.key, value.shape, usage=made[value].usage) for value in entries]
            drawn.append(point)
        first, made[entries[0]] = made[entries[0]], point
        before = len(self.edges)
        inside = [self._item(_counterparts(every, run, i), paths, made) for i in taken[: run.period]]
        made[entries[0]] = first
        for edge in self.edges[before:]:
            edge.shape = ()  # each part has its own
        (result,) = last_node(every[0][taken[run.period - 1]]).outputs
        self._stacked.add(made[result].key)
        made.update(
            {value: made[result] for i in taken[run.period - 1 :: run.period] for value in last_node(every[0][i]).outputs}
        )
        frame = inside[0] if isinstance(inside[0], Frame) and run.period == 1 else self._frame(items=inside)
        frame.times, frame.note = run.times, "each on its own input"
        return [*drawn, frame]

    def _repeated(self, run: Run, drawn: list[Box | Frame], last: Card | Call, paths: Paths) -> Frame:
        """Return a frame around the items of a run, or the one that is there already."""
        frame = drawn[0]
        if run.period == 1 and isinstance(frame, Frame) and isinstance(last, Call):
            named = last.paths_below(paths)[-1]
            frame.last = named if named != frame.name else ""
        else:
            frame = self._frame(items=drawn)
        frame.times = run.times
        frame.note = f"+{run.growth} channels each" if run.growth else ""
        if run.dense:
            frame.note = f"each takes all before, {frame.note}"
        return frame

    def _frame(self, name: str = "", block: str | None = None, items: Iterable[Box | Frame] = ()) -> Frame:
        self._frames += 1
        return Frame(f"f{self._frames}", name, block, list(items))

    def _item(self, counterparts: Sequence[Card | Call], paths: Paths, made: dict[Value, Box]) -> Box | Frame:
        """Return the box of a card or the frame of a call; `counterparts` are the items that it stands for, itself first."""
        first = counterparts[0]
        if not isinstance(first, Call):
            box = self._card([card for card in counterparts if not isinstance(card, Call)], paths)
            self._connect(box, first[0], made)
            made.update(dict.fromkeys(first[-1].outputs, box))
            return box
        callees = list(dict.fromkeys(call.callee for call in counterparts if isinstance(call, Call)))
        callee = first.callee
        inside = {inner: made[value] for inner, value in zip(callee.inputs, first.inputs, strict=True)}
        below = first.paths_below(paths)
        frame = self._frame(below[-1], callee.name if callee.kind == "block" else None)
        frame.shared = first in self._shared
        around, self._usage = self._usage, less(first.usage, self._usage)
        frame.items = self._function(callees, below, inside)
        self._usage = around
        made.update((out, inside[value]) for out, value in zip(first.outputs, callee.outputs, strict=True))
        return frame

    def _card(self, cards: Sequence[Card], paths: Paths) -> Box:
        card = cards[0]
        category = next((node.op.category for node in card if node.op.weight_layer), card[0].op.category)
        kind = Kind.CARD
        if is_join(card):
            kind = Kind.BAR if "axis" in type(card[0].op).fields else Kind.JOIN
        columns = zip(*cards, strict=True)
        parts = tuple(op_part(node, self._detail, column) for node, column in zip(card, columns, strict=True))
        parts += tuple([shared_part(node.paths_below(paths)[-1]) for node in card if node in self._shared])
        return self._box(kind, category, card, parts, less(card[0].usage, self._usage), card[0].paths_below(paths)[-1])

    def _connect(self, box: Box, node: OpNode, made: dict[Value, Box]) -> None:
        """Draw an edge from the box of each value that a box takes."""
        taken: set[str] = set()
        data = node.op.data_of(node.inputs) if node.op.sizes_only else node.inputs
        for value in node.inputs:
            source = made[value]
            if source.key in taken & self._stacked:
                continue  # other instances of the same box
            taken.add(source.key)
            usage = box.usage if box.usage is not Usage.ALWAYS else source.usage
            single = source.key not in self._stacked and all(len(last.outputs) == 1 for last in source.nodes[-1:])
            collects = box.kind in (Kind.JOIN, Kind.BAR) and len(node.inputs) > 2
            times = 0 if collects else prod(times for times, same in self._repeats if source.key in same)
            self.edges.append(Edge(
                source.key, box.key, value.shape, usage=usage, size_only=value not in data,
                value=source.key if single and source.kind is not Kind.FORK else "", times=times,
            ))  # fmt: skip

    def _ends(self, graph: Graph, sources: list[Box]) -> None:
        """Draw boxes for the result, further outputs and heads; that of a head in the frame that ends with its value."""
        ending = {frame.last_box.key: frame for frame in self.root.items if isinstance(frame, Frame)}
        numbers = {"head": 0, "output": 0}
        ends = list(zip_longest(graph.results, graph.main.outputs, sources))
        order = {"head": 0, "output": 1, "main": 2}
        for result, value, source in sorted(ends, key=lambda end: order[end[0].kind]):
            key, home = "result", self.root
            words = ["output", shape_text(value.shape)]
            if result.kind != "main":
                key = f"{result.kind}{numbers[result.kind]}"
                numbers[result.kind] += 1
                words = [f"output {result.name}", words[1]]
            kind = {"main": Kind.RESULT, "output": Kind.OUTPUT, "head": Kind.HEAD}[result.kind]
            if kind is Kind.HEAD:
                words = [f"{result.name} loss × {result.weight:g}", "training only"]
                home = ending.pop(source.key, self.root)
            usage = source.usage  # not that of the value's producer, which is a call that runs if anything in it does
            box = Box(key, kind, Category.INPUT, tuple(Part(word, main=not i) for i, word in enumerate(words)), usage=usage)
            home.items.append(box)
            self.edges.append(Edge(source.key, key, value.shape, usage=usage))


def _counterparts(every: Sequence[Sequence[Card | Call]], run: Run, i: int) -> list[Card | Call]:
    """Return the items that an item of the first part of a run stands for, itself first, in each of some functions."""
    return [items[j] for items in every for j in range(i, run.end, run.period)]


def _facts(graph: Graph) -> tuple[str, ...]:
    """Return the inputs, parameters and multiply-accumulates."""
    counts = Costs().counts(graph.main)
    params = f"{_number(counts.params_eval)} parameters"
    if counts.params != counts.params_eval:
        params += f" (in training {_number(counts.params)})"
    return (f"input {inputs_text(graph)}", params, *([f"{_number(counts.macs)} MACs"] if isinstance(counts.macs, int) else []))


def _number(value: Dim) -> str:
    if not isinstance(value, int):
        return str(value)
    rounded = float(f"{value:.3g}")
    for size, unit in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if rounded >= size:
            return f"{rounded / size:.3g} {unit}"
    return str(value)
