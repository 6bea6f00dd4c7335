"""Inserting, replacing and removing nodes, without renumbering."""

from __future__ import annotations

import pytest

from archdsl.backends.torch.emit import emit
from archdsl.ir import (
    Call,
    Claim,
    Condition,
    GraphBuilder,
    InvariantError,
    OpNode,
    copy_function,
    copy_graph,
    print_graph,
    remove_empty_calls,
    verify,
)
from archdsl.passes import run_passes
from tests.ir.graphs import op, residual


def test_insert_and_take_over_the_uses() -> None:
    graph = residual()
    (first, _) = graph.main.calls
    made = OpNode(op("relu"), [first.output])
    graph.main.insert_after(first, made)
    relu = made.add_output(first.output.shape)
    for user, position in [use for use in first.output.uses if use.user is not made]:
        user.replace_input(position, relu)  # type: ignore[union-attr]
    assert [node.__class__ for node in graph.main.nodes][:3] == [Call, OpNode, Call]
    verify(graph)


def test_replace_a_node() -> None:
    graph = residual()
    last = next(node for node in graph.main.ops if node.op.name == "relu")
    new = OpNode(op("gelu"), last.inputs, last.module)
    new.add_output(last.output.shape)
    graph.main.replace(last, new)
    verify(graph)
    assert graph.result is new.output and last not in list(graph.main.nodes)


def test_remove_a_node() -> None:
    graph = residual()
    basic = graph.functions()[0]
    bn = next(node for node in basic.ops if node.op.name == "bn")
    with pytest.raises(ValueError, match="is in use"):
        bn.remove()
    bn.output.replace_all_uses(bn.inputs[0])
    bn.remove()
    verify(graph)
    assert [node.op.name for node in basic.ops] == ["conv", "add"]


def test_nodes_can_be_removed_while_they_are_walked() -> None:
    graph = residual()
    for node in graph.functions()[0].nodes:
        if isinstance(node, OpNode) and node.op.name != "add":
            node.output.replace_all_uses(node.inputs[0])
            node.remove()
    verify(graph)


def test_conditions_follow_a_replaced_value() -> None:
    graph = residual()
    basic = graph.functions()[0]
    conv, bn, _ = basic.ops
    basic.conditions.append(Condition(8, 8, None, "add", (bn.output, basic.inputs[0])))
    bn.output.replace_all_uses(conv.output)
    bn.remove()
    verify(graph)
    assert basic.conditions[0].sides == (conv.output, basic.inputs[0])


def test_calls_of_empty_functions_go() -> None:
    graph = residual()
    basic = graph.functions()[0]
    basic.claims.append(Claim(None, None))
    for node in basic.ops:
        node.output.replace_all_uses(node.inputs[0])
        node.remove()
    remove_empty_calls(graph)
    verify(graph)
    assert not list(graph.main.calls) and graph.main.claims == [Claim(None, None, empty=True)]


def test_results_follow_a_replaced_value() -> None:
    graph = residual()
    before = graph.result
    before.replace_all_uses(next(graph.main.calls).output)
    assert graph.result is next(graph.main.calls).output and not before.uses
    verify(graph)


def test_copies_share_nothing_that_changes() -> None:
    graph = residual()
    copied = copy_graph(graph)
    assert print_graph(verify(copied)) == print_graph(graph)
    run_passes(copied)
    assert all(node.op.bias == "auto" for f in graph.functions() for node in f.ops if node.op.name == "conv")  # type: ignore[attr-defined]
    function = graph.functions()[0]
    twin = copy_function(function)
    assert {id(node.module) for node in twin.nodes}.isdisjoint({id(node.module) for node in function.nodes if node.module})


def test_what_a_function_only_passes_on_is_taken_from_before_the_call() -> None:
    """The function stays for its head, which is left out of the module without heads."""
    builder = GraphBuilder("net")
    image = builder.input("image", (4, 8, 8))
    builder.begin("staged")
    trunk = builder.op(op("relu"), image, key=("0",))
    side = builder.op(op("conv", out=2, k=1), image, key=("1",))
    staged = builder.end(trunk, key=("staged",))
    assert staged is not None
    builder.head("side", builder.visible(side), 1.0)
    graph = builder.finish(staged)
    relu = next(next(graph.main.calls).callee.ops)
    relu.output.replace_all_uses(relu.inputs[0])
    relu.remove()
    with pytest.raises(InvariantError, match="is used, and is its input"):
        verify(graph)
    remove_empty_calls(graph)
    graph = verify(run_passes(verify(graph)))
    assert graph.result is graph.inputs[0]
    assert len(list(graph.main.calls)) == 1
    assert "return image" in emit(graph, aux=False)
