"""Sizes of interpolations that a trace has frozen: those of another value, or a multiple of the input."""

from __future__ import annotations

from archdsl.importers.frozen import is_fixed, sizes
from archdsl.importers.model import Apply, Call, Value, applications, walk


def resized(main: Call) -> None:
    """Let each interpolation to fixed sizes follow the value whose sizes they are.

    That is the value which the result is joined with, one that the module has or makes, or an input of the network.
    """
    nodes = list(applications(main))
    for call in [main, *(node for node in walk(main) if isinstance(node, Call))]:
        seen = list(call.inputs)
        for node in call.body:
            if isinstance(node, Apply) and node.op == "resize" and not node.args.get("antialias"):
                _follow(node, [*seen, *main.inputs], nodes)
            seen += [value for value in node.outputs if value.batched]


def _follow(node: Apply, seen: list[Value], nodes: list[Apply]) -> None:
    if is_fixed(node.outputs[0]):
        return
    size = sizes(node.outputs[0])
    like = _joined(node.outputs[0], nodes) or next((value for value in seen if sizes(value) == size), None)
    if like is not None and like is not node.inputs[0]:
        node.op, node.args = "resize_like", {name: node.args[name] for name in ("mode", "align_corners")}
        node.operands = {"like": like}


def _joined(value: Value, nodes: list[Apply]) -> Value | None:
    """Return the value of the same size that a value is joined with, if it is made before."""
    reader = next((node for node in nodes if value in node.inputs), None)
    if reader is None or not reader.is_join:
        return None
    size = sizes(value)
    made = {v for node in nodes[: next(at for at, node in enumerate(nodes) if value in node.outputs)] for v in node.outputs}
    return next((v for v in reader.inputs if v is not value and v in made and sizes(v) == size), None)
