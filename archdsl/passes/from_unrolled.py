"""TEMPORARY: from the unrolled list of nodes to the hierarchical graph, until the elaborator builds that itself."""

from __future__ import annotations

from typing import Any

from archdsl.ir import core, unrolled
from archdsl.passes.mark_usage import mark_usage


def hierarchical(flat: unrolled.Graph) -> core.Graph:  # noqa: C901
    """Return the hierarchical graph of an unrolled one."""
    main = core.Function(flat.root.name, "network", flat.root.definition, flat.root.arguments, flat.doc)
    results = [core.Result("main"), *(core.Result(h.name, "head", h.weight, h.span) for h in flat.heads)]
    results += [core.Result(o.name, "output", span=o.span) for o in flat.outputs]
    ends = [flat.result, *(h.value for h in flat.heads), *(o.value for o in flat.outputs)]
    items: dict[int, list[Any]] = {id(flat.root): []}

    def scope_items(scope: unrolled.Scope) -> list[Any]:
        if id(scope) not in items:
            items[id(scope)] = []
            scope_items(real_parent(scope)).append(scope)
        return items[id(scope)]

    def real_parent(scope: unrolled.Scope) -> unrolled.Scope:
        parent = scope.parent
        assert parent is not None
        return real_parent(parent) if parent.kind == "family" else parent

    for node in flat.nodes:
        if node.op.name != "input":
            home = node.scope if node.scope.kind != "family" else real_parent(node.scope)
            scope_items(home).append(node)

    def extent(item: Any) -> set[int]:
        if isinstance(item, unrolled.Node):
            return {item.index}
        found: set[int] = set()
        for inner in items[id(item)]:
            found |= extent(inner)
        return found

    by_key: dict[Any, core.Function] = {}

    def key_of(scope: unrolled.Scope, name: str) -> tuple[str, ...]:
        return (scope.name, name) if scope.kind == "family" else (name,)

    def build(scope: unrolled.Scope, function: core.Function, known: dict[int, core.Value]) -> Any:
        """Fill a function; returns its structural key."""
        key: list[Any] = [
            function.kind,
            function.name,
            function.definition and (function.definition.start, function.definition.end),
        ]
        key.append(tuple((v.shape, v.dtype) for v in function.inputs))
        for item in items[id(scope)]:
            if isinstance(item, unrolled.Node):
                module = None
                if item.name is not None:
                    module = core.Module(key_of(item.scope, item.name), item.labelled, item.span)
                node = core.OpNode(item.op, [known[i] for i in item.inputs], module, item.span)
                function.append(node)
                known[item.index] = node.add_output(item.shape, "int" if item.integer else "float", item.label, item.span)
                key.append(
                    (
                        id(item.op),
                        item.name,
                        item.shape,
                        tuple(where(known[i]) for i in item.inputs),
                    )
                )
                continue
            inside = extent(item)
            taken = list(dict.fromkeys(i for n in sorted(inside) for i in flat.nodes[n].inputs if i not in inside))
            given = [n for n in sorted(inside, reverse=True) if n in ends or any(u not in inside for u in flat.consumers[n])]
            callee = core.Function(item.block or item.name, item.kind, item.definition, item.arguments, item.doc)
            inner = {i: callee.add_input(known[i].shape, known[i].dtype, known[i].name, known[i].span) for i in taken}
            inner_key = build(item, callee, inner)
            for n in given:
                callee.add_output(inner[n])
            whole = (inner_key, tuple(where(inner[n]) for n in given))
            if whole in by_key:
                callee = by_key[whole]
            by_key[whole] = callee
            parent = item.parent
            assert parent is not None
            module = core.Module(key_of(parent, item.name), not item.name.isdecimal() or parent.kind == "family", item.span)
            call = core.Call(callee, [known[i] for i in taken], module, item.span, given=item.given, variables=item.variables)
            function.append(call)
            for n in given:
                value = flat.nodes[n]
                known[n] = call.add_output(value.shape, "int" if value.integer else "float", value.label, value.span)
            key.append((id(callee), module.key, tuple(where(known[i]) for i in taken)))
        return tuple(key)

    numbers: dict[core.Value, Any] = {}

    def where(value: core.Value) -> Any:
        if value not in numbers:
            owner = value.owner
            numbers[value] = ("in", value.position) if isinstance(owner, core.Function) else (position(owner), value.position)
        return numbers[value]

    positions: dict[core.Node, int] = {}
    counts: dict[core.Function, int] = {}

    def position(node: core.Node) -> int:
        if node not in positions:
            positions[node] = counts.get(node.function, 0)
            counts[node.function] = positions[node] + 1
        return positions[node]

    known: dict[int, core.Value] = {}
    for i in flat.inputs:
        n = flat.nodes[i]
        known[i] = main.add_input(n.shape, "int" if n.integer else "float", n.label, n.span)
    build(flat.root, main, known)
    for end in ends:
        main.add_output(known[end])
    graph = core.Graph(main, results, flat.initializers, flat.stated, flat.stated_at, flat.works, flat.tied)
    homes = {value: function for function in graph.functions() for value in function.values}
    for condition in flat.conditions:
        left, right = (known.get(i) for i in condition.sides)
        if left is not None and right is not None and homes.get(left) is homes.get(right) is main:
            main.conditions.append(core.Condition(*condition[:4], (left, right), condition.stretch))  # of main alone
    return graph


def converted(graph: Any) -> core.Graph:
    """The hierarchical graph with usages marked, of either kind of graph. The bias is resolved already."""
    return graph if isinstance(graph, core.Graph) else mark_usage(hierarchical(graph))
