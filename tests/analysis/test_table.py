"""The table of layers: which blocks are folded, and that its rows add up to its totals."""

from __future__ import annotations

import weakref

import pytest

from archdsl import Network, load, loads
from archdsl.analysis import Costs
from archdsl.ir import Graph, flatten

NESTED = """
block gate { mul { x; { gap; squeeze: conv(2, 1); relu; conv(8, 1); sigmoid } } }
block unit(drop = 0.0) { skip(drop = drop) { conv1: conv(8, 3); gate: gate } ; relu }
block stage(n) { repeat n { unit } }
network net {
  input image [8, 6, 6]
  BODY
  gap; flatten; linear(2)
}
"""


def table_of(body: str) -> list[tuple[str, str, int]]:
    network = loads(NESTED.replace("BODY", body))
    adds_up(network)
    return [(row.name, row.op, row.times) for row in network.table().rows]


def adds_up(network: Network) -> None:
    """Each row counted as often as it says."""
    table = network.table()
    assert sum(row.times for row in table.rows) == len(network.graph.inputs) + len(flatten(network.graph).nodes)
    assert sum(row.params * row.times for row in table.rows) == table.params
    evaluated = [row for row in table.rows if row.part == "main"]
    assert sum(row.params * row.times for row in evaluated) == table.params_eval
    if isinstance(table.macs, int):
        assert sum(row.macs * row.times for row in evaluated if isinstance(row.macs, int)) == table.macs
    assert _in_order([row.name for row in table.rows], network.graph)


def _in_order(names: list[str], graph: Graph) -> bool:
    """Whether the rows stand as the nodes do."""
    names_of_ops = (flat.path or flat.node.output.name or "" for flat in flatten(graph).nodes)
    rest = iter([*(value.name for value in graph.inputs), *names_of_ops])
    return all(name in rest for name in names)


@pytest.mark.parametrize(("name", "rows"), [
    ("resnet50", 96), ("seresnet50", 144), ("convnext_tiny", 62), ("efficientnet_b0", 186), ("shakeshake", 112),
    ("googlenet", 216), ("inception_v3", 293), ("resnet50_gn", 96), ("unet", 68), ("resdrop20", 51),
])  # fmt: skip
def test_the_rows_add_up(name: str, rows: int) -> None:
    network = load(name)
    adds_up(network)
    assert len(network.table().rows) == rows


def test_blocks_with_blocks_in_them_are_folded() -> None:
    rows = table_of("repeat 3 { unit }")
    assert rows[1] == ("0.conv1", "conv(8, 3, bias = true)", 3)
    assert ("0.gate.squeeze", "conv(2, 1, bias = true)", 3) in rows and {times for _, _, times in rows[1:10]} == {3}
    assert {times for _, _, times in table_of("a: stage(2); b: stage(2)")[1:10]} == {4}
    assert [times for _, _, times in table_of("a: stage(2); b: stage(3)")][1:20:9] == [2, 3, 1]


def test_blocks_that_differ_inside_are_not() -> None:
    assert {times for _, _, times in table_of("unit; unit(0.1)")} == {1}


def test_probabilities_that_differ_are_a_range() -> None:
    rows = table_of("for i in 1..4 { unit(i / 10) }")
    assert ("0", "droppath(0.1 to 0.3)", 3) in rows
    assert ("0", "droppath(0.25)", 2) in table_of("repeat 2 { unit(0.25) }")


def test_costs_keep_the_ops_that_they_know() -> None:
    """They are known by their id, which another op could get if one was freed."""
    node = next(loads("network n { input image [3, 8, 8]; conv(4, 3) }").graph.main.ops)
    before, costs = weakref.ref(node.op), Costs()
    costs.of(node)
    node.op = node.op.replace(k=1)
    assert before() is not None
    assert costs.of(node).params == 4 * 3 + 4
