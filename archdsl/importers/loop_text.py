"""Loops in a template: `repeat`, `for` over lists and tables, and whether a person would write one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archdsl.importers.alignment import Misfit
from archdsl.importers.expressions import Explainer
from archdsl.importers.forms import unrolled
from archdsl.importers.layout import Braces, Line, Text, layout
from archdsl.importers.model import Call
from archdsl.importers.naming import fresh_name, is_identifier
from archdsl.importers.scope import Column, Scope
from archdsl.importers.statements import Family, Group, Head, Loop, Mark, Stage, Start, Statement, inner_lists, stages
from archdsl.importers.template_names import Bundle, Names

_ROWS, _COLUMNS = 8, 3
"""Calls are a table from so many on if so many numbers differ, as a paper has it."""


class Loops(Names):
    """Writes loops."""

    def body(self, bundle: Bundle, scope: Scope) -> list[Text]:
        """Return the text of statements."""
        raise NotImplementedError

    def _loop(self, slot: dict[int, Loop], scope: Scope) -> list[Text]:
        rows = list(slot)
        if all(len(loop.rounds) == 1 for loop in slot.values()):
            return self.body({row: loop.rounds[0] for row, loop in slot.items()}, scope)
        saved = self._state(scope)
        inner, bundle = _rounds_of(slot, scope)
        self.fresh = False if inner.size > 1 else self.fresh
        shapes, self.after = _shapes_after(slot, self.after), {}
        try:
            body = self._rounds(bundle, inner, scope, saved)
            if self.claims and scope.kind == "network" and len(rows) == 1 and len(shapes) == inner.size:
                body += self._claim(shapes, inner)
            header = self._header(slot, inner, scope, rows)
            before, header = _with_table(header, inner) if scope.root.kind == "network" else ([], header)
            before += self._list_of_counts(header, inner, table=bool(before))
            body = [*([Line(inner.own, kind="comment")] if inner.own else []), *body]
        except Misfit:
            if len(rows) > 1:
                raise
            self._again(saved, scope)
            return self.body({rows[0]: unrolled([slot[rows[0]]])}, scope)
        if self._is_unreadable(slot, inner, body, scope):
            self._again(saved, scope)
            return self.body({row: [s for r in loop.rounds for s in r] for row, loop in slot.items()}, scope)
        looped: list[Text] = [*before, Braces(header, body)]
        wide = len(inner.columns) > inner.size
        if inner.columns and len(rows) == 1 and (wide or all(map(_is_plain, slot[rows[0]].rounds))):
            return self._shorter(looped, slot[rows[0]], rows[0], scope)
        return looped

    def loop_of_branches(self, slot: dict[int, Family], scope: Scope) -> tuple[str, list[Text]]:
        """Return the header and the body of a loop over the branches of a join."""
        loops: dict[int, Loop] = {**slot}
        inner, bundle = _rounds_of(loops, scope)
        self.after = {}
        body = self.body(bundle, inner)
        return self._header(loops, inner, scope, list(slot)), body

    def loop_of_values(self, slot: dict[int, Loop], scope: Scope, family: str, shift: str) -> tuple[str, list[Text]]:
        """Return the header and the body of a loop whose rounds give the members of a family of values."""
        inner, bundle = _rounds_of(slot, scope)
        self.fresh, self.after = False, {}
        body = self.body(bundle, inner)
        body.append(Line("x", f"{family}[{inner.use_index()}{shift}]", False, "mark"))
        return self._header(slot, inner, scope, list(slot)), body

    @staticmethod
    def _list_of_counts(header: str, inner: Scope, *, table: bool) -> list[Text]:
        """Return the list of how often inner loops run, from the table that has it, or else note that the network declares it."""
        at = next((at for at, column in enumerate(inner.columns) if column.role == "count"), None)
        name = inner.listed
        if at is not None and len(inner.columns) > 1 and not name:
            name = _from_table(header, inner.root, at)
        elif at is None or not table or name in inner.root.lets:
            if name:
                inner.root.lets[name] = inner.counts
            return []
        if not name or at is None:
            return []
        count = inner.columns[at].name
        names = ", ".join(count if column is inner.columns[at] else "_" for column in inner.columns)
        return [Line(f"let {name} = [{count} for [{names}] in {header.rpartition(' in ')[2]}]", kind="comment")]

    def _rounds(self, bundle: Bundle, inner: Scope, scope: Scope, saved: Any) -> list[Text]:
        """Return the body of a loop; once it needs a table, everything that varies is put there, without conditions."""
        body = self.body(bundle, inner)
        if all(column.role == "count" for column in inner.columns) or inner.table or scope.root.kind != "network":
            return body
        if len(inner.columns) == 1 and sum(line.count(" if ") for line in layout(body, 0)) <= 1:
            return body
        inner.table, inner.columns, inner.index_used, inner.inner = True, [], False, []
        self._again(saved, scope)
        self.fresh = False if inner.size > 1 else saved[1]
        return self.body(bundle, inner)

    @staticmethod
    def _is_unreadable(slot: dict[int, Loop], inner: Scope, body: list[Text], scope: Scope) -> bool:
        """Whether the rounds one after another are easier to read than the loop."""
        counts = {len(loop.rounds) for loop in slot.values()}
        named = len(body) == 1 and isinstance(body[0], Line) and (body[0].label or "").startswith('"')
        nested = scope.root.kind == "block" and len(counts) == 1 and (bool(inner.columns) or (named and counts == {2}))
        ragged = any(isinstance(value, list) for column in inner.columns for value in column.values)
        units = any(isinstance(s.callee, Call) and s.callee.origin.unit for loop in slot.values() for s in stages(loop.rounds[0]))
        costly = _too_costly(inner, body) or (units and any(" if " in line for line in layout(body, 0)))
        return nested or (len(slot) == 1 and (ragged or costly))

    def _shorter(self, looped: list[Text], loop: Loop, row: int, scope: Scope) -> list[Text]:
        """Return a loop over ops alone, or with much that varies, or its rounds one after another if that is hardly longer."""
        state = self._state(scope)
        plain = self.body({row: [s for r in loop.rounds for s in r]}, scope)
        if len(layout(looped, 1)) > 0.9 * len(layout(plain, 1)):
            return plain
        self._again(state, scope)
        return looped

    def _state(self, scope: Scope) -> Any:
        """Return what `_again` needs to go back to this place."""
        return dict(self.names), self.fresh, set(scope.root.taken), _columns(scope)

    def _claim(self, shapes: list[tuple[int, ...]], inner: Scope) -> list[Text]:
        """Return the claim about the shape at the end of each round, if names there explain it."""
        if len({len(shape) for shape in shapes}) != 1 or len(shapes[0]) != 3 or len(set(shapes)) == 1:
            return []
        shown = []
        rows = list(range(inner.size))
        for sizes in zip(*shapes, strict=True):
            used = inner.index_used
            text = Explainer(inner, rows).explain(list(sizes), "out", create=False)
            if text is None or " if " in text:
                inner.index_used = used
                return []
            shown.append(text)
        return [Line(f"expect x.shape == [{', '.join(shown)}]", kind="claim")]

    def _again(self, saved: Any, scope: Scope) -> None:
        """Forget what was written since a state was saved."""
        self.names, self.fresh, scope.root.taken = dict(saved[0]), saved[1], set(saved[2])
        _restore(scope, saved[3])

    def _header(self, slot: dict[int, Loop], inner: Scope, scope: Scope, rows: list[int]) -> str:
        """Return `repeat 3`, `for i in 0..3` or `for [width, n] in [...]`."""
        counts = [len(slot[row].rounds) for row in rows]
        columns = inner.columns
        if not columns:
            count = self._explain(counts, "count", scope, rows)
            return f"for {inner.index_name} in 0..{count}" if inner.index_used else f"repeat {count}"
        lists = {column.name: _by_row(column.values, inner, rows) for column in columns}
        own = next(iter(_own_columns(columns, lists)), None)
        if own is not None:
            name = self._explain(lists[own.name], _list_name([own]), scope, rows)
            if is_identifier(name):
                columns = [column for column in columns if column is not own]
                inner.own = f"let {own.name} = {name}[{inner.use_index()}]"
        shown = columns[0].name if len(columns) == 1 else f"[{', '.join(column.name for column in columns)}]"
        tables = [list(map(list, zip(*(lists[column.name][at] for column in columns), strict=True))) for at in range(len(rows))]
        values = lists[columns[0].name] if len(columns) == 1 else tables
        rows_text = self._explain(values, _list_name(columns), scope, rows)
        return f"for {f'{inner.index_name}, ' if inner.index_used else ''}{shown} in {rows_text}"


def _by_row(values: Sequence[Any], inner: Scope, rows: Sequence[int]) -> list[list[Any]]:
    """Return the values of the rounds of each row's loop."""
    return [[value for value, parent in zip(values, inner.parent_row, strict=True) if parent == row] for row in rows]


