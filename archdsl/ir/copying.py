"""Copies of functions and graphs, for passes that need a function in two forms."""

from __future__ import annotations

from dataclasses import replace

from archdsl.ir.attributes import Module
from archdsl.ir.core import Call, Declaration, Function, Node, OpNode, Value
from archdsl.ir.graph import Graph
from archdsl.ir.modules import settle_declarations


def copy_function(function: Function) -> Function:
    """Return a copy with nodes and modules of its own. Calls in it go to the same functions; see `settle_declarations`."""
    made = Function(function.name, function.kind, function.definition, function.arguments, function.doc)
    made.constants = function.constants
    values = {value: made.add_input(value.shape, value.dtype, value.name, value.span) for value in function.inputs}
    modules: dict[Module, Module] = {}
    for node in function.items:
        copied = _copy_node(node, [values[value] for value in node.inputs], modules)
        copied.usage = node.usage
        made.append(copied)
        for value in node.outputs:
            values[value] = copied.add_output(value.shape, value.dtype, value.name, value.span)
    for value in function.outputs:
        made.add_output(values[value])
    made.conditions = [c._replace(sides=(values[c.sides[0]], values[c.sides[1]])) for c in function.conditions]
    made.claims = list(function.claims)
    made.failures = [f._replace(inputs=tuple([values[value] for value in f.inputs])) for f in function.failures]
    return made


def copy_graph(graph: Graph) -> Graph:
    """Return a copy with functions of its own, each copied once."""
    copies: dict[Function, Function] = {}
    for function in graph.functions():  # callees first
        made = copies[function] = copy_function(function)
        for call in made.calls:
            call.callee = copies[call.callee]
    return settle_declarations(replace(graph, main=copies[graph.main], results=list(graph.results)))


def _copy_node(node: Node, inputs: list[Value], modules: dict[Module, Module]) -> Node:
    module = node.module
    if module is not None:
        module = modules.setdefault(module, Module(module.key, module.labelled, module.span, module.levels))
    if isinstance(node, Declaration):
        assert module is not None
        return Declaration(module, node.application)
    if isinstance(node, Call):
        return Call(node.callee, inputs, module, node.span, node.expressions, node.given, node.variables)
    assert isinstance(node, OpNode)
    return OpNode(node.op, inputs, module, node.span, node.expressions)
