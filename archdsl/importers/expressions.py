"""Explain numbers: the expression that gives the same number in every instance, from the names that are visible there.

A `Scope` has a row for each instance of a block, or for each round of a loop. A number that varies from row to row is looked for
among constants, names, multiples and quotients of names, powers of two in a loop, and conditions on the number of a round. If
nothing gives it in every row, it becomes a parameter of the block, or a column of the loop's list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from archdsl.importers.naming import fresh_name, kind_of_role, name_for

Rows = Sequence[int]


@dataclass(eq=False)
class Column:
    """A name with its value in each row."""

    name: str
    values: list[Any]
    kind: str
    role: str = ""
    known: set[int] | None = None
    """The rows whose values matter; None if all do."""


def _nothing() -> None:
    """Note nothing: the text shows which columns are used."""


@dataclass(eq=False)
class Scope:
    """The instances of a block, or the rounds of a loop, with the names that are visible there."""

    kind: str
    size: int
    parent: Scope | None = None
    parent_row: list[int] = field(default_factory=list)
    index: list[int] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)
    arguments: list[Mapping[str, Any]] = field(default_factory=list)
    sizes: dict[str, list[Any]] = field(default_factory=dict)
    index_name: str = ""
    index_used: bool = False
    sizes_used: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)
    table: bool = False
    """Whether a loop goes through a table, so that conditions on the number of its round would be harder to read."""
    inner: list[Scope] = field(default_factory=list)
    """The loops inside."""
    fresh: bool = True
    """Whether `x` is the input of the block at the place that is written."""
    lets: dict[str, list[int]] = field(default_factory=dict)
    """Lists that the network declares, by name."""

    @property
    def root(self) -> Scope:
        """The scope of the block."""
        return self if self.parent is None else self.parent.root

    def names(self) -> Iterator[tuple[str, list[Any], str, Callable[[], None]]]:
        """Yield every visible name with its value in each row of this scope, its kind, and what notes its use."""
        for column in self.columns:
            yield column.name, column.values, column.kind, _nothing
        if self.parent is not None:
            for name, values, kind, use in self.parent.names():
                yield name, [values[row] for row in self.parent_row], kind, use

    def names_around(self) -> set[str]:
        """Return the names that are visible here, or in loops inside."""
        found = {column.name for column in self.columns}
        for inner in self.inner:
            found |= inner.names_around()
        at = self.parent
        while at is not None:
            found |= {column.name for column in at.columns} | {at.index_name}
            at = at.parent
        return found | {self.index_name}

    def indices(self) -> list[tuple[Scope, list[int]]]:
        """Return the numbers of the rounds of this loop and those around it, innermost first."""
        found: list[tuple[Scope, list[int]]] = []
        rows = list(range(self.size))
        at: Scope | None = self
        while at is not None and at.kind == "loop":
            found.append((at, [at.index[row] for row in rows]))
            rows = [at.parent_row[row] for row in rows]
            at = at.parent
        return found

    def levels(self) -> list[tuple[Scope, list[int]]]:
        """Return each scope from the outermost inwards, with its row for each row of this one."""
        found: list[tuple[Scope, list[int]]] = []
        rows = list(range(self.size))
        at: Scope | None = self
        while at is not None:
            found.insert(0, (at, rows))
            rows = [at.parent_row[row] for row in rows] if at.parent is not None else rows
            at = at.parent
        return found

    def use_index(self) -> str:
        """Return the name of the number of a round."""
        self.index_used = True
        return self.index_text()

    def index_text(self) -> str:
        """Return the name that the number of a round has if the text uses it."""
        if not self.index_name:
            letters = "ijmrstuv"[len(self.indices()) - 1 :]
            self.index_name = next(letter for letter in letters if letter not in self.root.taken)
        return self.index_name


@dataclass
class Explainer:
    """Explains values in a scope, for some of its rows."""

    scope: Scope
    rows: list[int]

    def explain(
        self, values: Sequence[Any], role: str, label: str = "", *, create: bool = True, wanted: str = ""
    ) -> str | None:
        """Return the expression for one value per row; None if there is none and none may be `create`d."""
        from archdsl.importers.literal import literal

        if all(same(value, values[0]) for value in values):
            return self._named_constant(values, role) or literal(values[0])
        self._wanted, self._role = wanted or name_for(role), role
        kind = kind_of_role(role, values)
        for candidate in self._candidates(values, kind):
            return candidate
        if kind == "bool" and (condition := self._new_condition(values)) is not None:
            return condition
        if self.scope.root.arguments and (found := self._argument(values, role, kind)) is not None:
            return found
        return self._create(values, role, kind, label) if create else None

    def _named_constant(self, values: Sequence[Any], role: str) -> str | None:
        """Return the parameter that means the same where only some instances get, as the stride of a shortcut."""
        if len(self.rows) == self.scope.size:
            return None
        for name, vector, _, use in self.scope.names():
            column = next((c for c in self.scope.root.columns if c.name == name), None)
            if column is not None and column.role == role and all(same(vector[r], v) for r, v in zip(self.rows, values, strict=True)):
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
        if kind in ("channels", "count") and all(isinstance(v, int) for v in values):
            yield from self._pairs(values, names)
        if self._role != "count":
            yield from self._by_condition(values, names)

    def _completed(self, values: Sequence[Any], kind: str) -> Iterator[str]:
        """Yield parameters that agree in the rows in which they matter so far; they take the values of the other rows."""
        root, at = self.scope.levels()[0]
        own = [at[row] for row in self.rows]
        for column in root.columns:
            if column.known is None or column.kind != kind or not column.known & set(own):
                continue
            decided = _function(own, values)
            if decided is None or not all(same(column.values[row], decided[row]) for row in column.known & set(own)):
                continue
            for row, value in decided.items():
                column.values[row] = value
            column.known |= set(own)
            yield column.name

    def _size_names(self) -> Iterator[tuple[str, list[Any]]]:
        rows = {id(scope): rows for scope, rows in self.scope.levels()}
        root = self.scope.root
        for name, vector in root.sizes.items():
            mark = "§" if root.fresh else "‡"
            yield f"{mark}{name}{mark}", [vector[rows[id(root)][row]] for row in self.rows]

    def _sizes(self, values: Sequence[Any], kind: str, names: Any) -> Iterator[str]:
        """Yield multiples, quotients and neighbours of names."""
        sources: list[tuple[str, list[Any], Callable[[], None]]] = []
        if kind == "channels":
            for name, vector in self._size_names():
                sources.append((name, vector, lambda name=name: self.scope.root.sizes_used.add(name)))  # type: ignore[misc]
            sources += [(n, v, use) for n, v, k, use in names if k in ("channels", "count")]
        else:
            sources += [(n, v, use) for n, v, k, use in names if k in (kind, "count")]
        for name, vector, use in sources:
            if not all(isinstance(v, int) and not isinstance(v, bool) and v > 0 for v in vector):
                continue
            if all(a == b for a, b in zip(values, vector, strict=True)):
                use()
                yield name
            if len(set(vector)) == 1:
                continue
            if kind == "channels" and len(set(values)) > 2:
                for divisor in (4, 2, 8, 16):
                    if all(v == make_divisible(a / divisor) for v, a in zip(values, vector, strict=True)):
                        use()
                        yield f"make_divisible({name} / {divisor}, 8)"
            if kind == "channels":
                factor = _ratio(values, vector)
                if factor:
                    use()
                    known = [n for n, v, k, _ in names if k == "small" and len(set(v)) == 1 and v[0] == factor]
                    yield f"{known[0]} * {name}" if known else f"{factor} * {name}"
                divisor = _quotient(values, vector)
                if divisor:
                    use()
                    yield f"{name} // {divisor}"
            elif kind == "small" and all(isinstance(v, int) for v in values):
                if all(v // 2 == a for v, a in zip(vector, values, strict=True)):
                    use()
                    yield f"{name} // 2"

    def _pairs(self, values: Sequence[Any], names: Any) -> Iterator[str]:
        numbers = [(n, v, use) for n, v, k, use in names if all(isinstance(a, int) and not isinstance(a, bool) and a > 0 for a in v)]
        for name, vector in self._size_names():
            numbers.append((name, vector, lambda name=name: self.scope.root.sizes_used.add(name)))  # type: ignore[misc]
        for (n1, v1, u1), (n2, v2, u2) in product(numbers, numbers):
            if n1 >= n2 or len(set(v1)) == 1 or len(set(v2)) == 1:
                continue
            if all(a * b == v for a, b, v in zip(v1, v2, values, strict=True)):
                u1(), u2()
                yield f"{n2} * {n1}" if n1[0] in "§‡" else f"{n1} * {n2}"

    def _by_round(self, values: Sequence[Any], kind: str) -> Iterator[str]:
        """Yield `64 * 2^i`, `min(64 * 2^i, 512)`, `56 // 2^i` and `a + b * i` for the numbers of rounds."""
        if not all(isinstance(value, int) and not isinstance(value, bool) for value in values):
            return
        for scope, all_rounds in self.scope.indices():
            if scope.table:
                continue
            rounds = [all_rounds[row] for row in self.rows]
            by_round = _function(rounds, values)
            if by_round is None or len(by_round) < 3 or sorted(by_round) != list(range(len(by_round))):
                continue
            column = [by_round[at] for at in range(len(by_round))]
            text = _power(column) if kind == "channels" else None
            step = column[1] - column[0]
            if text is None and all(b - a == step for a, b in zip(column, column[1:], strict=False)) and step:
                text = _line(column[0], step)
            if text is not None:
                yield text.replace("#", scope.use_index())

    def _linear(self, values: Sequence[Any]) -> Iterator[str]:
        """Yield `rate * i / n` for numbers that grow from round to round, also over two nested loops."""
        indices = self.scope.indices()
        if not indices or len(values) < 3:
            return
        scope, rounds = indices[0]
        if len(indices) == 1:
            by_round = _function([rounds[row] for row in self.rows], values)
            if by_round is not None and len(by_round) == scope.size and _is_line([by_round[at] for at in sorted(by_round)]):
                yield _line_of_floats([by_round[at] for at in sorted(by_round)], scope.use_index())
        elif len(self.rows) == scope.size and len(set(scope.parent_row)) > 1 and len(indices) == 2 and _is_line(list(values)):
            outer = indices[1][0]
            if outer.parent is not None and outer.parent.kind != "loop" and outer.parent.size == 1:
                counts = [scope.parent_row.count(row) for row in range(outer.size)]
                before = [sum(counts[: scope.parent_row[row]]) + scope.index[row] for row in range(scope.size)]
                if before == list(range(scope.size)):
                    name = self._counts(outer, counts)
                    at = f"({_sum_before(name, outer.use_index(), counts)} + {scope.use_index()})"
                    yield _line_of_floats(list(values), at)

    def _counts(self, outer: Scope, counts: list[int]) -> str:
        """Return the name of the list of the lengths of the inner loops, which the network declares."""
        lets = outer.root.lets
        for name, values in lets.items():
            if values == counts:
                return str(name)
        name = fresh_name("layers", outer.root.taken)
        lets[name] = counts
        return name

    # -- conditions --

    def shortcut_condition(self, values: Sequence[Any], *, kept: bool = False) -> str | None:
        """Return `stride != 1 or x.c != width` where it tells which shortcuts are projections; None if it does not.

        With `kept`, return its opposite, which tells where there is a residual connection.
        """
        sign, joined, combine = ("==", "and", all) if kept else ("!=", "or", any)
        names = [(n, [v[row] for row in self.rows], k, use) for n, v, k, use in self.scope.names()]
        atoms = list(self._atoms(names))
        strides = [c.name for c in self.scope.root.columns if c.role == "stride"]
        for (t1, v1, u1), (t2, v2, u2) in product(atoms, atoms):
            if t1 in [f"{name} {sign} 1" for name in strides] and f" {sign} " in t2 and t2[0] in "§‡":
                if [combine(pair) for pair in zip(v1, v2, strict=True)] == list(values):
                    u1(), u2()
                    return f"{t1} {joined} {t2}"
        return None

    def _conditions(self, values: Sequence[Any], names: Any) -> Iterator[str]:
        """Yield conditions that hold in the rows in which a value is true."""
        if not all(isinstance(value, bool) for value in values):
            return
        for text, vector, use in self._atoms(names):
            if self._role == "if" and text[0] in "§‡":
                continue
            if vector == list(values):
                use()
                yield text
            if [not v for v in vector] == list(values) and text.isidentifier():
                use()
                yield f"not {text}"
        if self._role == "if":
            return
        atoms = list(self._atoms(names))
        for joined, combine in (("or", any), ("and", all)):
            for (t1, v1, u1), (t2, v2, u2) in product(atoms, atoms):
                if t1 < t2 and [combine(pair) for pair in zip(v1, v2, strict=True)] == list(values):
                    u1(), u2()
                    yield f"{t1} {joined} {t2}"

    def _atoms(self, names: Any) -> Iterator[tuple[str, list[bool], Callable[[], None]]]:
        for name, vector, kind, use in names:
            if kind == "bool":
                yield name, list(vector), use
        yield from self._round_atoms()
        sizes = dict(self._size_names())
        for name, vector, kind, use in names:
            if kind == "channels":
                for size, own in sizes.items():
                    for factor in (1, 2, 4):
                        shown = name if factor == 1 else f"{factor} * {name}"

                        def note(use: Callable[[], None] = use, size: str = size) -> None:
                            use()
                            self.scope.root.sizes_used.add(size)

                        yield f"{size} != {shown}", [a != factor * b for a, b in zip(own, vector, strict=True)], note
                        yield f"{size} == {shown}", [a == factor * b for a, b in zip(own, vector, strict=True)], note
        for name, vector, kind, use in names:
            if kind in ("small", "count") and all(isinstance(v, int) for v in vector):
                for number in sorted(set(vector))[:6]:
                    yield f"{name} != {number}", [v != number for v in vector], use
                    yield f"{name} == {number}", [v == number for v in vector], use
                for number in sorted(set(vector))[:-1][:6]:
                    yield f"{name} > {number}", [v > number for v in vector], use
            elif kind == "float":
                yield f"{name} > 0", [v > 0 for v in vector], use

    def _round_atoms(self, kind: str = "bool") -> Iterator[tuple[str, list[bool], Callable[[], None]]]:
        for scope, rounds in self.scope.indices():
            if scope.table and kind != "bool":
                continue
            own = [rounds[row] for row in self.rows]
            total = max(rounds) + 1
            marks = [(f"== {n}", [v == n for v in own]) for n in (0,)]
            marks += [(f"> {n}", [v > n for v in own]) for n in range(min(total - 1, 3))]
            marks += [(f"< {total - 1}", [v < total - 1 for v in own])]
            if kind == "bool":
                marks += [("% 2 == 1", [v % 2 == 1 for v in own]), ("% 2 == 0", [v % 2 == 0 for v in own])]
            for text, vector in marks:
                yield f"{scope.index_text()} {text}", vector, scope.use_index  # type: ignore[misc]

    def _by_condition(self, values: Sequence[Any], names: Any) -> Iterator[str]:
        """Yield `2 if j == 0 else 1`: one value in the rows of a condition on the round, and another elsewhere."""
        from archdsl.importers.literal import literal

        atoms = list(self._round_atoms(""))
        pairs = [(text, vector, [use]) for text, vector, use in atoms]
        if len(self.scope.indices()) > 1:
            for (t1, v1, u1), (t2, v2, u2) in product(atoms, atoms):
                if t1 > t2 and "==" not in t2.replace("== 0", "") and t1.split()[0] != t2.split()[0]:
                    pairs.append((f"{t2} and {t1}", [a and b for a, b in zip(v1, v2, strict=True)], [u1, u2]))
        for text, vector, uses in pairs:
            inside = [v for v, c in zip(values, vector, strict=True) if c]
            outside = [v for v, c in zip(values, vector, strict=True) if not c]
            if not inside or not outside:
                continue
            if all(same(v, inside[0]) for v in inside) and all(same(v, outside[0]) for v in outside):
                if len(set(map(str, values))) == 2 and (len(values) > 2 or "== 0" in text):
                    for use in uses:
                        use()
                    yield f"{literal(inside[0])} if {text} else {literal(outside[0])}"
            for name, column, _, use in names:
                if all(same(v, inside[0]) for v in inside) and all(
                    same(v, a) for v, a, c in zip(values, column, vector, strict=True) if not c
                ) and len({str(a) for a, c in zip(column, vector, strict=True) if not c}) > 1:
                    yield self._used(uses, use, f"{literal(inside[0])} if {text} else {name}")
                if all(same(v, outside[0]) for v in outside) and all(
                    same(v, a) for v, a, c in zip(values, column, vector, strict=True) if c
                ) and len({str(a) for a, c in zip(column, vector, strict=True) if c}) > 1 and not self._by_parent(values):
                    yield self._used(uses, use, f"{name} if {text} else {literal(outside[0])}")

    def _by_parent(self, values: Sequence[Any]) -> bool:
        """Whether the loop around this one decides the values."""
        return self.scope.parent is not None and _function([self.scope.parent_row[row] for row in self.rows], values) is not None

    @staticmethod
    def _used(uses: list[Any], use: Callable[[], None], text: str) -> str:
        for note in uses:
            note()
        use()
        return text

    # -- what is new --

    def _argument(self, values: Sequence[Any], role: str, kind: str) -> str | None:
        """Make an argument of the class's constructor a parameter, if it explains the values."""
        levels = self.scope.levels()
        root, at = levels[0]
        own = [at[row] for row in self.rows]
        offered = [name for name in root.arguments[0] if all(name in a for a in root.arguments)] if root.arguments else []
        ranked: list[tuple[int, str, str, str]] = []
        sizes = dict(self._size_names()) if kind == "channels" else {}
        for order, name in enumerate(offered):
            column = [root.arguments[row][name] for row in own]
            if all(_alike(a, b) for a, b in zip(column, values, strict=True)):
                ranked.append((0 if name_for(role) in name or name in name_for(role) else 10 + order, name, "", kind))
            elif kind == "channels" and all(isinstance(a, int) and not isinstance(a, bool) and a > 0 for a in column):
                factor, divisor = _ratio(values, column), _quotient(values, column)
                if factor and factor in (2, 3, 4, 8):
                    ranked.append((100 + order, name, f"{factor} * #", "channels"))
                elif divisor and divisor in (2, 3, 4, 8, 16):
                    ranked.append((110 + order, name, f"# // {divisor}", "channels"))
                for size, vector in sizes.items():
                    if all(a * b == v for a, b, v in zip(column, vector, values, strict=True)):
                        ranked.append((60 + order, name, f"# * {size}", "small"))
            elif kind == "channels" and all(isinstance(a, int | float) for a in column):
                for size, vector in sizes.items():
                    if all(isinstance(v, int) and v and a * v == b for a, v, b in zip(column, vector, values, strict=True)):
                        if all(float(a).is_integer() for a in column):
                            ranked.append((60 + order, name, f"# * {size}", "small"))
        if not ranked:
            return None
        _, name, text, found_kind = min(ranked)
        column = [root.arguments[row].get(name) for row in range(root.size)]
        if found_kind != "float" and all(isinstance(v, float) and v.is_integer() for v in column):
            column = [int(v) for v in column]
        if kind in ("channels", "small") and any(v is None for v in column):
            return None
        made = self._add(root, name.rpartition(".")[2], column, found_kind, role)
        for size in sizes:
            if size in text.split():
                root.sizes_used.add(size)
        return text.replace("#", made) if text else made

    def _new_condition(self, values: Sequence[Any]) -> str | None:
        """Return a condition on an argument of the constructor, or on the size of the input."""
        found = self._condition_on_argument(values, natural=True)
        if found is None and self._role == "if":
            names = [(n, [v[row] for row in self.rows], k, use) for n, v, k, use in self.scope.names()]
            for text, vector, use in self._atoms(names):
                if text[0] in "§‡" and " * " not in text and vector == list(values):
                    use()
                    return text
        return found or self._condition_on_argument(values, natural=False)

    def _condition_on_argument(self, values: Sequence[Any], *, natural: bool) -> str | None:
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
                    if number in (0, 1) or (not natural and len(picked) > 6):
                        shown = int(number) if float(number).is_integer() else number
                        found.append((1 if number in (0, 1) else 2, name, f"# != {shown}"))
        if not found:
            return None
        _, name, text = min(found, key=lambda entry: entry[0])
        column = [root.arguments[row][name] for row in range(root.size)]
        whole = all(float(v).is_integer() for v in column)
        kind = "bool" if isinstance(column[0], bool) else "small" if whole else "float"
        column = [int(v) for v in column] if kind == "small" else column
        return text.replace("#", self._add(root, name.rpartition(".")[2], column, kind, "if" if kind == "bool" else "ratio"))

    def _create(self, values: Sequence[Any], role: str, kind: str, label: str) -> str:
        """Make the values a column of the outermost scope that decides them."""
        for scope, rows in self.scope.levels():
            if scope.kind == "network" and scope.size == 1:
                continue
            if scope is self.scope and (split := self._first_and_rest(values, role, label)) is not None:
                return split
            own = [rows[row] for row in self.rows]
            decided = _function(own, values)
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
        from archdsl.importers.literal import literal

        scope = self.scope
        if scope.kind != "loop" or scope.parent is None or len(self.rows) != scope.size or len(set(scope.parent_row)) < 2:
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


