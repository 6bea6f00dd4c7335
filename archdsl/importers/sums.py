"""Sums of sums: one sum of all terms, where a person sees no residual connection."""

from __future__ import annotations

from collections import Counter

from archdsl.importers.model import Apply, Call, Node, Value, applications, walk


def flat_sums(main: Call) -> None:
    """Make one sum of a sum and another one that only it reads, if no term is the input of another.

    PyTorch adds the terms of a sum from left to right, and `a + b` is `b + a`, so that the result is the same to the last bit.
    """
    reads = Counter(value for node in applications(main) for value in node.reads)
    reads.update(main.outputs)
    for call in [main, *(node for node in walk(main) if isinstance(node, Call))]:
        makers = {value: node for node in call.body for value in node.outputs}
        for node in list(call.body):
            if isinstance(node, Apply) and _is_sum(node):
                _flatten(node, call, makers, reads)


def _flatten(total: Apply, call: Call, makers: dict[Value, Node], reads: Counter[Value]) -> None:
    for at, value in enumerate(total.inputs[: 2 if len(total.inputs) == 2 else 1]):
        inner = makers.get(value)
        if not isinstance(inner, Apply) or not _is_sum(inner) or reads[value] != 1 or value in call.outputs:
            continue
        terms = [*inner.inputs, *total.inputs[:at], *total.inputs[at + 1 :]]
        if len({term.shape for term in terms}) == 1 and not _is_residual(terms, makers):
            total.inputs = terms
            call.body.remove(inner)
            return


def _is_sum(node: Apply) -> bool:
    return node.op == "add" and not node.args and not node.operands and len(node.inputs) > 1


def _is_residual(terms: list[Value], makers: dict[Value, Node]) -> bool:
    """Whether a term is computed from another one in the same body."""
    for term in terms:
        waiting, seen = [term], {term}
        while waiting:
            node = makers.get(waiting.pop())
            new = [value for value in (node.reads if node is not None else []) if value not in seen]
            if any(value in terms for value in new):
                return True
            seen.update(new)
            waiting += new
    return False
