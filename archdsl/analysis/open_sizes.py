"""For which values of its open sizes a network works, and which place demands what.

Three things can go wrong with a size: nothing is left of it, an op needs more of it than there is (to reflect, to
cut, to take a variance over), and a join meets another one. Each is a condition on quasi-linear functions (see
`shapes`), so that the sizes that meet it are an exact set (see `sizes`), and a network works where all sets meet.
Height and width have their own sets. One kind of condition ties them: what needs one of two axes to be long enough.
Where one axis never is, such a condition is one on the other; of those that remain, some choice must meet all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from archdsl.diagnostics import Diagnostic, Mark
from archdsl.diagnostics.untyped import untyped
from archdsl.ir import Call, Condition, Function, Graph, OpNode, Value
from archdsl.limits import DEFAULT, Limits, remedy
from archdsl.shapes import Dim, OpenSize, SizeError
from archdsl.sizes import ALL, NONE, SizeSet, at_least, describe, describe_choice, equal
from archdsl.source import Span

_SHOWN = 6
"""How many places a diagnostic marks besides its own."""
_CHOICES = 30
"""In how many ways ties between open sizes may be met, none of them wider than another."""


class Demand(NamedTuple):
    """A condition on one open size: the sizes that meet it, the place that needs it, and why, as a sentence."""

    symbol: str
    sizes: SizeSet
    span: Span | None
    reason: str


class Together(NamedTuple):
    """A condition that ties open sizes: one of them must be in its set."""

    sizes: Mapping[str, SizeSet]
    span: Span | None
    reason: str


@dataclass(slots=True)
class OpenSizes:
    """The verdict: for each open size those that work, the demands that narrow it, and what is wrong."""

    work: dict[str, SizeSet] = field(default_factory=dict)
    needed: dict[str, SizeSet] = field(default_factory=dict)
    """What the network alone needs, whatever the input states; empty if no size works, or that cannot be told."""
    demands: list[Demand] = field(default_factory=list)
    together: list[Together] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    numbers: int = 0
    """How many numbers the sets are kept as that it took, all together."""
    limits: Limits = DEFAULT

    def spend(self, numbers: int) -> None:
        """Count numbers; raises `SizeError` where they become too many."""
        self.numbers += numbers
        if self.numbers > self.limits.size_values:
            raise SizeError(
                f"the sets of sizes that work take more than {self.limits.size_values:,} numbers; {remedy('size_values')}"
            )

    def works(self, at: Mapping[str, int]) -> bool:
        """Whether the network works at these values of all its open sizes; `ValueError` where one is not given."""
        missing = [symbol for symbol in self.work if symbol not in at]
        if missing:
            raise ValueError(
                f"the open sizes are {', '.join(self.work)}: {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not given"
            )
        return all(at[symbol] in sizes for symbol, sizes in self.work.items()) and all(
            any(at[symbol] in sizes for symbol, sizes in tie.sizes.items()) for tie in self.together
        )

    def decisive(self, symbol: str) -> list[Demand]:
        """The demands on an open size without those that the others imply."""
        demands = [demand for demand in self.demands if demand.symbol == symbol]
        behind = [ALL]
        for demand in reversed(demands):
            behind.append(_meet(behind[-1], demand.sizes))
        kept, before = [], ALL
        for demand, others in zip(demands, reversed(behind[:-1]), strict=True):
            if not _within(_meet(before, others), demand.sizes):
                kept.append(demand)
                before = _meet(before, demand.sizes)
        return kept

    def sentences(self) -> list[str]:
        """What a reader needs to know: for each set of symbols that share it what they must be, and the places that need it."""
        groups: dict[tuple[SizeSet, tuple[str, ...]], list[str]] = {}
        for symbol, sizes in self.work.items():
            reasons = tuple(dict.fromkeys(f"{d.reason}{_at(d.span)}".replace(symbol, "\0") for d in self.decisive(symbol)))
            groups.setdefault((sizes, reasons), []).append(symbol)
        found = []
        for (sizes, reasons), symbols in groups.items():
            names, many = " and ".join(symbols), len(symbols) > 1
            if sizes == ALL:
                tied = [tie for tie in self.together if not tie.sizes.keys().isdisjoint(symbols)]
                found += [] if tied else [f"{names} can be any size"]
                continue
            lines = [f"\n  {reason.replace(chr(0), symbols[0])}" for reason in reasons]
            found.append(f"{names} must be {describe(sizes, many=many)}" + (":" + "".join(lines) if lines else ""))
        return found + [f"{describe_choice(tie.sizes)}:\n  {tie.reason}{_at(tie.span)}" for tie in self.together]


def open_sizes(graph: Graph, limits: Limits = DEFAULT) -> OpenSizes:
    """Decide every open size of a graph. Exact: a size works if and only if it is in its set."""
    symbols = dict.fromkeys(size.symbol for value in graph.inputs for size in value.shape if isinstance(size, OpenSize))
    verdict = OpenSizes(dict.fromkeys(symbols, ALL), limits=limits)
    if not symbols:
        return verdict
    for question in _questions(graph):
        try:
            _narrow(verdict, question)
        except SizeError as error:
            help = "fix one of the sizes in `input`, or give sizes that are equal the same name: `[3, N, N]`"
            verdict.diagnostics.append(untyped("E0307", str(error), _mark(question.span), help=help))
        if verdict.diagnostics:
            return verdict
    untie(verdict)
    if verdict.diagnostics:
        return verdict
    verdict.needed = dict(verdict.work)
    for symbol, stated in graph.stated.items():
        try:
            _compare(verdict, graph, symbol, stated)
        except SizeError as error:
            verdict.diagnostics.append(untyped("E0307", str(error), Mark(graph.stated_at[symbol])))
    if graph.stated and not any(diagnostic.is_error for diagnostic in verdict.diagnostics):
        _compare_together(verdict, graph)
    return verdict


class _Question(NamedTuple):
    """A place where something may go wrong: sizes of which one must be large enough, or two that must be equal."""

    span: Span | None
    reason: str
    sides: str
    sizes: tuple[Dim, ...] = ()
    least: int = 1
    join: Condition | None = None


def _meet(some: SizeSet, others: SizeSet) -> SizeSet:
    """What is in both; all of the first where what is in both cannot be told within the limits."""
    try:
        return some & others
    except SizeError:
        return some


def _within(some: SizeSet, others: SizeSet) -> bool:
    """Whether it is known that everything in one is in the other."""
    try:
        return some <= others
    except SizeError:
        return False


def _at_least(sizes: tuple[OpenSize, ...], least: int) -> str:
    """What is asked of sizes of which one has to be large enough; of a symbol, where a formula would not say it to a reader."""
    text = f"{' or '.join(map(str, sizes))} to be at least {least}"
    if len(sizes) > 1 or ("[" not in text and sizes[0].slope > 0):
        return text
    try:
        return f"{sizes[0].symbol} to be {describe(at_least(sizes[0], least))}"
    except SizeError:
        return text


def _questions(graph: Graph) -> Iterator[_Question]:
    """Yield each condition of the network on its symbolic sizes once: those of ops as they run, then those of joins."""
    seen: set[object] = set()
    for value in graph.inputs:
        for size in value.shape:
            if isinstance(size, OpenSize) and size not in seen:
                seen.add(size)
                yield _Question(value.span, "`input` leaves nothing of less", f"{size} is what `input` leaves", (size,))
    joins: list[Condition] = []
    for path, node in _ops_in_order(graph, joins):
        yield from _questions_of_op(path, node, seen)
    for join in joins:
        if (key := (join.left, join.right, join.stretch)) not in seen:
            seen.add(key)
            one, other = join.sides
            reason = f"`{join.what}` joins {_side(one)} ({join.left}) with {_side(other)} ({join.right})"
            yield _Question(join.span, reason, f"{join.left} against {join.right}", join=join)


def _ops_in_order(graph: Graph, joins: list[Condition]) -> Iterator[tuple[str, OpNode]]:
    """Yield the ops of each function once, with the path of its first call; note the conditions of joins in the same order."""
    seen: set[Function] = set()

    def visit(function: Function, path: str) -> Iterator[tuple[str, OpNode]]:
        seen.add(function)
        waiting: dict[Span | None, list[Condition]] = {}
        for condition in function.conditions:
            waiting.setdefault(condition.span, []).append(condition)
        for node in function.nodes:
            below = path if node.module is None else ".".join([path, *node.module.key] if path else node.module.key)
            if isinstance(node, OpNode):
                joins.extend(waiting.pop(node.span, ()) if waiting else ())
                yield below, node
            elif isinstance(node, Call) and node.callee not in seen:
                yield from visit(node.callee, below)
        joins.extend(condition for conditions in waiting.values() for condition in conditions)

    yield from visit(graph.main, "")


def _questions_of_op(path: str, node: OpNode, seen: set[object]) -> Iterator[_Question]:
    """Yield what an op demands of symbolic sizes, unless another one demanded the same."""
    shapes, made = node.input_shapes, node.output.shape
    if not any(isinstance(size, OpenSize) for shape in (made, *shapes) for size in shape):
        return
    for size in made:
        if isinstance(size, OpenSize) and size not in seen:
            seen.add(size)
            reason = f"{_named(path, node)} leaves nothing of less"
            yield _Question(node.span, reason, f"{size} is what `{node.op.name}` leaves", (size,))
    for need in node.op.needs(*shapes):
        sizes = (need.size, *need.others)
        if (sizes, need.least) not in seen and not any(isinstance(size, int) and size >= need.least for size in sizes):
            seen.add((sizes, need.least))
            opened = tuple(size for size in sizes if isinstance(size, OpenSize))
            least = _at_least(opened, need.least)
            yield _Question(
                node.span, f"{_named(path, node)} needs {least}", f"`{node.op.name}` needs {least}", opened, need.least
            )


def _narrow(verdict: OpenSizes, question: _Question) -> None:
    """Take in one condition; a diagnostic where no size is left."""
    meets = _met(question)
    verdict.spend(sum(len(sizes) for sizes in meets.values()))
    if len(meets) > 1:
        verdict.together.append(Together(meets, question.span, question.reason))
        return
    ((symbol, sizes),) = meets.items()
    before = verdict.work[symbol]
    after = before & sizes
    if after == before:
        return
    if not after:
        verdict.diagnostics.append(_nothing_works(verdict, question, symbol, sizes))
        return
    verdict.work[symbol] = after
    verdict.demands.append(Demand(symbol, sizes, question.span, question.reason))


def _met(question: _Question) -> dict[str, SizeSet]:
    """For each open size, the values that meet a condition; it is enough if one of them does."""
    join = question.join
    if join is None:
        found: dict[str, SizeSet] = {}
        for size in question.sizes:
            assert isinstance(size, OpenSize)
            found[size.symbol] = found.get(size.symbol, NONE) | at_least(size, question.least)
        return found
    symbols = {size.symbol for size in (join.left, join.right) if isinstance(size, OpenSize)}
    if len(symbols) > 1:
        raise SizeError(f"{join.left} and {join.right} have to be equal here, and belong to different open sizes")
    sizes = equal(join.left, join.right)
    return {symbols.pop(): sizes | equal(join.left, 1) if join.stretch else sizes}


def _nothing_works(verdict: OpenSizes, question: _Question, symbol: str, sizes: SizeSet) -> Diagnostic:
    marks = _needs(d for d in verdict.demands if d.symbol == symbol)
    only = f", which needs {symbol} to be {describe(sizes)}" if sizes else ""
    help = None
    if question.join is not None and not sizes:
        help = "the two never agree: do both sides have the same strides and paddings?"
    return untyped("E0310", f"no {symbol} works: {question.sides}{only}", _mark(question.span, "here"), marks, help=help)


def _needs(demands: Iterable[Demand]) -> tuple[Mark, ...]:
    """The places of the first few demands, with what they need."""
    return _some(*(_mark(d.span, f"needs {d.symbol} to be {describe(d.sizes)}") for d in islice(demands, _SHOWN)))


def _compare(verdict: OpenSizes, graph: Graph, symbol: str, stated: SizeSet) -> None:
    """The condition that the input states, against what the network needs."""
    needed = verdict.work[symbol]
    fails = stated.first_outside(needed)
    place = Mark(graph.stated_at[symbol])
    if not stated:
        verdict.diagnostics.append(untyped("E0701", f"this condition never holds: no {symbol} meets it", place))
    elif fails is not None:
        failing = [d for d in verdict.demands if d.symbol == symbol and fails not in d.sizes]
        marks = _needs(failing)
        message = f"this condition is not enough: {symbol} = {fails} meets it, and the network does not work there"
        verdict.diagnostics.append(untyped("E0311", message, place, marks, help=f"{symbol} must be {describe(needed)}"))
    verdict.work[symbol] = needed & stated


def _compare_together(verdict: OpenSizes, graph: Graph) -> None:
    """What ties open sizes, against the conditions that the input states."""
    for tie in verdict.together:
        try:
            short = {symbol: verdict.work[symbol] & ~sizes for symbol, sizes in tie.sizes.items()}
        except SizeError as error:
            verdict.diagnostics.append(untyped("E0307", str(error), _mark(tie.span)))
            return
        if all(short.values()) and all(symbol in graph.stated for symbol in short):
            at = " and ".join(f"{symbol} = {sizes.smallest()}" for symbol, sizes in short.items())
            message = f"these conditions are not enough: {at} meet them, and the network does not work there"
            place = Mark(graph.stated_at[next(iter(short))])
            verdict.diagnostics.append(
                untyped("E0311", message, place, _some(_mark(tie.span, tie.reason)), help=describe_choice(tie.sizes))
            )
            return
    untie(verdict)


def untie(verdict: OpenSizes) -> None:
    """Take in the conditions that tie open sizes as far as one size alone decides them; a diagnostic where none meet all."""
    ties = verdict.together
    try:
        while ties:
            left = [tie for tie in ties if not any(verdict.work[symbol] <= sizes for symbol, sizes in tie.sizes.items())]
            verdict.spend(4 * len(left) ** 2)
            verdict.together = [
                tie for n, tie in enumerate(left) if not any(_implies(o, tie, m < n) for m, o in enumerate(left) if m != n)
            ]
            for tie in verdict.together:
                possible = [symbol for symbol, sizes in tie.sizes.items() if verdict.work[symbol] & sizes]
                if len(possible) > 1:
                    continue
                if not possible:
                    verdict.diagnostics.append(_none_together(verdict, tie))
                    return
                verdict.work[possible[0]] &= tie.sizes[possible[0]]
                verdict.demands.append(Demand(possible[0], tie.sizes[possible[0]], tie.span, tie.reason))
                break
            else:
                break
            ties = verdict.together
        choices = [verdict.work]
        for tie in _entangled(verdict):
            narrowed = [choice | {symbol: choice[symbol] & sizes} for choice in choices for symbol, sizes in tie.sizes.items()]
            choices = [choice for choice in narrowed if all(choice.values())]
            if not choices:
                verdict.diagnostics.append(_none_together(verdict, tie))
                return
            choices = _widest(choices)
            if len(choices) > _CHOICES:
                raise SizeError(
                    f"the open sizes are tied to one another in more than {_CHOICES} ways; give sizes that are equal one name"
                )
    except SizeError as error:
        verdict.diagnostics.append(untyped("E0307", str(error), _mark(verdict.together[0].span)))


def _entangled(verdict: OpenSizes) -> list[Together]:
    """The ties that may fail together: one with an open size that no other has can be met by that, whatever the others need."""
    ties = verdict.together
    while True:
        shared = Counter(symbol for tie in ties for symbol in tie.sizes)
        left = [
            tie for tie in ties if all(shared[symbol] > 1 for symbol, sizes in tie.sizes.items() if verdict.work[symbol] & sizes)
        ]
        if len(left) == len(ties):
            return ties
        ties = left


def _implies(tie: Together, other: Together, earlier: bool) -> bool:
    """Whether a condition makes another one superfluous; of two that are equal, the earlier one does."""
    if not all(symbol in other.sizes and sizes <= other.sizes[symbol] for symbol, sizes in tie.sizes.items()):
        return False
    return earlier or tie.sizes != other.sizes


def _widest(choices: list[dict[str, SizeSet]]) -> list[dict[str, SizeSet]]:
    """The choices that no other one holds."""
    kept: list[dict[str, SizeSet]] = []
    for choice in choices:
        if not any(all(choice[symbol] <= wide[symbol] for symbol in choice) for wide in kept):
            kept = [wide for wide in kept if not all(wide[symbol] <= choice[symbol] for symbol in choice)] + [choice]
    return kept


def _none_together(verdict: OpenSizes, tie: Together) -> Diagnostic:
    """No sizes meet a condition that ties them, and all the others."""
    symbols = " and ".join(tie.sizes)
    marks = _needs(d for d in verdict.demands if d.symbol in tie.sizes and not _within(d.sizes, tie.sizes[d.symbol]))
    others = [other for other in islice(verdict.together, _SHOWN) if other is not tie]
    marks += _some(*(_mark(other.span, describe_choice(other.sizes)) for other in others))
    return untyped(
        "E0310", f"no {symbols} work together: {tie.reason}", _mark(tie.span, describe_choice(tie.sizes)), marks[:_SHOWN]
    )


def _named(path: str, node: OpNode) -> str:
    """Return an op with its key, if that says more than its place."""
    return f"`{path}` ({node.op.name})" if node.module is not None and not path.isdigit() else f"`{node.op.name}`"


def _side(value: Value) -> str:
    """Return what a join takes, as the spec calls it: the label of the value, or of the part that gives it, else the op."""
    node = value.producer
    if isinstance(node, Call) and node.module is not None:
        family, *index = node.module.key
        if index or not family.isdigit():
            return f"`{family}[{index[0]}]`" if index else f"`{family}`"
        if node.callee.kind == "block":
            return f"`{node.callee.name}`"
    inside = value
    while isinstance(node, Call):
        inside = node.callee.outputs[inside.position]
        node = inside.producer
    return f"`{value.name or inside.name or (node.op.name if isinstance(node, OpNode) else 'x')}`"


def _mark(span: Span | None, text: str = "") -> Mark | None:
    return Mark(span, text) if span is not None else None


def _some(*marks: Mark | None) -> tuple[Mark, ...]:
    return tuple(mark for mark in marks if mark is not None)


def _at(span: Span | None) -> str:
    return f" at {span.place}" if span is not None else ""
