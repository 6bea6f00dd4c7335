"""Compare two networks: their graphs, and not their texts."""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from archdsl.analysis import Costs
from archdsl.differences.canonical import canonical
from archdsl.differences.changes import ARROW, Change
from archdsl.differences.ends import initializer_changes, input_changes, output_changes, paired_inputs
from archdsl.differences.forms import Forms
from archdsl.differences.grouping import changes_of
from archdsl.differences.instances import arguments_of
from archdsl.differences.keys import KeyChanges, key_changes
from archdsl.differences.matching import Matching, Pair, match_functions
from archdsl.differences.side import Side
from archdsl.differences.wiring import Sources, reshared, rewired
from archdsl.ir import Graph, OpNode
from archdsl.shapes import Dim

if TYPE_CHECKING:
    from typing import Any

    from archdsl.backends.diagram import Mark

_LITTLE: Final = 0.3
"""Networks of which a smaller share is equal, or only repeated more often, have little in common."""
_FEW_OPS: Final = 20
"""All changes of networks with so many ops can be listed."""
_MOST_CHANGES: Final = 30
"""Changes that a reader can take in, of which all are shown."""


class Total(NamedTuple):
    """A total of both networks; None if there is no formula in symbolic sizes."""

    name: str
    before: Dim | None
    after: Dim | None


class Difference:
    """The difference of two networks. Its string form is the output of the command line.

    `changes` are those of the graph: none if both networks compute the same in the same way, whatever the labels and blocks in
    their texts. `keys` say what becomes of stored weights, `totals` has the parameters, MACs and the depth of both.
    """

    def __init__(self, before: Graph, after: Graph) -> None:
        self.before, self.after = before, after
        forms = Forms()
        self._sides = sides = Side(before, forms), Side(after, forms)
        orders = canonical(sides[0]), canonical(sides[1])
        if orders[0].steps == orders[1].steps:
            self._matching = Matching([Pair(i, j) for i, j in zip(orders[0].order, orders[1].order, strict=True)], [])
        else:
            self._matching = match_functions(before.main, after.main, forms)
        self.changes: tuple[Change, ...] = tuple(self._changes())

    def _changes(self) -> list[Change]:
        before, after = self._sides
        pairs = self._matching.pairs
        inputs = paired_inputs(self.before, self.after)
        shared = [(i, j) for i, j in inputs if i is not None and j is not None]
        sources = Sources(before, pairs, 0, {i: i for i, _ in shared}), Sources(after, pairs, 1, {j: i for i, j in shared})
        moved, shares = rewired(before, after, pairs, sources), reshared(before, after, pairs)
        self._moved = {one.pair for one in moved} | {one.pair for one in shares}
        found = input_changes(self.before, self.after, inputs)
        found += changes_of(before, after, self._matching, moved, shares)
        found += output_changes(before, after, sources)
        return found + initializer_changes(before, after, pairs)

    @property
    def title(self) -> str:
        """The names of the networks: one name, or `before -> after`."""
        old, new = self.before.name, self.after.name
        return old if old == new else f"{old}{ARROW}{new}"

    @property
    def is_empty(self) -> bool:
        """Whether the graphs are equal. Keys may still be renamed."""
        return not self.changes

    @property
    def is_identical(self) -> bool:
        """Whether the graphs are equal, and all weights load under the same keys."""
        return not self.changes and self.keys.same

    @cached_property
    def keys(self) -> KeyChanges:
        """What becomes of stored weights of the network before in the network after."""
        return key_changes(*self._sides, self._matching.pairs)

    @cached_property
    def totals(self) -> tuple[Total, ...]:
        """The parameters, those without auxiliary heads if there are any, the MACs, and the depth."""
        old, new = (Costs().counts(graph.main) for graph in (self.before, self.after))
        found = [Total("params", old.params, new.params)]
        if (old.params, new.params) != (old.params_eval, new.params_eval):
            found.append(Total("params in evaluation", old.params_eval, new.params_eval))
        return (*found, Total("MACs", old.macs, new.macs), Total("depth", old.depth, new.depth))

    @property
    def ops(self) -> tuple[int, int]:
        """How many ops run in each network."""
        return len(self._sides[0].nodes), len(self._sides[1].nodes)

    @cached_property
    def equal_ops(self) -> int:
        """How many ops correspond to an equal one."""
        before, after = self._sides
        return sum([
            before.forms.of_op(before.nodes[pair.before].op) == before.forms.of_op(after.nodes[pair.after].op)
            for pair in self._matching.pairs
        ])  # fmt: skip

    @property
    def is_readable(self) -> bool:
        """Whether the networks have enough in common, and few enough changes, that a list of these tells something."""
        left_out = [0, 0]
        for run in self._matching.runs:
            left_out[run.sign == "+"] += run.end - run.start if run.repeat is None else 0
        changed = len(self._matching.pairs) - self.equal_ops
        shared = min([size - out - changed for size, out in zip(self.ops, left_out, strict=True)])
        return len(self.changes) <= _MOST_CHANGES and (max(self.ops) <= _FEW_OPS or shared >= _LITTLE * max(self.ops))

    def marks(self, which: int) -> dict[OpNode, Mark]:
        """Return how ops of the network before (0) or after (1) differ; additional repetitions of a block are not marked."""
        side = self._sides[which]
        found: dict[OpNode, Mark] = {}
        for pair in self._matching.pairs:
            if pair in self._moved or arguments_of(*self._sides, pair):
                found[side.nodes[pair[which]].node] = "changed"
        for run in self._matching.runs:
            if (run.sign == "+") == bool(which) and (run.repeat is None or not run.repeat.block):
                for node in side.nodes[run.start : run.end]:
                    found.setdefault(node.node, "added" if which else "removed")
        return found

    def op_counts(self) -> list[tuple[str, int, int]]:
        """Return for each op whose number differs how often it runs in both networks, the most frequent first."""
        old, new = (Counter([node.op.name for node in side.nodes]) for side in self._sides)
        names = sorted(old | new, key=lambda name: -max(old[name], new[name]))
        return [(name, old[name], new[name]) for name in names if old[name] != new[name]]

    def as_data(self) -> dict[str, Any]:
        """Return everything as plain data for JSON."""
        from archdsl.differences.data import difference_data  # here: most differences are read as text

        return difference_data(self)

    def __str__(self) -> str:
        from archdsl.differences.text import difference_text  # here: programs read data

        return difference_text(self).rstrip("\n")

    def __repr__(self) -> str:
        return f"<archdsl difference of {self.before.name} and {self.after.name}: {len(self.changes)} changes>"
