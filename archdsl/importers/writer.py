"""From the steps of a body to statements, in the order of execution."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archdsl.importers.model import Apply, Call, Node, Value, applications
from archdsl.importers.naming import is_identifier
from archdsl.importers.statements import Group, Head, Join, Mark, Reference, Skip, Stage, Start, Statement, stages
from archdsl.importers.steps import STORED, Step, below, is_param

if TYPE_CHECKING:
    from archdsl.importers.structure import Structure


_UNWRITTEN = ("channels", "axes", "reason", "handle", "embedding")
"""Arguments that the importer gives ops for itself."""


class Writer:
    """Writes the statements of one body. `current` is the value that flows."""

    def __init__(self, structure: Structure, call: Call, current: Value | None) -> None:
        self.structure, self.call, self.current = structure, call, current
        self.statements: list[Statement] = []
        self.names: set[Value] = set()
        self.marked: set[Value] = set()
        self.declared: set[str] = set()

    def mark(self, value: Value) -> None:
        """Give the value that flows a name."""
        if value not in self.marked:
            self.marked.add(value)
            self.statements.append(Mark(value))

    def start(self, value: Value) -> None:
        """Begin a pipeline with a named value."""
        self.statements.append(Start(Reference(value)))
        self.current = value

    def step(self, step: Step) -> None:
        """Write a step."""
        if step.head is not None:
            self._head(step, *step.head)
            return
        if step.join is not None:
            if not step.starts:
                self._from(step.inputs[0])
            self.statements.append(self._join(step))
        elif isinstance(step.node, Apply) and step.node.is_join:
            self.statements.append(self._named_join(step.node))
        elif isinstance(step.node, Apply) and step.node.op in STORED:
            self.marked.add(step.outputs[0])
            self.statements += self._plain(step.node)
            return
        else:
            assert step.node is not None
            if step.inputs and not (isinstance(step.node, Apply) and len(step.inputs) > 1):
                self._from(step.inputs[0])
            self.statements += self._plain(step.node)
        self.current = step.outputs[0] if len(step.outputs) == 1 else None
        if self.current is not None and self.current in self.names:
            self.mark(self.current)
            if not step.reads:  # what makes a value of its own flows behind an arrow alone
                self.current = None

    def _from(self, value: Value) -> None:
        """Let a value flow."""
        if value is not self.current:
            self.start(value)

    def _head(self, step: Step, kind: str, name: str) -> None:
        self._from(step.inputs[0])
        body = self._chain(step.chain)
        if len(body) == 1 and isinstance(body[0], Group) and body[0].label == name:
            body = body[0].body
        elif len(body) == 1 and isinstance(body[0], Stage) and body[0].label == name:
            body[0].label = None
        self.statements.append(Head(kind, name, body))

    def _chain(self, chain: list[Step]) -> list[Statement]:
        found: list[Statement] = []
        for step in chain:
            if step.join is not None:
                found.append(self._join(step))
            else:
                assert step.node is not None
                found += self._plain(step.node)
                if isinstance(step.node, Apply) and step.node.op in STORED and step is not chain[-1]:
                    found.append(Start(Reference(step.outputs[0])))
        return found

    def _join(self, step: Step) -> Statement:
        assert step.join is not None
        branches = [self._chain(branch) for branch in step.branches]
        if step.starts:
            branches = [
                branch if start is self.current else [Start(Reference(start)), *branch]
                for start, branch in zip(step.starts, branches, strict=True)
            ]
        return joined(step.join, branches)

    def _named_join(self, node: Apply) -> Statement:
        branches: list[list[Statement]] = []
        for value in node.inputs:
            if value is self.current:
                branches.append([])
            elif is_param(value) and value not in self.marked and value.producer in self.call.body:
                branches.append(self._plain(value.producer))
            else:
                branches.append([Start(Reference(value))])
        return joined(node, branches)

    def _shared(self, node: Call) -> list[Statement]:
        """Return the run of a module, and its declaration before the first one."""
        label = below(node.path, self.call.path)
        run = Stage(label, {}, None, False, tuple(value.shape for value in node.inputs), _shape(node.outputs), run=True)
        if label in self.declared:
            return [run]
        self.declared.add(label)
        body = self.structure.statements(node)
        if len(body) == 1 and isinstance(body[0], Stage) and body[0].label == "":
            body[0].label = None
        module = Group(label, body, declared=True)
        self.statements.append(module)
        return [run]

    def _plain(self, node: Node) -> list[Statement]:
        if isinstance(node, Call):
            return self._of_call(node)
        stage = self._of_op(node)
        if "handle" not in node.args or not stage.label:
            return [stage]
        label, stage.label = stage.label, None  # a module, since another op has its table, too
        self.statements.append(Group(label, [stage], declared=True, handle=node.args["handle"]))
        return [Stage(label, {}, None, False, stage.inputs, stage.output, run=True)]

    def _of_call(self, node: Call) -> list[Statement]:
        if node.shared:
            return self._shared(node)
        if node in self.structure.blocks:
            shapes = tuple(value.shape for value in node.inputs)
            operands = {f"input{at}": Reference(value) for at, value in enumerate(node.inputs[1:])}
            label = None if node.unnamed else below(node.path, self.call.path)
            stage = Stage(node, {}, label, False, shapes, _shape(node.outputs), operands)
            if len(node.outputs) > 1:
                stage.names = list(node.outputs)
            return [stage]
        if node.unnamed:
            return self.structure.statements(node)
        label, body = below(node.path, self.call.path), self.structure.statements(node)
        several = any(isinstance(inner, Call) and len(inner.outputs) > 1 for inner in [node, *node.body])
        return _as_family(label, body) if several and is_identifier(label) else [Group(label, body)]

    def _of_op(self, node: Apply) -> Stage:
        args = {name: value for name, value in node.args.items() if name not in _UNWRITTEN}
        shapes = tuple(value.shape for value in node.inputs)
        label = self.structure.label(node, self.call)
        operands = {name: Reference(value) for name, value in node.operands.items()}
        if "embedding" in node.args:
            operands["embedding"], label = Reference(node.args["embedding"]), None
        if len(node.inputs) > 1 and not node.is_join:
            operands = {n: Reference(value) for n, value in zip(operand_names(node), node.inputs, strict=False)} | operands
        stage = Stage(node.op, args, label, False, shapes, _shape(node.outputs), operands, standalone=len(node.inputs) != 1)
        if node.op in ("conv", "upconv"):
            stage.biased = self.structure.auto_bias(node)
        if len(node.outputs) > 1:
            stage.names = list(node.outputs)
        if node.op in STORED:
            stage.names = list(node.outputs)
        stage.reason = str(node.args.get("reason", ""))
        if label is None and node.path:
            stage.args["__name__"] = below(node.path, self.call.path)
        return stage


def _as_family(label: str, body: list[Statement]) -> list[Statement]:
    """Return numbered scopes of a module as members of a family, `stage[0]: {...}`, since paths lead to values in these."""
    if not all(isinstance(statement, Start | Mark) or _is_numbered(statement) for statement in body):
        return [Group(label, body)]
    for statement in body:
        if isinstance(statement, Group):
            statement.label, statement.member = f"{label}.{statement.label}", True
    return body


def _is_numbered(statement: Statement) -> bool:
    return isinstance(statement, Group) and statement.label.isdigit()


def operand_names(node: Apply) -> tuple[str, ...]:
    """Return the names of the inputs of an op that takes them in parentheses."""
    return {"matmul": ("a", "b"), "attend": ("q", "k", "v")}.get(node.op, ())


def _shape(values: list[Value]) -> tuple[int, ...]:
    return values[0].shape if values else ()


def joined(node: Apply, branches: list[list[Statement]]) -> Statement:
    """Return a join; a sum of two branches of which one is short is a residual connection."""
    args = {name: value for name, value in node.args.items() if value not in (None, False)}
    if node.op == "add" and not args and len(branches) == 2:
        first, second = branches
        if any(len(b) == 1 and isinstance(b[0], Stage) and b[0].standalone for b in branches):
            return Join(node.op, args, branches)
        if not first and second and not isinstance(second[0], Start):
            return _skip(second, [])
        if not second and first and not isinstance(first[0], Start):
            return _skip(first, [])
        short, long = sorted(branches, key=_conv_count)
        scaled = next((branch for branch in branches if _only_scales(branch)), None)
        if scaled is not None:
            short, long = scaled, next(branch for branch in branches if branch is not scaled)
        less, more = _conv_count(short), _conv_count(long)
        if (scaled or less <= 1 < more or 1 < less <= more // 2) and not any(isinstance(b[0], Start) for b in branches if b):
            return _skip(long, short)
    return Join(node.op, args, branches)


def _skip(body: list[Statement], shortcut: list[Statement]) -> Skip:
    """Return a residual connection; stochastic depth at the end of its body is its option `drop`."""
    last = body[-1] if body else None
    if isinstance(last, Stage) and last.callee == "droppath" and last.args.get("mode") == "row" and len(body) > 1:
        return Skip(body[:-1], shortcut, drop=last.args["p"])
    return Skip(body, shortcut)


def _only_scales(branch: list[Statement]) -> bool:
    """Whether a branch only multiplies its input with stored factors, as the shortcut of a residual connection."""
    found = list(stages(branch))
    return bool(found) and all(stage.callee == "layer_scale" for stage in found) and not isinstance(branch[0], Join | Skip)


def _conv_count(branch: list[Statement]) -> int:
    """Return the number of layers with weights in a branch."""
    layers = ("conv", "linear")
    return sum(
        stage.callee in layers if isinstance(stage.callee, str) else sum(node.op in layers for node in applications(stage.callee))
        for stage in stages(branch)
    )
