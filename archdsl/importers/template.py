"""One text for many instances: statements of a block's instances, or of a loop's rounds, side by side.

Statements of the same place are aligned. What all instances have is written once, and what only some have is put into an `if`.
Numbers that vary are explained by `expressions`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from archdsl.importers.alignment import Misfit, aligned, with_skips
from archdsl.importers.expressions import Explainer, Scope
from archdsl.importers.forms import category, labels_continue, numbers_in, unrolled
from archdsl.importers.layout import Braces, Line, Text, layout
from archdsl.importers.literal import Word, literal
from archdsl.importers.model import Call, Value
from archdsl.importers.naming import can_name_a_value, fresh_name, is_identifier
from archdsl.importers.stage_text import arguments, op_text
from archdsl.ops.base import Category
from archdsl.importers.statements import Group, Head, Join, Loop, Mark, Reference, Skip, Stage, Start, Statement, inner_lists, stages

Bundle = dict[int, list[Statement]]
"""For each row of a scope, the statements of the same part of it."""


@dataclass(eq=False)
class Template:
    """Writes the statements of one block or network."""

    names: dict[Value, tuple[tuple[str, ...], str]] = field(default_factory=dict)
    path: tuple[str, ...] = ()
    fresh: bool = True
    """Whether `x` is the input of the block still."""
    in_shortcut: bool = False
    after: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """The shape behind the statement that is written, in each row, where it is known."""
    claims: bool = False
    """Whether shapes are claimed: in networks."""

    def body(self, bundle: Bundle, scope: Scope) -> list[Text]:
        """Return the text of statements."""
        bundle = with_skips(bundle)
        rows = list(bundle)
        found: list[Text] = []
        slots = aligned(bundle)
        at = 0
        while at < len(slots):
            present = set(slots[at])
            if len(present) == len(rows):
                following = slots[at + 1] if at + 1 < len(slots) and set(slots[at + 1]) == present else {}
                after, self.after = self.after, {row: shape for row, s in following.items() if (shape := entry_shape([s]))} or self.after
                text = self._statement(slots[at], scope)
                found += text
                if self.claims and len(rows) == 1 == len(self.after) and _deserves_a_claim(text, self.after[rows[0]]):
                    found.append(Line(f"expect x.shape == {literal(self.after[rows[0]])}", kind="claim"))
                self.after = after
                at += 1
                continue
            end = at + 1
            while end < len(slots) and set(slots[end]) == present:
                end += 1
            others: list[dict[int, Statement]] = []
            after = end
            while after < len(slots) and set(slots[after]) == set(rows) - present:
                others.append(slots[after])
                after += 1
            found.append(self._optional(slots[at:end], others, rows, scope))
            at = after
        return found

    def _optional(
        self, slots: list[dict[int, Statement]], others: list[dict[int, Statement]], rows: list[int], scope: Scope
    ) -> Text:
        present = set(slots[0])
        label = _optional_name(next(iter(slots[0].values())))
        before = self.fresh
        children = [text for slot in slots for text in self._statement(slot, scope)]
        self.fresh = before
        alternatives = [text for slot in others for text in self._statement(slot, scope)]
        after, self.fresh = self.fresh, before
        wanted = [row in present for row in rows]
        scope.root.fresh = self.fresh
        shortcut = Explainer(scope, rows).shortcut_condition(wanted) if self.in_shortcut else None
        condition = shortcut or self._explain(wanted, "if", scope, rows, wanted=label or "complete")
        self.fresh = after and not any(isinstance(text, Braces) or text.kind == "stage" for text in children)
        if not others:
            return Braces(f"if {condition}", children)
        return Braces(f"if {condition}", children, "else", alternatives)

    def _explain(
        self, values: Sequence[Any], role: str, scope: Scope, rows: list[int], label: str = "", wanted: str = ""
    ) -> str:
        scope.root.fresh = self.fresh
        if all(value is CLASSES for value in values) and scope.root.kind == "block":
            return self._classes(scope.root)
        found = Explainer(scope, rows).explain(list(values), role, label, wanted=wanted)
        assert found is not None
        return found

    @staticmethod
    def _classes(root: Scope) -> str:
        from archdsl.importers.expressions import Column

        if not any(column.role == "classes" for column in root.columns):
            root.taken.add("classes")
            root.columns.append(Column("classes", [CLASSES] * root.size, "other", "classes"))
        return "classes"

    def _statement(self, slot: dict[int, Statement], scope: Scope) -> list[Text]:
        first = next(iter(slot.values()))
        found: list[Text]
        if isinstance(first, Stage):
            found = self._stage(slot, scope)  # type: ignore[arg-type]
            self.fresh = self.fresh and first.callee in ("param", "const")
            return found
        if isinstance(first, Start):
            return [Line(self._reference([s.reference for s in slot.values()]), kind="start")]  # type: ignore[union-attr]
        if isinstance(first, Mark):
            return self._mark([s.value for s in slot.values()], scope)  # type: ignore[union-attr]
        if isinstance(first, Group):
            return self._group(slot, scope)  # type: ignore[arg-type]
        if isinstance(first, Join):
            found = [self._join(slot, scope)]  # type: ignore[arg-type]
        elif isinstance(first, Skip):
            found = [self._skip(slot, scope)]  # type: ignore[arg-type]
        elif isinstance(first, Head):
            before = self.fresh
            body = self.body({row: s.body for row, s in slot.items()}, scope)  # type: ignore[union-attr]
            self.fresh = before
            label = first.label if is_identifier(first.label) else f'"{first.label}"'
            return [Braces(f"{first.kind} {label}:", body, labelled=True)]
        else:
            found = self._loop(slot, scope)  # type: ignore[arg-type]
        self.fresh = False
        return found

    # -- stages --

    def _stage(self, slot: dict[int, Stage], scope: Scope) -> list[Text]:
        rows, own = list(slot), list(slot.values())
        first = own[0]
        label = self._label([s.label if not s.automatic else None for s in own], scope, rows)
        operands = {name: self._reference([s.operands[name] for s in own]) for name in first.operands}
        callees = {s.callee if isinstance(s.callee, str) else s.callee.block.name for s in own}  # type: ignore[attr-defined]
        if first.reason:
            return [Line(f"# not imported: {first.reason}", kind="comment")]
        if len(callees) > 1:
            words = [Word(op_text(s) if isinstance(s.callee, str) else s.callee.block.name) for s in own]  # type: ignore[attr-defined]
            name = self._explain(words, "callee", scope, rows)
            if not isinstance(first.callee, str):
                text = self._call(own, name, operands, scope, rows)
            else:
                text = name
        elif isinstance(first.callee, str):
            text = arguments(own, operands, lambda values, role: self._explain(values, role, scope, rows, _plain(label)))
        else:
            text = self._call(own, first.callee.block.name, operands, scope, rows)  # type: ignore[attr-defined]
        heavy = not isinstance(first.callee, str) or first.callee in _HEAVY
        found = [Line(text, label, heavy, "standalone" if first.standalone else "stage")]
        if first.callee == "param":
            self._register([s.names[0] for s in own], _plain(label) or "parameter", scope)
        elif first.names:
            shown = []
            for at in range(len(first.names)):
                name = fresh_name("abcdefgh"[at] if len(first.names) <= 4 else f"part{at + 1}", scope.root.taken)
                self._register([s.names[at] for s in own], name, scope, taken=True)
                shown.append(name)
            found = [Line(text, f"[{', '.join(shown)}]", heavy, "split")]
        return found

    def _call(self, stages: list[Stage], name: str, operands: dict[str, str], scope: Scope, rows: list[int]) -> str:
        blocks = [s.callee.block for s in stages]  # type: ignore[union-attr]
        shown: list[str] = []
        positional = True
        for parameter in blocks[0].parameters:
            values = [
                block.value(parameter.name, stage.callee.row)  # type: ignore[union-attr]
                for block, stage in zip(blocks, stages, strict=True)
            ]
            if parameter.default is not None and all(literal(value) == parameter.default for value in values):
                positional = False
                continue
            text = self._explain(values, parameter.role, scope, rows, wanted=parameter.name)
            if positional and (parameter.default is None or text == parameter.name or parameter.role == "k"):
                shown.append(text)
            else:
                shown.append(f"{parameter.name} = {text}")
                positional = False
        given = list(operands.values())
        return f"{name}({', '.join(given + shown)})" if given or shown else name

    def _label(self, labels: list[str | None], scope: Scope, rows: list[int]) -> str | None:
        """Return the label of a stage or group, as it is written; None if the position is the label in every row."""
        if all(label is None for label in labels):
            return None
        if any(label is None for label in labels):
            raise Misfit("a label that only some instances have")
        texts = [str(label) for label in labels]
        family = all(re.fullmatch(r"[A-Za-z_]\w*(\.\d+)+", text) for text in texts)
        if len(set(texts)) == 1:
            return _shown_label(texts[0])
        if len({re.sub(r"\d+", "#", text) for text in texts}) != 1:
            raise Misfit(f"labels {texts[0]} and {texts[-1]}")
        columns = list(zip(*map(numbers_in, texts), strict=True))
        parts = re.split(r"\d+", texts[0])
        shown = parts[0]
        for column, part in zip(columns, parts[1:], strict=True):
            shown += (str(column[0]) if len(set(column)) == 1 else f"{{{self._number(column, scope, rows)}}}") + part
        if family:
            base, *indices = shown.split(".")
            return base + "".join(f"[{index.strip('{}')}]" for index in indices)
        return f'"{shown}"'

    @staticmethod
    def _number(column: Sequence[int], scope: Scope, rows: list[int]) -> str:
        for at, rounds in scope.indices():
            own = [rounds[row] for row in rows]
            for factor in (1, 2, 3, 4):
                offset = column[0] - factor * own[0]
                if all(n == factor * r + offset for n, r in zip(column, own, strict=True)):
                    index = at.use_index()
                    text = index if factor == 1 else f"{factor} * {index}"
                    return text if offset == 0 else f"{text} + {offset}" if offset > 0 else f"{text} - {-offset}"
        raise Misfit("labels that no number of a round gives")

    # -- names --

    def _register(self, values: list[Value], name: str, scope: Scope, *, taken: bool = False) -> None:
        if not taken:
            scope.root.taken.add(name)
        for value in values:
            self.names[value] = (self.path, name)

    def _mark(self, values: list[Value], scope: Scope) -> list[Text]:
        name = fresh_name("before" if self.fresh else "kept", scope.root.taken)
        self._register(values, name, scope, taken=True)
        return [Line("x", name, False, "mark")]

    def _reference(self, references: list[Reference]) -> str:
        found = {self.names.get(reference.value) for reference in references}
        if len(found) != 1 or None in found:
            raise Misfit("a value that has no name here")
        path, name = found.pop()  # type: ignore[misc]
        common = 0
        while common < len(path) and common < len(self.path) and path[common] == self.path[common]:
            common += 1
        return ".".join([*path[common:], name])

    # -- scopes and joins --

    def _group(self, slot: dict[int, Group], scope: Scope) -> list[Text]:
        rows = list(slot)
        label = self._label([group.label for group in slot.values()], scope, rows)
        with self._inside(_plain(label)):
            body = self.body({row: group.body for row, group in slot.items()}, scope)
        return [Braces(f"{label}:", body, labelled=True)]

    @contextmanager
    def _inside(self, name: str) -> Any:
        self.path = (*self.path, name)
        try:
            yield
        finally:
            self.path = self.path[:-1]

    def _join(self, slot: dict[int, Join], scope: Scope) -> Text:
        rows, first = list(slot), next(iter(slot.values()))
        options = []
        for name in first.args:
            values = [join.args.get(name) for join in slot.values()]
            if name == "axis" and all(value == 0 for value in values):
                continue
            options.append(f"{name} = {self._explain(values, name, scope, rows)}")
        before = self.fresh
        if len({len(join.branches) for join in slot.values()}) != 1:
            raise Misfit("joins with other numbers of branches")
        branches = []
        for at in range(len(first.branches)):
            self.fresh = before
            branches.append(self.body({row: join.branches[at] for row, join in slot.items()}, scope))
        head = f"{first.op}({', '.join(options)})" if options else first.op
        return Braces(head, [_branch(branch) for branch in branches], branches=True)

    def _skip(self, slot: dict[int, Skip], scope: Scope) -> Text:
        rows = list(slot)
        options = []
        taken = [skip.taken for skip in slot.values()]
        before = self.fresh
        drops = {row: skip.drop for row, skip in slot.items() if skip.taken}
        via_rows = {row: skip.shortcut for row, skip in slot.items()}
        body = self.body({row: skip.body for row, skip in slot.items()}, scope)
        self.fresh = before
        if any(drop is not None for drop in drops.values()):
            values = [0.0 if drop is None else drop for drop in drops.values()]
            options.append(f"drop = {self._explain(values, 'p', scope, list(drops))}")
        shortcut: list[Text] = []
        if any(via_rows.values()):
            self.fresh = before
            self.in_shortcut = True
            shortcut = self.body(via_rows, scope)
            self.in_shortcut = False
        self.fresh = before
        if not all(taken):
            scope.root.fresh = self.fresh
            kept = Explainer(scope, rows).shortcut_condition(taken, kept=True)
            options.insert(0, f"when = {kept or self._explain(taken, 'when', scope, rows)}")
        head = f"skip({', '.join(options)})" if options else "skip"
        return Braces(head, body, "via", shortcut) if shortcut else Braces(head, body)

    # -- loops --

    def _loop(self, slot: dict[int, Loop], scope: Scope) -> list[Text]:
        rows = list(slot)
        if all(len(loop.rounds) == 1 for loop in slot.values()):
            return self.body({row: loop.rounds[0] for row, loop in slot.items()}, scope)
        inner = Scope("loop", 0, scope)
        scope.inner.append(inner)
        bundle: Bundle = {}
        for row, loop in slot.items():
            for at, statements in enumerate(loop.rounds):
                bundle[inner.size] = statements
                inner.parent_row.append(row)
                inner.index.append(at)
                inner.size += 1
        saved = dict(self.names), self.fresh, set(scope.root.taken), _columns(scope)
        counts = {len(loop.rounds) for loop in slot.values()}
        self.fresh = False if inner.size > 1 else self.fresh
        shapes, self.after = _shapes_after(slot, self.after), {}
        try:
            body = self.body(bundle, inner)
            if any(column.role != "count" for column in inner.columns) and not inner.table and scope.root.kind == "network":  # what has a table needs no conditions
                inner.table, inner.columns, inner.index_used, inner.inner = True, [], False, []
                self._again(saved, scope)
                self.fresh = False if inner.size > 1 else saved[1]
                body = self.body(bundle, inner)
            if self.claims and scope.kind == "network" and len(rows) == 1 and len(shapes) == inner.size:
                body += self._claim(shapes, inner)
            header = self._header(slot, inner, scope, rows)
            before, header = _with_table(header, inner) if scope.root.kind == "network" else ([], header)
        except Misfit:
            if len(rows) > 1:
                raise
            self._again(saved, scope)
            return self.body({rows[0]: unrolled([slot[rows[0]]])}, scope)
        nested = scope.root.kind == "block" and len(counts) == 1 and bool(inner.columns)
        ragged = len(rows) == 1 and any(isinstance(value, list) for column in inner.columns for value in column.values)
        if nested or ragged or (len(rows) == 1 and _too_costly(inner, body)):
            self._again(saved, scope)
            return self.body({row: [s for r in loop.rounds for s in r] for row, loop in slot.items()}, scope)
        looped: list[Text] = [*before, Braces(header, body)]
        if inner.columns and len(rows) == 1 and all(map(_is_plain, slot[rows[0]].rounds)):
            state = dict(self.names), self.fresh, set(scope.root.taken), _columns(scope)
            plain = self.body({rows[0]: [s for r in slot[rows[0]].rounds for s in r]}, scope)
            if len(layout(looped, 1)) > 0.9 * len(layout(plain, 1)):
                return plain
            self._again(state, scope)
        return looped

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
            return f"for {inner.index_name} in 0..{_operand(count)}" if inner.index_used else f"repeat {count}"
        lists: list[list[Any]] = []
        for row in rows:
            own = [at for at in range(inner.size) if inner.parent_row[at] == row]
            picked = [[column.values[at] for column in columns] for at in own]
            lists.append([entry[0] for entry in picked] if len(columns) == 1 else picked)
        if len(columns) == 1:
            name = columns[0].name
        else:
            name = f"[{', '.join(column.name for column in columns)}]"
        rows_text = self._explain(lists, "layers" if columns[0].role == "count" else f"{columns[0].name}s", scope, rows)
        return f"for {f'{inner.index_name}, ' if inner.index_used else ''}{name} in {rows_text}"


class _Classes(Word):
    __slots__ = ()


CLASSES = _Classes("classes")
"""The number of classes, which is a parameter of the network."""
_HEAVY = frozenset({"gap", "conv", "linear", "depthwise", "upconv", "mha", "attend", "embedding", "matmul", "maxpool", "avgpool", "split"})


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


def _deserves_a_claim(texts: list[Text], shape: tuple[int, ...]) -> bool:
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
    return not any(isinstance(s, Group) for s in statements) and all(isinstance(stage.callee, str) for stage in stages(statements))


def _with_table(header: str, inner: Scope) -> tuple[list[Text], str]:
    """Return a table that is too long for the header of its loop as a constant above, and the shorter header."""
    loop, _, table = header.partition(" in [[")
    if not table or len(header) <= 90 or "[" in table.replace("], [", ""):
        return [], header
    name = fresh_name("rows", inner.root.taken)
    rows = [row.split(", ") for row in table.removesuffix("]]").split("], [")]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    shown = [", ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    lines = [f"let {name} = [", *(f"  [{row}]," for row in shown), "]"]
    return [Line(line, kind="comment") for line in lines], f"{loop} in {name}"


def _too_costly(inner: Scope, body: list[Text]) -> bool:
    """Whether a loop is longer than its rounds one after another, or hardly shorter and harder to read."""
    lines = len(layout(body, 0))
    varied = bool(inner.columns) or any(" if " in line for line in layout(body, 0))
    if inner.size == 2 and varied:
        return lines <= 2
    if inner.size <= 3 and lines <= 1 and (varied or inner.index_used):
        return True
    wide = len(inner.columns) > 1
    return bool(inner.columns) and len(body) == 1 and isinstance(body[0], Line) and lines <= 1 and inner.size <= 3 + (inner.size if wide else 0)


def _operand(count: str) -> str:
    return count


def _branch(texts: list[Text]) -> Text:
    """Return a branch as one text: `x`, a pipeline, or braces around statements."""
    if not texts:
        return Line("x")
    if len(texts) == 1 and not (isinstance(texts[0], Braces) and texts[0].head.startswith(("for ", "repeat ", "if "))):
        return texts[0]
    return Braces("", texts)


def _plain(label: str | None) -> str:
    return (label or "").strip('"')


def _shown_label(label: str) -> str:
    match = re.fullmatch(r"([A-Za-z_]\w*)((?:\.\d+)+)", label)
    if match:
        return match[1] + "".join(f"[{n}]" for n in match[2].split(".")[1:])
    if "." in label:
        raise Misfit(f"the key {label}")
    return label if is_identifier(label) else f'"{label}"'


def _optional_name(statement: Statement) -> str:
    """Return the name of the parameter that says whether an optional part is there."""
    if isinstance(statement, Stage) and category(statement) == Category.ACTIVATION:
        return "activation"
    if isinstance(statement, Skip):
        return "residual"
    name = _name_of(statement)
    return f"with_{name}" if name else ""


def _name_of(statement: Statement) -> str:
    if isinstance(statement, Group):
        return statement.label if is_identifier(statement.label) else ""
    if isinstance(statement, Stage):
        if statement.label is not None and is_identifier(statement.label):
            return statement.label
        return statement.callee if isinstance(statement.callee, str) else statement.callee.block.name  # type: ignore[attr-defined]
    return ""


def call_of(stage: Stage) -> Call | None:
    """Return the call that a stage is; None for an op."""
    return stage.callee if isinstance(stage.callee, Call) else None


def continues(rounds: list[list[Statement]]) -> bool:
    """Whether the labels of rounds are formulas of their number."""
    return labels_continue(rounds)


def names_value(label: str) -> bool:
    """Whether a label names a value as well."""
    return can_name_a_value(label)
