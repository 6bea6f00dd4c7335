"""Pictures of random networks whose parts are alike, or nearly: all are drawn, and none says what is not so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any, get_args
from xml.etree import ElementTree

import pytest

from archdsl.backends.diagram import Detail, build_diagram, fold, render
from archdsl.driver import compile_text
from tests.fuzz.lookalikes import Lookalikes
from tests.fuzz.pictures import mistakes

PROGRAMS, CHUNKS = 5_000, 20


def found(seeds: range) -> Counter[str]:
    """Draw programs at each level of detail, without layout; what they fold is counted."""
    seen: Counter[str] = Counter()
    for seed in seeds:
        text = Lookalikes(Random(f"lookalikes:{seed}")).text
        graph = compile_text(text).require()
        for detail in get_args(Detail):
            try:
                diagram = build_diagram(graph, detail)
                wrong = mistakes(graph, diagram, detail)
            except Exception as error:
                raise AssertionError(f"seed {seed}, {detail}:\n{text}") from error
            assert not wrong, f"seed {seed}, {detail}: {wrong}\n{text}"
            folded = [frame for frame in diagram.frames if frame.times > 1]
            seen += {f"{detail} folded": bool(folded), "grown": any(f.note for f in folded),
                     "nested": any(f in [*g.frames()] for f in folded for g in folded),
                     "skips": any(edge.skip for edge in diagram.edges), "plain": not folded}  # fmt: skip
    return seen


@pytest.mark.parametrize("chunk", [0, *(pytest.param(chunk, marks=pytest.mark.exhaustive) for chunk in range(1, CHUNKS))])
def test_random_networks_are_drawn(chunk: int) -> None:
    seen = found(range(chunk * PROGRAMS // CHUNKS, (chunk + 1) * PROGRAMS // CHUNKS))
    assert seen["blocks folded"] > 50 and seen["plain"] > 50 and seen["grown"] > 3 and seen["nested"] > 3 and seen["skips"] > 50
    assert not seen["full folded"]


@pytest.mark.parametrize("detail", get_args(Detail))
@pytest.mark.parametrize("seed", range(8))
def test_random_networks_are_laid_out(seed: int, detail: Detail) -> None:
    graph = compile_text(Lookalikes(Random(f"layout:{seed}")).text).require()
    root = ElementTree.fromstring(render(graph, "svg", level=detail))
    titles = [element for element in root.iter() if element.tag.endswith("title")]
    assert len(titles) > len(build_diagram(graph, detail).boxes) / 2


@pytest.mark.parametrize(
    ("owner", "name", "mistake"),
    [
        (fold, "shifted", lambda contents, start, period, at: True),
        (fold.Folder, "_grown", lambda self, contents, start, period: 0),
        (fold, "last_uses", lambda contents, old=fold.last_uses: dict.fromkeys(old(contents), 0)),
        (fold.Folder, "_op", lambda self, node, loose=False: 0),
    ],
)
def test_planted_mistakes_are_found(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, mistake: Callable[..., Any]) -> None:
    monkeypatch.setattr(owner, name, mistake)
    with pytest.raises(AssertionError, match="seed"):
        found(range(500))
