"""From what happens inside a call to statements: pipelines, joins, residual connections, heads.

A join whose branches all begin at one value, and whose values nothing else reads, becomes a single step from that value to its
result. This is repeated from the inside out. What remains is a list of steps in the order of execution; a value that is not the
last one, and is read later, gets a name.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from archdsl.importers.model import Apply, Call, Node, Value
from archdsl.importers.statements import Group, Head, Join, Mark, Reference, Skip, Stage, Start, Statement

_LONG = 12
"""A branch of more steps than this is not put into the braces of a join with an empty one if joins are nested in it."""


@dataclass(eq=False)
class _Step:
    """A node, or a join with all of its branches, that takes values to values."""

    inputs: list[Value]
    outputs: list[Value]
    node: Node | None = None
    join: Apply | None = None
    branches: list[list[_Step]] = field(default_factory=list)
    operands: list[Value] = field(default_factory=list)
    head: tuple[str, str] | None = None
    chain: list[_Step] = field(default_factory=list)

    @property
    def reads(self) -> list[Value]:
        return [*self.inputs, *self.operands]

    @property
    def depth(self) -> int:
        return (1 if self.join is not None else 0) + max((step.depth for branch in self.branches for step in branch), default=0)

    @property
    def size(self) -> int:
        return sum(step.size for branch in self.branches for step in branch) + 1


class Structure:
    """Makes statements of calls. `blocks` says which calls are calls of a block; others stand as groups, or are one op."""

    def __init__(self, blocks: set[Call], heads: dict[Value, str], outputs: dict[Value, str]) -> None:
        self._blocks, self._heads, self._outputs = blocks, heads, outputs
        self._consumers: dict[Value, list[Apply]] = {}

    def learn(self, main: Call) -> None:
        """Note who reads each value, for biases that a normalization cancels."""
        from archdsl.importers.model import applications

        for node in applications(main):
            for value in node.reads:
                self._consumers.setdefault(value, []).append(node)

    def statements(self, call: Call) -> list[Statement]:
        """Return the statements of a call's body."""
        nodes = [_sole(node) for node in call.body]
        steps = [self._step(node) for node in nodes if not _is_empty(node)]
        final = [value for value in call.outputs if value not in self._heads]
        if call.path == "":
            steps = self._with_heads(steps, call)
        steps = self._collapsed(steps, final, call)
        return self._written(steps, call, final)

    def _step(self, node: Node) -> _Step:
        if isinstance(node, Apply):
            return _Step(list(node.inputs), list(node.outputs), node, operands=list(node.operands.values()))
        return _Step(list(node.inputs), list(node.outputs), node)

    # -- auxiliary heads --

    def _with_heads(self, steps: list[_Step], call: Call) -> list[_Step]:
        """Make one step of all that only serves a head."""
        made_here = {value: step for step in steps for value in step.outputs}
        for value, name in [*self._heads.items(), *self._further(call)]:
            if value not in made_here or (value not in call.outputs):
                continue
            kind = "aux" if value in self._heads else "output"
            chain: list[_Step] = []
            at = value
            while at in made_here and len(made_here[at].inputs) == 1 and not made_here[at].operands:
                readers = [step for step in steps if at in step.reads]
                if (readers and chain == []) or len(readers) > 1 or (at is not value and at in call.outputs):
                    break
                chain.insert(0, made_here[at])
                at = chain[0].inputs[0]
            head = _Step([at], [], head=(kind, name), chain=chain)
            if chain:
                steps = [step for step in steps if step not in chain]
                steps.insert(self._after(steps, at), head)
            else:
                steps.append(head)
        return steps

    def _further(self, call: Call) -> list[tuple[Value, str]]:
        outputs = [value for value in call.outputs if value in self._outputs]
        return [(value, self._outputs[value]) for value in outputs[1:]] if call.path == "" else []

    @staticmethod
    def _after(steps: list[_Step], value: Value) -> int:
        return next((at + 1 for at, step in enumerate(steps) if value in step.outputs), 0)

    # -- joins --

    def _collapsed(self, steps: list[_Step], final: list[Value], call: Call) -> list[_Step]:
        """Make one step of each join whose branches begin at one value."""
        changed = True
        while changed:
            changed = False
            for step in steps:
                if isinstance(step.node, Apply) and step.node.is_join and (found := self._branches(step, steps, final)) is not None:
                    origin, branches = found
                    inside = [inner for branch in branches for inner in branch]
                    joined = _Step([origin], step.outputs, join=step.node, branches=branches)
                    at = steps.index(step)
                    steps = [
                        joined if other is step else other
                        for position, other in enumerate(steps)
                        if other not in inside or position > at
                    ]
                    changed = True
                    break
        return steps

    def _branches(self, join: _Step, steps: list[_Step], final: list[Value]) -> tuple[Value, list[list[_Step]]] | None:
        """Return the value at which all branches of a join begin, and the branches; None if there is no such value."""
        makers = {value: step for step in steps for value in step.outputs}
        reads = Counter(value for step in steps for value in step.reads)
        reads.update(final)
        branches: list[list[_Step]] = []
        origins: list[Value | None] = []
        for value in join.inputs:
            chain: list[_Step] = []
            at: Value | None = value
            while at is not None and reads[at] == 1 and at in makers:
                step = makers[at]
                if step.head or len(step.outputs) > 1 or step.operands:
                    break
                if not step.inputs:
                    chain.insert(0, step)
                    at = None
                    break
                if len(step.inputs) > 1:
                    break
                chain.insert(0, step)
                at = step.inputs[0]
            branches.append(chain)
            origins.append(at)
        known = [origin for origin in origins if origin is not None]
        if not known:
            return None
        counted = Counter(known)
        origin = known[0]
        if len(counted) > 1:
            cut = self._shortened(branches, origins)
            if cut is None:
                return None
            origin, branches = cut
        if reads[origin] > 1 and any(not branch for branch in branches):
            longest = max(branches, key=lambda branch: sum(step.size for step in branch))
            nested = max((step.depth for step in longest if step.join is not None and step.join.op == "concat"), default=0)
            if join.node is not None and join.node.op == "concat" and nested:  # type: ignore[union-attr]
                return None
            if sum(step.size for step in longest) > 4 * _LONG and call_count(longest) > _LONG:
                return None
        return origin, branches

    @staticmethod
    def _shortened(branches: list[list[_Step]], origins: list[Value | None]) -> tuple[Value, list[list[_Step]]] | None:
        """Return the latest value that lies on every branch, and what follows it; None if there is none."""
        paths: list[list[Value]] = []
        for branch, origin in zip(branches, origins, strict=True):
            if origin is None:
                continue
            paths.append([origin, *(step.outputs[0] for step in branch)])
        common = [value for value in paths[0] if all(value in path for path in paths[1:])]
        if not common:
            return None
        at = common[-1]
        cut = []
        for branch, origin in zip(branches, origins, strict=True):
            if origin is None:
                cut.append(branch)
            else:
                path = [origin, *(step.outputs[0] for step in branch)]
                cut.append(branch[path.index(at) :])
        return at, cut

    # -- writing --

    def _written(self, steps: list[_Step], call: Call, final: list[Value]) -> list[Statement]:
        current: Value | None = call.inputs[0] if call.inputs else None
        written = _Writer(self, call, current)
        needed = _needed_names(steps, current, final[:1])
        written.names = needed
        if current is not None and current in needed and call.path != "":
            written.mark(current)
        for step in steps:
            written.step(step)
        if final and written.current is not final[0]:
            written.start(final[0])
        return written.statements

    def label(self, node: Apply, call: Call) -> str | None:
        """Return the key of an op below that of the call around it."""
        return None if node.key is None else _below(node.key, call.path)

    def auto_bias(self, node: Apply) -> bool:
        """Return whether `bias = auto` gives this convolution a bias: not if its only consumer takes the mean of each channel off."""
        readers = self._consumers.get(node.outputs[0], [])
        if len(readers) != 1:
            return True
        after = readers[0]
        return not (after.op in ("bn", "instance_norm") or (after.op == "gn" and after.args["groups"] == node.args["out"]))


