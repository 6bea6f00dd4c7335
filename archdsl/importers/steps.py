"""The steps of a body: nodes, joins with all of their branches, and heads."""

from __future__ import annotations

from dataclasses import dataclass, field

from archdsl.importers.model import Apply, Call, Node, Value

STORED = ("param", "rel_coords")
"""Ops that are a stored tensor."""


@dataclass(eq=False)
class Step:
    """A node, or a join with all of its branches, that takes values to values."""

    inputs: list[Value]
    outputs: list[Value]
    node: Node | None = None
    join: Apply | None = None
    branches: list[list[Step]] = field(default_factory=list)
    operands: list[Value] = field(default_factory=list)
    head: tuple[str, str] | None = None
    chain: list[Step] = field(default_factory=list)
    starts: list[Value] = field(default_factory=list)
    """The values at which the branches of a join begin, if each begins at another one."""

    @property
    def reads(self) -> list[Value]:
        """All values that it takes."""
        return [*self.inputs, *self.operands]

    @property
    def depth(self) -> int:
        """How many joins are inside one another."""
        return (1 if self.join is not None else 0) + max((step.depth for branch in self.branches for step in branch), default=0)

    @property
    def size(self) -> int:
        """The number of nodes."""
        return sum(step.size for branch in self.branches for step in branch) + 1


def call_count(steps: list[Step]) -> int:
    """Return the number of calls and ops with tensors in a branch."""
    return sum(1 for step in steps if step.node is not None and (isinstance(step.node, Call) or step.node.key is not None))


def needed_names(steps: list[Step], current: Value | None, final: list[Value]) -> set[Value]:
    """Return the values that are read when another one flows."""
    needed: set[Value] = set()
    flows, source = current, None
    for step in steps:
        if step.join is None and step.node is not None and isinstance(step.node, Apply) and step.node.is_join:
            needed |= {value for value in step.inputs if value is not flows and not is_param(value)}
        else:
            if isinstance(step.node, Call) and flows in step.inputs[:1] and source is flows:
                needed.add(step.inputs[0])
            needed |= {value for value in step.inputs[1:] if value is not flows or isinstance(step.node, Call)}
            if step.inputs and step.inputs[0] is not flows:
                needed.add(step.inputs[0])
            if step.inputs[1:] and isinstance(step.node, Apply):
                needed.update(step.inputs)
        for branch in [*step.branches, step.chain]:
            for inner in branch:
                needed |= {value for value in inner.operands if value is not flows}
        needed |= set(step.operands)
        source = step.outputs[0] if not step.reads and step.outputs else None
        if len(step.outputs) == 1:
            flows = step.outputs[0] if not is_param(step.outputs[0]) else flows
        elif len(step.outputs) > 1:
            flows = None
    needed |= {value for value in final if value is not flows or len(final) > 1}
    return needed


def is_param(value: Value) -> bool:
    """Whether a value is a stored tensor of its own, which has a name and does not flow."""
    return isinstance(value.producer, Apply) and value.producer.op in STORED


def below(key: str, path: str) -> str:
    """Return a key without that of the module around it."""
    if not path:
        return key
    return key.removeprefix(path + ".") if key.startswith(path + ".") else ("" if key == path else f"^{key}")


def is_empty(node: Node) -> bool:
    """Whether nothing reads what a call makes."""
    return isinstance(node, Call) and not node.outputs


def sole(node: Node) -> Node:
    """Return the op that a call consists of, if it is one op with no key of its own below the call; else the call."""
    if isinstance(node, Call):
        body = [sole(inner) for inner in node.body if not is_empty(inner)]
        if len(body) == 1 and isinstance(body[0], Apply):
            op = body[0]
            if op.key in (None, node.path):
                op.path = node.path
                return op
    return node
