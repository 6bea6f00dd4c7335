"""Fold runs of equal parts into one part with a count.

Parts are equal if they have the same ops with the same parameters, are connected in the same way and have the same
shapes. Three differences are allowed, and shown: probabilities of the regularization, as a range; channels that grow by
one number from each part to the next, as in a dense block; and whole numbers and channels of instances of one block. Only
the last part of a run may feed anything but its successor, so that no connection is lost. Exceptions are a growing
concatenation, whose parts each join what all before them make, and a shared module beside itself, whose results meet.

A part is one or more items of a function that follow one another (see `contents.py`). The parts of a run have the same number
of items, so an item and its counterpart in the next part are always that number apart. Two parts are connected in the same way
if their sources are that number apart too, or are one and the same value from before the run. Calls are compared by the form of
their function, a number that functions share if they differ in nothing but probabilities and channels. In looser forms, whole
numbers or all sizes may differ as well.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from archdsl.analysis import op_form
from archdsl.backends.diagram.contents import (
    Card,
    Contents,
    Item,
    Source,
    contents_of,
    family_of,
    last_uses,
    leaves_at,
    made_by,
    shifted,
)  # fmt: skip
from archdsl.backends.diagram.model import Detail
from archdsl.backends.diagram.parallel import parallel_parts
from archdsl.backends.diagram.variation import is_regular, loose_form, varying
from archdsl.ir import Call, Function, Node, OpNode, is_declared
from archdsl.ops.join import Join
from archdsl.shapes import Shape

_LONGEST_PERIOD = 24
"""Items in a part that has no name of its own."""
_FEWEST_CARDS = 4
"""Single cards are drawn one by one up to here."""
_FEWEST_REGULAR, _FEWEST_VARIED = 3, 4
"""Instances of a block that differ, by the same numbers from each to the next, or else as a table says."""


Varies: TypeAlias = Literal["channels", "numbers", "sizes"]
"""What may differ between things of one form."""


@dataclass(frozen=True, slots=True)
class Run:
    """A part of `period` items, from item `start` on, that is there `times` times; its channels grow by `growth` each time.

    `varied` instances of a block differ in numbers, `dense` ones each take what all before them make, and those of a `parallel`
    run stand beside each other (see `parallel.py`).
    """

    start: int
    period: int = 1
    times: int = 1
    growth: int = 0
    varied: bool = False
    dense: bool = False
    parallel: bool = False

    @property
    def items(self) -> int:
        """How many items it stands for."""
        return self.period * self.times

    @property
    def end(self) -> int:
        """The first item after it."""
        return self.start + self.items


@dataclass(frozen=True, eq=False, slots=True)
class Folded:
    """A function as it is drawn: its contents, its runs in order, and how many boxes and edges these make, with inner ones."""

    contents: Contents
    runs: tuple[Run, ...]
    boxes: int
    edges: int


class Folder:
    """Folds functions, each once."""

    def __init__(self, detail: Detail) -> None:
        self._detail = detail
        self._contents: dict[Function, Contents] = {}
        self._folded: dict[Function, Folded] = {}
        self._function_forms: dict[tuple[Function, Varies], int] = {}
        self._forms: dict[Hashable, int] = {}
        self._ops: dict[tuple[int, bool], int] = {}
        self._growth: dict[tuple[Function, Function], frozenset[int] | None] = {}

    def contents(self, function: Function) -> Contents:
        """Return what is drawn of a function before anything is folded."""
        found = self._contents.get(function)
        if found is None:
            found = self._contents[function] = contents_of(function, self._detail)
        return found

    def folded(self, function: Function) -> Folded:
        """Return a function as it is drawn."""
        found = self._folded.get(function)
        if found is None:
            contents = self.contents(function)
            runs = self._runs(contents) if self._detail == "blocks" else [Run(i) for i in range(len(contents.items))]
            drawn = [i for run in runs for i in range(run.start, run.start + run.period)]
            boxes, edges = 0, 0
            for i in drawn:
                item = contents.items[i]
                if isinstance(item, Call):
                    inner = self.folded(item.callee)
                    boxes, edges = boxes + inner.boxes, edges + inner.edges
                else:
                    boxes, edges = boxes + 1, edges + len(contents.sources[i])
            found = self._folded[function] = Folded(contents, tuple(runs), boxes, edges)
        return found

    # -- what is equal --

    def _form(self, look: Hashable) -> int:
        """Return a number for what has to be equal, apart from channels."""
        return self._forms.setdefault(look, len(self._forms))

    def _item_form(self, item: Item, varies: Varies = "channels") -> int:
        if isinstance(item, Call):
            form = self._function_form(item.callee, varies)
            return self._form((form, _declared(item))) if is_declared(item) else form
        shape: Callable[[Shape], Hashable] = len if varies == "sizes" else _without_channels
        loose = varies == "numbers"
        return self._form(
            tuple([(self._op(node, loose), node.usage, *map(shape, _shapes(node)), _declared(node)) for node in item])
        )

    def _function_form(self, function: Function, varies: Varies = "channels") -> int:
        found = self._function_forms.get((function, varies))
        if found is None:
            contents = self.contents(function)
            name = function.name if function.kind == "block" else ""
            items = tuple([(_key(item), self._item_form(item, varies)) for item in contents.items])
            found = self._form((function.kind, name, items, contents.sources, contents.returned))
            self._function_forms[function, varies] = found
        return found

    def _op(self, node: OpNode, loose: bool = False) -> int:
        found = self._ops.get((id(node.op), loose))
        if found is None:
            found = self._ops[id(node.op), loose] = self._form(loose_form(node) if loose else op_form(node.op))
        return found

    # -- runs --

    def _runs(self, contents: Contents) -> list[Run]:
        """Return the runs of a function from the first item to the last, each the one that folds most from there on."""
        forms = [self._form((self._item_form(item), family_of(item))) for item in contents.items]
        longest = min(_LONGEST_PERIOD, len(forms) // 2)
        alike = {period: ahead for period in range(1, longest + 1) if any(ahead := _equal_ahead(forms, period))}
        last_use = last_uses(contents)
        runs: list[Run] = []
        at = 0
        while at < len(forms):
            run = self._longest_run(contents, at, alike, last_use)
            if run.times == 1:
                run = self._dense_run(contents, at)
            if run.times == 1:
                run = self._varied_run(contents, at, last_use)
            if run.times == 1:
                run = self._parallel_run(contents, at)
            runs.append(run)
            at = run.end
        return runs

    def _longest_run(self, contents: Contents, at: int, alike: dict[int, list[int]], last_use: dict[Source, int]) -> Run:
        best = Run(at)
        for period, ahead in alike.items():
            equal = ahead[at]
            if equal < period or equal + period <= best.items:
                continue
            window = contents.items[at : at + period]
            fewest = self._fewest(window)
            if equal // period + 1 >= fewest and _natural_start(window):
                run = self._run(contents, at, period, equal // period + 1, last_use)
                if run.times >= fewest and run.items > best.items:
                    best = run
        return best

    def _run(
        self, contents: Contents, at: int, period: int, most: int, last_use: dict[Source, int], *, varied: bool = False
    ) -> Run:
        """Return the run of parts of so many items that begins here.

        `entry` has for each value from before the run that the first part takes the value that the second takes in its place:
        the same one, or one that the first part makes. All further parts must go on like that.
        """
        entry = self._entry(contents, at, period)
        growth: int | None = None
        times = 1
        while times < most and entry is not None:
            start = at + (times - 1) * period
            if any(last_use[source] >= start + 2 * period for source in made_by(contents, start, period)):
                break  # it feeds more than itself and the next one
            grown = 0 if varied else self._grown(contents, start, period)
            if grown is None or growth not in (None, grown) or (times > 1 and not shifted(contents, start, period, at)):
                break
            growth = grown
            times += 1
        chain = {(source[0] - at, source[1]) for source in (entry or {}).values() if source[0] >= at}
        if times > 1 and not leaves_at(contents, chain, at + times * period, period, last_use):
            times -= 1
        if times == 1 or (times == 2 and growth):
            return Run(at)
        return Run(at, period, times, growth or 0, varied)

    def _dense_run(self, contents: Contents, at: int) -> Run:
        """Return the run of parts that begins here of which each concatenates what all before it make, if there are enough."""
        form = self._dense_form(contents.items[at])
        end = at + 1
        while (
            form is not None
            and end < len(contents.items)
            and contents.sources[end] == (*contents.sources[end - 1], (end - 1, 0))
            and self._dense_form(contents.items[end]) == form
        ):
            end += 1
        first = contents.items[at]
        growth = first.outputs[0].shape[0] if isinstance(first, Call) and form is not None else 0
        if end - at < _FEWEST_REGULAR or not isinstance(growth, int):
            return Run(at)
        return Run(at, 1, end - at, growth, dense=True)

    def _dense_form(self, item: Item) -> Hashable:
        """Return what is equal in parts that begin with a concatenation of all that they take; None for any other item."""
        if not isinstance(item, Call) or len(item.outputs) != 1 or not item.outputs[0].shape or is_declared(item):
            return None
        contents = self.contents(item.callee)
        if not contents.items or isinstance(contents.items[0], Call) or not is_join(contents.items[0]):
            return None
        inputs = tuple((-1, position) for position in range(len(item.callee.inputs)))
        others = contents.sources[1:]
        if (
            "axis" not in type(contents.items[0][0].op).fields
            or contents.sources[0] != inputs
            or any(source[0] < 0 for sources in (*others, contents.returned) for source in sources)
        ):
            return None
        joins = tuple([(self._op(node), node.usage) for node in contents.items[0]])
        rest = tuple([(_key(inner), self._item_form(inner)) for inner in contents.items[1:]])
        name = item.callee.name if item.callee.kind == "block" else ""
        return name, family_of(item), joins, rest, others, contents.returned, item.outputs[0].shape

    def _varied_run(self, contents: Contents, at: int, last_use: dict[Source, int]) -> Run:
        """Return the run of instances of one block that begins here and whose numbers differ, if there are enough of them."""
        first = contents.items[at]
        if not isinstance(first, Call) or first.callee.kind != "block":
            return Run(at)
        form = self._form((self._item_form(first, "numbers"), family_of(first)))
        most = 1
        for item in contents.items[at + 1 :]:
            if not isinstance(item, Call) or form != self._form((self._item_form(item, "numbers"), family_of(item))):
                break
            most += 1
        run = self._run(contents, at, 1, most, last_use, varied=True) if most >= _FEWEST_REGULAR else Run(at)
        if run.times < _FEWEST_REGULAR:
            return Run(at)
        calls = [item for item in contents.items[at : run.end] if isinstance(item, Call)]
        regular = all(is_regular(values) for _, values in varying([call.callee for call in calls], self.contents))
        return run if regular or run.times >= _FEWEST_VARIED else Run(at)

    def _parallel_run(self, contents: Contents, at: int) -> Run:
        """Return the run of a declared module, and what goes on with its result, that begins here, if there are enough."""

        def alike(item: Item, other: Item) -> bool:
            return self._item_form(item, "sizes") == self._item_form(other, "sizes")

        period, times = parallel_parts(contents, at, alike)
        return Run(at, period, times, parallel=True) if times > 1 else Run(at)

    def _entry(self, contents: Contents, at: int, period: int) -> dict[Source, Source] | None:
        """Return the entry of a run (see `_run`); None if the first two parts are not connected in the same way."""
        entry: dict[Source, Source] = {}
        for i in range(at, at + period):
            for first, second in zip(contents.sources[i], contents.sources[i + period], strict=True):
                if first[0] >= at:
                    if second != (first[0] + period, first[1]):
                        return None
                elif entry.setdefault(first, second) != second or (second != first and not at <= second[0] < at + period):
                    return None
        return entry if len(set(entry.values())) == len(entry) else None

    def _grown(self, contents: Contents, start: int, period: int) -> int | None:
        """Return the one number by which channels grow to the next part, 0 if none do; None for any other difference."""
        found: set[int] = set()
        for i in range(start, start + period):
            steps = self._steps(contents.items[i], contents.items[i + period])
            if steps is None:
                return None
            found |= steps
        return found.pop() if len(found) == 1 else None if found else 0

    def _steps(self, item: Item, other: Item) -> frozenset[int] | None:
        """Return by which numbers channels grow from an item to its counterpart; None if they shrink or are no numbers."""
        if isinstance(item, Call) and isinstance(other, Call):
            return self._function_steps(item.callee, other.callee)
        assert not isinstance(item, Call) and not isinstance(other, Call)
        found: set[int] = set()
        for node, like in zip(item, other, strict=True):
            for before, after in zip(_shapes(node), _shapes(like), strict=True):
                if before != after:
                    if not isinstance(before[0], int) or not isinstance(after[0], int) or after[0] < before[0]:
                        return None
                    found.add(after[0] - before[0])
        return frozenset(found)

    def _function_steps(self, function: Function, other: Function) -> frozenset[int] | None:
        if function is other:
            return frozenset()
        key = (function, other)
        if key not in self._growth:
            found: frozenset[int] | None = frozenset()
            for item, like in zip(self.contents(function).items, self.contents(other).items, strict=True):
                steps = self._steps(item, like)
                found = None if steps is None or found is None else found | steps
            self._growth[key] = found
        return self._growth[key]

    def _fewest(self, items: Sequence[Item]) -> int:
        """Return how many instances are worth folding: two of a block, more of what is little more than a card."""
        if not all(_is_plain_card(item) if not isinstance(item, Call) else self.folded(item.callee).boxes == 1 for item in items):
            return 2
        return _FEWEST_CARDS if len(items) == 1 else _FEWEST_CARDS - 1


def is_join(card: Card) -> bool:
    """Return whether a card is where values meet."""
    op = card[0].op
    return isinstance(op, Join) and op.joins_branches


def _is_plain_card(item: Card) -> bool:
    return not is_join(item)


def _key(item: Item) -> str:
    """Return the last part of a call's key, which figures show."""
    return item.module.key[-1] if isinstance(item, Call) and item.module is not None else ""


def _declared(node: Node) -> Hashable:
    """Return what tells the declared modules apart that nodes of a function apply; None for any other node."""
    return (node.module.levels, node.module.key) if node.module is not None and is_declared(node) else None


def _shapes(node: OpNode) -> tuple[Shape, ...]:
    return (*node.input_shapes, *[value.shape for value in node.outputs])


def _without_channels(shape: Shape) -> Hashable:
    return len(shape), shape[1:]


def _natural_start(items: Sequence[Item]) -> bool:
    """Return whether a part begins where the text of its loop does; any rotation of a run is a run as well."""
    first = items[0]
    if isinstance(first, Call):
        return True
    spans = [item[0].span for item in items if not isinstance(item, Call) and not is_join(item)]
    starts = [span.start for span in spans if span is not None]
    return not is_join(first) and (first[0].span is None or first[0].span.start == min(starts))


def _equal_ahead(forms: list[int], period: int) -> list[int]:
    """Return for each position how many items from there on equal the one a period later."""
    ahead = [0] * (len(forms) + 1)
    for i in range(len(forms) - period - 1, -1, -1):
        ahead[i] = ahead[i + 1] + 1 if forms[i] == forms[i + period] else 0
    return ahead
