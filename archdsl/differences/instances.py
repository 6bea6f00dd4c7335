"""The changes in each instance of a block: of a pair of ops, and of a run of ops that only one of the networks has."""

from __future__ import annotations

from collections.abc import Hashable
from itertools import groupby, takewhile
from typing import NamedTuple, TypeAlias

from archdsl.analysis import describe
from archdsl.differences.changes import ChangeKind
from archdsl.differences.forms import ArgumentChange, changed_arguments, kind_of
from archdsl.differences.matching import Pair, Run
from archdsl.differences.side import Home, Side, label_of, path_of, place_of
from archdsl.differences.wiring import Reshared, Rewired
from archdsl.ir import Call, FlatNode, OpNode
from archdsl.literals import show
from archdsl.ops.base import Op, WeightedOp

_Item: TypeAlias = "tuple[Call | FlatNode, ...]"
"""A call or an op, behind the calls around it."""


class Instance(NamedTuple):
    """A change in one place of the network. Those with the same `key` are one change, with their number.

    `order` is its position in the network. `name` is the label of the op, or of what is added, removed or repeated; `ops` are the
    ops that it is about, and `rest` follows them in the text.
    """

    order: float
    kind: ChangeKind
    home: Home
    key: Hashable
    name: str
    ops: tuple[Op, ...]
    rest: str = ""
    arguments: tuple[ArgumentChange, ...] = ()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    places: tuple[str | None, str | None] = (None, None)


class Instances:
    """Makes the changes of two networks."""

    def __init__(self, before: Side, after: Side) -> None:
        self._before, self._after = before, after

    def changed(self, pair: Pair) -> Instance | None:
        """Return the change of the arguments of a pair of ops; None if both do the same."""
        arguments = arguments_of(self._before, self._after, pair)
        return self._of_pair(pair, "changed", *arguments) if arguments else None

    def rewired(self, found: Rewired) -> Instance:
        """Return the change of a pair of ops that takes other values."""
        took, takes = ", ".join(found.before) or None, ", ".join(found.after) or None
        return self._of_pair(found.pair, "rewired", ArgumentChange("takes", took, takes))

    def reshared(self, found: Reshared) -> Instance:
        """Return the change of a pair of ops that shares its weights with other ops than before."""
        return self._of_pair(found.pair, "rewired", ArgumentChange("has the weights of", found.before, found.after))

    def alone(self, run: Run, order: float) -> Instance:
        """Return the change for ops that only one of the networks has."""
        side = self._before if run.sign == "-" else self._after
        items = _items(side, run)
        around = _around(items)
        calls = [item[-1] for item in items if isinstance(item[-1], Call)]
        name = _listed(items) if calls else ""
        nodes = side.nodes[run.start : run.end]
        groups = len(calls) == len(items) and all([call.callee.kind == "group" for call in calls])
        key = tuple([place_of(call.callee.definition) for call in calls] if groups else [_origin(node) for node in nodes]), name
        return self._of_run(run, order, Instance(
            order, "removed" if run.sign == "-" else "added", side.home(around), key, name, tuple([node.op for node in nodes]),
            _behind(side, run, around),
        ))  # fmt: skip

    def repeated(self, run: Run, order: float) -> Instance:
        """Return the change for a part that is repeated more or less often."""
        assert run.repeat is not None
        side = self._before if run.sign == "-" else self._after
        home, units = side.home(_around(_items(side, run))), [unit.node for unit in run.repeat.units]
        ops = tuple([node.op for node in units if isinstance(node, OpNode)])
        name = "" if len(ops) == len(units) else ", ".join([_short_name(node) for node in units])
        rest = f"×{run.repeat.before} -> ×{run.repeat.after}"
        group = home.path if home.name == home.path else ""  # labelled groups are told apart, instances of a block are not
        key = name, tuple([repr(op) for op in ops]), rest, group
        return self._of_run(run, order, Instance(order, "repeated", home, key, name, ops if not name else (), rest))

    def _of_pair(self, pair: Pair, kind: ChangeKind, *arguments: ArgumentChange) -> Instance:
        old, new = self._before.nodes[pair.before], self._after.nodes[pair.after]
        home = self._after.home(new.calls)
        key = _origin(old), _origin(new), tuple([argument.name for argument in arguments])
        return Instance(
            pair.before, kind, home, key, _label(new, home), (old.op,), "", arguments,
            (old.path,), (new.path,), (_place(old), _place(new)),
        )  # fmt: skip

    def _of_run(self, run: Run, order: float, found: Instance) -> Instance:
        """Return the change for a run with its keys and its place."""
        removed = run.sign == "-"
        side = self._before if removed else self._after
        paths = tuple([_path(item) for item in _items(side, run)])
        place = _place(side.nodes[run.start])
        return found._replace(
            before=paths if removed else (),
            after=() if removed else paths,
            places=(place, None) if removed else (None, place),
        )


