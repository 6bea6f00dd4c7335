"""Conditions that tell in which instances something is there, or in which rounds a number is another one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from archdsl.importers.formulas import function_of, same
from archdsl.importers.literal import literal
from archdsl.importers.scope import Scope

Atom = tuple[str, list[bool], Callable[[], None]]
"""The text of a comparison, whether it holds in each row, and what notes its use."""
Named = tuple[str, list[Any], str, Callable[[], None]]
"""A name with its value in each row, its kind, and what notes its use."""

_PARTS = ("if", "either")
"""Roles of conditions: whether a part is there, and which of two parts."""
_NOTHING = (0, 1)
"""Numbers that mean that a part is missing; that one is there where a window is 5 is chance."""


@dataclass
class Conditions:
    """Finds conditions in a scope, for some of its rows."""

    scope: Scope
    rows: list[int]
    role: str = ""

    def _size_names(self) -> Iterator[tuple[str, list[Any]]]:
        rows = {id(scope): rows for scope, rows in self.scope.levels()}
        root = self.scope.root
        for name, vector in root.sizes.items():
            mark = "§" if root.fresh else "‡"
            yield f"{mark}{name}{mark}", [vector[rows[id(root)][row]] for row in self.rows]

    def shortcut_condition(self, values: Sequence[Any], *, kept: bool = False, strided: bool = True) -> str | None:
        """Return `stride != 1 or x.c != width` where it tells which shortcuts are projections; None if it does not.

        With `kept`, return its opposite, which tells where there is a residual connection. A part of a shortcut that is not
        `strided` needs no condition on the stride, if `x.c != width` says the same.
        """
        sign, joined, combine = ("==", "and", all) if kept else ("!=", "or", any)
        names = [(n, [v[row] for row in self.rows], k, use) for n, v, k, use in self.scope.names()]
        atoms = list(self._atoms(names))
        if not strided:
            for text, vector, use in atoms:
                if f" {sign} " in text and text[0] in "§‡" and vector == list(values):
                    use()
                    return text
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
            if self.role in _PARTS and text[0] in "§‡":
                continue
            if vector == list(values):
                use()
                yield text
            if [not v for v in vector] == list(values) and text.isidentifier():
                use()
                yield f"not {text}"
        if self.role in _PARTS:
            return
        atoms = list(self._atoms(names))
        for joined, combine in (("or", any), ("and", all)):
            for (t1, v1, u1), (t2, v2, u2) in product(atoms, atoms):
                if t1 < t2 and [combine(pair) for pair in zip(v1, v2, strict=True)] == list(values):
                    u1(), u2()
                    yield f"{t1} {joined} {t2}"

    def _atoms(self, names: Any) -> Iterator[Atom]:
        for name, vector, kind, use in names:
            if kind == "bool":
                yield name, list(vector), use
        yield from self._round_atoms()
        yield from self._size_atoms(names)
        for name, vector, kind, use in names:
            if kind in ("small", "count") and all(isinstance(v, int) for v in vector):
                numbers = [n for n in sorted(set(vector))[:6] if self.role not in _PARTS or n in _NOTHING]
                for number in numbers:
                    yield f"{name} != {number}", [v != number for v in vector], use
                    yield f"{name} == {number}", [v == number for v in vector], use
                for number in numbers if self.role in _PARTS else sorted(set(vector))[:-1][:6]:
                    yield f"{name} > {number}", [v > number for v in vector], use
            elif kind == "float":
                yield f"{name} > 0", [v > 0 for v in vector], use

    def _size_atoms(self, names: Any) -> Iterator[Atom]:
        """Yield comparisons of the channels of the input with numbers of channels."""
        sizes = dict(self._size_names())
        for name, vector, kind, use in names:
            if kind != "channels":
                continue
            for size, own in sizes.items():
                for factor in (1, 2, 4, 8):
                    shown = name if factor == 1 else f"{factor} * {name}"

                    def note(use: Callable[[], None] = use, size: str = size) -> None:
                        use()
                        self.scope.root.sizes_used.add(size)

                    yield f"{size} != {shown}", [a != factor * b for a, b in zip(own, vector, strict=True)], note
                    yield f"{size} == {shown}", [a == factor * b for a, b in zip(own, vector, strict=True)], note

    def _round_atoms(self, kind: str = "bool") -> Iterator[tuple[str, list[bool], Callable[[], None]]]:
        for scope, rounds in self.scope.indices():
            if scope.table and kind != "bool":
                continue
            own = [rounds[row] for row in self.rows]
            total = max(rounds) + 1
            marks = [(f"== {n}", [v == n for v in own]) for n in (0,)]
            marks += [(f"> {n}", [v > n for v in own]) for n in range(min(total - 1, 3))]
            marks += [(f"< {n}", [v < n for v in own]) for n in (total - 1, *range(4, total - 1))]
            if kind == "bool":
                marks += [("% 2 == 1", [v % 2 == 1 for v in own]), ("% 2 == 0", [v % 2 == 0 for v in own])]
            for text, vector in marks:
                yield f"{scope.index_text()} {text}", vector, scope.use_index  # type: ignore[misc]

    def _by_condition(self, values: Sequence[Any], names: Any) -> Iterator[str]:
        """Yield `2 if j == 0 else 1`: one value in the rows of a condition on the round, and another elsewhere."""
        for text, vector, uses in self._conditions_on_rounds():
            inside = [v for v, c in zip(values, vector, strict=True) if c]
            outside = [v for v, c in zip(values, vector, strict=True) if not c]
            if not inside or not outside:
                continue
            one, other = _only(inside), _only(outside)
            if one and other and len(set(map(str, values))) == 2 and (len(values) > 2 or "== 0" in text):
                for use in uses:
                    use()
                yield f"{literal(inside[0])} if {text} else {literal(outside[0])}"
            for name, column, _, use in names:
                if one and _follows(outside, [a for a, c in zip(column, vector, strict=True) if not c]):
                    yield self._used(uses, use, f"{literal(inside[0])} if {text} else {name}")
                if other and _follows(inside, [a for a, c in zip(column, vector, strict=True) if c]):
                    if not self._by_parent(values):
                        yield self._used(uses, use, f"{name} if {text} else {literal(outside[0])}")

    def _by_stride(self, values: Sequence[Any], names: Any) -> Iterator[str]:
        """Yield `0 if stride != 1 else same`, the two pads of a convolution behind an op that pads."""
        strides = {column.name for column in self.scope.root.columns if column.role == "stride"}
        for name, vector, _, use in names:
            found = function_of([stride != 1 for stride in vector], values) if name in strides else None
            if found is not None and len(found) == 2:
                use()
                yield f"{literal(found[True])} if {name} != 1 else {literal(found[False])}"

    def _conditions_on_rounds(self) -> Iterator[tuple[str, list[bool], list[Callable[[], None]]]]:
        """Yield conditions on the number of a round, and pairs of them for two nested loops."""
        atoms = list(self._round_atoms(""))
        yield from ((text, vector, [use]) for text, vector, use in atoms)
        if len(self.scope.indices()) < 2:
            return
        for (t1, v1, u1), (t2, v2, u2) in product(atoms, atoms):
            if t1 > t2 and "==" not in t2.replace("== 0", "") and t1.split()[0] != t2.split()[0]:
                yield f"{t2} and {t1}", [a and b for a, b in zip(v1, v2, strict=True)], [u1, u2]

    def _by_parent(self, values: Sequence[Any]) -> bool:
        """Whether the loop around this one decides the values."""
        return (
            self.scope.parent is not None and function_of([self.scope.parent_row[row] for row in self.rows], values) is not None
        )

    @staticmethod
    def _used(uses: list[Any], use: Callable[[], None], text: str) -> str:
        for note in uses:
            note()
        use()
        return text


def _only(values: Sequence[Any]) -> bool:
    """Whether all values are the same."""
    return all(same(value, values[0]) for value in values)


def _follows(values: Sequence[Any], column: Sequence[Any]) -> bool:
    """Whether values are those of a name that varies."""
    return all(same(v, a) for v, a in zip(values, column, strict=True)) and len(set(map(str, column))) > 1
