"""What a diagram must say of its network, found from the graph alone: each op as often as it stands there, each connection, and
no fold of parts that differ."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from archdsl.backends.diagram import Box, Detail, Diagram, Frame, Kind, to_dot
from archdsl.backends.diagram.contents import contents_of
from archdsl.ir import Call, FlatNode, Function, Graph, Node, OpNode, flatten
from archdsl.ops.base import Category

DENSE = "each takes all before"


class Ops:
    """The ops of a network in the order of its cards, inputs first; a folded part and its instances follow one another."""

    def __init__(self, graph: Graph, detail: Detail) -> None:
        flat = flatten(graph)
        number = {(node.path, node.node): i for i, node in enumerate(flat.nodes)}
        first = len(graph.inputs)
        self.nodes: list[FlatNode | None] = [None] * first
        self.place: dict[tuple[str, OpNode], int] = {}
        for key in _in_order(graph, detail):
            self.place[key] = len(self.nodes)
            self.nodes.append(flat.nodes[number[key]])
        maker = {i: i for i in range(first)}
        for key, place in self.place.items():
            maker |= dict.fromkeys(flat.nodes[number[key]].outputs, place)
        self.inputs = [[maker[i] for i in node.inputs] if node is not None else [] for node in self.nodes]
        self.users: list[list[int]] = [[] for _ in self.nodes]
        for place, taken in enumerate(self.inputs):
            for source in taken:
                self.users[source].append(place)
        ends = [(result.kind, maker[i]) for result, i in zip(graph.results, flat.outputs, strict=True)]
        self.heads, self.outputs = ([place for kind, place in ends if kind == wanted] for wanted in ("head", "output"))
        self.result = ends[0][1]
        self.input_boxes: dict[str, int] = {}

    def of(self, item: Box | Frame) -> list[int]:
        """The places of the ops that a part of the picture stands for."""
        if isinstance(item, Box):
            if item.kind is Kind.INPUT:
                return [self.input_boxes.setdefault(item.key, len(self.input_boxes))]
            return [self.place[path, node] for path, node in zip(_paths(item), item.nodes, strict=True)]
        once = [place for inner in item.items for place in self.of(inner)]
        return [place + i * len(once) for i in range(item.times) for place in once]


def _in_order(graph: Graph, detail: Detail) -> list[tuple[str, OpNode]]:
    """The ops card by card, each with its path."""
    found: list[tuple[str, OpNode]] = []

    def walk(function: Function, path: str) -> None:
        for item in contents_of(function, detail).items:
            if isinstance(item, Call):
                walk(item.callee, _below(path, item))
            else:
                found.extend((_below(path, node), node) for node in item)

    walk(graph.main, "")
    return found


def _below(path: str, node: Node) -> str:
    return ".".join([*([path] if path else []), *(node.module.key if node.module is not None else ())])


def _paths(box: Box) -> list[str]:
    """The paths of the ops on a box."""
    own = ".".join(box.nodes[0].module.key) if box.nodes and box.nodes[0].module is not None else ""
    around = box.name.removesuffix(own).removesuffix(".") if own else box.name
    return [_below(around, node) for node in box.nodes]


def mistakes(graph: Graph, diagram: Diagram, detail: Detail) -> list[str]:
    """What a diagram says wrongly; empty if all is well."""
    ops = Ops(graph, detail)
    return [*_each_op(ops, diagram), *_folds(ops, diagram), *_connections(ops, diagram), *_skips(diagram), *_texts(diagram)]


def _each_op(ops: Ops, diagram: Diagram) -> Iterator[str]:
    if sorted(ops.of(diagram.root)) != list(range(len(ops.nodes))):
        yield "not every op is drawn as often as it stands there"


def _folds(ops: Ops, diagram: Diagram) -> Iterator[str]:
    ends = {ops.result, *ops.heads, *ops.outputs}
    for frame in diagram.frames:
        blocks = [item.times if isinstance(item, Frame) and item.block else 0 for item in frame.items]
        if frame.heading.times != frame.times and (frame.times > 1 or not all(blocks) or frame.heading.times != sum(blocks)):
            yield f"{frame.title} stands there {frame.times} times"
        if frame.times > 1:
            once = sorted(place for item in frame.items for place in ops.of(item))
            yield from _dense(ops, frame, once) if frame.note.startswith(DENSE) else _fold(ops, frame, once, ends)


def _dense(ops: Ops, frame: Frame, once: list[int]) -> Iterator[str]:
    """Each part begins with a join of what the first one takes and of one value of each part before it."""
    size, first = len(once), once[0]
    made = ops.inputs[first + size][-1] - first
    for instance in range(1, frame.times):
        shift = instance * size
        if ops.inputs[first + shift] != ops.inputs[first] + [first + made + i * size for i in range(instance)]:
            yield f"{frame.title}: part {instance} does not take all before"
        for place in range(first, first + size):
            node, like = ops.nodes[place], ops.nodes[place + shift]
            assert node is not None and like is not None
            if _op(node) != _op(like) or (place > first and node.node.output.shape != like.node.output.shape):
                yield f"{frame.title}: {node.path} and {like.path} differ"
            if place > first and [source + shift for source in ops.inputs[place]] != ops.inputs[place + shift]:
                yield f"{frame.title}: {node.path} and {like.path} take other values"


def _fold(ops: Ops, frame: Frame, once: list[int], ends: set[int]) -> Iterator[str]:
    size, first, entry = len(once), once[0], set()
    growth = int(found[1]) if (found := re.fullmatch(r"\+(\d+) channels each", frame.note)) else 0
    for place in range(first, first + (frame.times - 1) * size):
        node, like = ops.nodes[place], ops.nodes[place + size]
        assert node is not None and like is not None
        if _op(node) != _op(like) or len(node.inputs) != len(like.inputs) or not _shapes_follow(node, like, growth):
            yield f"{frame.title}: {node.path} and {like.path} differ"
            continue
        for mine, other in zip(ops.inputs[place], ops.inputs[place + size], strict=True):
            if mine < first and place < first + size and first <= other < first + size:
                entry.add(other - first)
            elif other != (mine if mine < first else mine + size):
                yield f"{frame.title}: {node.path} and {like.path} take other values"
    end = first + frame.times * size
    for place in range(first, end):
        instance, node = (place - first) // size, ops.nodes[place]
        assert node is not None
        late = any(user >= first + (instance + 2) * size for user in ops.users[place])
        if instance < frame.times - 1 and (late or place in ends):
            yield f"{frame.title}: a value of {node.path} is used by others, which no arrow shows"
        if (place in ends or any(user >= end for user in ops.users[place])) and (place - first) % size not in entry:
            yield f"{frame.title}: {node.path} leaves the last part, and feeds no other"


def _op(node: FlatNode) -> object:
    """An op's parameters, but for probabilities."""
    noisy = node.op.category is Category.REGULARIZATION
    return node.op.name, [(name, repr(value)) for name, value in node.op if not (noisy and isinstance(value, float))]


