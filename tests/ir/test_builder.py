"""Building graphs without any source text: functions, captured and exported values, shared modules, backends."""

from __future__ import annotations

import pytest

from archdsl.analysis import Costs, layer_table
from archdsl.backends.diagram import build_diagram
from archdsl.backends.torch.emit import emit
from archdsl.diagnostics import SpecError
from archdsl.ir import Call, GraphBuilder, Module, flatten, state, verify
from archdsl.passes import run_passes
from tests.ir.graphs import op, residual


def test_equal_calls_share_a_function() -> None:
    graph = verify(residual(5))
    assert [function.name for function in graph.functions()] == ["basic", "residual"]
    assert len({call.callee for call in graph.main.calls}) == 1 and len(list(graph.main.calls)) == 5
    assert list(state(graph))[:2] == ["0.conv.weight", "0.conv.bias"]
    assert sum(node.op.name == "conv" for node in flatten(graph).nodes) == 6


def test_what_reads_graphs_needs_no_source() -> None:
    graph = verify(run_passes(residual()))
    assert "class Basic(nn.Module)" in emit(graph)
    assert [row.name for row in layer_table(graph).rows][:3] == ["image", "0.conv", "0.1"]
    assert [frame.title for frame in build_diagram(graph).frames] == ["0–1 · basic ×2", "side"]
    counts = Costs().counts(graph.main)
    assert (counts.params, counts.params_eval, counts.depth) == (2 * (4 * 4 * 9 + 8) + 5, 2 * (4 * 4 * 9 + 8) + 5, 3)


def test_a_value_from_outside_is_captured_at_every_level() -> None:
    builder = GraphBuilder("net")
    image = builder.input("image", (4, 8, 8))
    early = builder.op(op("relu"), image, key=("early",), name="early")
    builder.begin("outer", "group")
    builder.begin("inner", "group")
    inner = builder.op(op("add"), builder.op(op("relu"), image, key=("0",)), early)
    middle = builder.end(inner, key=("inner",))
    assert middle is not None
    outer = builder.end(builder.op(op("add"), middle, early), key=("outer",))
    assert outer is not None
    graph = verify(builder.finish(outer))
    (call,) = graph.main.calls
    assert [value.name for value in call.callee.inputs] == ["image", "early"]
    assert [value.name for value in next(call.callee.calls).callee.inputs] == ["image", "early"]


def test_a_value_from_inside_is_exported_once() -> None:
    builder = GraphBuilder("net")
    image = builder.input("image", (4, 8, 8))
    builder.begin("part", "group")
    first = builder.op(op("relu"), image, key=("0",))
    result = builder.end(builder.op(op("relu"), first, key=("1",)), key=("part",))
    assert result is not None
    twice = builder.op(op("add"), builder.op(op("add"), result, first), first)
    graph = verify(builder.finish(twice))
    (call,) = graph.main.calls
    assert len(call.outputs) == len(call.callee.outputs) == 2


def test_a_function_that_does_nothing_leaves_no_call() -> None:
    builder = GraphBuilder("net")
    image = builder.input("image", (4, 8, 8))
    builder.begin("empty", "group")
    result = builder.end(image, key=("empty",))
    assert result is image and not list(builder.finish(image).main.nodes)


def test_a_function_that_was_given_up_leaves_nothing() -> None:
    builder = GraphBuilder("net")
    image = builder.input("image", (4, 8, 8))
    builder.begin("part", "group")
    builder.op(op("relu"), image, key=("0",))
    builder.discard()
    assert not list(verify(builder.finish(image)).main.nodes)


def test_one_module_applied_twice_has_one_key_and_counts_once() -> None:
    builder = GraphBuilder("net")
    image = builder.input("image", (4, 8, 8))
    shared, conv = Module(("tower",), labelled=True), op("conv", out=4, k=3)
    x = builder.op(conv, builder.op(conv, image, module=shared), module=shared)
    graph = verify(run_passes(builder.finish(x)))
    assert list(state(graph)) == ["tower.weight", "tower.bias"]
    counts = Costs().counts(graph.main)
    assert counts.params == 4 * 4 * 9 + 4 and counts.macs == 2 * 4 * 4 * 9 * 64 and counts.depth == 2
    assert emit(graph).count("nn.Conv2d(") == 1


def test_an_op_that_does_not_fit_is_refused() -> None:
    builder = GraphBuilder("net")
    image = builder.input("image", (4, 8, 8))
    with pytest.raises(SpecError):
        builder.op(op("linear", out=4), image, key=("0",))
    with pytest.raises(SpecError):
        builder.op(op("conv", out=4, k=3), builder.input("tokens", (4, 8), "int"), key=("0",))


def test_a_network_may_be_its_input() -> None:
    builder = GraphBuilder("net")
    graph = verify(run_passes(builder.finish(builder.input("image", (4, 8, 8)))))
    assert graph.result is graph.inputs[0] and not [node for node in graph.main.nodes if isinstance(node, Call)]
