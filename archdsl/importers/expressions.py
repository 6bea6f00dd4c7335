"""Explain numbers: the expression that gives the same number in every instance, from the names that are visible there.

A `Scope` has a row for each instance of a block, or for each round of a loop. A number that varies from row to row is looked for
among constants, names, multiples and quotients of names, powers of two in a loop, and conditions on the number of a round. If
nothing gives it in every row, it becomes a parameter of the block, or a column of the loop's list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

from archdsl.importers.formulas import (
    alike,
    function_of,
    make_divisible,
    quotient,
    ratio,
    same,
)
from archdsl.importers.literal import literal
from archdsl.importers.naming import fresh_name, kind_of_role, name_for
from archdsl.importers.round_numbers import Rounds
from archdsl.importers.scope import Column, Scope

Source = tuple[str, list[Any], Callable[[], None]]
"""A name with its value in each row, and what notes its use."""
_EXPANSION = 3
"""The usual factor between the channels of a block's input and those inside, from which on it is one of expansion."""


class Explainer(Rounds):
    """Explains values in a scope, for some of its rows."""

    def explain(self, values: Sequence[Any], role: str, label: str = "", *, create: bool = True, wanted: str = "") -> str | None:
        """Return the expression for one value per row; None if there is none and none may be `create`d."""
        if all(same(value, values[0]) for value in values):
            return self._named_constant(values, role) or literal(values[0])
        if role == "part" and (part := self._range(values)) is not None:
            return part
        self._wanted, self.role = wanted or name_for(role), role
        kind = kind_of_role(role, values)
        for candidate in self._candidates(values, kind):
            return candidate
        if kind == "bool" and (condition := self._new_condition(values)) is not None:
            return condition
        if self.scope.root.terms and (found := self._of_terms(values, role)) is not None:
            return found
        if self.scope.root.arguments and (found := self._argument(values, role, kind)) is not None:
            return found
        if not create:
            return None
        return self._expansion(values, role, kind) or self._create(values, role, kind, label)

    def _of_terms(self, values: Sequence[Any], role: str) -> str | None:
        """Return a list whose elements are terms in all networks of a family; None if one is not."""
        if not all(isinstance(value, list) for value in values) or len(set(map(len, values))) != 1:
            return None
        shown = [self.explain(list(column), role, create=False) for column in zip(*values, strict=True)]
        return f"[{', '.join(map(str, shown))}]" if None not in shown else None

    def _range(self, values: Sequence[Any]) -> str | None:
        """Return the expression for ranges of channels, `c // 2..c`; None if their ends are no functions of what is visible."""
        if not all(isinstance(value, range) and value.step == 1 for value in values):
            return None
        ends = [[value.start for value in values], [value.stop for value in values]]
        first, last = (self.explain(end, "out", create=False) for end in ends)
        return f"{first}..{last}" if first is not None and last is not None else None

    def _named_constant(self, values: Sequence[Any], role: str) -> str | None:
        """Return the parameter that means the same where only some instances get, as the stride of a shortcut."""
        if len(self.rows) == self.scope.size:
            return None
        for name, vector, _, use in self.scope.names():
            column = next((c for c in self.scope.root.columns if c.name == name), None)
            if (
                column is not None
                and column.role == role
                and all(same(vector[r], v) for r, v in zip(self.rows, values, strict=True))
            ):
                use()
                return name
        return None

    # -- what is there --

    def _candidates(self, values: Sequence[Any], kind: str) -> Iterator[str]:
        names = [(n, [v[row] for row in self.rows], k, use) for n, v, k, use in self.scope.names()]
        for name, vector, _, use in names:
            if all(type(a) is type(b) and same(a, b) for a, b in zip(vector, values, strict=True)):
                use()
                yield name
        yield from self._completed(values, kind)
        if kind == "bool":
            yield from self._conditions(values, names)
            return
        if kind in ("channels", "count", "small"):
            yield from self._sizes(values, kind, names)
            yield from self._by_round(values, kind)
        if kind == "float":
            yield from self._linear(values)
        if kind == "float" and self.role in ("scale", "factor"):
            yield from self._roots(values, names)
        if kind in ("channels", "count") and all(isinstance(v, int) for v in values):
            yield from self._pairs(values, names)
        if self.role == "pad":
            yield from self._by_stride(values, names)
        if self.role != "count":
            yield from self._by_condition(values, names)

    def _completed(self, values: Sequence[Any], kind: str) -> Iterator[str]:
        """Yield parameters that agree in the rows in which they matter so far; they take the values of the other rows."""
        root, at = self.scope.levels()[0]
        own = [at[row] for row in self.rows]
        for column in root.columns:
            if column.known is None or column.kind != kind or not column.known & set(own):
                continue
            decided = function_of(own, values)
            if decided is None or not all(same(column.values[row], decided[row]) for row in column.known & set(own)):
                continue
            for row, value in decided.items():
                column.values[row] = value
            column.known |= set(own)
            yield column.name

    def _sizes(self, values: Sequence[Any], kind: str, names: Any) -> Iterator[str]:
        """Yield multiples, quotients and neighbours of names."""
        sources: list[Source] = []
        if kind == "channels":
            for name, vector in self._size_names():
                sources.append((name, vector, lambda name=name: self.scope.root.sizes_used.add(name)))  # type: ignore[misc]
        wanted = ("channels", "count") if kind == "channels" else (kind, "count")
        sources += [(n, v, use) for n, v, k, use in names if k in wanted]
        sources = [
            (n, v, use) for n, v, use in sources if all(isinstance(a, int) and not isinstance(a, bool) and a > 0 for a in v)
        ]
        for name, vector, use in sources:
            if all(a == b for a, b in zip(values, vector, strict=True)):
                use()
                yield name
            if len(set(vector)) > 1:
                yield from self._parts(values, kind, (name, vector, use), names)
        if kind == "channels":
            yield from self._shares(values, sources)
            yield from self._rounded(values, sources)

    @staticmethod
    def _parts(values: Sequence[Any], kind: str, source: Source, names: Any) -> Iterator[str]:
        """Yield `4 * name`, `name // 2` and the like."""
        name, vector, use = source
        if kind == "channels":
            if factor := ratio(values, vector):
                use()
                known = [n for n, v, k, _ in names if k == "small" and len(set(v)) == 1 and v[0] == factor]
                yield f"{known[0]} * {name}" if known else f"{factor} * {name}"
            if divisor := quotient(values, vector):
                use()
                yield f"{name} // {divisor}"
        elif kind == "small" and all(isinstance(a, int) and v // 2 == a for v, a in zip(vector, values, strict=True)):
            use()
            yield f"{name} // 2"

    @staticmethod
    def _shares(values: Sequence[Any], sources: Sequence[Source]) -> Iterator[str]:
        """Yield `name // n`, the channels of one of several equal branches."""
        for (n1, v1, u1), (n2, v2, u2) in product(sources, sources):
            if len(set(v2)) > 1 and all(a == v * b for a, b, v in zip(v1, v2, values, strict=True)):
                u1(), u2()
                yield f"{n1} // {n2}"

    @staticmethod
    def _rounded(values: Sequence[Any], sources: Sequence[Source]) -> Iterator[str]:
        """Yield parts of names that are rounded to multiples of eight or four, as in the MobileNets and GhostNet."""
        if len(set(values)) < 3:
            return
        for name, vector, use in sources:
            numbers = all(isinstance(v, int) and not isinstance(v, bool) and v > 0 for v in vector)
            for by, divisor in product((8, 4), (4, 2, 8, 16)) if numbers else ():
                if all(v == make_divisible(a / divisor, by) for v, a in zip(values, vector, strict=True)):
                    use()
                    yield f"make_divisible({name} / {divisor}, {by})"

    def _roots(self, values: Sequence[Any], names: Any) -> Iterator[str]:
        """Yield `width^-0.5`, the usual factor of products in attention."""
        sources = [(n, v, use) for n, v, k, use in names if k == "channels"]
        for name, vector in self._size_names():
            sources.append((name, vector, lambda name=name: self.scope.root.sizes_used.add(name)))
        for name, vector, use in sources:
            if all(isinstance(a, int) and a > 0 and abs(a**-0.5 - v) <= 1e-12 for a, v in zip(vector, values, strict=True)):
                use()
                yield f"{name}^-0.5"

    def _pairs(self, values: Sequence[Any], names: Any) -> Iterator[str]:
        numbers = [
            (n, v, use) for n, v, k, use in names if all(isinstance(a, int) and not isinstance(a, bool) and a > 0 for a in v)
        ]
        for name, vector in self._size_names():
            numbers.append((name, vector, lambda name=name: self.scope.root.sizes_used.add(name)))
        for (n1, v1, u1), (n2, v2, u2) in product(numbers, numbers):
            if n1 >= n2 or len(set(v1)) == 1 or len(set(v2)) == 1:
                continue
            if all(a * b == v for a, b, v in zip(v1, v2, values, strict=True)):
                u1(), u2()
                yield f"{n2} * {n1}" if n1[0] in "§‡" else f"{n1} * {n2}"

    # -- what is new --

    def _argument(self, values: Sequence[Any], role: str, kind: str) -> str | None:
        """Make an argument of the class's constructor a parameter, if it explains the values."""
        root, at = self.scope.levels()[0]
        own = [at[row] for row in self.rows]
        sizes = dict(self._size_names()) if kind == "channels" else {}
        ranked: list[tuple[int, str, str, str]] = []
        for order, name in enumerate(root.arguments[0]):
            if all(name in given for given in root.arguments):
                column = [root.arguments[row][name] for row in own]
                ranked += [(rank + order, name, text, of) for rank, text, of in _explanations(values, column, kind, sizes)]
                if all(alike(a, b) for a, b in zip(column, values, strict=True)):
                    close = name_for(role) in name or name in name_for(role)
                    ranked.append((0 if close else 10 + order, name, "", kind))
        if not ranked:
            return None
        _, name, text, found_kind = min(ranked)
        column = [root.arguments[row].get(name) for row in range(root.size)]
        if found_kind != "float" and all(isinstance(v, float) and v.is_integer() for v in column):
            column = [int(v) for v in column]
        if kind in ("channels", "small") and any(v is None for v in column):
            return None
        made = self._add(root, name.rpartition(".")[2], column, found_kind, role)
        root.sizes_used.update(size for size in sizes if size in text.split())
        return text.replace("#", made) if text else made

    def _new_condition(self, values: Sequence[Any]) -> str | None:
        """Return a condition on an argument of the constructor, or on the size of the input."""
        found = self._condition_on_argument(values)
        if found is None and self.role == "if":
            names = [(n, [v[row] for row in self.rows], k, use) for n, v, k, use in self.scope.names()]
            for text, vector, use in self._atoms(names):
                if text[0] in "§‡" and " * " not in text and vector == list(values):
                    use()
                    return text
        return found

    def _condition_on_argument(self, values: Sequence[Any]) -> str | None:
        """Make an argument of the constructor a parameter if a condition on it tells where the value is true."""
        root, at = self.scope.levels()[0]
        own = [at[row] for row in self.rows]
        wanted = list(values)
        found: list[tuple[int, str, str]] = []
        for name in root.arguments[0] if root.arguments else []:
            if not all(name in given for given in root.arguments):
                continue
            column = [root.arguments[row][name] for row in range(root.size)]
            picked = [column[row] for row in own]
            if all(isinstance(v, bool) for v in picked):
                if picked == wanted or [not v for v in picked] == wanted:
                    found.append((0, name, "#" if picked == wanted else "not #"))
            elif all(isinstance(v, int | float) for v in picked):
                outside = {v for v, w in zip(picked, wanted, strict=True) if not w}
                if len(outside) == 1 and all((v not in outside) == w for v, w in zip(picked, wanted, strict=True)):
                    number = outside.pop()
                    if number in (0, 1):
                        found.append((1, name, f"# != {int(number)}"))
        if not found:
            return None
        _, name, text = min(found, key=lambda entry: entry[0])
        column = [root.arguments[row][name] for row in range(root.size)]
        whole = all(float(v).is_integer() for v in column)
        kind = "bool" if isinstance(column[0], bool) else "small" if whole else "float"
        column = [int(v) for v in column] if kind == "small" else column
        short = name.rpartition(".")[2]
        role = "if" if kind == "bool" else short if short in ("stride", "groups", "dilation") else "ratio"
        return text.replace("#", self._add(root, short, column, kind, role))

    def _expansion(self, values: Sequence[Any], role: str, kind: str) -> str | None:
        """Make the factor of the input's channels a parameter, if it gives hidden widths and hardly varies."""
        root, at = self.scope.levels()[0]
        own = [at[row] for row in self.rows]
        name, inputs = next(self._size_names(), ("", []))
        if kind != "channels" or role != "out" or not name or list(values) == root.results_of(own):
            return None
        if not all(isinstance(v, int) and c and v % c == 0 for v, c in zip(values, inputs, strict=True)):
            return None
        factors = function_of(own, [v // c for v, c in zip(values, inputs, strict=True)])
        if factors is None or len(factors) < root.size or not 1 < len(set(factors.values())) < min(3, len(set(values))):
            return None
        if max(factors.values(), key=list(factors.values()).count) < _EXPANSION:
            return None
        root.sizes_used.add(name.strip("§‡"))
        made = self._add(root, "expand", [factors[row] for row in range(root.size)], "small", "ratio")
        return f"{made} * {name}"

    def _create(self, values: Sequence[Any], role: str, kind: str, label: str) -> str:
        """Make the values a column of the outermost scope that decides them."""
        for scope, rows in self.scope.levels():
            if scope.kind == "network" and scope.size == 1:
                continue
            if scope is self.scope and (split := self._first_and_rest(values, role, label)) is not None:
                return split
            own = [rows[row] for row in self.rows]
            decided = function_of(own, values)
            if decided is not None:
                filler = max(decided.values(), key=lambda value: list(map(str, decided.values())).count(str(value)))
                column = [decided.get(row, filler) for row in range(scope.size)]
                name = self._add(scope, self._wanted, column, kind, role, label)
                if len(decided) < scope.size:
                    scope.columns[-1].known = set(decided)
                return name
        raise AssertionError("the innermost scope decides every value")

    def _first_and_rest(self, values: Sequence[Any], role: str, label: str) -> str | None:
        """Return `stride if j == 0 else 1` if only the first round of an inner loop has a number of its own."""
        scope = self.scope
        if (
            role == "count"
            or scope.kind != "loop"
            or scope.parent is None
            or len(self.rows) != scope.size
            or len(set(scope.parent_row)) < 2
        ):
            return None
        rest = [value for value, at in zip(values, scope.index, strict=True) if at > 0]
        if not rest or not all(same(value, rest[0]) for value in rest):
            return None
        parents = [row for row, at in zip(scope.parent_row, scope.index, strict=True) if at == 0]
        first = [value for value, at in zip(values, scope.index, strict=True) if at == 0]
        if len(set(parents)) != scope.parent.size:
            return None
        text = Explainer(scope.parent, parents).explain(first, role, label, wanted=self._wanted)
        assert text is not None
        text = f"({text})" if " if " in text else text
        return f"{text} if {scope.use_index()} == 0 else {literal(rest[0])}"

    @staticmethod
    def _add(scope: Scope, wanted: str, values: list[Any], kind: str, role: str, label: str = "") -> str:
        taken = scope.root.taken | scope.names_around()
        name = fresh_name(wanted, taken, label)
        scope.columns.append(Column(name, values, kind, role))
        return name


def _explanations(
    values: Sequence[Any], column: Sequence[Any], kind: str, sizes: dict[str, list[Any]]
) -> Iterator[tuple[int, str, str]]:
    """Yield expressions of an argument, written `#`, that give numbers of channels: with a rank, and the kind of the argument."""
    if kind != "channels" or any(isinstance(a, bool) or not isinstance(a, int | float) for a in column):
        return
    whole = all(isinstance(a, int) and a > 0 for a in column)
    factor, divisor = (ratio(values, column), quotient(values, column)) if whole else (0, 0)
    if factor in (2, 3, 4, 8):
        yield 100, f"{factor} * #", "channels"
    elif divisor in (2, 3, 4, 8, 16):
        yield 110, f"# // {divisor}", "channels"
    for size, vector in sizes.items():
        fits = all(isinstance(v, int) and v and a * v == b for a, v, b in zip(column, vector, values, strict=True))
        if fits and all(float(a).is_integer() for a in column):
            yield 60, f"# * {size}", "small"
