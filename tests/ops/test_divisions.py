"""`Op.divisions`: a known size that does not divide is an error, a symbolic one a condition with its reason."""

from __future__ import annotations

import pytest

from archdsl.analysis import decide_sizes
from archdsl.diagnostics import SpecError
from archdsl.ir import Graph, GraphBuilder
from archdsl.ops.activation import Relu
from archdsl.ops.base import Division
from archdsl.shapes import Dim, Shape, symbolic_size


class Quarters(Relu):
    """An op that needs each size but the channels to be a multiple of four."""

    def divisions(self, *inputs: Shape) -> list[Division]:
        """Return the sizes, each with four."""
        return [Division(size, 4, f"quarters of {size}", "choose a multiple of 4") for size in inputs[0][1:]]


def applied(*shape: Dim) -> Graph:
    """Return a graph that applies the op to an input of this shape."""
    builder = GraphBuilder("net")
    return builder.finish(builder.op(Quarters(), builder.input("image", shape)))


def test_a_known_size_is_checked() -> None:
    applied(3, 8, 4)
    with pytest.raises(SpecError) as caught:
        applied(3, 8, 6)
    error = caught.value.diagnostic
    assert (error.code, error.summary(), error.remedy()) == ("E0306", "quarters of 6", "choose a multiple of 4")


def test_a_symbolic_size_becomes_a_condition() -> None:
    verdict = decide_sizes(applied(3, symbolic_size("H"), 2 * symbolic_size("W")))
    assert verdict.sentences() == [
        "H must be a multiple of 4:\n  `relu` needs H to be a multiple of 4",
        "W must be a multiple of 2:\n  `relu` needs 2*W to be a multiple of 4",
    ]
    assert [h for h in range(1, 20) if verdict.works({"H": h, "W": 2})] == [4, 8, 12, 16]


def test_a_size_that_never_divides_is_refused() -> None:
    [error] = decide_sizes(applied(3, 4 * symbolic_size("H") + 2, 4)).diagnostics
    assert (error.code, error.summary()) == ("E0310", "no H works: `relu` needs 4*H + 2 to be a multiple of 4")
