"""Runs of equal parts become one part that says how often it stands there.

Parts are equal if they have the same ops with the same parameters, are connected in the same way and
have the same shapes. Two differences are allowed, and shown: probabilities of the regularization, as a
range, and channels that grow by one number from each part to the next, as in a dense block. Only the last
part of a run may feed anything but its successor, so that no connection is lost.

All boxes of the network are numbered in their order. The parts of a run have the same number of boxes, and stand
one after the other; so a box and its like in the next part are always the same number apart, the size of a part.
Two parts are connected in the same way if their sources are that number apart too, or are one and the same before the run.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from archdsl.analysis import op_form
from archdsl.backends.diagram.model import Box, Frame, Kind
from archdsl.ir.unrolled import Graph, Node
from archdsl.shapes import Shape

_LONGEST_PERIOD = 24
"""Boxes or frames in a part that has no name of its own."""
_FEWEST_CARDS = 4
"""Single cards are drawn one by one up to here."""

Links = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class _Part:
    """An item of a frame: what it looks like, the boxes that it stands for, and the last box that one of them feeds."""

    item: Box | Frame
    form: int
    start: int
    count: int
    reach: int

    @property
    def end(self) -> int:
        """The first box after it."""
        return self.start + self.count

    def boxes(self) -> Iterator[Box]:
        """The boxes that are drawn."""
        return iter([self.item]) if isinstance(self.item, Box) else self.item.boxes()


@dataclass(frozen=True, slots=True)
class _Run:
    """How often a part of so many items stands there, by how much its channels grow, and where its values come from.

    `entry` has for each value from outside the box of the part before that gives it, none for one that all parts share.
    """

    period: int = 1
    times: int = 1
    growth: int = 0
    entry: tuple[int | None, ...] = ()

    @property
    def items(self) -> int:
        """How many items it folds."""
        return self.period * self.times


def fold(graph: Graph, root: Frame, sources: Links) -> dict[str, list[Box]]:
    """Fold a tree of frames in place. Returns for each box that is left all that it stands for, itself first."""
    folder = _Folder(graph, root, sources)
    folder.fold(root)
    return folder.members(root)


class _Folder:
    def __init__(self, graph: Graph, root: Frame, sources: Links) -> None:
        self._graph = graph
        self._boxes = list(root.boxes())
        self._number = {box.key: i for i, box in enumerate(self._boxes)}
        self._sources = [[self._number[key] for key in sources[box.key]] for box in self._boxes]
        self._last_use = list(range(len(self._boxes)))
        for i, numbers in enumerate(self._sources):
            for number in numbers:
                self._last_use[number] = i
        self._members: dict[str, list[int]] = {}
        self._forms: dict[Hashable, int] = {}
        self._ops: dict[int, int] = {}
        self._frame_keys: set[str] = set()

    def members(self, root: Frame) -> dict[str, list[Box]]:
        """For each box that is drawn, all that it stands for."""
        return {box.key: [self._boxes[i] for i in self._numbers(box)] for box in root.boxes()}

    def _numbers(self, box: Box) -> list[int]:
        return self._members.get(box.key) or [self._number[box.key]]

    def fold(self, frame: Frame) -> _Part:
        """Fold the frames inside, then the items of this one."""
        parts = [self.fold(item) if isinstance(item, Frame) else self._part(item) for item in frame.items]
        start, count, reach = parts[0].start, sum(part.count for part in parts), max(part.reach for part in parts)
        forms = [part.form for part in parts]
        longest = min(_LONGEST_PERIOD, len(forms) // 2)
        alike = {period: ahead for period in range(1, longest + 1) if any(ahead := _equal_ahead(forms, period))}
        folded: list[_Part] = []
        at = 0
        while at < len(parts):
            run = self._best(parts, at, alike)
            folded.append(parts[at] if run.times == 1 else self._merge(parts[at : at + run.items], run))
            at += run.items
        frame.items = [part.item for part in folded]
        looks = tuple((part.item.name.rpartition(".")[2] if isinstance(part.item, Frame) else "", part.form) for part in folded)
        return _Part(frame, self._form((frame.block, looks)), start, count, reach)

    def _part(self, box: Box) -> _Part:
        number = self._number[box.key]
        look: Hashable = box.key
        if box.kind in (Kind.CARD, Kind.JOIN, Kind.BAR):
            look = tuple((self._op(node), *map(_without_channels, self._shapes(node))) for node in box.nodes)
        return _Part(box, self._form((box.kind, box.use, look)), number, 1, self._last_use[number])

    def _form(self, look: Hashable) -> int:
        """A number for what has to be equal, apart from connections and channels."""
        return self._forms.setdefault(look, len(self._forms))

    def _op(self, node: Node) -> int:
        found = self._ops.get(id(node.op))
        if found is None:
            found = self._ops[id(node.op)] = self._form(op_form(node))
        return found

    def _shapes(self, node: Node) -> tuple[Shape, ...]:
        return (*self._graph.input_shapes(node), node.shape)

    def _best(self, parts: list[_Part], at: int, alike: dict[int, list[int]]) -> _Run:
        """The run that folds most from here on."""
        best = _Run()
        for period, ahead in alike.items():
            equal = ahead[at]
            if equal < period or equal + period <= best.items:
                continue
            if parts[at].reach >= parts[at + 2 * period - 1].end:  # no run begins here; `_run` would find out later
                continue
            window = parts[at : at + period]
            fewest = _fewest(window)
            if equal // period + 1 >= fewest and _natural_start(window):
                run = self._run(parts, at, period, equal // period + 1)
                if run.times >= fewest and run.items > best.items:
                    best = run
        return best

    def _run(self, parts: list[_Part], at: int, period: int, most: int) -> _Run:
        """The run of parts of so many items that begins here."""
        start, size = parts[at].start, sum(part.count for part in parts[at : at + period])
        drawn: list[int] = []
        entry: dict[int, int] = {}
        growth: int | None = None
        times = 1
        while times < most:
            before, end = parts[at + (times - 1) * period : at + times * period], start + (times + 1) * size
            if max(part.reach for part in before) >= end:  # it feeds more than itself and the next one
                break
            if times == 1:
                drawn = [self._number[box.key] for part in before for box in part.boxes()]
                entry = self._entry(drawn, start, size)
            numbers = [number + (times - 1) * size for number in drawn]
            grown = self._grown(numbers, size) if self._shifted(numbers, start, size, entry if times == 1 else {}) else None
            if grown is None or growth not in (None, grown):
                break
            growth = grown
            times += 1
        chain = {source - start for source in entry.values() if source >= start}
        if times > 1 and not self._leaves_at(chain, start, size, times):
            times -= 1
        if times == 1 or (times == 2 and growth):
            return _Run()
        return _Run(period, times, growth or 0, tuple(source - start if source >= start else None for source in entry.values()))

    def _entry(self, numbers: list[int], start: int, size: int) -> dict[int, int]:
        """For each value from outside that the first part takes, what the second takes in its place."""
        return {
            first: second
            for number in numbers
            for first, second in zip(self._sources[number], self._sources[number + size], strict=True)
            if first < start
        }

    def _shifted(self, numbers: list[int], start: int, size: int, entry: dict[int, int]) -> bool:
        """Whether all boxes' likes in the next part take the likes of their sources, and of two from outside no one twice."""
        if len(set(entry.values())) < len(entry):
            return False
        for number in numbers:
            for first, second in zip(self._sources[number], self._sources[number + size], strict=True):
                if second != (first + size if first >= start else entry.get(first, first)):
                    return False
                if first < start and second != first and not start <= second < start + size:
                    return False
        return True

    def _grown(self, numbers: list[int], size: int) -> int | None:
        """The one number by which channels grow to the next part, 0 if none do; None for any other difference."""
        steps = set()
        for number in numbers:
            for node, like in zip(self._boxes[number].nodes, self._boxes[number + size].nodes, strict=True):
                for before, after in zip(self._shapes(node), self._shapes(like), strict=True):
                    if before != after:
                        if not isinstance(before[0], int) or not isinstance(after[0], int) or after[0] < before[0]:
                            return None
                        steps.add(after[0] - before[0])
                        if len(steps) > 1:
                            return None
        return steps.pop() if steps else 0

    def _leaves_at(self, chain: set[int], start: int, size: int, times: int) -> bool:
        """Whether the last part feeds what comes after from the same boxes that feed the next one in all others."""
        end = start + times * size
        return all(self._last_use[i] < end or i - end + size in chain for i in range(end - size, end))

    def _merge(self, parts: list[_Part], run: _Run) -> _Part:
        """One part for a run."""
        size = sum(part.count for part in parts[: run.period])
        for part in parts[: run.period]:
            for box in part.boxes():
                own = self._numbers(box)
                self._members[box.key] = [number + i * size for i in range(run.times) for number in own]
        first, last = parts[0].item, parts[-1].item
        if run.period == 1 and isinstance(first, Frame) and isinstance(last, Frame) and first.times == 1:
            frame = first
            frame.last = last.name
        else:
            frame = Frame(self._frame_key(parts[0]), items=[part.item for part in parts[: run.period]])
        frame.times = run.times
        frame.note = f"+{run.growth} channels each" if run.growth else ""
        look = (run, tuple(part.form for part in parts[: run.period]))
        return _Part(frame, self._form(look), parts[0].start, run.times * size, max(part.reach for part in parts))

    def _frame_key(self, first: _Part) -> str:
        """A name for a frame that no scope has: of its first box, and unlike that of a run inside that begins with it."""
        key = f"{next(first.boxes()).key}_repeat"
        while key in self._frame_keys:
            key += "_"
        self._frame_keys.add(key)
        return key


