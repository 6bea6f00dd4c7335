"""Symbolic sizes that meet others where a size of one stretches: joins, `matmul`, and masks and biases of attention."""

from __future__ import annotations

from itertools import product

import pytest
import torch

import archdsl
from archdsl.compiled import Compiled
from archdsl.driver import compile_text
from archdsl.input_sizes import sizes_of

ATTENTION = """
  q: rearrange("c h w -> h w 1 c")
  {of}: {{ image -> {made} -> slice(0..1, axis = 0) -> rearrange("c h w -> h w 1 c") }}
  attend(q, q, q, {of} = {of})"""
WINDOWS = """
  conv(6, 1); even: pad_to(2); mask: window_mask(even, 2, 1); even -> pad(2)
  tokens: rearrange("c (h p) (w q) -> h w 1 (p q) c", p = 2, q = 2)
  attend(tokens, tokens, tokens, mask = mask)"""
FACTORS = """
  a: {{ image -> {one} -> rearrange("c h w -> h w c 1") }}
  b: {{ image -> {other} -> rearrange("c h w -> h w 1 c") }}
  matmul(a, b)"""
BODIES = {
    "mask of one window": WINDOWS,
    "mask": ATTENTION.format(of="mask", made="maxpool([3, 2], ceil = true)"),
    "bias": ATTENTION.format(of="bias", made="conv(3, 3, stride = [2, 1])"),
    "mask of the module": """
      seen: { image -> slice(0..1) -> maxpool([3, 1], ceil = true) -> slice(0..1, axis = 2) -> rearrange("c h w -> h (c w)") }
      q: { image -> mean(axis = 2) -> transpose(0, 1) -> linear(4) }; keys: { q -> slice(0..1) -> linear(4) }
      q -> mha(2, keys, mask = seen)""",
    "larger bias": ATTENTION.format(of="bias", made="pad([1, 0])"),
    "gate": "mul { image; { image -> conv(3, 3, stride = [4, 1]) } }",
    "first factor": FACTORS.format(one="maxpool([2, 1], ceil = true)", other="relu"),
    "second factor": FACTORS.format(one="relu", other="maxpool([1, 3])"),
    "both factors": FACTORS.format(one="maxpool([1, 2])", other="maxpool([2, 1])"),
    "axes that change places": "slice(0..1, axis = 1); a: relu; mul { a; { image -> transpose(1, 2) -> slice(0..3, axis = 2) } }",
    "a sum that is shorter": "mul { { image -> maxpool([2, 1], ceil = true) }; { image -> pad([2, 0]) } }",
}
SIZES = (1, 2, 3, 4, 5, 6, 9)


def checked(body: str, shape: str = "[3, H, W]", size: tuple[int, ...] | None = None) -> Compiled:
    return compile_text(f"network net {{\n  input image {shape}\n  {body}\n}}\n", sizes=sizes_of(size))


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_verdicts_are_those_of_fixed_sizes(body: str) -> None:
    """Each pair of sizes works exactly if the network with these numbers does, whose module runs."""
    compiled = checked(body)
    refused = {found.code for found in compiled.diagnostics if found.is_error}
    assert refused <= {"E0310"}, compiled.diagnostics
    worked = 0
    for h, w in product(SIZES, repeat=2):
        fixed = checked(body, f"[3, {h}, {w}]")
        at = {"H": h, "W": w}
        assert (compiled.ok and compiled.sizes.works(at)) == fixed.ok, (at, fixed.diagnostics)
        if not fixed.ok or compiled.graph is None or fixed.graph is None:
            continue
        worked += 1
        shape = tuple(size if isinstance(size, int) else size.value(at) for size in compiled.graph.result.shape)
        assert shape == fixed.graph.result.shape
        if worked <= 4:
            made = archdsl.loads(fixed.sources[0].text).build().eval()(torch.ones(1, 3, h, w))
            assert made.shape[1:] == shape
    assert compiled.ok == (worked > 0)


