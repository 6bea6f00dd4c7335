"""Numbers that follow from the number of a round, or from the place of a block among all blocks of a network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from typing import Any

from archdsl.importers.conditions import Conditions
from archdsl.importers.formulas import function_of, is_line, line, line_of_floats, power, rates_of_lines, sum_before
from archdsl.importers.naming import fresh_name
from archdsl.importers.scope import Scope


class Rounds(Conditions):
    """Explains numbers by the numbers of rounds."""

    def explain(self, values: Sequence[Any], role: str, label: str = "", *, create: bool = True, wanted: str = "") -> str | None:
        """Return the expression for one value per row; None if there is none and none may be `create`d."""
        raise NotImplementedError

    def _by_round(self, values: Sequence[Any], kind: str) -> Iterator[str]:
        """Yield `64 * 2^i`, `min(64 * 2^i, 512)`, `56 // 2^i` and `a + b * i` for the numbers of rounds."""
        if not all(isinstance(value, int) and not isinstance(value, bool) for value in values):
            return
        for scope, all_rounds in self.scope.indices():
            if scope.table:
                continue
            rounds = [all_rounds[row] for row in self.rows]
            by_round = function_of(rounds, values)
            if by_round is None or len(by_round) < 3 or sorted(by_round) != list(range(len(by_round))):
                continue
            column = [by_round[at] for at in range(len(by_round))]
            text = power(column) if kind == "channels" else None
            step = column[1] - column[0]
            if text is None and all(b - a == step for a, b in pairwise(column)) and step:
                text = line(column[0], step)
            if text is not None:
                yield text.replace("#", scope.use_index())
        if kind == "channels":
            yield from self._powers_of_names(values)

    def _powers_of_names(self, values: Sequence[Any]) -> Iterator[str]:
        """Yield `width * 2^i` where `width` is a number of each network of a family."""
        if self.scope.root.kind != "network" or self.scope.root.size < 2:
            return
        names = [(name, [vector[row] for row in self.rows], use) for name, vector, _, use in self.scope.names()]
        for (name, vector, use), (scope, rounds) in product(names, self.scope.indices()):
            whole = all(
                isinstance(a, int) and not isinstance(a, bool) and a > 0 and v % a == 0
                for a, v in zip(vector, values, strict=True)
            )
            factors = [v // a for a, v in zip(vector, values, strict=True)] if whole else []
            by_round = function_of([rounds[row] for row in self.rows], factors) if whole and not scope.table else None
            if by_round is None or len(by_round) < 3 or sorted(by_round) != list(range(len(by_round))):
                continue
            text = power([by_round[at] for at in range(len(by_round))])
            if text is not None and text.split(" * ")[-1] == "2^#" and by_round[0] in (1, 2):
                use()
                yield f"{name} * 2^{scope.use_index()}" if by_round[0] == 1 else f"{name} * 2^({scope.use_index()} + 1)"

    def _linear(self, values: Sequence[Any]) -> Iterator[str]:
        """Yield `rate * i / n` for numbers that grow from round to round, also over two nested loops."""
        indices = self.scope.indices()
        if not indices or len(values) < 3:
            return
        scope, rounds = indices[0]
        if len(indices) == 1:
            by_round = function_of([rounds[row] for row in self.rows], values)
            if by_round is not None and len(by_round) == scope.size and is_line([by_round[at] for at in sorted(by_round)]):
                yield line_of_floats([by_round[at] for at in sorted(by_round)], scope.use_index())
            return
        if len(self.rows) != scope.size or len(set(scope.parent_row)) < 2 or len(indices) != 2:
            return
        outer = indices[1][0]
        if outer.parent is None or outer.parent.kind == "loop":
            return
        if outer.parent.size > 1:
            if outer.parent.kind == "network":
                yield from self._lines_of_networks(values, scope, outer, outer.parent)
        elif is_line(list(values)):
            counts = [scope.parent_row.count(row) for row in range(outer.size)]
            before = [sum(counts[: scope.parent_row[row]]) + scope.index[row] for row in range(scope.size)]
            if before == list(range(scope.size)):
                name = self._counts(outer, counts)
                at = f"({sum_before(name, outer.use_index())} + {scope.use_index()})"
                yield line_of_floats(list(values), at)

    def _lines_of_networks(self, values: Sequence[Any], scope: Scope, outer: Scope, networks: Scope) -> Iterator[str]:
        """Yield `drop * (sum(layers[0..i]) + j) / (sum(layers) - 1)` for numbers that grow through each network of a family."""
        lines: list[list[float]] = [[] for _ in range(networks.size)]
        counts: list[list[int]] = [[] for _ in range(networks.size)]
        for at, row in enumerate(outer.parent_row):
            counts[row].append(scope.parent_row.count(at))
        for value, at in zip(values, scope.parent_row, strict=True):
            lines[outer.parent_row[at]].append(value)
        found = rates_of_lines(lines)
        if found is None:
            return
        rates, less = found
        rate = self._explain_in(networks, rates, "p", "drop")
        layers = self._explain_in(networks, counts, "layers", "layers")
        place = f"{sum_before(layers, outer.use_index())} + {scope.use_index()}"
        yield f"{rate} * ({place}) / " + (f"(sum({layers}) - 1)" if less else f"sum({layers})")

    def _explain_in(self, scope: Scope, values: Sequence[Any], role: str, wanted: str) -> str:
        """Return an expression for one value for each row of an outer scope."""
        found = type(self)(scope, list(range(scope.size))).explain(values, role, wanted=wanted)
        assert found is not None
        return found

    @staticmethod
    def _counts(outer: Scope, counts: list[int]) -> str:
        """Return the name of the list of the lengths of the inner loops."""
        known = next((name for name, values in outer.root.lets.items() if values == counts), outer.listed)
        outer.listed, outer.counts = known or fresh_name("layers", outer.root.taken), counts
        return outer.listed
