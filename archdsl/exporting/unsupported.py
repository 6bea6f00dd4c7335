"""Errors of exporters as errors about ops of the spec."""

from __future__ import annotations

import re
from typing import Any

from archdsl.backends.torch.expressions import Call, Target
from archdsl.backends.torch.lowerings import has_lowering, lower
from archdsl.diagnostics import SpecError, codes
from archdsl.ir import FlatNode, Graph, flatten

_NODE = re.compile(r"translating node %(\w+)")
_TARGET = re.compile(r"torch\.ops\.([\w.]+)|OpOverload\(op='([\w.]+)'")


def unsupported_op(error: BaseException, exported: Any, graph: Graph, to: str) -> SpecError | None:
    """Return the error for the op at which an exporter failed, at its place in the spec; None if its message names none."""
    messages = list(_messages(error))
    named = [match[1] for text in messages if (match := _NODE.search(text))]
    node = next((node for node in exported.graph.nodes if node.name in named), None)
    target = str(node.target) if node is not None else next((a or b for text in messages for a, b in _TARGET.findall(text)), None)
    if target is None:
        return None
    path = _module_path(node) if node is not None else ""
    applied = _find(graph, target, path)
    reason = _first_line(messages[-1])
    refused = codes.exporting.UnsupportedOp(applied.op.name if applied is not None else target, to, target, reason)
    return SpecError(refused.at(applied.node.span if applied is not None else None))


def _messages(error: BaseException | None) -> Any:
    """Yield the message of an error and of its causes."""
    while error is not None:
        yield str(error)
        error = error.__cause__


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0][:200]


def _module_path(node: Any) -> str:
    """Return the key of the innermost module that runs a node, as in the `state_dict` of the network."""
    stack = node.meta.get("nn_module_stack") or {}
    paths = [path for path, _ in stack.values()]
    return paths[-1].removeprefix("network").removeprefix(".") if paths else ""


def _find(graph: Graph, target: str, path: str) -> FlatNode | None:
    """Return the op that a node comes from: that of its module, else the first in its scope that PyTorch calls so."""
    nodes = flatten(graph).nodes
    for node in nodes:
        if path and node.path == path:
            return node
    wanted = _bare(target.removeprefix("aten.").partition(".")[0])
    alike = [node for node in nodes if any(_bare(name) == wanted for name in _names(node))]
    inside = [node for node in alike if node.path.startswith(path)]
    return next(iter([*inside, *alike]), None)


def _bare(name: str) -> str:
    return re.sub(r"\d+d$|_", "", name.lower().rstrip("_"))


def _names(node: FlatNode) -> set[str]:
    """Return the names in PyTorch of the modules and functions that an op is written with, and its own name."""
    found = {node.op.name}
    if has_lowering(type(node.op)):
        lowering = lower(node.op, *node.node.input_shapes)
        waiting: list[Any] = [lowering.module, lowering.function]
        while waiting:
            part = waiting.pop()
            if isinstance(part, Target):
                found.add(part.name)
            elif isinstance(part, Call):
                waiting += [part.target, *[argument.value for argument in part.arguments]]
    return found