def _shapes_follow(before: FlatNode, node: FlatNode, growth: int) -> bool:
    one, other = before.node.output.shape, node.node.output.shape
    return one[1:] == other[1:] and other[0] in (one[0], one[0] + growth)  # type: ignore[operator]


def _connections(ops: Ops, diagram: Diagram) -> Iterator[str]:
    """Each box has an arrow from the box of each of its sources, some by way of a fork or of tags of one name."""
    owner = _owners(ops, diagram.root)
    ends = {f"head{i}": place for i, place in enumerate(ops.heads)} | {f"output{i}": place for i, place in enumerate(ops.outputs)}
    ends["result"] = ops.result
    stacked = {box.key for frame in diagram.frames if frame.note.startswith(DENSE) for box in frame.boxes()}
    drawn: dict[str, Counter[str]] = {}
    origins = _origins(diagram)
    for source, target, _ in _arrows(diagram):
        drawn.setdefault(target, Counter())[origins.get(source, source)] += 1
    for box in diagram.boxes:
        if box.kind not in (Kind.FORK, Kind.TAG):
            if box.kind is Kind.INPUT:
                continue
            inputs = ops.inputs[ops.of(box)[0]] if box.nodes else [ends[box.key]]
            sources = Counter(owner[i] for i in inputs)
            for key in stacked & sources.keys():
                sources[key] = 1  # one arrow for all parts
            if drawn.get(box.key, Counter()) != sources:
                yield f"the arrows to {box.name or box.key} do not show its sources"


def _owners(ops: Ops, frame: Frame, shift: int = 0) -> dict[int, str]:
    """For each op the box that stands for it."""
    found: dict[int, str] = {}
    once = sum(len(ops.of(inner)) for inner in frame.items)
    for i in range(frame.times):
        for inner in frame.items:
            if isinstance(inner, Box):
                found |= {place + shift + i * once: inner.key for place in ops.of(inner)}
            else:
                found |= _owners(ops, inner, shift + i * once)
    return found


def _arrows(diagram: Diagram) -> list[tuple[str, str, bool]]:
    """Source, target and whether it is a skip, of each edge; those that go by way of a fork begin where it does."""
    forks = {edge.target: edge.source for edge in diagram.edges if edge.target.startswith("fork_")}
    arrows = []
    for edge in diagram.edges:
        source = edge.source
        while source in forks:
            source = forks[source]
        if edge.target not in forks:
            arrows.append((source, edge.target, edge.skip))
    return arrows


def _origins(diagram: Diagram) -> dict[str, str]:
    """For each tag the box that the one tag of its name comes from to which an arrow leads, or else the input of its name."""
    names = {box.key: box.parts[0].text for box in diagram.boxes if box.kind is Kind.TAG}
    inputs = {box.parts[0].text: box.key for box in diagram.boxes if box.kind is Kind.INPUT}
    ends = [(names[target], source) for source, target, _ in _arrows(diagram) if target in names]
    ends += [(name, key) for name, key in inputs.items() if (name, key) not in ends]
    assert len(dict(ends)) == len(ends), "two values have tags of one name"
    return {key: dict(ends)[name] for key, name in names.items()}


def _skips(diagram: Diagram) -> Iterator[str]:
    """An arrow is a skip if and only if another way leads from its source to its target, or another arrow is drawn before it."""
    arrows = _arrows(diagram)
    incoming: dict[str, list[str]] = {}
    for source, target, _ in arrows:
        incoming.setdefault(target, []).append(source)
    before: dict[str, set[str]] = {}
    for box in diagram.boxes:
        before[box.key] = {key for source in incoming.get(box.key, ()) for key in (source, *before[source])}
    seen: set[tuple[str, str]] = set()
    for source, target, skip in arrows:
        others = {key for other in incoming[target] if other != source for key in before[other]}
        if skip != (source in others or (source, target) in seen):
            yield f"the arrow {source} -> {target} is {'a' if skip else 'no'} skip"
        seen.add((source, target))


def _texts(diagram: Diagram) -> Iterator[str]:
    """The DOT text has each box and each frame once."""
    text = to_dot(diagram)
    for pattern, things in ((r'^ +"([^"]+)" \[', diagram.boxes), (r'^ +subgraph "cluster_([^"]+)" ', diagram.frames)):
        if sorted(re.findall(pattern, text, re.MULTILINE)) != sorted(thing.key for thing in things):
            yield "the DOT text has not each box and frame once"
