"""Runs of equal parts become one part that says how often it stands there.

Parts are equal where they have the same ops with the same parameters, are connected in the same way and
have the same shapes. Two differences are allowed, and shown: probabilities of the regularization, as a
range, and channels that grow by one number from each part to the next, as in a dense block. Only the last
part of a run may feed anything but its successor, so that no connection is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from archdsl.analysis import op_form
from archdsl.backends.diagram.model import Box, Frame, Kind
from archdsl.ir import Graph
from archdsl.shapes import Shape

_LONGEST_PERIOD = 24
"""Boxes or frames in a part that has no name of its own."""
_FEWEST_CARDS = 4
"""Single cards are drawn one by one up to here."""

Links = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class _Window:
    """One instance: its boxes, how they are connected, what comes in from outside, and all shapes."""

    boxes: tuple[Box, ...]
    links: tuple[tuple[int, ...], ...]
    outside: tuple[str, ...]
    shapes: tuple[Shape, ...]

    def local(self) -> dict[str, int]:
        """The position of each box by its key."""
        return {box.key: i for i, box in enumerate(self.boxes)}


class Folder:
    """Folds a tree of frames in place; `resolve` then says which box stands for one that went."""

    def __init__(self, graph: Graph, sources: Links, rewrite: Callable[[Graph, Box, list[Box]], None]) -> None:
        self._graph, self._sources, self._rewrite = graph, sources, rewrite
        self._targets: Links = {}
        for target, keys in sources.items():
            for key in keys:
                self._targets.setdefault(key, []).append(target)
        self._kept: dict[str, str] = {}
        self._members: dict[str, list[Box]] = {}

    def resolve(self, key: str) -> str:
        """The key of the box that is drawn for a box."""
        while key in self._kept:
            key = self._kept[key]
        return key

    def fold(self, frame: Frame) -> None:
        """Fold the frames inside, then the items of this one."""
        for item in frame.items:
            if isinstance(item, Frame):
                self.fold(item)
        forms: dict[object, int] = {}
        ids = [forms.setdefault(_form(item), len(forms)) for item in frame.items]
        runs = {period: _equal_ahead(ids, period) for period in range(1, min(_LONGEST_PERIOD, len(ids) // 2) + 1)}
        items: list[Box | Frame] = []
        at = 0
        while at < len(ids):
            period, times, step = self._best(frame.items, at, {p: ahead[at] for p, ahead in runs.items()})
            items.append(frame.items[at] if times == 1 else self._merge(frame.items[at : at + period * times], period, step))
            at += period * times if times > 1 else 1
        frame.items = items

    def _best(self, items: list[Box | Frame], at: int, ahead: dict[int, int]) -> tuple[int, int, int]:
        """The period and number of times that fold most from here on, and the growth of the channels."""
        best = (1, 1, 0)
        for period, equal in ahead.items():
            candidate = items[at : at + period]
            if not _natural_start(candidate):
                continue
            if equal + period > best[0] * best[1] and equal // period + 1 >= _fewest(candidate):
                times, step = self._run(items, at, period, equal // period + 1)
                if times >= _fewest(candidate) and period * times > best[0] * best[1]:
                    best = (period, times, step)
        return best

    def _run(self, items: list[Box | Frame], at: int, period: int, most: int) -> tuple[int, int]:
        """How many windows from here on are one run, and by how much the channels grow."""
        windows = [self._window(items[at : at + period])]
        chain: list[int] | None = None
        growth: int | None = None
        for t in range(1, most):
            before, window = windows[-1], self._window(items[at + t * period : at + (t + 1) * period])
            entry, grown = _entry(windows[0], before, window), _growth(before.shapes, window.shapes)
            same = window.links == windows[0].links and entry is not None and grown is not None
            if not same or chain not in (None, entry) or growth not in (None, grown) or not self._closed(before, window):
                break
            chain, growth = entry, grown
            windows.append(window)
        if len(windows) > 1 and not self._leaves_at(windows[-1], chain or []):
            windows.pop()
        enough = len(windows) > 2 or not growth
        return (len(windows), growth or 0) if enough else (1, 0)

    def _window(self, items: Sequence[Box | Frame]) -> _Window:
        boxes = tuple(box for item in items for box in ([item] if isinstance(item, Box) else item.boxes()))
        local = {box.key: i for i, box in enumerate(boxes)}
        outside: dict[str, int] = {}
        links = []
        for box in boxes:
            keys = [self.resolve(key) for key in self._sources.get(box.key, ())]
            links.append(tuple(local[key] if key in local else -1 - outside.setdefault(key, len(outside)) for key in keys))
        return _Window(boxes, tuple(links), tuple(outside), tuple(s for box in boxes for s in self._shapes(box)))

    def _shapes(self, box: Box) -> list[Shape]:
        return [shape for node in box.nodes for shape in (*self._graph.input_shapes(node), node.shape)]

    def _closed(self, window: _Window, following: _Window) -> bool:
        """Whether a window feeds itself and the next one alone."""
        near = window.local() | following.local()
        return all(self.resolve(t) in near for box in window.boxes for t in self._targets.get(box.key, ()))

    def _leaves_at(self, window: _Window, chain: list[int]) -> bool:
        """Whether the last window feeds what comes after from the same boxes that feed the next one in all others."""
        own = window.local()
        leaving = {
            own[box.key] for box in window.boxes if any(self.resolve(t) not in own for t in self._targets.get(box.key, ()))
        }
        return leaving <= set(chain)

    def _merge(self, items: list[Box | Frame], period: int, step: int) -> Frame:
        """One part for a run."""
        windows = [self._window(items[i : i + period]) for i in range(0, len(items), period)]
        for column in zip(*(window.boxes for window in windows), strict=True):
            self._stand_for(column[0], list(column))
        first, last = items[0], items[-1]
        if period == 1 and isinstance(first, Frame) and isinstance(last, Frame) and first.times == 1:
            frame = first
            frame.last = last.name
        else:
            frame = Frame(f"{windows[0].boxes[0].key}_repeat", items=list(items[:period]))
        frame.times = len(windows)
        frame.note = f"+{step} channels each" if step else ""
        return frame

    def _stand_for(self, box: Box, column: list[Box]) -> None:
        members = [member for other in column for member in self._members.get(other.key, [other])]
        self._members[box.key] = members
        for other in column[1:]:
            self._kept[other.key] = box.key
            self._targets.setdefault(box.key, []).extend(self._targets.get(other.key, ()))
        self._rewrite(self._graph, box, members)


def _fewest(items: Sequence[Box | Frame]) -> int:
    """How many instances are worth folding: two of a block, more of what is little more than a card."""
    cards = all(item.kind is Kind.CARD if isinstance(item, Box) else sum(1 for _ in item.boxes()) == 1 for item in items)
    if not cards:
        return 2
    return _FEWEST_CARDS if len(items) == 1 else _FEWEST_CARDS - 1


def _natural_start(items: Sequence[Box | Frame]) -> bool:
    """Whether a part begins where the text of its loop does; any rotation of a run is a run as well."""
    first = items[0]
    if isinstance(first, Frame):
        return True
    starts = [item.nodes[0].span.start for item in items if isinstance(item, Box) and item.kind is Kind.CARD]
    return first.kind is Kind.CARD and first.nodes[0].span.start == min(starts)


def _equal_ahead(ids: list[int], period: int) -> list[int]:
    """For each position, how many items from there on equal the one a period later."""
    ahead = [0] * (len(ids) + 1)
    for i in range(len(ids) - period - 1, -1, -1):
        ahead[i] = ahead[i + 1] + 1 if ids[i] == ids[i + period] else 0
    return ahead


def _form(item: Box | Frame) -> object:
    """What has to be equal, apart from connections and shapes."""
    if isinstance(item, Box):
        return item.kind, item.use, item.key if item.kind not in (Kind.CARD, Kind.JOIN, Kind.BAR) else tuple(map(op_form, item.nodes))
    inner = tuple((i.name.rpartition(".")[2] if isinstance(i, Frame) else "", _form(i)) for i in item.items)
    return item.block, item.times, item.note, inner


def _entry(first: _Window, before: _Window, window: _Window) -> list[int] | None:
    """Where each value from outside comes from: a box of the window before, or -1 for a value that all windows share."""
    local = before.local()
    entry = []
    for mine, shared in zip(window.outside, first.outside, strict=False):
        if mine not in local and mine != shared:
            return None
        entry.append(local.get(mine, -1))
    return entry


def _growth(before: tuple[Shape, ...], after: tuple[Shape, ...]) -> int | None:
    """The one number by which channels grow, 0 where all shapes are equal; none for any other difference."""
    steps = set()
    for a, b in zip(before, after, strict=True):
        if a == b:
            continue
        if len(a) != len(b) or a[1:] != b[1:] or not isinstance(a[0], int) or not isinstance(b[0], int) or b[0] < a[0]:
            return None
        steps.add(b[0] - a[0])
    return 0 if not steps else steps.pop() if len(steps) == 1 else None
