"""One text for many instances: statements of a block's instances, or of a loop's rounds, side by side.

Statements of the same place are aligned. What all instances have is written once, and what only some have is put into an `if`.
Numbers that vary are explained by `expressions`.
"""

from __future__ import annotations

import re

from archdsl.importers.alignment import aligned, aligned_branches, with_single_rounds, with_skips
from archdsl.importers.branches import family, settled_families
from archdsl.importers.expressions import Explainer
from archdsl.importers.forms import category, form
from archdsl.importers.gathering import is_listed as is_short
from archdsl.importers.layout import Braces, Line, Text
from archdsl.importers.literal import Word, literal
from archdsl.importers.loop_text import Loops, deserves_a_claim, entry_shape
from archdsl.importers.naming import can_name_a_value, fresh_name, is_identifier
from archdsl.importers.scope import Scope
from archdsl.importers.stage_text import arguments, op_text
from archdsl.importers.statements import (
    Gather,
    Group,
    Head,
    Join,
    Loop,
    Mark,
    Skip,
    Stage,
    Start,
    Statement,
)
from archdsl.importers.steps import STORED
from archdsl.importers.template_names import Bundle, plain_label
from archdsl.ops import Op
from archdsl.ops.base import Category


class Template(Loops):
    """Writes the statements of one block or network."""

    def body(self, bundle: Bundle, scope: Scope) -> list[Text]:
        """Return the text of statements."""
        bundle = with_skips(with_single_rounds(bundle))
        rows = list(bundle)
        found: list[Text] = []
        slots = aligned(bundle)
        at = 0
        while at < len(slots):
            present = set(slots[at])
            end = at + 1
            while end < len(slots) and set(slots[end]) == present:
                end += 1
            if len(present) == len(rows):
                found += self._run(slots[at:end], scope, claims=len(rows) == 1)
                at = end
                continue
            behind = end
            while behind < len(slots) and set(slots[behind]) == set(rows) - present:
                behind += 1
            found.append(self._optional(slots[at:end], slots[end:behind], rows, scope))
            at = behind
        return found

    def _run(self, slots: list[dict[int, Statement]], scope: Scope, *, claims: bool = False) -> list[Text]:
        """Return the text of statements that the same instances have, with claims about shapes if it is one instance."""
        found: list[Text] = []
        for at, slot in enumerate(slots):
            before, following = slots[at - 1] if at else {}, slots[at + 1] if at + 1 < len(slots) else {}
            if isinstance(next(iter(slot.values())), Mark) and self._named_by_label(found, slot, before, scope):
                continue
            after = self.after
            self.after = {row: shape for row, s in following.items() if (shape := entry_shape([s]))} if following else after
            behind = self.after
            text = self._statement(slot, scope)
            found += text
            row = next(iter(slot))
            if self.claims and claims and len(behind) == 1 and deserves_a_claim(text, behind[row]):
                found.append(Line(f"expect x.shape == {literal(behind[row])}", kind="claim"))
            self.after = after
        return found

    def _named_by_label(self, found: list[Text], slot: dict[int, Statement], before: dict[int, Statement], scope: Scope) -> bool:
        """Let the label of the statement before name the value that flows, if it can name one. Return whether it does."""
        last = found[-1] if found else None
        if (
            isinstance(last, Line) and last.label is None and last.kind in ("stage", "standalone", "source")
            and scope.kind != "loop" and set(before) == set(slot)
            and all(isinstance(s, Stage) and s.label is None and isinstance(s.callee, str) for s in before.values())
        ):  # fmt: skip
            values = [s.value for s in slot.values() if isinstance(s, Mark)]
            last.label = self._name_of_value(values, scope)
            self.register(values, last.label, scope, taken=True)
            return True
        if isinstance(last, Braces):
            label = last.head.removesuffix(":") if last.labelled and not last.head.startswith(("aux ", "output ")) else ""
        else:
            label = (last.label or "") if last is not None and last.kind == "stage" else ""
        family = re.fullmatch(r"([A-Za-z_]\w*)(?:\[\d+\])+", label)
        name = family[1] if family else label
        if not can_name_a_value(name) or {label, name} & (scope.root.taken | scope.names_around()):
            return False
        self.register([s.value for s in slot.values() if isinstance(s, Mark)], label, scope)
        return True

    def _optional(
        self, slots: list[dict[int, Statement]], others: list[dict[int, Statement]], rows: list[int], scope: Scope
    ) -> Text:
        if not others and len(slots) == 1 and (text := self._optional_op(slots[0], rows, scope)) is not None:
            return text
        present = set(slots[0])
        names = [_optional_name(next(iter(slot.values()))) for slot in slots]
        label = next(filter(None, names), "")
        before = self.fresh
        children = self._run(slots, scope)
        self.fresh = before
        alternatives = self._run(others, scope)
        after, self.fresh = self.fresh, before
        wanted = [row in present for row in rows]
        scope.root.fresh = self.fresh
        condition = self._shortcut_condition(slots, wanted, scope, rows) if self.in_shortcut else None
        role = "either" if others else "if"
        condition = condition or self._explain(wanted, role, scope, rows, wanted=label or "complete")
        self.fresh = after and not any(isinstance(text, Braces) or text.kind == "stage" for text in children)
        if not others:
            return Braces(f"if {condition}", children)
        return Braces(f"if {condition}", children, "else", alternatives)

    def _optional_op(self, slot: dict[int, Statement], rows: list[int], scope: Scope) -> Text | None:
        """Return `if act != none { act }` where some instances have another activation than others, or none at all."""
        if not all(_is_activation(statement) for statement in slot.values()):
            return None
        words = {row: Word(op_text(statement)) for row, statement in slot.items()}  # type: ignore[arg-type]
        if len(set(words.values())) == 1:
            return None
        name = self._explain([words.get(row) for row in rows], "callee", scope, rows, wanted="act")
        return Braces(f"if {name} != none", [Line(name)]) if is_identifier(name) else None

    @staticmethod
    def _shortcut_condition(slots: list[dict[int, Statement]], wanted: list[bool], scope: Scope, rows: list[int]) -> str | None:
        """Return the usual condition of a shortcut. Its first part is that on the stride, unless no op of `slots` has one."""
        strided = not all(
            isinstance(s, Stage) and isinstance(s.callee, str) and "stride" not in s.args for slot in slots for s in slot.values()
        )
        return Explainer(scope, rows).shortcut_condition(wanted, strided=strided)

    def _statement(self, slot: dict[int, Statement], scope: Scope) -> list[Text]:
        first = next(iter(slot.values()))
        found: list[Text]
        if isinstance(first, Stage):
            found = self._stage(slot, scope)  # type: ignore[arg-type]
            self.fresh = self.fresh and first.callee in (*STORED, "const")
            return found
        if isinstance(first, Start):
            references = [s.reference for s in slot.values()]  # type: ignore[union-attr]
            return [Line(self._reference(references, scope, list(slot)), kind="start")]
        if isinstance(first, Mark):
            return self._mark([s.value for s in slot.values()], scope)  # type: ignore[union-attr]
        if isinstance(first, Group):
            return self._group(slot, scope)  # type: ignore[arg-type]
        if isinstance(first, Join):
            found = [self._join(slot, scope)]  # type: ignore[arg-type]
        elif isinstance(first, Skip):
            found = [self._skip(slot, scope)]  # type: ignore[arg-type]
        elif isinstance(first, Gather):
            found = self._gather(slot, scope)  # type: ignore[arg-type]
        elif isinstance(first, Head):
            before, self.after = self.fresh, {}
            body = self.body({row: s.body for row, s in slot.items()}, scope)  # type: ignore[union-attr]
            self.fresh = before
            body = body or [Line("x")]
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
        operands = {name: self._reference([s.operands[name] for s in own], scope, rows) for name in first.operands}
        callees = {s.callee if isinstance(s.callee, str) else s.callee.block.name for s in own}
        if first.reason:
            return [Line(f"# not imported: {first.reason}", kind="comment")]
        if len(callees) > 1:
            words = [Word(op_text(s) if isinstance(s.callee, str) else s.callee.block.name) for s in own]
            name = self._explain(words, "callee", scope, rows, wanted="act" if isinstance(first.callee, str) else "unit")
            if not isinstance(first.callee, str):
                text = self._call(own, name, operands, scope, rows)
            else:
                text = name
        elif isinstance(first.callee, str):
            parted = label is not None and first.callee == "split"
            text = arguments(
                own, operands,
                lambda values, role: self._explain(
                    values, "count" if parted and role == "parts" else role, scope, rows, plain_label(label)
                ),
            )  # fmt: skip
        else:
            text = self._call(own, first.callee.block.name, operands, scope, rows)
        heavy = not isinstance(first.callee, str) or first.callee in _HEAVY
        found: list[Text] = [Line(text, label, heavy, _kind(first, label))]
        if first.callee in STORED:
            self.register([s.names[0] for s in own], plain_label(label) or "parameter", scope)
        elif first.names and label is not None and first.callee == "split":
            for at in range(max(len(s.names) for s in own)):
                self.register([s.names[at] for s in own if at < len(s.names)], f"{label}[{at}]", scope)
        elif first.names:
            shown = []
            for at in range(len(first.names)):
                usual = "abcdefgh"[at] if len(first.names) <= 4 else f"part{at + 1}"
                hints = {s.names[at].hint for s in own}
                name = fresh_name((hints.pop() if len(hints) == 1 else "") or usual, scope.root.taken)
                self.register([s.names[at] for s in own], name, scope, taken=True)
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
            defaults = [next(p.default for p in block.parameters if p.name == parameter.name) for block in blocks]
            if all(default is not None and literal(value) == default for value, default in zip(values, defaults, strict=True)):
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

    # -- names --

    # -- scopes and joins --

    def _group(self, slot: dict[int, Group], scope: Scope) -> list[Text]:
        rows = list(slot)
        label = self._label([group.label for group in slot.values()], scope, rows)
        with self._inside(plain_label(label)):
            body = self.body({row: group.body for row, group in slot.items()}, scope)
        self.register(
            [group.handle for group in slot.values() if group.handle is not None], plain_label(label), scope, taken=True
        )
        head = f"module {label}:" if next(iter(slot.values())).declared else f"{label}:"
        return [Braces(head, body, labelled=True)]

    def _join(self, slot: dict[int, Join], scope: Scope) -> Text:
        rows, first = list(slot), next(iter(slot.values()))
        options = []
        for name in first.args:
            values = [join.args.get(name) for join in slot.values()]
            if name == "axis" and all(value == 0 for value in values):
                continue
            options.append(f"{name} = {self._explain(values, name, scope, rows)}")
        before = self.fresh
        head = f"{first.op}({', '.join(options)})" if options else first.op
        branches: list[Text] = []
        for branch in aligned_branches(settled_families({row: join.branches for row, join in slot.items()}, form)):
            self.fresh, self.after = before, {}
            text = self._branch_of(branch, scope)
            if len(branch) < len(rows):
                self.fresh = before
                part = next(iter(branch.values()))
                wanted = _optional_name(part[0]) if part else "complete"
                condition = self._explain([row in branch for row in rows], "if", scope, rows, wanted=wanted)
                text = Braces(f"if {condition}", [text])
            branches.append(text)
        return Braces(head, branches, branches=True)

    def _branch_of(self, branch: dict[int, list[Statement]], scope: Scope) -> Text:
        """Return a branch of a join, which may be a loop over several."""
        loops = {row: loop for row, own in branch.items() if (loop := family(own)) is not None}
        if len(loops) < len(branch):
            return _branch(self.body(branch, scope))
        header, body = self.loop_of_branches(loops, scope)
        return Braces(header, [_branch(body)])

    def _gather(self, slot: dict[int, Gather], scope: Scope) -> list[Text]:
        gathers = list(slot.values())
        if is_short(gathers):
            return self.body({row: gather.plain() for row, gather in slot.items()}, scope)
        root = scope.root
        family = fresh_name("step", root.taken | root.labels)
        root.taken.add(family)
        found: list[Text] = []
        if gathers[0].first is not None:
            found.append(Line("x", f"{family}[0]", False, "mark"))
        shift = "" if gathers[0].first is None else " + 1"
        header, body = self.loop_of_values({row: Loop(g.rounds) for row, g in slot.items()}, scope, family, shift)
        found.append(Braces(header, body))
        branches = []
        for at in range(len(gathers[0].others)):
            branches.append(_branch(self.body({row: g.others[at] for row, g in slot.items()}, scope)))
        value = fresh_name("value", root.taken | root.labels | scope.names_around())
        branches.append(Braces(f"for {value} in {family}", [Line(value)]))
        axes = [gather.join.args.get("axis", 0) for gather in gathers]
        head = "concat" if not any(axes) else f"concat(axis = {self._explain(axes, 'axis', scope, list(slot))})"
        return [*found, Braces(head, branches, branches=True)]

    def _skip(self, slot: dict[int, Skip], scope: Scope) -> Text:
        rows = list(slot)
        options = []
        taken = [skip.taken for skip in slot.values()]
        before = self.fresh
        drops = {row: skip.drop for row, skip in slot.items() if skip.taken}
        via_rows = {row: skip.shortcut for row, skip in slot.items()}
        self.after = {}
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


