"""Frames: which of them are drawn, and their titles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from itertools import pairwise

from archdsl.backends.diagram.model import Box, Edge, Frame, Heading, Kind, Part
from archdsl.backends.diagram.op_text import shared_part
from archdsl.ir import Usage
from archdsl.ops.base import Category

_MOST_OF_ALL = 0.6
"""A frame around a larger fraction of the boxes says little, and is omitted if it has frames inside."""


def remove_trivial_frames(root: Frame, edges: Sequence[Edge]) -> None:
    """Take away the frames that a figure does without.

    They are of one thing, of plain branches of a join, of nearly everything, or of a family that is used one by one.
    """
    joins = {box.key for box in root.boxes() if box.kind in (Kind.JOIN, Kind.BAR)}
    into: dict[str, str] = {}
    for edge in edges:
        into[edge.source] = edge.target if edge.target in joins and edge.source not in into else ""
    drawn = {
        frame.block
        for around in (root, *root.frames())
        for frame in around.items
        if isinstance(frame, Frame) and frame.block and len(frame.items) > 1 and not _branches(frame, _own(around), into)
    }
    _remove_trivial(root, into, _MOST_OF_ALL * sum(1 for _ in root.boxes()), drawn, _used_one_by_one(root, edges))


def _own(frame: Frame) -> set[str]:
    return {box.key for box in frame.items if isinstance(box, Box)}


def _branches(frame: Frame, around: set[str], into: dict[str, str]) -> int:
    """Return how many boxes of a frame only lead into a join among the boxes around it."""
    return sum(into.get(box.key) in around for box in frame.boxes())


def _used_one_by_one(root: Frame, edges: Sequence[Edge]) -> set[str]:
    """Return the keys of the families of which several members give values to others, or take some that the rest do not take."""
    around: dict[str, list[Frame | Box]] = {}
    _note_around(root, [], around)
    gives: dict[str, set[str]] = {}
    takes: dict[str, dict[str, set[str]]] = {}
    for edge in edges:
        out, into = around[edge.source], around[edge.target]
        common = next(i for i, (one, other) in enumerate(zip(out, into, strict=False)) if one is not other)
        for frame, member in pairwise(out[common:]):
            gives.setdefault(frame.key, set()).add(member.key)
        for frame, member in pairwise(into[common:]):
            takes.setdefault(frame.key, {}).setdefault(edge.source, set()).add(member.key)
    alone = {key: {min(members) for members in values.values() if len(members) == 1} for key, values in takes.items()}
    families = [frame.key for frame in root.frames() if _is_family(frame)]
    return {key for key in families if max(len(gives.get(key, ())), len(alone.get(key, ()))) > 1}


def _note_around(item: Frame | Box, path: list[Frame | Box], around: dict[str, list[Frame | Box]]) -> None:
    """Note the frames around each box, with the box itself."""
    if isinstance(item, Box):
        around[item.key] = [*path, item]
    else:
        for inner in item.items:
            _note_around(inner, [*path, item], around)


def _is_family(frame: Frame) -> bool:
    """Return whether a frame stands for the indexed members of a scope alone."""
    begin = f"{frame.name}."
    return (
        frame.block is None
        and bool(frame.name)
        and all(
            isinstance(item, Frame) and item.name.startswith(begin) and item.name.removeprefix(begin).isdigit()
            for item in frame.items
        )
    )


def _remove_trivial(frame: Frame, into: dict[str, str], most: float, blocks: Set[str], apart: Set[str]) -> None:
    items: list[Box | Frame] = []
    own = _own(frame)
    for item in frame.items:
        if isinstance(item, Box):
            items.append(item)
            continue
        _remove_trivial(item, into, most, blocks, apart)
        loose = item.key in apart and all(isinstance(member, Frame) for member in item.items)
        drawn = not loose and _worth_a_frame(item, own, into, most, blocks)
        if not drawn and item.shared and isinstance(only := item.items[0], Box):
            only.parts += (shared_part(item.name),)
        items += [item] if drawn else item.items
    frame.items = items


def _worth_a_frame(frame: Frame, around: set[str], into: dict[str, str], most: float, blocks: Set[str]) -> bool:
    """Whether a frame is drawn; those of `blocks` are, also as branches, since other instances are."""
    if frame.times > 1:
        return True
    if len(frame.items) == 1:
        return _absorb(frame)
    if frame.shared:
        return True
    inner = any(isinstance(item, Frame) for item in frame.items)
    if inner and sum(1 for _ in frame.boxes()) > most:
        return False
    branches = _branches(frame, around, into)
    return branches == 0 or (branches == 1 and inner) or frame.block in blocks


def _absorb(frame: Frame) -> bool:
    """Merge a frame with the only frame in it, and return True; return False if the only thing in it is a box."""
    (only,) = frame.items
    if isinstance(only, Box):
        return False
    frame.items, frame.times, frame.note, frame.table = only.items, only.times, only.note, only.table
    frame.block, frame.shared = only.block or frame.block, frame.shared or only.shared
    return True


def frames_at(root: Frame, level: int) -> Iterator[Frame]:
    """Yield the frames that are inside so many others."""
    for item in root.items:
        if isinstance(item, Frame):
            if level:
                yield from frames_at(item, level - 1)
            else:
                yield item


def close_frames(root: Frame, edges: Sequence[Edge], closed: Mapping[str, tuple[str, ...]]) -> list[Edge]:
    """Make one box of each of these frames, with words below its title, and return the edges that are left."""
    stands: dict[str, str] = {}
    for frame in (root, *root.frames()):
        for i, item in enumerate(frame.items):
            if isinstance(item, Frame) and item.key in closed:
                frame.items[i] = _closed(item, closed[item.key])
                stands |= dict.fromkeys([inner.key for inner in item.boxes()], item.key)
    left: dict[tuple[str, str], Edge] = {}
    for edge in edges:
        edge.source, edge.target = stands.get(edge.source, edge.source), stands.get(edge.target, edge.target)
        if edge.source != edge.target:
            one = edge.source in closed or edge.target in closed
            left.setdefault((edge.source, edge.target) if one else (edge.source, f"{edge.target} {len(left)}"), edge)
    return list(left.values())


def _closed(frame: Frame, words: Sequence[str]) -> Box:
    """Return the box that stands for a frame."""
    boxes = list(frame.boxes())
    nodes = tuple([node for box in boxes for node in box.nodes])
    counts = Counter(box.category for box in boxes if box.kind is Kind.CARD)
    weighted = [node.op.category for node in nodes if node.op.weight_layer]
    category = weighted[0] if weighted else counts.most_common(1)[0][0] if counts else Category.SHAPE
    title = [line for line in frame.heading.lines if line]
    parts = [Part(line, main=line == title[0]) for line in title]
    parts += [Part(line, below=line == words[0]) for line in words]
    usages = {box.usage for box in boxes}
    usage = usages.pop() if len(usages) == 1 else Usage.ALWAYS
    return Box(frame.key, Kind.BLOCK, category, tuple(parts), nodes, usage, frame.name, any(inner.failed for inner in boxes))


def add_forks(root: Frame, edges: list[Edge]) -> None:
    """Add a fork to each frame that a value enters on several edges: a point inside, from which these edges start.

    A skip is then inside the frame that it belongs to, also where the frame stands for several instances.
    """
    around: dict[str, list[Frame]] = {box.key: [] for box in root.boxes()}
    sizes: dict[Frame, int] = {}
    for frame in root.frames():
        keys = [box.key for box in frame.boxes()]
        sizes[frame] = len(keys)
        for key in keys:
            around[key].append(frame)
    innermost = {frame: i for i, frame in enumerate(sorted(sizes, key=sizes.__getitem__))}
    outgoing: dict[str, list[Edge]] = {}
    for edge in edges:
        outgoing.setdefault(edge.source, []).append(edge)
    for source, group in outgoing.items():
        entered: dict[Frame, list[Edge]] = {}
        for edge in group:
            for frame in around[edge.target]:
                entered.setdefault(frame, []).append(edge)
        for frame in sorted(entered.keys() - set(around[source]), key=innermost.__getitem__):
            inside = [edge for edge in entered[frame] if edge.source == source]
            if len(inside) > 1:
                edges.append(_fork(frame, source, inside))
                path = around[inside[0].target]
                around[edges[-1].target] = path[: path.index(frame) + 1]  # a fork of a frame around this one starts there
                for outer in path[: path.index(frame)]:
                    entered.get(outer, []).append(edges[-1])


def _fork(frame: Frame, source: str, inside: list[Edge]) -> Edge:
    """Add a fork to a frame, and return the edge to it."""
    fork = Box(f"fork_{frame.key}_{source}", Kind.FORK, Category.JOIN, (), usage=inside[0].usage)
    targets = {edge.target for edge in inside}
    at = next(i for i, item in enumerate(frame.items) if _holds(item, targets))
    frame.items.insert(at, fork)
    label = next((edge.label for edge in inside if edge.label), "")
    for edge in inside:
        edge.source, edge.label = fork.key, ""
    return Edge(source, fork.key, inside[0].shape, label, usage=fork.usage)


def _holds(item: Box | Frame, keys: set[str]) -> bool:
    return item.key in keys if isinstance(item, Box) else any(box.key in keys for box in item.boxes())


def set_headings(frame: Frame) -> None:
    """Write the headings: `layer3 · basic ×2`."""
    for inner in frame.frames():
        inner.heading = _heading(inner)


def _heading(frame: Frame) -> Heading:
    block, times = frame.block or "", frame.times
    inner = [item for item in frame.items if isinstance(item, Frame)]
    if not block and times == 1 and inner and len(inner) == len(frame.items) and len({item.block for item in inner}) == 1:
        block = inner[0].block or ""
        times = sum(item.times for item in inner) if block else 1
    return Heading(_names(frame), block, times, ", ".join(filter(None, (frame.note, "shared" if frame.shared else ""))))


def _names(frame: Frame) -> str:
    """Return the last name, `layer3`, or with its index: `layer3.1`, or `layer3.1–5` for the first to the last of several."""
    name = _last_name(frame.name)
    if not frame.last:
        return name
    first, last = frame.name.rpartition(".")[2], frame.last.rpartition(".")[2]
    stem = first.rstrip("0123456789")
    return f"{name}–{last.removeprefix(stem) if stem and last.startswith(stem) else last}"


def _last_name(path: str) -> str:
    """Return the last part of a path, with the one before it if it is an index."""
    before, _, last = path.rpartition(".")
    return f"{before.rpartition('.')[2]}.{last}" if before and last.isdigit() else last
