"""Large networks: what differs is found in a time that grows with their size, and unlike ones give a summary."""

from __future__ import annotations

from collections.abc import Sequence
from time import process_time

from archdsl.differences import Difference
from archdsl.driver import compile_text
from archdsl.ir import Graph

WIDTHS = [8 + (7 * i) % 48 for i in range(1000)]


def chain(widths: Sequence[int]) -> Graph:
    """Return a network with a convolution of each width."""
    body = "\n".join(f"conv({width}, 3) -> relu" for width in widths)
    return compile_text(f"network net {{ input image [3, 8, 8]\n{body} }}").require()


def test_a_layer_among_a_thousand() -> None:
    before = chain(WIDTHS)
    changed = Difference(before, chain([*WIDTHS[:500], 77, *WIDTHS[501:]]))
    assert [change.text for change in changed.changes] == [f"conv({WIDTHS[500]}, 3, bias = true): out {WIDTHS[500]} -> 77"]
    more = Difference(before, chain([*WIDTHS[:300], 77, *WIDTHS[300:]]))
    assert [(change.sign, change.text) for change in more.changes] == [("+", "conv(77, 3, bias = true), relu after relu")]


def test_a_thousand_other_layers() -> None:
    before, after = chain(WIDTHS), chain([width + 60 for width in WIDTHS])
    begun = process_time()
    found = Difference(before, after)
    text = str(found)
    assert process_time() - begun < 10
    assert text.splitlines()[1] == "too different to list: 1,000 ops are equal, of 2,000 and 2,000; 49 changes"
    assert len(text.splitlines()) <= 10


def test_hundreds_of_blocks() -> None:
    block = "block unit(k) { skip { conv(3, k) -> bn -> relu -> conv(3, 3) }; relu }\n"
    nets = [
        compile_text(f"{block}network net {{ input image [3, 8, 8]; repeat {times} {{ unit({k}) }} }}").require()
        for times, k in ((500, 3), (400, 3), (300, 5))
    ]
    assert [str(change.text) for change in Difference(nets[0], nets[1]).changes] == ["unit ×500 -> ×400"]
    both = Difference(nets[0], nets[2]).changes
    assert [(change.home, change.text) for change in both] == [
        ("unit ×300", "conv(3, 3, bias = false): k 3 -> 5"), ("", "unit ×500 -> ×300"),
    ]  # fmt: skip
