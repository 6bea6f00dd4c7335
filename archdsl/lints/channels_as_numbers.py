"""W0105: a number of channels where another number stands, as in `bn(64)`.

PyTorch writes the channels there; here it is `eps`, and a network with such an `eps` trains badly without any error. The fix
removes the number, which changes the network, so that it is only offered.
"""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.diagnostics import Diagnostic, codes
from archdsl.ir import Graph
from archdsl.lints.rule import GraphRule
from archdsl.ops.base import Category, Op
from archdsl.source import Span


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
                if value == node.input_shapes[0][0] and node.span is not None and node.span not in found:
                    first = op.parameters_in_order()[0] == name
                    finding = codes.warnings.ChannelsAsNumber(op.name, name, value, first, _only_argument(node.span))
                    found[node.span] = finding.at(node.span)
    return found.values()


def _numbers(op: Op) -> dict[str, float]:
    """Return what was given to an op that takes its channels from its input, and could be a number of them."""
    if op.category not in (Category.NORMALIZATION, Category.ACTIVATION, Category.SCALE):
        return {}
    given = {name: getattr(op, name) for name in op.given}
    return {name: value for name, value in given.items() if isinstance(value, float) and value > 1}


def _only_argument(call: Span) -> Span | None:
    """Return the parentheses of a call with one argument by position; None if there is more in them."""
    name, opening, arguments = call.text.partition("(")
    if not opening or any(mark in arguments for mark in ",=(\n"):
        return None
    return call._replace(start=call.start + len(name))


RULE = GraphRule("W0105", _check, local=True)
