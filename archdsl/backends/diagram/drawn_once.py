"""Blocks that a large picture draws once: further ones of the same form are a box that says in what they differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from fractions import Fraction

from archdsl.backends.diagram.edges import longest_way
from archdsl.backends.diagram.model import Box, Edge, Frame
from archdsl.backends.diagram.op_text import width
from archdsl.backends.diagram.variation import differing_parameters, loose_form
from archdsl.shapes import Dim

_LONG = 50
"""Boxes one after another, from which on a picture is large; one of no more draws all of its blocks."""
_FEWEST_BOXES = 3
"""In a block; what is smaller takes no more room than the box that would stand for it."""
_MOST_NUMBERS = 4
"""In which a block differs from the one that is drawn; more are not written."""


def drawn_before(root: Frame, edges: Sequence[Edge]) -> dict[str, tuple[str, ...]]:
    """Return the frames of a large picture whose block is drawn before, with words on each: as which it is, and what differs.

    Two blocks have one form if they have the same name, the same ops in the same frames and connections, and differ in nothing
    but whole numbers, channels and probabilities.
    """
    boxes = list(root.boxes())
    if len(longest_way(edges, [box.key for box in boxes])) <= _LONG:
        return {}
    arriving: dict[str, list[Edge]] = {box.key: [] for box in boxes}
    for edge in edges:
        arriving[edge.target].append(edge)
    names = Counter(frame.heading.name for frame in root.frames())
    paths = Counter(end for frame in root.frames() for end in _ends(frame.name))
    drawn: dict[Hashable, Frame] = {}
    found: dict[str, tuple[str, ...]] = {}
    pending = [item for item in reversed(root.items) if isinstance(item, Frame)]
    while pending:
        frame = pending.pop()
        if frame.block and sum(1 for _ in frame.boxes()) >= _FEWEST_BOXES:
            like = drawn.setdefault(_form(frame, arriving), frame)
            if like is not frame and frame.table is None:
                name = like.heading.name
                if names[name] > 1:
                    name = next((end for end in _ends(like.name) if paths[end] == 1), like.name)
                found[frame.key] = f"as {name or like.block}", *_shortened(list(_numbers(frame, like)))
                continue
        pending += [item for item in reversed(frame.items) if isinstance(item, Frame)]
    return found


def _ends(path: str) -> list[str]:
    """Return the ends of a path that do not begin with an index, the shortest first: `c`, `b.1.c`, `a.b.1.c`."""
    parts = path.split(".")
    return [".".join(parts[i:]) for i in reversed(range(len(parts))) if not parts[i].isdecimal()]


def _form(frame: Frame, arriving: dict[str, list[Edge]]) -> Hashable:
    """Return what blocks of one form have in common; how many instances a frame stands for is not part of it."""
    places = {box.key: i for i, box in enumerate(frame.boxes())}
    outside: dict[str, int] = {}
    ways: list[Hashable] = []
    for key, place in places.items():
        for edge in arriving[key]:
            source = places.get(edge.source)
            ways.append((-1 - outside.setdefault(edge.source, len(outside)) if source is None else source, place, edge.size_only))
    return frame.block, tuple([_item(item) for item in frame.items]), tuple(ways)


def _item(item: Box | Frame) -> Hashable:
    if isinstance(item, Box):
        return item.kind, item.usage, item.failed, tuple([(loose_form(node), node.usage) for node in item.nodes])
    return item.block, item.times, item.note, item.table, tuple([_item(inner) for inner in item.items])


def _numbers(frame: Frame, like: Frame) -> Iterator[str]:
    """Yield the numbers of a frame that are not those of the one that is drawn.

    The features that the last layer makes are the width. Those of other layers go without saying if they are larger or smaller
    by the same factor.
    """
    pairs = [
        pair
        for boxes in zip(like.boxes(), frame.boxes(), strict=True)
        for pair in zip(*[box.nodes for box in boxes], strict=True)
    ]
    widths = [(width(old), width(new)) for old, new in pairs if old.op.weight_layer]
    factor = Fraction(1)
    if widths:
        before, after = widths[-1]
        if before != after:
            yield f"width {after}"
        if isinstance(before, int) and isinstance(after, int):
            factor = Fraction(after, before)
    others: dict[str, dict[int, None]] = {}
    for name, values in [found for pair in pairs for found in differing_parameters(pair)]:
        others.setdefault(name, {})[values[1]] = None
    yield from [f"{name} {_slashed(values)}" for name, values in others.items()]
    inner = [after for before, after in widths[:-1] if not _in_step(before, after, factor)]
    if inner:
        yield f"inner widths {_slashed(dict.fromkeys(inner))}"


def _slashed(values: Iterable[object]) -> str:
    return "/".join(map(str, values))


def _shortened(numbers: list[str]) -> list[str]:
    """Return numbers in one line, if there are any."""
    more = ["…"] if len(numbers) > _MOST_NUMBERS else []
    return [", ".join([*numbers[:_MOST_NUMBERS], *more])] if numbers else []


def _in_step(before: Dim, after: Dim, factor: Fraction) -> bool:
    return before == after or (isinstance(before, int) and before * factor == after)
