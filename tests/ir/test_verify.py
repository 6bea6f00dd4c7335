"""Each invariant is checked: a graph that breaks it is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from archdsl.ir import Call, Condition, Graph, InvariantError, Module, OpNode, Usage, copy_function, verify
from tests.ir.graphs import op, residual


def last_op(graph: Graph) -> OpNode:
    return list(graph.main.ops)[-1]


def first_call(graph: Graph) -> Call:
    return next(graph.main.calls)


def wrong_shape(graph: Graph) -> None:
    last_op(graph).output.shape = (5, 8, 8)


def lost_use(graph: Graph) -> None:
    first_call(graph).output.uses.pop()


def value_of_another_function(graph: Graph) -> None:
    last_op(graph).replace_input(0, first_call(graph).callee.outputs[0])


def value_before_it_is_made(graph: Graph) -> None:
    first, second = graph.main.calls
    first.replace_input(0, second.output)


def key_of_two_modules(graph: Graph) -> None:
    first, second = graph.main.calls
    assert first.module is not None
    second.module = Module(first.module.key)


def family_that_is_a_module(graph: Graph) -> None:
    first_call(graph).module = Module(("side",))


def call_without_a_module(graph: Graph) -> None:
    first_call(graph).module = None


def call_of_itself(graph: Graph) -> None:
    callee = first_call(graph).callee
    callee.append(Call(callee, callee.inputs, Module(("again",))))


def call_with_too_many_inputs(graph: Graph) -> None:
    call = first_call(graph)
    call.add_input(call.inputs[0])


def result_without_a_name(graph: Graph) -> None:
    graph.results.pop()


def two_results_of_one_name(graph: Graph) -> None:
    graph.results[2] = graph.results[1]


def head_before_the_result(graph: Graph) -> None:
    graph.results.reverse()


def result_that_never_runs(graph: Graph) -> None:
    last_op(graph).usage = Usage.TRAINING


def condition_of_another_function(graph: Graph) -> None:
    value = first_call(graph).callee.outputs[0]
    graph.main.conditions.append(Condition(8, 8, None, "add", (value, value)))


def condition_of_a_removed_node(graph: Graph) -> None:
    node = last_op(graph)
    removed = OpNode(op("relu"), node.inputs)
    graph.main.insert_before(node, removed)
    value = removed.add_output(node.output.shape)
    graph.main.conditions.append(Condition(8, 8, None, "add", (value, value)))
    removed.remove()


def call_of_an_empty_function(graph: Graph) -> None:
    for node in first_call(graph).callee.ops:
        node.output.replace_all_uses(node.inputs[0])
        node.remove()


def output_of_another_node(graph: Graph) -> None:
    first, second = graph.main.calls
    first.outputs[0], second.outputs[0] = second.outputs[0], first.outputs[0]


def op_with_two_outputs(graph: Graph) -> None:
    last_op(graph).add_output((4, 8, 8))


def module_of_two_functions(graph: Graph) -> None:
    last_op(graph).module = next(first_call(graph).callee.ops).module


def module_of_two_ops(graph: Graph) -> None:
    conv = next(node for node in graph.main.ops if node.op.name == "conv")
    last_op(graph).module = conv.module


def module_of_two_functions_called(graph: Graph) -> None:
    first, second = graph.main.calls
    second.callee, second.module = copy_function(first.callee), first.module
    conv = next(node for node in second.callee.ops if node.op.name == "conv")
    conv.op = conv.op.replace(bias=False)


def nodes_that_lack_one_backwards(graph: Graph) -> None:
    last = graph.main._last
    assert last is not None and last._previous is not None
    last._previous = last._previous._previous


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (wrong_shape, "its op infers"),
        (lost_use, "the uses of"),
        (value_of_another_function, "the uses of"),
        (value_before_it_is_made, "takes a value that is not made before it"),
        (key_of_two_modules, "two modules of"),
        (family_that_is_a_module, "has families that are modules"),
        (call_without_a_module, "has no module"),
        (call_of_itself, "calls itself"),
        (call_with_too_many_inputs, "and its function takes"),
        (result_without_a_name, "and names 2"),
        (two_results_of_one_name, "results share a name"),
        (head_before_the_result, "is not its result"),
        (result_that_never_runs, "is not computed when it is returned"),
        (condition_of_another_function, "compares values that are not its own"),
        (condition_of_a_removed_node, "compares values that are not its own"),
        (call_of_an_empty_function, "runs a function that does nothing"),
        (output_of_another_node, "is not its own"),
        (op_with_two_outputs, "and its op infers"),
        (module_of_two_functions, "is in block basic and in network"),
        (module_of_two_ops, "is not the same in every application"),
        (module_of_two_functions_called, "is not the same in every application"),
        (nodes_that_lack_one_backwards, "are not the same backwards"),
    ],
)
def test_a_broken_graph_is_refused(break_it: Callable[[Graph], None], message: str) -> None:
    graph = verify(residual())
    break_it(graph)
    with pytest.raises(InvariantError, match=message):
        verify(graph)


def test_shapes_are_inferred_anew() -> None:
    graph = residual()
    conv = next(node for node in graph.functions()[0].ops if node.op.name == "conv")
    conv.op = op("conv", out=5, k=3)
    with pytest.raises(InvariantError, match="its op infers"):
        verify(graph)
