"""A diagram as DOT text for Graphviz.

All words stand in HTML-like labels, where nothing but markup has a meaning, and are escaped for them; the
names of nodes are our own. So no text of a spec can be read as DOT.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from archdsl.backends.diagram import theme
from archdsl.backends.diagram.labels import box_label, edge_label, frame_label, glyph, page_label
from archdsl.backends.diagram.markup import quote, shorten
from archdsl.backends.diagram.model import Box, Diagram, Edge, Frame, Kind
from archdsl.backends.diagram.spine import spine_of
from archdsl.ir import Usage

Attributes = Mapping[str, str]
_SEARCH = ((2400, "0.2"), (2150, "1"), (1200, "3"))
"""Above so many boxes and edges Graphviz's `nslimit`: at 3 the trunks of all shipped networks are straight; with 2,240, of them
250 frames, 1 makes 3 s of 13."""
_WINDING = 2400
"""Up to so many boxes and edges `dot` leads its edges round boxes; among hundreds of frames that takes 15 s above."""
_STYLES = {Usage.ALWAYS: "solid", Usage.TRAINING: "dashed", Usage.NEVER: "dotted"}


@dataclass(frozen=True, slots=True)
class Placement:
    """A layout: attributes of boxes and frames by key, and of edges by number; and the area in square points."""

    boxes: Mapping[str, Attributes] = field(default_factory=dict)
    frames: Mapping[str, Attributes] = field(default_factory=dict)
    edges: Mapping[int, Attributes] = field(default_factory=dict)
    page: Attributes = field(default_factory=dict)
    area: float = 0


def to_dot(diagram: Diagram) -> str:
    """Return the DOT text of a diagram, for `dot` to lay out, skips included."""
    return _text(diagram, _edges(diagram, skips=True), Placement())


def to_dot_without_skips(diagram: Diagram) -> str:
    """Return the DOT text with room for the skips inside frames, but without skips: `layout.py` draws them."""
    around = _outermost(diagram.root)
    room = [
        f"  {quote(edge.source)} -> {quote(edge.target)} [style=invis, weight=0];"
        for edge in diagram.edges
        if edge.skip and edge.source in around and around[edge.source] == around.get(edge.target)
    ]
    return _text(diagram, [*_edges(diagram, skips=False), *room], Placement())


def _outermost(root: Frame) -> dict[str, str]:
    """Return the outermost frame around each box that is in a frame."""
    return {box.key: frame.key for frame in root.items if isinstance(frame, Frame) for box in frame.boxes()}


def to_placed_dot(diagram: Diagram, placement: Placement) -> str:
    """Return the DOT text with a position for everything, for Graphviz to draw as it is."""
    edges = [_edge(i, edge, {"weight": "1"} | dict(placement.edges[i])) for i, edge in enumerate(diagram.edges)]
    return _text(diagram, edges, placement)


def _text(diagram: Diagram, edges: list[str], placement: Placement) -> str:
    trunk = _trunk_attributes(diagram)
    branches = Counter(edge.target for edge in diagram.edges if not edge.skip)
    lines = [f"digraph {quote(shorten(diagram.name))} {{", *_defaults(diagram, placement.page)]
    lines += _items(diagram.root, trunk, branches, placement, "  ")
    return "\n".join([*lines, *edges, "}", ""])


def _defaults(diagram: Diagram, page: Attributes) -> Iterator[str]:
    font = {"fontname": theme.FONT, "fontcolor": theme.INK}
    graph = font | {"labelloc": "t", "rankdir": "TB", "bgcolor": theme.PAGE, "ranksep": str(theme.RANK_GAP)}
    graph |= {"nodesep": str(theme.NODE_GAP), "pad": str(theme.PAGE_MARGIN), "newrank": "true", "dpi": "72"} | dict(page)
    node = font | {"fontsize": str(theme.TEXT_SIZE), "height": str(theme.CARD_HEIGHT), "width": str(theme.CARD_WIDTH)}
    node |= {"margin": "0.12,0.03", "penwidth": "1"}
    edge = font | {"fontsize": str(theme.SMALL_SIZE), "color": theme.EDGE, "arrowsize": "0.55", "penwidth": "1"}
    graph |= _speed_attributes(diagram)
    yield f"  graph {_attributes(graph, page_label(diagram))};"
    yield f"  node {_attributes(node)};"
    yield f"  edge {_attributes(edge)};"


def _speed_attributes(diagram: Diagram) -> dict[str, str]:
    """Return attributes that keep Graphviz within seconds for large diagrams: less search for short edges, and straight edges."""
    size = len(diagram.boxes) + len(diagram.edges)
    limits = next(({"nslimit": limit} for least, limit in _SEARCH if size > least), {})
    return limits | {"splines": "line"} if size > _WINDING and diagram.frames else limits


def _trunk_attributes(diagram: Diagram) -> dict[str, Attributes]:
    """Return the attributes of boxes on the trunk. Branches that it passes side by side keep their order, and it its place."""
    spine = spine_of(diagram)
    edges = {(edge.source, edge.target) for edge in diagram.edges}
    found: dict[str, Attributes] = {key: {"group": "trunk"} for key in spine}
    for source, target in pairwise(spine):
        if (source, target) not in edges:
            found[source] = {"group": "trunk", "ordering": "out"}
    return found


def _items(
    frame: Frame, trunk: Mapping[str, Attributes], branches: Mapping[str, int], placement: Placement, indent: str
) -> Iterator[str]:
    for item in frame.items:
        if isinstance(item, Box):
            aside = {"group": frame.key} if item.usage is Usage.TRAINING else {}
            look = _box(item, branches.get(item.key, 0))
            look |= trunk.get(item.key, aside)
            look |= placement.boxes.get(item.key, {})
            yield f"{indent}{quote(item.key)} {_attributes(look, box_label(item))};"
        else:
            look = _frame(item) | dict(placement.frames.get(item.key, {}))
            yield f"{indent}subgraph {quote('cluster_' + item.key)} {{"
            yield f"{indent}  graph {_attributes(look, frame_label(item))};"
            yield from _items(item, trunk, branches, placement, indent + "  ")
            yield f"{indent}}}"


def _frame(frame: Frame) -> dict[str, str]:
    training = all(box.usage is Usage.TRAINING for box in frame.boxes())
    paint = theme.HEAD_FRAME if training else theme.REPEAT if frame.times > 1 else theme.FRAME
    if frame.mark is not None:
        paint = theme.MARKS[frame.mark]
    return {
        "labeljust": "l",
        "style": "rounded,filled,dashed" if training else "rounded,filled",
        "fillcolor": paint.fill,
        "color": paint.line,
        "penwidth": str(theme.MARK_WIDTH if frame.mark else theme.REPEAT_WIDTH if frame.times > 1 else theme.FRAME_WIDTH),
        "margin": str(theme.FRAME_MARGIN),
    }


def _box(box: Box, branches: int) -> dict[str, str]:
    paint = theme.PAINTS[box.category] if box.mark is None else theme.MARKS[box.mark]
    look = {"shape": "box", "style": "rounded,filled", "fillcolor": paint.fill, "color": paint.line}
    if box.mark is not None:
        look |= {"penwidth": str(theme.MARK_WIDTH)}
    if box.kind is Kind.FORK:
        return {
            "shape": "point",
            "width": str(theme.FORK_SIZE),
            "height": str(theme.FORK_SIZE),
            "ordering": "out",
            "color": theme.EDGE,
        }
    if glyph(box) is not None:
        size = str(theme.JOIN_SIZE)
        look |= {"shape": "circle", "fixedsize": "true", "width": size, "height": size, "style": "filled", "margin": "0"}
    elif box.kind is Kind.BAR:
        width = max(theme.BAR_WIDTH, round(theme.BAR_PER_BRANCH * branches, 2))
        look |= {"style": "filled", "fillcolor": paint.line, "margin": "0.1,0"}
        look |= {"height": str(theme.BAR_HEIGHT), "width": str(width)}
    elif box.kind in (Kind.INPUT, Kind.RESULT, Kind.OUTPUT):
        look |= {"style": "rounded,filled,bold"}
    elif box.kind is Kind.HEAD:
        look |= {"color": theme.HEAD_LINE}
    if box.usage is not Usage.ALWAYS:
        look |= {"style": f"{look['style']},{_STYLES[box.usage]}"}
    return look


def _edges(diagram: Diagram, *, skips: bool) -> list[str]:
    """Return all edges by their sources. If the trunk passes branches side by side, an invisible edge keeps its middle free."""
    spine = spine_of(diagram)
    following = dict(pairwise(spine))
    outgoing: dict[str, list[tuple[int, Edge]]] = {}
    incoming: dict[str, int] = {}
    for i, edge in enumerate(diagram.edges):
        if skips or not edge.skip:
            outgoing.setdefault(edge.source, []).append((i, edge))
            incoming[edge.target] = incoming.get(edge.target, 0) + 1
    lines = []
    takers = _takers(diagram.edges)
    for source, group in outgoing.items():
        taken = takers[source] if takers[source] >= theme.MANY_EDGES else len(group)
        written = [
            _edge(i, edge, _edge_weight(edge, following.get(source), taken, incoming[edge.target] == 1)) for i, edge in group
        ]
        if source in following and all(edge.target != following[source] for _, edge in group):
            tie = f"  {quote(source)} -> {quote(following[source])} [style=invis, weight={theme.TRUNK_WEIGHT}];"
            written.insert((len(written) + 1) // 2, tie)
        lines += written
    return lines


def _takers(edges: Iterable[Edge]) -> Mapping[str, int]:
    """Return how many boxes take what a box gives, also by way of forks; of a fork, how many take what comes into it."""
    targets: dict[str, list[str]] = {}
    for edge in edges:
        targets.setdefault(edge.source, []).append(edge.target)
    found: dict[str, int] = {}
    for source in targets:
        if source.startswith("fork_"):
            continue
        pending, forks, count = [source], [source], 0
        while pending:
            for target in targets.get(pending.pop(), ()):
                if target.startswith("fork_"):
                    pending.append(target)
                    forks.append(target)
                else:
                    count += 1
        found.update(dict.fromkeys(forks, count))
    return found


def _edge_weight(edge: Edge, following: str | None, taken: int, only: bool) -> dict[str, str]:
    """Return how strongly an edge is kept short and straight: the trunk most, then chains, then forks.

    `taken` counts those that take what its source gives. What very many take, as the time step of a diffusion model, is an
    exception: what is made of it stands beside its users.
    """
    if edge.skip:
        return {"weight": "0", "tailport": "e", "headport": "e"}
    if edge.target == following:
        return {"weight": str(theme.TRUNK_WEIGHT)}
    if taken >= theme.MANY_EDGES:
        return {"weight": "0"}
    return {"weight": str(theme.FORK_WEIGHT if taken > 1 else theme.CHAIN_WEIGHT if only else 1)}


def _edge(number: int, edge: Edge, more: dict[str, str]) -> str:
    look = {"id": f"e{number}"} | more
    if edge.skip:
        look |= {"color": theme.SKIP, "penwidth": str(theme.SKIP_WIDTH)}
    if edge.usage is not Usage.ALWAYS:
        look |= {"style": _STYLES[edge.usage]}
    if edge.target.startswith("fork_"):
        look |= {"arrowhead": "none"}
    return f"  {quote(edge.source)} -> {quote(edge.target)} {_attributes(look, edge_label(edge))};"


def _attributes(values: Attributes, label: str | None = None) -> str:
    words = [f"{key}={quote(value)}" for key, value in values.items()]
    return "[" + ", ".join([*words, *([f"label={label}"] if label is not None else [])]) + "]"
