"""Growing concatenations: what DenseNet's layers take is moved out of them, and each concatenation adds to the one before."""

from __future__ import annotations

from archdsl.importers.model import Apply, Call, Node, Value, connect


def simplify(main: Call) -> None:
    """Move a concatenation of all inputs of a module to its caller, and let each one begin with an earlier one."""
    _hoist(main)
    connect(main)
    _grow(main)
    connect(main)


def _hoist(call: Call) -> None:
    """Move concatenations that begin the modules inside out of them."""
    body: list[Node] = []
    for node in call.body:
        if isinstance(node, Call):
            _hoist(node)
            first = node.body[0] if node.body else None
            if (
                isinstance(first, Apply)
                and first.op == "concat"
                and set(first.inputs) == set(node.inputs)
                and len(node.inputs) > 1
            ):
                body.append(first)
                node.body = node.body[1:]
                node.inputs = [first.outputs[0]]
        body.append(node)
    call.body = body


def _grow(call: Call) -> None:
    """Let a concatenation whose first inputs another one has joined begin with the result of that."""
    joined: list[tuple[list[Value], Apply]] = []
    for node in call.body:
        if isinstance(node, Call):
            _grow(node)
        elif node.op == "concat":
            inputs = list(node.inputs)
            known = [(before, other) for before, other in joined if inputs[: len(before)] == before and other.args == node.args]
            if known:
                before, other = max(known, key=lambda entry: len(entry[0]))
                node.inputs = [other.outputs[0], *inputs[len(before) :]]
            joined.append((inputs, node))
