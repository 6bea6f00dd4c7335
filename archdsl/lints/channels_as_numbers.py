"""W0105: a number of channels where another number stands, as in `bn(64)`.

PyTorch writes the channels there; here it is `eps`, and a network with such an `eps` trains badly without any error. The fix
removes the number, which changes the network, so that it is only offered.
"""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.diagnostics import Diagnostic, Edit, codes
from archdsl.ir import Graph
from archdsl.lints.rule import GraphRule
from archdsl.ops.base import Category, Op
from archdsl.source import Span
from archdsl.syntax.written_calls import written_call


def _check(graph: Graph) -> Iterable[Diagnostic]:
    found: dict[Span, Diagnostic] = {}
    known: dict[int, dict[str, float]] = {}
    for function in graph.functions():
        for node in function.ops:
            op = node.op
            numbers = known.get(id(op))
            if numbers is None:
                numbers = known[id(op)] = _numbers(op)
            for name, value in numbers.items():
                if node.input_shapes[0][:1] == (value,) and node.span is not None and node.span not in found:
                    finding = codes.warnings.ChannelsAsNumber(op.name, name, value, *_without(op, name, node.span))
                    found[node.span] = finding.at(node.span)
    return found.values()


def _numbers(op: Op) -> dict[str, float]:
    """Return what was given to an op that takes its channels from its input, and could be a number of them."""
    if op.category not in (Category.NORMALIZATION, Category.ACTIVATION, Category.SCALE):
        return {}
    given = {name: getattr(op, name) for name in op.given}
    return {name: value for name, value in given.items() if isinstance(value, float) and value > 1}


def _without(op: Op, parameter: str, span: Span) -> tuple[str | None, Edit | None]:
    """Return a call without an argument that is given by position, and the edit to it; neither if others follow by position."""
    call = written_call(span)
    if call is None or call.names(parameter):
        return None, None
    order = op.parameters_in_order()
    position = order.index(parameter)
    rest = call.positional[position + 1 :]
    if position and rest:
        return None, None
    rest = tuple(f"{order[position + 1 + at]} = {text}" if text in ("true", "false") else text for at, text in enumerate(rest))
    written = call.rewritten(*call.positional[:position], *rest)
    return f"{call.name}{written}", Edit(call.parentheses, written)


RULE = GraphRule("W0105", _check, local=True)
