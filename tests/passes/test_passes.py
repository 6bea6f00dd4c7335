"""Every pass keeps the graph sound, establishes what it says, and preserves the rest, on every network that comes along."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from archdsl.analysis import decide_sizes
from archdsl.driver import Program, compile_networks
from archdsl.elaborate import elaborate, read_source
from archdsl.ir import Call, Graph, Usage, copy_graph, flatten, state, verify
from archdsl.passes import INFERENCE_PASSES, PASSES, SIZE_PASSES, Fact, Pass, run_passes
from archdsl.passes.fold_batch_norm import fold_batch_norm
from archdsl.passes.share_functions import share_functions
from archdsl.resources import shipped_files
from archdsl.session import Session
from archdsl.shapes import SymbolicSize
from archdsl.sizes import simplified
from archdsl.source import SourceFile

ALL = (*PASSES, *SIZE_PASSES, *INFERENCE_PASSES)


def _shared(graph: Graph) -> bool:
    before = len(graph.functions())
    return len(share_functions(graph).functions()) == before


def _usage(graph: Graph) -> bool:
    needed: dict[int, Usage] = {}
    flat = flatten(graph)
    for result, number in zip(graph.results, flat.outputs, strict=True):
        _need(needed, number, Usage.TRAINING if result.kind == "head" else Usage.ALWAYS)
    for node in reversed(flat.nodes):
        usage = needed.get(node.outputs[0], Usage.NEVER)
        if node.usage is not usage:
            return False
        for number in node.inputs if usage is not Usage.NEVER else ():
            _need(needed, number, usage)
    return True


def _need(needed: dict[int, Usage], number: int, usage: Usage) -> None:
    if needed.get(number) is not Usage.ALWAYS:
        needed[number] = usage


def _bias(graph: Graph) -> bool:
    return all(getattr(node.op, "bias", None) != "auto" for function in graph.functions() for node in function.ops)


def _simple(graph: Graph) -> bool:
    sizes = {size for function in graph.functions() for value in function.values for size in value.shape}
    return all(str(size) == simplified(size, graph.valid_sizes) for size in sizes if isinstance(size, SymbolicSize))


def _evaluation(graph: Graph) -> bool:
    nodes = [node for function in graph.functions() for node in function.ops]
    return not graph.heads and all(node.usage is Usage.ALWAYS and node.op.in_evaluation() is node.op for node in nodes)


def _folded(graph: Graph) -> bool:
    return not fold_batch_norm(copy_graph(graph)).folded


HOLDS: dict[Fact, Callable[[Graph], bool]] = {
    Fact.SHARED: _shared, Fact.USAGE: _usage, Fact.BIAS: _bias, Fact.SIMPLE_SIZES: _simple,
    Fact.EVALUATION: _evaluation, Fact.FOLDED: _folded,
    Fact.VALID_SIZES: lambda graph: all(
        size.symbol in graph.valid_sizes for value in graph.inputs for size in value.shape if isinstance(size, SymbolicSize)
    ),
}  # fmt: skip


def test_each_fact_has_a_check() -> None:
    assert HOLDS.keys() == set(Fact)


def test_requirements_are_established_before() -> None:
    known: set[Fact] = set()
    for group in (PASSES, SIZE_PASSES, INFERENCE_PASSES):
        for one in group:
            assert one.requires <= known, one.name
            known = (known & one.preserves) | {one.establishes}
        known.add(Fact.VALID_SIZES)
    assert known == set(Fact)


@pytest.mark.parametrize("most", [1, pytest.param(100, marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("path", shipped_files(), ids=lambda path: path.stem)
def test_each_pass_on_networks_of_every_spec(path: Path, most: int) -> None:
    for graph in islice(_elaborated(path), most):
        verify(graph)
        known: set[Fact] = set()
        for one in ALL:
            if one in SIZE_PASSES and Fact.VALID_SIZES not in known:
                sizes = decide_sizes(graph)
                graph.valid_sizes, graph.coupled_sizes = dict(sizes.work), [tie.sizes for tie in sizes.couplings]
                known.add(Fact.VALID_SIZES)
            graph = _checked(one, graph, known)
            known = (known & one.preserves) | {one.establishes}


def _checked(one: Pass, graph: Graph, known: set[Fact]) -> Graph:
    """Run a pass, and hold it to what it says."""
    before = None if one in INFERENCE_PASSES else _meaning(graph)  # those change ops: tests/backends/torch/test_optimized.py
    assert all(HOLDS[fact](graph) for fact in one.requires)
    graph = verify(one.run(graph))
    for fact in {*(known & one.preserves), one.establishes}:
        assert HOLDS[fact](graph), f"{one.name}: {fact}"
    assert before is None or before[:2] == _meaning(graph)[:2]
    return graph


def _meaning(graph: Graph) -> tuple[Any, ...]:
    flat = flatten(graph)
    return [(node.path, node.op.name, node.inputs, node.outputs) for node in flat.nodes], flat.outputs, state(graph)


def _elaborated(path: Path) -> Iterator[Graph]:
    session = Session()
    source = read_source(path)
    assert isinstance(source, SourceFile)
    for network, _, _ in compile_networks(path):
        module = Program(path.parent, session).module(source, path)
        yield elaborate(module, module.definitions[network.name], {}, session).graph


def test_equal_groups_share_a_function() -> None:
    graph = run_passes(next(_networks("for i in 0..3 { g[i]: { conv(8, 3) -> bn } }")))
    assert len(graph.functions()) == 2


def test_an_output_that_one_call_needs_keeps_no_bias_in_another() -> None:
    """`b.c1` is read before its norm, `a.c1` is not: the functions of both calls differ in the bias."""
    body = "a: f(4); b: f(4); concat { b.c1; x }"
    graph = run_passes(next(_networks(body, "block f(w) { c1: conv(w, 3); bn }")))
    biases = [flat.op.bias for flat in flatten(graph).nodes if flat.op.name == "conv"]
    assert biases == [False, True]


def test_a_function_is_copied_where_its_calls_need_different_parts() -> None:
    graph = run_passes(next(_networks("a: f(8); aux h: f(8)", "block f(w) { conv(w, 3); bn }")))
    usages = {call.usage: {node.usage for node in call.callee.nodes} for call in _calls(graph)}
    assert usages == {Usage.ALWAYS: {Usage.ALWAYS}, Usage.TRAINING: {Usage.TRAINING}}


def _calls(graph: Graph) -> list[Call]:
    return [call for call in graph.main.calls if call.callee.name == "f"]


@cache
def _session() -> Session:
    return Session()


def _networks(body: str, before: str = "") -> Iterator[Graph]:
    source = SourceFile("<text>", f"{before}\nnetwork n {{ input image [8, 16, 16]; {body} }}")
    module = Program(None, _session()).module(source, None)
    elaboration = elaborate(module, module.definitions["n"], {}, _session())
    assert elaboration.ok
    yield elaboration.graph
