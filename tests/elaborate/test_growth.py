"""Twice as much text, or twice as many rounds, take about twice the work; counted in calls, so that every run tells the same."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import pytest

from archdsl.driver import check_text, compile_text

HEAD = "network t {\n  input image [3, 32, 32]\n"
GROWING = {
    "ops": HEAD + "repeat {n} { conv(4, 1) } }",
    "other ops": HEAD + "for i in 0..{n} { conv(i + 1, 1) } }",
    "calls": "block unit(w) { conv(w, 1); relu }\n" + HEAD + "repeat {n} { unit(3) } }",
    "other calls": "block unit(w) { conv(w, 1); relu }\n" + HEAD + "for i in 0..{n} { unit(i + 1) } }",
    "labels": HEAD + 'for i in 0..{n} { "c{i}": conv(3, 1) } }',
    "families": HEAD + "e[0]: relu; for i in 1..{n} { e[i]: conv(3, 1); add { x; e[i - 1] } } }",
    "heads": HEAD + 'for i in 0..{n} { aux "h{i}": { gap; flatten; linear(3) } } }',
    "outputs": HEAD + 'for i in 0..{n} { output "h{i}": conv(3, 1) }; relu }',
    "claims in calls": "block unit(w) { conv(w, 1); relu; expect params > 0 }\nblock two(w) { unit(w) -> unit(w); "
                       "expect depth > 1 }\n"
    + HEAD + "repeat {n} { two(3) } }",
    "mistakes": HEAD + "for i in 0..{n} { if bad { relu } else { conv(worse, 1) } } }",
    "symbolic sizes": "network t { input image [3, H, W]; repeat {n} { conv(3, 3, pad = 0) } }",
    "open joins": "network t { input image [3, H, W]; repeat 4 { maxpool(2) }; repeat 4 { upsample(2) }; repeat {n} "
                  "{ skip { conv(3, 3) } } }",
}  # fmt: skip


def calls(text: str) -> int:
    """How many functions are called to check a text, and to say for which sizes it works."""
    count = 0

    def called(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(called)
    try:
        compile_text(text).sizes.sentences()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("name", GROWING)
def test_the_work_grows_with_the_rounds(name: str) -> None:
    small, large, larger = (calls(GROWING[name].replace("{n}", str(n))) for n in (10, 200, 390))
    assert (larger - small) / (large - small) < 2.2


def test_the_work_grows_with_the_networks() -> None:
    def work(count: int) -> int:
        return calls(
            "".join(f"## One of many\nnetwork n{i} {{ input image [3, 8, 8]; conv({i + 1}, 1) }}\n" for i in range(count))
            + HEAD
            + "relu }"
        )

    small, large, larger = (work(n) for n in (10, 200, 390))
    assert (larger - small) / (large - small) < 2.2


def test_the_networks_of_a_text_share_the_steps() -> None:
    text = "".join(f"network n{i} {{ input image [3, 8, 8]; repeat 25_000 {{ relu }} }}\n" for i in range(9))
    [found] = check_text(text)
    assert (
        found.code == "E0502"
        and found.message == "checking the networks before `n2` took more than 3,000,000 steps, and ends here"
    )
