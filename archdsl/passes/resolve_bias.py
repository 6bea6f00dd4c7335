"""Resolve `bias = auto`: omit the bias if the only consumer subtracts the mean of each channel, which cancels it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from archdsl.ir import (
    Call,
    Function,
    Graph,
    Module,
    Node,
    OpNode,
    Use,
    Value,
    applications,
    copy_function,
    settle_declarations,
)
from archdsl.ops import Op


def resolve_bias(graph: Graph) -> Graph:
    """Replace every `bias = auto` by true or false.

    What follows a block decides about a convolution at its end, so a function is copied if its calls differ in that. A module
    that is applied several times has one bias or none: it is omitted if every application allows it. If other functions than
    its owner apply it, what follows each application must show that within the function.
    """
    _Resolver(graph).resolve(graph.main, (False,) * len(graph.main.outputs))
    return settle_declarations(graph)


_Cancelled: TypeAlias = "tuple[bool | None, ...]"


class _Resolver:
    def __init__(self, graph: Graph) -> None:
        self._autos: dict[int, bool] = {}
        self._undecided: dict[Function, list[Node]] = {}
        """Of each function the ops with `bias = auto`, and the calls of functions that have some."""
        for function in graph.functions():  # callees first
            self._undecided[function] = [
                node
                for node in function.nodes
                if (self._undecided[node.callee] if isinstance(node, Call) else self._is_auto(node))
            ]
        self._before: dict[Function, list[Op | Function]] = {}
        self._resolved: dict[tuple[Function, _Cancelled], Function] = {}
        self._ops: dict[tuple[int, bool], tuple[Op, Op]] = {}
        self._fixed: dict[Module, tuple[bool, ...]] = {}
        """Of modules that several functions apply, which outputs are cancelled behind every application."""
        for nodes in applications(graph).values():
            if any(node.module is not None and node.module.levels for node in nodes):
                columns = [self._joint(node, (False,) * len(node.function.outputs), {}) for node in nodes]
                joint = tuple([all(column) for column in zip(*columns, strict=True)])
                self._fixed.update({node.module: joint for node in nodes if node.module is not None})

    def resolve(self, function: Function, cancelled: _Cancelled) -> Function:
        """Return a function like this one with every bias resolved.

        `cancelled` says of each output whether its only use outside cancels a shift of its channels; None if it has none.
        """
        if not self._undecided[function]:
            return function
        known = self._resolved.get((function, cancelled))
        if known is not None:
            return known
        made, undecided = self._as_it_was(function)
        self._resolved[function, cancelled] = made
        joint = self._cancelled_by_all(undecided, cancelled)
        for node in undecided:
            if isinstance(node, Call):
                node.callee = self.resolve(node.callee, self._joint(node, cancelled, joint))
            else:
                assert isinstance(node, OpNode)
                (omitted,) = self._joint(node, cancelled, joint)
                node.op = self._with_bias(node.op, not omitted)
        return made

    def _cancelled_by_all(self, nodes: list[Node], cancelled: _Cancelled) -> dict[Module, _Cancelled]:
        """Return for each module that is applied several times which outputs are cancelled behind every application."""
        applications: dict[Module | None, list[Node]] = {}
        for node in nodes:
            applications.setdefault(node.module, []).append(node)
        return {
            module: tuple([_all(column) for column in zip(*[self._joint(node, cancelled, {}) for node in found], strict=True)])
            for module, found in applications.items()
            if module is not None and len(found) > 1 and module not in self._fixed
        }

    def _joint(self, node: Node, cancelled: _Cancelled, joint: dict[Module, _Cancelled]) -> _Cancelled:
        """Return for each output of a node whether a shift is cancelled, behind every application of the node's module."""
        module = node.module
        known = joint.get(module, self._fixed.get(module)) if module is not None else None
        return tuple([self._is_cancelled(value, cancelled) for value in node.outputs]) if known is None else known

    def _as_it_was(self, function: Function) -> tuple[Function, list[Node]]:
        """Return the function itself the first time, then copies of what it was then; and its undecided nodes."""
        before, undecided = self._before.get(function), self._undecided[function]
        if before is None:
            self._before[function] = [_content(node) for node in undecided]
            return function, undecided
        made = copy_function(function)
        copies = dict(zip(function.nodes, made.nodes, strict=True))
        for node, copy in copies.items():
            if node.module in self._fixed and copy.module is not None:
                self._fixed[copy.module] = self._fixed[node.module]
        undecided = [copies[node] for node in undecided]
        for node, content in zip(undecided, before, strict=True):
            if isinstance(node, Call):
                assert isinstance(content, Function)
                node.callee = content
            else:
                assert isinstance(node, OpNode) and isinstance(content, Op)
                node.op = content
        return made, undecided

    def _is_cancelled(self, value: Value, cancelled: _Cancelled) -> bool | None:
        """Return whether the only use of a value cancels a shift of its channels, inside or outside of its function.

        None if it has no use: calls that share a function may need different outputs of it.
        """
        uses = [use for use in _counted_uses(value) if not isinstance(use.user, Function) or cancelled[use.position] is not None]
        if len(uses) != 1:
            return False if uses else None
        ((user, position),) = uses
        if isinstance(user, Function):
            return cancelled[position]
        if isinstance(user, Call):
            return self._is_cancelled(user.callee.inputs[position], (False,) * len(user.callee.outputs))
        assert isinstance(user, OpNode)
        return user.op.removes_channel_mean(*[used.shape for used in user.inputs])

    def _is_auto(self, node: Node) -> bool:
        assert isinstance(node, OpNode)
        known = self._autos.get(id(node.op))
        if known is None:
            known = self._autos[id(node.op)] = getattr(node.op, "bias", None) == "auto"
        return known

    def _with_bias(self, op: Op, bias: bool) -> Op:
        key = (id(op), bias)
        if key not in self._ops:
            self._ops[key] = (op, op.replace(bias=bias))  # keeps the op, and so its id
        return self._ops[key][1]


def _all(cancelled: Sequence[bool | None]) -> bool | None:
    """Return whether a shift is cancelled wherever there is a use; None if there is none."""
    used = [one for one in cancelled if one is not None]
    return all(used) if used else None


def _counted_uses(value: Value) -> list[Use]:
    """Return the uses of a value, without those that read a size of it for an argument, as `h = c.h` of `rearrange`."""
    return [use for use in value.uses if not _reads_size(use)]


def _reads_size(use: Use) -> bool:
    if isinstance(use.user, Call):
        inner = use.user.callee.inputs[use.position]
        return bool(inner.uses) and not _counted_uses(inner)
    return isinstance(use.user, OpNode) and use.user.op.sizes_by_name and use.position > 0


def _content(node: Node) -> Op | Function:
    return node.callee if isinstance(node, Call) else node.op  # type: ignore[attr-defined]
