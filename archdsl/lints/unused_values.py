"""W0101: a value that no result depends on.

An op without an effect still costs time, and an input that nothing takes has to be given all the same. Of several ops in a
row, the last is reported: its result is where the chain ends. Ops that only heads need have a use, in training.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import dropwhile
from typing import Final

from archdsl.diagnostics import Diagnostic, codes
from archdsl.ir import Function, Graph, Node, Usage, Value, is_declared
from archdsl.lints.edits import without_statement
from archdsl.lints.following_tokens import following_tokens
from archdsl.lints.rule import GraphRule
from archdsl.source import Span

_SEPARATORS: Final = frozenset({"NEWLINE", "SEMICOLON"})


def _check(graph: Graph) -> Iterable[Diagnostic]:
    unused: dict[Span, Diagnostic] = {
        value.span: codes.warnings.UnusedValue(f"the input `{value.name}`", without_statement(value.span))
        for value in graph.inputs
        if not value.uses and value.span is not None
    }
    for span, finding in _unused_ops(graph).items():
        unused.setdefault(span, finding)
    return [finding.at(span) for span, finding in unused.items()]


def _unused_ops(graph: Graph) -> dict[Span, Diagnostic]:
    """Return findings for ops whose results nothing takes, and for names of single outputs, by place.

    An output of a function is taken if all of its calls take it.
    """
    functions = graph.functions()
    found: dict[Span, Diagnostic] = {}
    taken: dict[Function, set[int]] = {graph.main: set(range(len(graph.main.outputs)))}
    for function in reversed(functions):  # callers first
        outputs = taken.get(function, set())
        for call in function.calls:
            used = {value.position for value in call.outputs if _is_taken(value, outputs)}
            taken[call.callee] = used & taken.get(call.callee, used)
            if call.usage is Usage.NEVER and call.span is not None and not used and is_declared(call):
                found[call.span] = _unused(call.callee.name, call.span, graph)
        for node in function.ops:
            unused = [value for value in node.outputs if not _is_taken(value, outputs)]
            if len(unused) == len(node.outputs):
                if node.usage is Usage.NEVER and node.span is not None:
                    found[node.span] = _unused(node.op.name, node.span, graph)
                continue
            for value in unused:
                if value.name is not None and value.span is not None:
                    found[value.span] = codes.warnings.UnusedName(value.name)
    return found


def _unused(name: str, span: Span, graph: Graph) -> Diagnostic:
    return codes.warnings.UnusedValue(f"what `{name}` makes", restart=_restart(span, graph))


def _restart(span: Span, graph: Graph) -> str | None:
    """Return the label with whose value alone the statement behind a place begins anew; None if it begins in another way."""
    following = following_tokens(span)
    statement = list(dropwhile(lambda token: token.type in _SEPARATORS, following))[:2]
    if len(statement) < 2 or statement[0] is following[0] or statement[0].type != "NAME":
        return None
    label, end = statement
    if end.type not in _SEPARATORS and end.type != "RBRACE":  # the statement is more than a name
        return None
    named = any(value.name == label and value.producer is not None for value in graph.main.values)
    return str(label) if named else None


def _is_taken(value: Value, outputs: set[int]) -> bool:
    return any(isinstance(use.user, Node) or use.position in outputs for use in value.uses)


RULE = GraphRule("W0101", _check)
