"""TEMPORARY: from the hierarchical graph to the unrolled list of nodes, until the analyses read the hierarchical one."""

from __future__ import annotations

from typing import NamedTuple

from archdsl.ir import core, unrolled
from archdsl.ops.join import Input


class Unrolled(NamedTuple):
    graph: unrolled.Graph
    scopes: dict[core.Function, unrolled.Scope]
    values: list[core.Value]


def unroll(graph: core.Graph) -> Unrolled:
    main = graph.main
    span = main.definition
    root = unrolled.Scope(graph.name, None, "network", span, graph.name, main.arguments, definition=span, doc=graph.doc)
    flat = unrolled.Graph(
        graph.name, root, [], [], 0, [], [], dict(graph.initializers), [], dict(graph.stated), dict(graph.stated_at), graph.doc
    )
    values: list[core.Value] = []
    scopes: dict[core.Function, unrolled.Scope] = {}

    def node(op, inputs, value, scope, name, labelled, span):
        made = unrolled.Node(
            len(flat.nodes), op, inputs, value.shape, scope, name, labelled, span, value.dtype == "int", value.name
        )
        flat.nodes.append(made)
        values.append(value)
        return made.index

    def home(scope, families, key, span):
        if len(key) == 1:
            return scope
        if key[0] not in families:
            families[key[0]] = unrolled.Scope(key[0], scope, "family", span)
        return families[key[0]]

    def inline(function, known, scope):
        scopes.setdefault(function, scope)
        families = {}
        pending = list(function.conditions)[::-1]

        def emit():
            c = pending.pop()
            sides = known[c.sides[0]], known[c.sides[1]]
            flat.conditions.append(unrolled.Condition(c.left, c.right, c.span, c.what, sides, c.stretch))

        for n in function.nodes:
            inputs = tuple(known[v] for v in n.inputs)
            module = n.module
            within = home(scope, families, module.key, module.span) if module is not None else scope
            if isinstance(n, core.Call):
                callee = n.callee
                name = callee.name if callee.kind == "block" else None
                inside = unrolled.Scope(
                    module.key[-1],
                    within,
                    callee.kind,
                    n.span,
                    name,
                    callee.arguments,
                    n.given,
                    n.variables,
                    callee.definition,
                    callee.doc,
                )
                inner = dict(zip(callee.inputs, inputs))
                inline(callee, inner, inside)
                known.update({out: inner[v] for out, v in zip(n.outputs, callee.outputs)})
            else:
                key = None if module is None else module.key[-1]
                known[n.output] = node(n.op, inputs, n.output, within, key, module is not None and module.labelled, n.span)
            while pending and pending[-1].span == n.span and all(side in known for side in pending[-1].sides):
                emit()
        while pending:
            emit()

    known = {}
    for v in main.inputs:
        known[v] = node(Input(key=v.name), (), v, root, None, True, v.span)
        flat.inputs.append(known[v])
    inline(main, known, root)
    flat.result = known[main.outputs[0]]
    flat.heads += [unrolled.Head(r.name, known[v], r.weight, r.span) for r, v in graph.heads]
    flat.outputs += [unrolled.Output(r.name, known[v], r.span) for r, v in graph.outputs]
    flat.works, flat.tied = graph.valid_sizes, graph.coupled_sizes
    return Unrolled(flat, scopes, values)