def _fewest(parts: Sequence[_Part]) -> int:
    """How many instances are worth folding: two of a block, more of what is little more than a card."""
    if not all(_little(part) for part in parts):
        return 2
    return _FEWEST_CARDS if len(parts) == 1 else _FEWEST_CARDS - 1


def _little(part: _Part) -> bool:
    return part.item.kind is Kind.CARD if isinstance(part.item, Box) else len([*islice(part.boxes(), 2)]) == 1


def _natural_start(parts: Sequence[_Part]) -> bool:
    """Whether a part begins where the text of its loop does; any rotation of a run is a run as well."""
    first = parts[0].item
    if isinstance(first, Frame):
        return True
    starts = [part.item.nodes[0].span.start for part in parts if isinstance(part.item, Box) and part.item.kind is Kind.CARD]
    return first.kind is Kind.CARD and first.nodes[0].span.start == min(starts)


def _equal_ahead(forms: list[int], period: int) -> list[int]:
    """For each position, how many items from there on equal the one a period later."""
    ahead = [0] * (len(forms) + 1)
    for i in range(len(forms) - period - 1, -1, -1):
        ahead[i] = ahead[i + 1] + 1 if forms[i] == forms[i + period] else 0
    return ahead


def _without_channels(shape: Shape) -> Hashable:
    return len(shape), shape[1:]
