"""The steps of a function as units that can be aligned with those of another: ops, and calls of functions."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from archdsl.differences.forms import Forms, changed_arguments, kind_of
from archdsl.differences.side import label_of
from archdsl.ir import Call, Function, OpNode
from archdsl.ops.base import Category

_INDEX = re.compile(r"(\.\d+)+$")
_ALIKE = 0.4
"""Of two calls, the least share of ops that correspond; of calls of blocks with one name, half of it is enough."""
_ALONE = 0.02
"""What an op without a counterpart costs: of equally good partners, the one that has little else is better."""
_EXCHANGEABLE = frozenset({Category.NORMALIZATION, Category.ACTIVATION, Category.POOLING, Category.REGULARIZATION})
"""Ops of these categories may take the place of each other: `gn` that of `bn`."""


class Unit(NamedTuple):
    """A step of a function. Units with one `form` do the same; `period` is equal in what counts as repetitions of one part.

    `size` is how many ops run in it, and `label` its name in the text, if it has one.
    """

    node: OpNode | Call
    form: int
    size: int
    period: tuple[object, ...]
    label: str

    @property
    def part(self) -> str:
        """What the label of a call names, without its index: `encoder` of `encoder[2]`; empty for an op."""
        return _INDEX.sub("", self.label) if isinstance(self.node, Call) else ""


class Units:
    """Makes units, and judges how well two of them correspond."""

    def __init__(self, forms: Forms) -> None:
        self._forms = forms
        self._scores: dict[tuple[int, int, bool], float] = {}

    def of(self, function: Function) -> list[Unit]:
        """Return the units of a function."""
        found = []
        for node in function.nodes:
            label = label_of(node)
            if isinstance(node, Call):
                form = self._forms.of_function(node.callee)
                size = node.output.shape[1:] if node.outputs else ()
                of_block = node.callee.kind == "block"  # whose instances may differ in a projection
                period = "call", node.callee.name, of_block or frozenset(form.kinds.items()), size
                found.append(Unit(node, form.number, form.size, period, label))
            else:
                assert isinstance(node, OpNode)
                form_of_op = self._forms.of_op(node.op)
                found.append(Unit(node, form_of_op, 1, ("op", form_of_op), label))
        return found

    def opened(self, units: Iterable[Unit]) -> list[Unit]:
        """Return units with those of the functions in place of calls."""
        return [inner for unit in units for inner in (self.of(unit.node.callee) if isinstance(unit.node, Call) else (unit,))]

    def flat(self, units: Iterable[Unit]) -> list[Unit]:
        """Return units with all calls opened."""
        found = list(units)
        while any(isinstance(unit.node, Call) for unit in found):
            found = self.opened(found)
        return found

    def score(self, before: Unit, after: Unit, apart: Collection[str] = ()) -> float:
        """Return about how many ops correspond if two units do; 0 if they cannot.

        `apart` are the parts that both sides have: a part of an encoder does not become one of a decoder, unless it is equal.
        """
        if before.form != after.form and before.part != after.part and before.part in apart and after.part in apart:
            return 0.0
        named = bool(before.label) and before.label == after.label
        key = (before.form, after.form, isinstance(before.node, Call))
        found = self._scores.get(key) if isinstance(before.node, Call) is isinstance(after.node, Call) else 0.0
        if found is None:
            found = self._scores[key] = self._score(before, after)
        return found + 0.05 if found and named else found

    def _score(self, before: Unit, after: Unit) -> float:
        if before.form == after.form:
            return 2.0 * before.size
        old, new = before.node, after.node
        if isinstance(old, Call) and isinstance(new, Call):
            return self._call_score(old.callee, new.callee)
        assert isinstance(old, OpNode) and isinstance(new, OpNode)
        if kind_of(old.op) == kind_of(new.op):
            return max(1.0, 2.0 - 0.2 * len(changed_arguments(old, new)))
        return 0.6 if old.op.category is new.op.category and old.op.category in _EXCHANGEABLE else 0.0

    def _call_score(self, before: Function, after: Function) -> float:
        old, new = self._forms.of_function(before), self._forms.of_function(after)
        total = old.size + new.size
        shared = (old.kinds & new.kinds).total()
        alike = (old.forms & new.forms).total() + shared
        named = before.name == after.name and before.kind == after.kind
        least = _ALIKE / 2 if named else _ALIKE
        if not total or alike / total < least:
            return 0.0
        return 0.9 * alike + (0.1 if named else 0.0) - _ALONE * (total - 2 * shared)


def size_of(units: Sequence[Unit]) -> int:
    """Return how many ops run in some units."""
    return sum([unit.size for unit in units])