def test_a_mask_of_one_window_fits_any_number_of_windows() -> None:
    """The mask stands across the value: its second axis is of the height, and fits where that is a single window."""
    assert [sentence.partition(":")[0] for sentence in checked(WINDOWS, "[3, H, W]").sizes.sentences()] == [
        "H must be at most 2", "W can be any size",
    ]  # fmt: skip
    [error] = [d for d in checked(WINDOWS, "[3, H, W] where H >= 3").diagnostics if d.is_error]
    assert error.code == "E0311" and error.help == "H must be at most 2"


SQUARE = "mul { image; transpose(1, 2) }"
ACROSS = 'q: rearrange("c h w -> h w 1 c"); m: { q -> slice(0..1, axis = -1) -> transpose(0, 1) }; attend(q, q, q, m)'


@pytest.mark.parametrize(("body", "message"), [
    (SQUARE, "W has to be equal to H here, or one of them 1, and no condition can relate W to H"),
    (ACROSS, "H has to be equal to W here, or 1, and no condition can relate H to W"),
])  # fmt: skip
def test_what_is_not_decided_is_told(body: str, message: str) -> None:
    assert [found.message for found in checked(body).diagnostics] == [message]
    for h, w in product((1, 2, 3), repeat=2):
        assert checked(body, size=(3, h, w)).ok == checked(body, f"[3, {h}, {w}]").ok
    assert checked(body, "[3, H, W] where H == 1 and W == 1").ok


NEEDS_A_NUMBER = "flatten; linear(10)"
DEPENDS = "if H > 3 { maxpool(2) }"
OWN_CONDITION = "input other [3, 2 * H, W] where H == W; skip { transpose(1, 2) }"


@pytest.mark.parametrize(("body", "size", "outcome"), [
    (NEEDS_A_NUMBER, (3, 4, 5), (10,)),
    (DEPENDS, (3, 4, 5), (3, 2, 2)),
    (OWN_CONDITION, (3, 4, 4), (3, 4, 4)),
    (OWN_CONDITION, (3, 4, 6), "the network does not work at H = 4 and W = 6: the condition of the input does not hold"),
    (SQUARE, (3, 2, 3), "`mul` joins branches of different shapes: [3, 2, 3], [3, 3, 2]"),
    ("concat { image; maxpool(2) }", (3, 4, 4), "`concat` joins branches of different shapes: [3, 4, 4], [3, 2, 2]"),
    (NEEDS_A_NUMBER, (3, 4), "`image` is [3, H, W], and cannot be 3x4"),
    (NEEDS_A_NUMBER + "; input other [3, N]", (3, 4, 4), "the size does not say what N is"),
])  # fmt: skip
def test_given_sizes_stand_in_for_symbolic_ones(body: str, size: tuple[int, ...], outcome: tuple[int, ...] | str) -> None:
    """What is wrong for symbolic sizes is asked again of the network with numbers, which has no symbolic sizes left."""
    made = checked(body, size=size)
    errors = [found.message for found in made.diagnostics if found.is_error]
    assert not checked(body).ok
    if isinstance(outcome, str):
        assert outcome in errors and made.graph is None
        return
    assert not errors and made.graph is not None and not made.graph.symbols and not made.sizes.work
    assert made.graph.result.shape == outcome


def test_a_stated_condition_decides() -> None:
    """A mask whose axis is one at all stated sizes fits; the condition is then what is needed."""
    body = """q: rearrange("c h w -> h w 1 c")
      m: { image -> slice(0..1) -> maxpool([4, 1], ceil = true) -> slice(0..1, axis = 2) -> rearrange("c h w -> c h w 1") }
      attend(q, q, q, m)"""
    assert [found.code for found in checked(body).diagnostics] == ["E0307"]
    stated = checked(body, "[3, H, W] where H <= 4")
    assert stated.ok and stated.sizes.works({"H": 3, "W": 7}) and not stated.sizes.works({"H": 5, "W": 7})
