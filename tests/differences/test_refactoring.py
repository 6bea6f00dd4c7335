"""A refactored text is the same network: other labels, blocks, loops and orders of arguments give an empty difference."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl.differences import Difference
from archdsl.driver import compile_text
from archdsl.ir import Graph
from tests.differences.programs import Op, Tree, Writer, random_tree, replaced, runs

KERNEL = Op("conv", (("out", 8), ("k", 5), ("bias", "true")))


def graph(trees: tuple[Tree, ...], seed: int) -> Graph:
    """Return the graph of a network, written in a random way."""
    return compile_text(Writer(Random(seed)).network(trees)).require()


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10**6))
def test_a_refactoring_is_no_difference(seed: int) -> None:
    trees = random_tree(Random(seed))
    found = Difference(graph(trees, seed + 1), graph(trees, seed + 2))
    assert found.is_empty, found
    assert found.equal_ops == found.ops[0] == found.ops[1]
    assert not found.keys.misplaced or found.keys.renamed
    assert len(found.keys.renamed) + found.keys.loads >= found.keys.wanted


@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.integers(0, 10**6))
def test_a_change_in_a_refactored_text_is_found_alone(seed: int) -> None:
    """One op more is one change for each run of its place, and a changed argument is one, too."""
    random = Random(seed)
    trees = random_tree(random)
    places = runs(trees)
    place = random.randrange(len(places))
    op, times = places[place]
    assert isinstance(op, Op)
    before = graph(trees, seed + 1)
    more = Difference(before, graph(replaced(trees, place, (op, KERNEL)), seed + 2))
    assert {change.kind for change in more.changes} == {"added"}, more
    assert sum(change.times for change in more.changes) == times
    less = Difference(before, graph(replaced(trees, place, (op, KERNEL)), seed + 1))
    assert sum(change.times for change in less.changes) == times
    if op.name == "gn":
        other = Op("gn", (("groups", 4),))
        found = Difference(before, graph(replaced(trees, place, (other,)), seed + 2))
        assert not found.is_empty
        assert {change.kind for change in found.changes} == {"changed"}, found


BASE = """network n {
  input image [3, 8, 8]
  stem: conv(8, 3) -> bn -> relu
  a: conv(8, 1) -> bn
  [one, other]: split(2)
  add { one; other }
  relu; gap; flatten
  fc: linear(4)
}
"""


@pytest.mark.parametrize(
    ("blocks", "changes"),
    [
        ("", {"stem": "start", "a:": "second:"}),
        ("block unit(k) { conv(8, k) -> bn }\n", {"conv(8, 3) -> bn": "unit(3)", "conv(8, 1) -> bn": "unit(1)"}),
        ("", {"conv(8, 3)": "conv(k = 3, out = 8, stride = 1)"}),
        ("", {"conv(8, 1)": "bottleneck(8)"}),
        ("", {"conv(8, 3)": "conv(8, [3, 3], pad = 1)"}),
        ("", {"a: conv(8, 1) -> bn\n": "conv(8, 1)\n bn\n"}),
        ("", {"split(2)": "split([4, 4])"}),
    ],
)
def test_the_same_in_other_words(blocks: str, changes: dict[str, str]) -> None:
    text = BASE
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    found = Difference(compile_text(BASE).require(), compile_text(blocks + text).require())
    assert found.is_empty, found


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ("skip { conv(8, 3) }", "skip { conv(8, 3) }; skip { conv(8, 1) }", "+  conv(8, 1, bias = true), add after add"),
        ("a: relu; gelu; add { x; a }", "a: relu; gelu; add { x; x }", "~  add: takes a: relu -> 1: gelu"),
        ("conv(8, 3); conv(8, 3)", "module c: conv(8, 3); c; c", "has the weights of 1 -> c"),
        ("aux(weight = 0.3) h: { gap }; relu", "aux(weight = 0.4) h: { gap }; relu", "~  head h: weight 0.3 -> 0.4"),
        ("relu", "aux(weight = 0.4) h: { gap }; relu", "+  head h [8, 1, 1]"),
        ("init { conv = he }; conv(8, 3)", "conv(8, 3)", "~  init: conv he -> nothing"),
        ("conv(8, 3, init = he)", "conv(8, 3)", "init he -> none"),
    ],
)
def test_what_is_a_difference(before: str, after: str, line: str) -> None:
    graphs = [compile_text(f"network n {{ input image [8, 6, 6]; {body} }}").require() for body in (before, after)]
    found = Difference(*graphs)
    assert line in str(found)
    assert not Difference(graphs[1], graphs[0]).is_empty
    assert Difference(graphs[0], graphs[0]).is_identical


def test_of_equal_branches_the_one_of_the_same_name_is_left() -> None:
    """Its weights load under their keys, and no warning says that they belong to another layer."""
    a, b = "{ a: conv(8, 3) -> bn }", "{ b: conv(8, 3) -> bn }"
    for before, after in (
        ("a: conv(8, 3)\n b: conv(8, 3)\n relu", "b: conv(8, 3)\n relu"),
        (f"add {{ {a}; {b} }}", b),
        (f"add {{ {a}; {b}; gelu }}", f"add {{ {b}; gelu }}"),
    ):
        texts = [f"network n {{ input image [8, 6, 6]\n {body} }}" for body in (before, after)]
        found = Difference(*[compile_text(text).require() for text in texts])
        assert not found.keys.renamed and not found.keys.misplaced and found.keys.loads == found.keys.wanted, found
        assert {change.kind for change in found.changes} <= {"removed", "repeated"}, found