def _own_columns(columns: Sequence[Column], lists: dict[str, list[list[Any]]]) -> list[Column]:
    """Return the one column in which the tables of a family differ, as in the numbers of layers; nothing if several do."""
    found = [column for column in columns if any(own != lists[column.name][0] for own in lists[column.name])]
    same = len({len(own) for column in columns for own in lists[column.name]}) == 1
    return found if len(found) == 1 < len(columns) and same else []


def _from_table(header: str, root: Scope, at: int) -> str:
    """Return the name of a parameter that is a column of the table of a loop, and take it from the parameters; "" if none is."""
    tables = next((column.values for column in root.columns if column.name == header.rpartition(" in ")[2]), [])
    for column in root.columns:
        if column.role == "layers" and column.values == [[row[at] for row in table] for table in tables]:
            root.columns.remove(column)
            return column.name
    return ""


def _list_name(columns: Sequence[Column]) -> str:
    """Return what a list for the rounds of a loop is called."""
    if len(columns) > 1:
        return "rows"
    name = "kernel" if columns[0].role == "k" else columns[0].name
    return "layers" if columns[0].role == "count" else f"{name}_lists" if name.endswith("s") else f"{name}s"


def _rounds_of(slot: dict[int, Loop], scope: Scope) -> tuple[Scope, Bundle]:
    """Return the scope of the rounds of loops, and the statements of each round."""
    inner = Scope("loop", 0, scope)
    scope.inner.append(inner)
    bundle: Bundle = {}
    for row, loop in slot.items():
        for at, statements in enumerate(loop.rounds):
            bundle[inner.size] = statements
            inner.parent_row.append(row)
            inner.index.append(at)
            inner.size += 1
    return inner, bundle