_HEAVY = frozenset(
    {"gap", "conv", "linear", "depthwise", "upconv", "mha", "attend", "embedding", "matmul", "maxpool", "avgpool", "split"}
)


def _kind(stage: Stage, label: str | None) -> str:
    """Return what kind of line a stage is: a value of its own without a label, as a constant, only flows behind an arrow."""
    if label is None and isinstance(stage.callee, str) and (op := Op.registry.get(stage.callee)) is not None and op.arity == 0:
        return "source"
    return "standalone" if stage.standalone else "stage"


def _branch(texts: list[Text]) -> Text:
    """Return a branch as one text: `x`, a pipeline, or braces around statements."""
    if not texts:
        return Line("x")
    if len(texts) == 1 and not (isinstance(texts[0], Braces) and texts[0].head.startswith(("for ", "repeat ", "if "))):
        return texts[0]
    start, *others = texts
    if len(others) == 1 and isinstance(start, Line) and start.kind == "start":
        (stage,) = others
        if isinstance(stage, Line) and stage.kind == "stage":
            return Line(f"{start.text} -> {stage.text}", stage.label, stage.heavy)
    return Braces("", texts)


def _is_activation(statement: Statement) -> bool:
    """Whether a statement is an activation without a label or another value."""
    return (
        isinstance(statement, Stage) and category(statement) == Category.ACTIVATION
        and statement.label is None and not statement.operands
    )  # fmt: skip


def _optional_name(statement: Statement) -> str:
    """Return the name of the parameter that says whether an optional part is there."""
    if isinstance(statement, Stage) and category(statement) == Category.ACTIVATION:
        return "activation"
    if isinstance(statement, Skip):
        return "residual"
    if isinstance(statement, Join) and statement.op == "mul":
        return "gated"
    name = _name_of(statement)
    return f"with_{name}" if name else ""


def _name_of(statement: Statement) -> str:
    if isinstance(statement, Group):
        return statement.label if is_identifier(statement.label) else ""
    if isinstance(statement, Stage):
        if statement.label is not None and is_identifier(statement.label):
            return statement.label
        return statement.callee if isinstance(statement.callee, str) else statement.callee.block.name
    return ""
