"""A graph as text, for people who debug the compiler, and for tests."""

from __future__ import annotations

from archdsl.ir.attributes import Usage
from archdsl.ir.core import Call, Declaration, Function, Node, OpNode, Value
from archdsl.ir.graph import Graph
from archdsl.literals import show
from archdsl.shapes import format_shape

_MARKS = {Usage.ALWAYS: "", Usage.TRAINING: "  # training only", Usage.NEVER: "  # unused"}


def print_graph(graph: Graph) -> str:
    """Return every function, the network first, then callees in the order in which they are called.

    network tiny(%image: [3, 32, 32]) -> [16, 32, 32]
      %0: [16, 32, 32] = stem: basic#1(%image)
    """
    functions = [graph.main, *(function for function in graph.functions() if function is not graph.main)]
    numbers = {function: f"#{i}" if i else "" for i, function in enumerate(functions)}
    return "\n\n".join("\n".join(_function(function, graph, numbers)) for function in functions) + "\n"


def _function(function: Function, graph: Graph, numbers: dict[Function, str]) -> list[str]:
    names: dict[Value, str] = {}
    taken: set[str | None] = {None, ""}
    for value in function.values:
        names[value] = f"%{len(names)}" if value.name in taken else f"%{value.name}"
        taken.add(value.name)
    inputs = ", ".join(_typed(value, names) for value in function.inputs)
    arguments = ", ".join(f"{name} = {show(value)}" for name, value in function.arguments.items())
    about = f"<{arguments}>" if arguments else ""
    shapes = ", ".join(format_shape(value.shape) for value in function.outputs)
    lines = [f"{function.kind} {function.name}{numbers[function]}{about}({inputs}) -> {shapes}"]
    lines += [f"  {_node(node, names, numbers)}" for node in function.items]
    lines += [f"  failed: {f.what}({', '.join(names[value] for value in f.inputs)})" for f in function.failures]
    returned = [names[value] for value in function.outputs]
    if function is graph.main:
        returned = [
            value if result.kind == "main" else f"{result.name}: {value} ({result.kind})"
            for result, value in zip(graph.results, returned, strict=True)
        ]
    return [*lines, f"  return {', '.join(returned)}"]


def _typed(value: Value, names: dict[Value, str]) -> str:
    dtype = f"{value.dtype} " if value.dtype != "float" else ""
    return f"{names[value]}: {dtype}{format_shape(value.shape)}"


def _node(node: Node, names: dict[Value, str], numbers: dict[Function, str]) -> str:
    if isinstance(node, Declaration):
        return f"module {node.module!r}{_MARKS[node.usage]}"
    key = f"{'^' * node.module.levels}{node.module!r}: " if node.module is not None else ""
    made = ", ".join(_typed(value, names) for value in node.outputs)
    taken = ", ".join(names[value] for value in node.inputs)
    if isinstance(node, Call):
        what = f"{node.callee.name}{numbers[node.callee]}"
    else:
        assert isinstance(node, OpNode)
        given = ", ".join(f"{name} = {show(value)}" for name, value in node.op if name in node.op.given)
        what = f"{node.op.name}<{given}>" if given else node.op.name
    return f"{made or '_'} = {key}{what}({taken}){_MARKS[node.usage]}"