def _columns(scope: Scope) -> list[tuple[Scope, int]]:
    found = []
    at: Scope | None = scope
    while at is not None:
        found.append((at, len(at.columns)))
        at = at.parent
    return found


def _restore(scope: Scope, saved: list[tuple[Scope, int]]) -> None:
    for at, count in saved:
        del at.columns[count:]


def entry_shape(statements: list[Statement]) -> tuple[int, ...]:
    """Return the shape of what flows into statements; an empty one if they do not tell."""
    for statement in statements:
        if isinstance(statement, Stage):
            return statement.inputs[0] if len(statement.inputs) == 1 and not statement.standalone else ()
        if isinstance(statement, Start | Mark | Head):
            return ()
        for inner in inner_lists(statement):
            if inner:
                return entry_shape(inner)
    return ()


def _shapes_after(slot: dict[int, Loop], after: dict[int, tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Return the shape behind each round of the loops, as far as they are known."""
    found: list[tuple[int, ...]] = []
    for row, loop in slot.items():
        found += [shape for statements in loop.rounds[1:] if (shape := entry_shape(statements))]
        found += [after[row]] if row in after else []
    return found


def deserves_a_claim(texts: list[Text], shape: tuple[int, ...]) -> bool:
    """Whether a person would state the shape behind these lines: those of a part of the network, without a claim of their own."""
    last = texts[-1] if texts else None
    if not isinstance(last, Braces) or last.lines() < 4 or len(shape) != 3:
        return False
    return not any(isinstance(text, Line) and text.kind == "claim" for text in _lines_in(last))


def _lines_in(text: Text) -> list[Line]:
    if isinstance(text, Line):
        return [text]
    return [line for child in [*text.children, *text.others] for line in _lines_in(child)]


def _is_plain(statements: list[Statement]) -> bool:
    """Whether statements are ops alone, without calls of blocks or scopes."""
    return not any(isinstance(s, Group) for s in statements) and all(
        isinstance(stage.callee, str) for stage in stages(statements)
    )


def _with_table(header: str, inner: Scope) -> tuple[list[Text], str]:
    """Return a table that is too long for the header of its loop as a constant above, and the shorter header."""
    loop, _, table = header.partition(" in [[")
    if not table or len(header) <= 90 or _is_nested(table):
        return [], header
    rows = [row.split(", ") for row in table.removesuffix("]]").split("], [")]
    if len(set(map(len, rows))) > 1:  # lists of different lengths
        return [], header
    name = fresh_name("rows", inner.root.taken)
    return [Line(line, kind="comment") for line in table_lines(name, rows)], f"{loop} in {name}"


def table_lines(name: str, rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a constant that is a table, with its columns below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    shown = [", ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return [f"let {name} = [", *(f"  [{row}]," for row in shown), "]"]


def _is_nested(table: str) -> bool:
    """Whether a cell of a table, `1, 2], [3, 4]]`, is a list itself, or a call with arguments."""
    depth, deepest = 2, 2
    for letter in table:
        depth += (letter in "[(") - (letter in "])")
        deepest = max(deepest, depth)
    return deepest > 2


def _too_costly(inner: Scope, body: list[Text]) -> bool:
    """Whether a loop is longer than its rounds one after another, or hardly shorter and harder to read."""
    lines = len(layout(body, 0))
    varied = bool(inner.columns) or any(" if " in line for line in layout(body, 0))
    if inner.size == 2 and varied:
        return lines <= 2
    if inner.size <= 3 and lines <= 1 and (varied or inner.index_used):
        return True
    if not inner.columns or len(body) != 1 or not isinstance(body[0], Line) or lines > 1:
        return False
    if len(inner.columns) > 1:
        return inner.size < _ROWS or len(inner.columns) < _COLUMNS
    return inner.size <= 3
