"""A graph as text."""

from archdsl.ir import print_graph
from archdsl.passes import run_passes
from tests.ir.graphs import residual


def test_a_graph_is_readable() -> None:
    assert print_graph(run_passes(residual())) == TEXT


TEXT = """\
network residual(%image: [4, 8, 8]) -> [4, 8, 8], [4], [1, 8, 8]
  %1: [4, 8, 8] = 0: basic#1(%image)
  %2: [4, 8, 8] = 1: basic#1(%1)
  %3: [4, 1, 1] = side.0: gap(%2)  # training only
  %4: [4] = side.1: flatten(%3)  # training only
  %5: [1, 8, 8] = mask: conv<out = 1, k = 1, bias = true>(%2)
  %6: [4, 8, 8] = last: relu(%2)
  return %6, side: %4 (head), mask: %5 (output)

block basic#1<width = 4>(%image: [4, 8, 8]) -> [4, 8, 8]
  %1: [4, 8, 8] = conv: conv<out = 4, k = 3, bias = false>(%image)
  %2: [4, 8, 8] = 1: bn(%1)
  %3: [4, 8, 8] = add(%2, %image)
  return %3
"""
