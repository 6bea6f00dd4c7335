"""The checker against PyTorch over random programs: a fixed lot, and what hypothesis finds."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from archdsl.analysis import layer_table, symbolic_sizes
from archdsl.analysis.size_requirements import Requirement, requirements
from archdsl.backends.torch.instantiate import build
from archdsl.driver import compile_text
from archdsl.ir import Graph
from archdsl.ops import convolution, pooling
from archdsl.ops.base import window_output
from tests.attack import text
from tests.fuzz.shapes import disagreement, program_of, run


@pytest.mark.parametrize("programs", [200, pytest.param(5_000, marks=pytest.mark.exhaustive)])
def test_random_programs(programs: int) -> None:
    """Every size that is let through runs, none that is refused does, and all shapes are as predicted."""
    summary = run(1, programs=programs, modules_every=10)
    assert not summary.found, "\n".join(summary.found)
    least = {"accepted": 0.4, "E0310": 0.04, "E0311": 0.03}
    assert all(summary.outcomes[outcome] > share * programs for outcome, share in least.items())


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 1 << 60))
def test_any_program(seed: int) -> None:
    assert disagreement(program_of(seed), Random(seed)) is None


def _careless(requirement: Requirement) -> bool:
    return "needs" not in requirement.reason


@pytest.mark.parametrize(("owner", "name", "mistake"), [
    (pooling, "window_output", lambda *a, ceil=False, **b: window_output(*a, **b) + (1 if ceil else 0)),
    (symbolic_sizes, "requirements", lambda graph, old=requirements: filter(_careless, old(graph))),
    (symbolic_sizes, "requirements", lambda graph, old=requirements: (q for q in old(graph) if q.join is None)),
    (symbolic_sizes, "requirements", lambda graph, old=requirements: (q for q in old(graph) if "leaves" not in q.reason)),
    (convolution.UpConv, "infer", lambda self, *inputs,
     old=convolution.UpConv.infer: (*old(self, *inputs)[:-1], old(self, *inputs)[-1] + 1)),
], ids=["ceil", "needs", "joins", "nothing left", "transposed"])  # fmt: skip
def test_planted_mistakes_are_found(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, mistake: Callable[..., Any]) -> None:
    monkeypatch.setattr(owner, name, mistake)
    for index in range(200):
        if disagreement(program_of(index), Random(index), modules=False) is not None:
            return
    raise AssertionError("the mistake was not found in 200 programs")


def inputs_of(graph: Graph) -> list[torch.Tensor]:
    types = [{"int": torch.long, "bool": torch.bool, "float": torch.float}[value.dtype] for value in graph.inputs]
    return [torch.empty(1, *v.shape, device="meta", dtype=t) for v, t in zip(graph.inputs, types, strict=True)]


@pytest.mark.parametrize("programs", [120, pytest.param(2_000, marks=pytest.mark.exhaustive)])
def test_fixed_sizes_and_costs(programs: int) -> None:
    """Shapes, parameters and multiply-accumulates of networks of fixed sizes are those of the module that is built."""
    compared = 0
    for index in range(programs):
        program = program_of(index, fixed=True)
        source = text.program(program)
        graph = compile_text(source).graph
        if graph is None or len(list(graph.main.nodes)) < 2:
            continue
        assert disagreement(program, Random(index), modules=False) is None
        module = build(graph, "meta").eval().requires_grad_(False)
        table = layer_table(graph)
        rows = sum(row.params * row.times for row in table.rows)
        assert table.params == sum(p.numel() for p in module.parameters()) == rows, source
        counter = FlopCounterMode(display=False)
        with counter, torch.no_grad():
            module(*inputs_of(graph))
        assert table.macs == counter.get_total_flops() / 2, source
        compared += 1
    assert compared > programs / 5
