"""`Op.divisions`: a known size that does not divide is an error, a symbolic one a condition with its reason."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest

from archdsl.analysis import decide_sizes
from archdsl.diagnostics import SpecError
from archdsl.ir import Graph, GraphBuilder
from archdsl.ops.activation import Relu
from archdsl.ops.base import Division, Op
from archdsl.shapes import Dim, Shape, symbolic_size


class Quarters(Relu):
    """An op that needs each size but the channels to be a multiple of four."""

    def divisions(self, *inputs: Shape) -> list[Division]:
        """Return the sizes, each with four."""
        return [Division(size, 4, f"quarters of {size}", "choose a multiple of 4") for size in inputs[0][1:]]


H, W = symbolic_size("H"), symbolic_size("W")


def applied(*shape: Dim, op: Op | None = None, others: Shape = ()) -> Graph:
    """Return a graph that applies an op to an input of this shape; `others` are sizes of another input."""
    builder = GraphBuilder("net")
    value = builder.input("image", shape)
    if others:
        builder.input("sizes", others)
    return builder.finish(builder.op(op or Quarters(), value))


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
        "W must be even:\n  `relu` needs 2*W to be a multiple of 4",
    ]
    assert [h for h in range(1, 20) if verdict.works({"H": h, "W": 2})] == [4, 8, 12, 16]


def test_a_size_that_never_divides_is_refused() -> None:
    [error] = decide_sizes(applied(3, 4 * symbolic_size("H") + 2, 4)).diagnostics
    assert (error.code, error.summary()) == ("E0310", "no H works: `relu` needs 4*H + 2 to be a multiple of 4")


class Halves(Relu):
    """An op that needs its last size to be even."""

    def divisions(self, *inputs: Shape) -> list[Division]:
        """Return the last size with two."""
        return [Division(inputs[0][-1], 2, "halves")]


@pytest.mark.parametrize(("op", "size", "works"), [
    (Halves(), H * W, lambda h, w: h * w % 2 == 0), (Halves(), H * W + 2, lambda h, w: h * w % 2 == 0),
    (Halves(), 2 * H * W, lambda h, w: True), (Halves(), 6 * (H // 3) * W, lambda h, w: h >= 3),
    (Quarters(), 6 * H * W, lambda h, w: h * w % 2 == 0), (Quarters(), 4 * H * W, lambda h, w: True),
])  # fmt: skip
def test_products_are_decided_for_primes(op: Relu, size: Dim, works: Callable[[int, int], bool]) -> None:
    verdict = decide_sizes(applied(3, size, op=op, others=(H, W)))
    assert not verdict.diagnostics
    for h, w in product(range(1, 9), repeat=2):
        assert verdict.works({"H": h, "W": w}) == works(h, w), (h, w)


def test_a_multiple_of_four_of_a_product_is_refused() -> None:
    [error] = decide_sizes(applied(3, H * W, others=(H, W))).diagnostics
    assert (error.code, error.summary()) == ("E0307", "H*W has to be a multiple of 4 here, and no condition can relate H to W")
    assert error.remedy() == "state a condition on one of them: `where H % 4 == 0`"
