"""The invariants of a graph. Tests run this before and after each pass; a failure is a bug, not a user's mistake."""

from __future__ import annotations

from archdsl.ir.graph import Graph, Scope


class InvariantError(AssertionError):
    """A graph that no part of the compiler may produce."""


def verify(graph: Graph) -> Graph:
    """Return the graph if it holds every invariant, else raise `InvariantError`.

    Nodes stand in an order that runs and at their index; shapes are what the ops infer; keys are
    unique; every scope leads to the root; results exist.
    """
    _verify_nodes(graph)
    _verify_keys(graph)
    count = len(graph.nodes)
    for what, index in [("result", graph.result), *((f"head {h.name}", h.value) for h in graph.heads),
                        *((f"output {o.name}", o.value) for o in graph.outputs)]:  # fmt: skip
        _require(0 <= index < count, f"the {what} is node {index} of {count}")
    names = [h.name for h in graph.heads] + [o.name for o in graph.outputs]
    _require(len(set(names)) == len(names), f"results share a name: {names}")
    return graph


def _verify_nodes(graph: Graph) -> None:
    for index, node in enumerate(graph.nodes):
        _require(node.index == index, f"node {node.index} stands at {index}")
        _require(all(0 <= i < index for i in node.inputs), f"node {index} takes a value before it is made")
        _require(node.span.start < node.span.end <= len(node.span.file.text), f"node {index} has an empty span")
        if node.op.name == "input":
            _require(index in graph.inputs, f"node {index} is an input that the graph does not list")
            continue
        inferred = node.op.infer(*graph.input_shapes(node))
        _require(inferred == node.shape, f"node {index} is {node.shape} and its op infers {inferred}")


def _verify_keys(graph: Graph) -> None:
    seen: set[tuple[int, str]] = set()
    rooted: set[int] = {id(graph.root)}

    def check_rooted(scope: Scope) -> None:
        chain: list[int] = []
        for above in scope.enclosing():
            if id(above) in rooted:
                rooted.update(chain)
                return
            chain.append(id(above))
        raise InvariantError(f"the scope {scope.path} does not lead to the root")

    for node in graph.nodes:
        check_rooted(node.scope)
        if node.name is not None:
            key = (id(node.scope), node.name)
            _require(key not in seen, f"two nodes are called {node.path}")
            seen.add(key)


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise InvariantError(message)