def call_count(steps: list[_Step]) -> int:
    """Return the number of calls and ops with tensors in a branch."""
    return sum(1 for step in steps if step.node is not None and (isinstance(step.node, Call) or step.node.key is not None))


def _needed_names(steps: list[_Step], current: Value | None, final: list[Value]) -> set[Value]:
    """Return the values that are read when another one flows."""
    needed: set[Value] = set()
    flows = current
    for step in steps:
        if step.join is None and step.node is not None and isinstance(step.node, Apply) and step.node.is_join:
            needed |= {value for value in step.inputs if value is not flows and not _is_param(value)}
        else:
            needed |= {value for value in step.inputs[1:] if value is not flows or isinstance(step.node, Call)}
            if step.inputs and step.inputs[0] is not flows:
                needed.add(step.inputs[0])
            if step.inputs[1:] and step.inputs[0] is flows and isinstance(step.node, Apply):
                needed.update(step.inputs)
        for branch in [*step.branches, step.chain]:
            for inner in branch:
                needed |= {value for value in inner.operands if value is not flows}
        needed |= set(step.operands)
        if len(step.outputs) == 1:
            flows = step.outputs[0] if not _is_param(step.outputs[0]) else flows
        elif len(step.outputs) > 1:
            flows = None
    needed |= {value for value in final if value is not flows}
    return needed