def arguments_of(before: Side, after: Side, pair: Pair) -> tuple[ArgumentChange, ...]:
    """Return the arguments in which a pair of ops differs; for two kinds of ops these themselves, under an empty name."""
    old, new = before.nodes[pair.before], after.nodes[pair.after]
    if old.op is new.op or before.forms.of_op(old.op) == before.forms.of_op(new.op):
        return ()
    if kind_of(old.op) != kind_of(new.op):
        return (ArgumentChange("", describe(old.op), describe(new.op)),)
    found = [_with_rules(before, after, pair, change) for change in changed_arguments(old.node, new.node)]
    return tuple([change for change in found if change.before != change.after])


def _with_rules(before: Side, after: Side, pair: Pair, change: ArgumentChange) -> ArgumentChange:
    """Return a change of `init` between what fills the weights: the rule of the network if the op has none of its own."""
    ops = before.nodes[pair.before].op, after.nodes[pair.after].op
    if change.name != "init" or not all(isinstance(op, WeightedOp) for op in ops):  # that of `layer_scale` is a number
        return change
    rules = [show(side.graph.initializer(op)) for side, op in zip((before, after), ops, strict=True)]
    return ArgumentChange(change.name, *rules)


def _items(side: Side, run: Run) -> list[_Item]:
    """Return the parts of a run in order: the outermost calls that are whole in it, and ops."""
    found: dict[_Item, None] = {}
    for node in side.nodes[run.start : run.end]:
        depths = range(1, len(node.calls) + 1)
        whole = next((depth for depth in depths if side.is_within(node.calls[:depth], run.start, run.end)), None)
        found[node.calls[:whole] if whole is not None else (*node.calls, node)] = None
    return list(found)


def _path(item: _Item) -> str:
    """Return the key of an item in the network."""
    last = item[-1]
    return last.path if isinstance(last, FlatNode) else path_of(tuple([call for call in item if isinstance(call, Call)]))


def _around(items: list[_Item]) -> tuple[Call, ...]:
    """Return the calls around all items."""
    shared = list(takewhile(lambda calls: len(set(calls)) == 1, zip(*[item[:-1] for item in items], strict=False)))
    return tuple([call for call, *_ in shared if isinstance(call, Call)])


def _listed(items: list[_Item]) -> str:
    """Return the names of items, equal ones that follow one another with their number."""
    found = []
    for name, group in groupby(items, lambda item: _short_name(item[-1])):
        times = len(list(group))
        found.append(f"{name} ×{times}" if times > 1 else name)
    return ", ".join(found)


def _short_name(item: Call | FlatNode | OpNode) -> str:
    """Return the name of a block, the label of a group, or the name of an op."""
    if isinstance(item, Call):
        return item.callee.name
    return item.op.name


def _behind(side: Side, run: Run, around: tuple[Call, ...]) -> str:
    """Return after which step of the function around it a run comes; empty at the start."""
    before = side.nodes[run.start - 1] if run.start else None
    if before is None or before.calls[: len(around)] != around:
        return ""
    node = before.calls[len(around)] if len(before.calls) > len(around) else before.node
    return f"after {label_of(node) or _short_name(node)}"


def _label(node: FlatNode, home: Home) -> str:
    """Return the label of an op in what it stands in; of one without a label that of the groups around it, with a colon."""
    groups = node.path if label_of(node.node) else path_of(node.calls)
    inside = groups.removeprefix(home.path).lstrip(".")
    return inside if label_of(node.node) or not inside else f"{inside}:"


def _origin(node: FlatNode) -> Hashable:
    """Return what is equal for an op in all instances of its block: its place in the text, or else its key in the function."""
    if node.node.span is not None:
        return place_of(node.node.span)
    function = node.calls[-1].callee.name if node.calls else ""
    return function, node.op.name, repr(node.node.module)


def _place(node: FlatNode) -> str | None:
    return node.node.span.place if node.node.span is not None else None
