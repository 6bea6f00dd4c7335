"""Sizes that are suggested where fixed ones fail at a join: each works, and none between it and the declared one does."""

from __future__ import annotations

from random import Random

import pytest

from archdsl.diagnostics import Diagnostic
from archdsl.diagnostics.fixes import edited
from archdsl.driver import compile_text
from archdsl.limits import Limits
from archdsl.session import Session

TEXT = "network n {{\n  input image [3, {}, {}]\n  {}\n}}\n"


def found_in(height: int, width: int, body: str) -> list[Diagnostic]:
    return [found for found in compile_text(TEXT.format(height, width, body)).diagnostics if found.is_error]


def body_of(rng: Random) -> str:
    """A network with one to three levels, whose two sides meet at each."""
    inner = "conv(3, 3)"
    for _ in range(rng.randint(1, 3)):
        k = rng.choice([2, 2, 3, 4])
        down = rng.choice(
            [f"maxpool({k})", f"maxpool({k}, ceil = true)", f"conv(3, {k + 1}, stride = {k})", f"avgpool([{k}, 1])"]
        )
        up = f"upsample([{k}, 1])" if "[" in down else f"upsample({k})"
        pad = rng.choice(["", "", "conv(3, 3, pad = 0) -> pad(1) -> "])
        join = rng.choice(["skip {{ {} }}", "add {{ x; {{ {} }} }}", "concat {{ x; {{ {} }} }} -> conv(3, 1)"])
        inner = join.format(f"{down} -> {pad}{inner} -> {up}")
    return inner


@pytest.mark.parametrize("seed", range(24))
def test_a_suggestion_works_and_is_the_next(seed: int) -> None:
    rng = Random(seed)
    body, height, width = body_of(rng), rng.randint(24, 70), rng.randint(24, 70)
    errors = found_in(height, width, body)
    if not errors:
        return
    fix = errors[0].fix
    if fix is None:
        assert all(found_in(h, width, body) for h in range(height, height + 40)), (body, height, width)
        return
    after = edited(TEXT.format(height, width, body), fix.edits)
    assert compile_text(after).ok, fix.text
    shape = compile_text(after).require().inputs[0].shape
    assert all(found_in(h, shape[2], body) for h in range(height, shape[1]))
    assert all(found_in(shape[1], w, body) for w in range(width, shape[2]))


def test_no_suggestion_beyond_the_budget() -> None:
    body = "concat { image; maxpool(2) -> upsample(2) }"
    text = TEXT.format(33, 33, body)
    steps = compile_text(text).steps
    (error,) = compile_text(text, session=Session(Limits(steps=2 * steps))).diagnostics
    assert "input image" not in (error.help or "")
    (error,) = compile_text(text, session=Session(Limits(steps=4 * steps))).diagnostics
    assert "input image [3, 34, 34]" in (error.help or "")


def test_names_that_are_no_values_are_no_labels() -> None:
    (error,) = found_in(33, 33, "concat { double; maxpool(2) -> upsample(2) }\n}\nblock double { conv(3, 3)")
    assert error.help == "even sizes work: `input image [3, 34, 34]`"


@pytest.mark.parametrize(("size", "body", "written"), [
    (34, "concat { conv(8, 3, stride = 2); maxpool(3, stride = 2) }", "maxpool(3, stride = 2, ceil = true)"),
    (33, "concat { conv(8, 3, stride = 2); { conv(4, 1) -> maxpool(2) -> bn -> relu } }", "maxpool(2, ceil = true)"),
    (33, "concat { conv(8, 3, stride = 2); low: { maxpool(2); conv(4, 1) } }", "maxpool(2, ceil = true)"),
    (66, "maxpool(2); concat { conv(8, 3, stride = 2); maxpool(2) }", "maxpool(2, ceil = true)"),
    (36, "maxpool(2); skip { maxpool(3, stride = 2) } via { conv(3, 1, stride = 2) }", "maxpool(3, stride = 2, ceil = true)"),
])  # fmt: skip
def test_the_pool_that_rounds_down(size: int, body: str, written: str) -> None:
    (error,) = found_in(size, size, body)
    assert error.fix is not None and error.fix.text.startswith(f"one side rounds up, and the other down: write `{written}`")
    assert compile_text(edited(TEXT.format(size, size, body), error.fix.edits)).ok