def _is_param(value: Value) -> bool:
    return isinstance(value.producer, Apply) and value.producer.op == "param"


def _below(key: str, path: str) -> str:
    if not path:
        return key
    return key.removeprefix(path + ".") if key.startswith(path + ".") else ("" if key == path else f"^{key}")


def _is_empty(node: Node) -> bool:
    return isinstance(node, Call) and not node.outputs


def _sole(node: Node) -> Node:
    """Return the op that a call consists of, if it is one op with no key of its own below the call; else the call."""
    if isinstance(node, Call):
        body = [_sole(inner) for inner in node.body if not _is_empty(inner)]
        if len(body) == 1 and isinstance(body[0], Apply):
            op = body[0]
            if op.key in (None, node.path):
                op.path = node.path
                return op
        norm = _channel_norm(body)
        if norm is not None and norm.key == node.path:
            norm.path = node.path
            return norm
    return node


def _channel_norm(body: list[Node]) -> Apply | None:
    """Return the norm over channels that a norm between two permutations is; None if there is no such thing."""
    ops = [node for node in body if isinstance(node, Apply)]
    if len(ops) != 3 or len(body) != 3:
        return None
    first, norm, last = ops
    if first.op != "permute" or last.op != "permute" or norm.op not in ("ln", "rms_norm") or norm.args["axis"] != -1:
        return None
    rank = len(first.args["order"])
    if first.args["order"] != (*range(1, rank), 0) or last.args["order"] != (rank - 1, *range(rank - 1)):
        return None
    made = Apply(norm.op, {**norm.args, "axis": 0}, first.inputs, last.outputs, norm.key, norm.path, norm.place)
    made.outputs[0].producer = made
    return made