def same(a: Any, b: Any) -> bool:
    """Whether two values are the same to the last digit that a person would write."""
    if isinstance(a, bool) != isinstance(b, bool):
        return False
    if isinstance(a, float) and isinstance(b, float):
        return abs(a - b) <= 1e-9 * max(1.0, abs(a))
    return bool(a == b)


def _alike(a: Any, b: Any) -> bool:
    if isinstance(a, tuple | list) and len(set(a)) == 1:
        a = a[0]
    return type(a) is type(b) and same(a, b)


def _function(keys: Sequence[int], values: Sequence[Any]) -> dict[int, Any] | None:
    """Return the value for each key; None if a key has several."""
    found: dict[int, Any] = {}
    for key, value in zip(keys, values, strict=True):
        if key in found and not same(found[key], value):
            return None
        found[key] = value
    return found


def _ratio(values: Sequence[Any], vector: Sequence[int]) -> int:
    """Return the number that a vector is multiplied by, from 2; 0 if there is none."""
    if not isinstance(values[0], int) or values[0] % vector[0]:
        return 0
    factor = int(values[0] // vector[0])
    return factor if factor > 1 and all(v == factor * a for v, a in zip(values, vector, strict=True)) else 0


def _quotient(values: Sequence[Any], vector: Sequence[int]) -> int:
    """Return the number that a vector is divided by, from 2, rounding down; 0 if there is none."""
    if not isinstance(values[0], int) or values[0] <= 0:
        return 0
    for divisor in (2, 3, 4, 6, 8, 12, 16, 24, 32, 64, vector[0] // values[0]):
        if divisor > 1 and all(isinstance(v, int) and v == a // divisor for v, a in zip(values, vector, strict=True)):
            return int(divisor)
    return 0


def make_divisible(value: float, by: int = 8) -> int:
    """Return the multiple that is nearest, and at least 90 % of the value, as the function of the language does."""
    found = max(by, int(value + by / 2) // by * by)
    return found + by if found < 0.9 * value else found


def _power(column: list[int]) -> str | None:
    first, last = column[0], column[-1]
    if first <= 0:
        return None
    if all(v == first * 2**at for at, v in enumerate(column)):
        return f"{first} * 2^#"
    if len(column) > 2 and all(v == min(first * 2**at, last) for at, v in enumerate(column)) and column[1] == 2 * first:
        return f"min({first} * 2^#, {last})"
    if all(v == first // 2**at for at, v in enumerate(column)) and last > 0 and column[1] < first:
        return f"{first} // 2^#"
    return None


def _line(first: int, step: int) -> str:
    factor = "#" if step == 1 else f"{step} * #" if step > 0 else f"{step} * #"
    return factor if first == 0 else f"{factor} + {first}" if step > 0 else f"{first} - {-step if step != -1 else ''}{' * ' if step != -1 else ''}#"


def _is_line(values: list[Any]) -> bool:
    if len(values) < 3 or not all(isinstance(v, float | int) for v in values):
        return False
    step = (values[-1] - values[0]) / (len(values) - 1)
    return step != 0 and all(abs(v - (values[0] + at * step)) <= 1e-7 for at, v in enumerate(values))


def _line_of_floats(values: list[Any], index: str) -> str:
    """Return `rate * i / n` for a line, with the roundest rate that gives it."""
    count = len(values)
    step = (values[-1] - values[0]) / (count - 1)
    shift = values[0] / step
    rest = 0.0
    if abs(shift - round(shift)) > 1e-4:
        shift, rest = 0, values[0]
    shift = round(shift)
    places = [count + shift + extra for extra in (-1, 0, 1, 2) if count + shift + extra > 1]
    rate, divisor = min(((f"{step * n:.6g}", n) for n in places), key=lambda choice: len(choice[0]))
    shown = index if not shift else f"({index.strip('()')} + {shift})"
    return f"{float(rate)!r} * {shown} / {divisor}" + (f" + {float(f'{rest:.6g}')!r}" if rest else "")


def _sum_before(name: str, index: str, counts: list[int]) -> str:
    return f"sum({name}[0..{index}])"
