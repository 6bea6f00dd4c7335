"""`unembed(wte)`: an op with the weight of a module that has run before, by which it gets its key and its sizes."""

from __future__ import annotations

from archdsl.diagnostics import SpecError, codes
from archdsl.elaborate.apply import apply_op
from archdsl.elaborate.context import Context
from archdsl.elaborate.declared import DeclaredModule
from archdsl.elaborate.naming import Key
from archdsl.elaborate.values import UNKNOWN, Callee, MaybeValue, Several, Unknown
from archdsl.ir import OpNode, Value
from archdsl.ops.dense import Embedding, Unembed
from archdsl.source import Span


def is_tied(callee: Callee) -> bool:
    """Return whether a call gives `unembed` one argument; else it is called wrongly, like any op."""
    return callee.target is Unembed and len(callee.positional) + len(callee.keywords or {}) == 1


def unembedded(context: Context, callee: Callee, span: Span, x: MaybeValue, label: Key | None) -> MaybeValue:
    """Return the scores that the table of an embedding gives. The label of the statement names them alone."""
    given = callee.positional[0] if callee.positional else (callee.keywords or {}).get("embedding")
    if given is None or isinstance(given.value, Unknown):
        return UNKNOWN
    if not isinstance(given.value, DeclaredModule):
        raise SpecError(codes.modules.NoEmbedding(given.span.text).at(given.span))
    module = given.value
    if isinstance(x, Several):
        raise x.read(span)
    if isinstance(x, Unknown):
        return UNKNOWN
    if not module.first:
        if context.detached or context.diagnostics:
            return UNKNOWN
        raise SpecError(codes.modules.NoEmbedding(module.name, runs=False).at(given.span))
    node = module.first[0].node
    if not isinstance(node, OpNode) or not isinstance(node.op, Embedding):
        raise SpecError(codes.modules.NoEmbedding(module.name, module.key.span).at(given.span))
    op = context.binder.make(Unembed, {"n": node.op.n, "dim": node.op.dim}, span)
    if module.handle is None:
        with context.out_of_the_graph():
            return _applied(context, op, x, module, span, label)
    return _applied(context, op, context.builder.visible(x), module, span, label)


def _applied(context: Context, op: Unembed, x: Value, module: DeclaredModule, span: Span, label: Key | None) -> Value:
    key = module.key
    made = apply_op(context, op, (x,), key.place(), span, key=key)[0]
    made.name = label.label if label is not None else None
    return made