class _Writer:
    def __init__(self, structure: Structure, call: Call, current: Value | None) -> None:
        self.structure, self.call, self.current = structure, call, current
        self.statements: list[Statement] = []
        self.names: set[Value] = set()
        self.marked: set[Value] = set()

    def mark(self, value: Value) -> None:
        if value not in self.marked:
            self.marked.add(value)
            self.statements.append(Mark(value))

    def start(self, value: Value) -> None:
        self.statements.append(Start(Reference(value)))
        self.current = value

    def step(self, step: _Step) -> None:
        if step.head is not None:
            if step.inputs[0] is not self.current:
                self.start(step.inputs[0])
            kind, name = step.head
            body = self._chain(step.chain)
            if len(body) == 1 and isinstance(body[0], Group) and body[0].label == name:
                body = body[0].body
            elif len(body) == 1 and isinstance(body[0], Stage) and body[0].label == name:
                body[0].label = None
            self.statements.append(Head(kind, name, body))
            return
        if step.join is not None:
            if step.inputs[0] is not self.current:
                self.start(step.inputs[0])
            self.statements.append(self._join(step))
        elif isinstance(step.node, Apply) and step.node.is_join:
            self.statements.append(self._named_join(step.node))
        elif isinstance(step.node, Apply) and step.node.op == "param":
            self.marked.add(step.outputs[0])
            self.statements += self._plain(step.node)
            return
        else:
            assert step.node is not None
            takes_x = not (isinstance(step.node, Apply) and len(step.inputs) > 1)
            if takes_x and step.inputs and step.inputs[0] is not self.current:
                self.start(step.inputs[0])
            self.statements += self._plain(step.node)
        self.current = step.outputs[0] if len(step.outputs) == 1 else None
        if self.current is not None and self.current in self.names:
            self.mark(self.current)

    def _chain(self, chain: list[_Step]) -> list[Statement]:
        found: list[Statement] = []
        for step in chain:
            if step.join is not None:
                found.append(self._join(step))
            else:
                assert step.node is not None
                found += self._plain(step.node)
        return found

    def _join(self, step: _Step) -> Statement:
        assert step.join is not None
        branches = [self._chain(branch) for branch in step.branches]
        return joined(step.join, branches)

    def _named_join(self, node: Apply) -> Statement:
        branches: list[list[Statement]] = []
        for value in node.inputs:
            if value is self.current:
                branches.append([])
            elif _is_param(value) and value not in self.marked:
                branches.append(self._plain(value.producer))  # type: ignore[arg-type]
            else:
                branches.append([Start(Reference(value))])
        return joined(node, branches)

    def _plain(self, node: Node) -> list[Statement]:
        if isinstance(node, Call):
            if node in self.structure._blocks:
                shapes = tuple(value.shape for value in node.inputs)
                operands = {f"input{at}": Reference(value) for at, value in enumerate(node.inputs[1:])}
                stage = Stage(node, {}, _below(node.path, self.call.path), False, shapes, _shape(node.outputs), operands)
                if len(node.outputs) > 1:
                    stage.names = list(node.outputs)
                return [stage]
            return [Group(_below(node.path, self.call.path), self.structure.statements(node))]
        args = {name: value for name, value in node.args.items() if name not in ("channels", "axes", "reason")}
        shapes = tuple(value.shape for value in node.inputs)
        label = self.structure.label(node, self.call)
        operands = {name: Reference(value) for name, value in node.operands.items()}
        if len(node.inputs) > 1 and not node.is_join:
            names = {"matmul": ("a", "b"), "attend": ("q", "k", "v")}.get(node.op, ())
            operands = {name: Reference(value) for name, value in zip(names, node.inputs, strict=False)} | operands
        stage = Stage(node.op, args, label, False, shapes, _shape(node.outputs), operands, standalone=len(node.inputs) != 1)
        if node.op in ("conv", "upconv"):
            stage.biased = self.structure.auto_bias(node)
        if len(node.outputs) > 1:
            stage.names = list(node.outputs)
        if node.op == "param":
            stage.names = list(node.outputs)
        stage.reason = str(node.args.get("reason", ""))
        if label is None and node.path:
            stage.args["__name__"] = _below(node.path, self.call.path)
        return [stage]


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
        if _conv_count(short) == 1 < _conv_count(long) and not any(isinstance(b[0], Start) for b in branches if b):
            return _skip(long, short)
    return Join(node.op, args, branches)


def _skip(body: list[Statement], shortcut: list[Statement]) -> Skip:
    """Return a residual connection; stochastic depth at the end of its body is its option `drop`."""
    last = body[-1] if body else None
    if isinstance(last, Stage) and last.callee == "droppath" and last.args.get("mode") == "row" and len(body) > 1:
        return Skip(body[:-1], shortcut, drop=last.args["p"])
    return Skip(body, shortcut)


def _conv_count(branch: list[Statement]) -> int:
    from archdsl.importers.statements import stages

    return sum(
        1 if isinstance(stage.callee, str) else 2 + len(stage.callee.body)
        for stage in stages(branch)
        if not isinstance(stage.callee, str) or stage.callee in ("conv", "linear", "depthwise")
    )


def any_args(statement: Statement) -> dict[str, Any]:
    """Return the arguments of a stage; nothing for other statements."""
    return statement.args if isinstance(statement, Stage) else {}
