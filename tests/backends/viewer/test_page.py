"""The data of the page, and the page as a file; `tests/browser` opens it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from archdsl import loads
from archdsl.analysis import describe
from archdsl.backends.diagram import Level, size
from archdsl.backends.viewer.page import as_json, view_data, viewer_page
from archdsl.diagnostics import SpecError
from archdsl.driver import compile_text
from archdsl.ir import Graph, flatten
from archdsl.loading import load
from archdsl.targets import Options, target
from tests.backends.diagram.test_hostile import HOSTILE, hostile_graph

NETWORKS = ["resnet50", "googlenet", "unet", "specs/vit.arch:vit_b_16", "specs/fpn.arch:resnet18_fpn"]


@pytest.fixture(scope="module")
def graphs() -> dict[str, Graph]:
    return {name: load(name).graph for name in NETWORKS}


def embedded(page: bytes) -> Any:
    found = re.search(r'<script type="application/json" id="network">(.*?)</script>', page.decode())
    assert found is not None and "<" not in found[1]
    return json.loads(found[1])


def expanded(data: dict[str, Any], number: int, paths: tuple[str, ...] = ("",)) -> Iterator[tuple[str, int]]:
    """Yield the path of each op with how often it is there, as the page makes them of the scenes."""
    for part in data["scenes"][number]["parts"]:
        steps, times = part.get("path", []), part.get("times", 1)
        if "scene" in part:
            inner = below(paths, steps[:-1] if part.get("beside") else steps)
            yield from ((path, times * count) for path, count in expanded(data, part["scene"], inner))
        elif part["kind"] not in ("input", "end"):
            yield below(paths, steps)[-1], times


def below(paths: tuple[str, ...], steps: list[tuple[int, str]]) -> tuple[str, ...]:
    for levels, name in steps:
        around = paths[: len(paths) - levels]
        paths = (*around, ".".join(filter(None, (around[-1], name)))) if name else around
    return paths


@pytest.mark.parametrize("name", NETWORKS)
def test_every_op_is_there_under_its_path(graphs: dict[str, Graph], name: str) -> None:
    data = view_data(graphs[name])
    found = list(expanded(data, len(data["scenes"]) - 1))
    nodes = flatten(graphs[name]).nodes
    assert sum(times for _, times in found) == len(nodes)
    assert {path for path, _ in found} <= {node.path for node in nodes}


@pytest.mark.parametrize("name", NETWORKS)
def test_totals_are_those_of_the_table(graphs: dict[str, Graph], name: str) -> None:
    table = load(name).table()
    root = view_data(graphs[name])["scenes"][-1]["parts"]
    own = [part for part in root if not part.get("shared")]
    assert sum(part.get("params", 0) * part.get("times", 1) for part in own) == table.params
    if isinstance(table.macs, int):
        used = [part for part in own if "usage" not in part]
        assert sum(part.get("macs", 0) * part.get("times", 1) for part in used) == table.macs


@pytest.mark.parametrize("name", NETWORKS)
def test_links_lead_down_and_rows_have_everything_once(graphs: dict[str, Graph], name: str) -> None:
    for scene in view_data(graphs[name])["scenes"]:
        count = len(scene["parts"])
        row = {number: i for i, numbers in enumerate(scene["rows"]) for number in numbers}
        assert sorted(number for numbers in scene["rows"] for number in numbers) == list(
            range(-scene["inputs"], count + scene["outputs"])
        )
        assert all(row[source] < row[target] for source, _, target, *_ in scene["links"])


def test_projections_are_marked(graphs: dict[str, Graph]) -> None:
    scenes = view_data(graphs["resnet50"])["scenes"]
    marked = [[link for link in scene["links"] if link[5:] == [1]] for scene in scenes]
    assert [len(links) for links in marked if links] == [2, 2, 2, 2], "to and from the shortcut of each first block"
    for scene, links in zip(scenes, marked, strict=True):
        for link in links:
            assert not link[4] and any("1×1" in scene["parts"][end]["words"][0][0] for end in (link[0], link[2]) if end >= 0)
    assert any(link[4:] == [1] for scene in scenes for link in scene["links"]), "identities are skips"


@pytest.mark.parametrize(("level", "written"), [("blocks", None), ("full", None), (0, 0), (2, 2)])
def test_a_number_is_how_far_the_page_is_unfolded(graphs: dict[str, Graph], level: Level, written: int | None) -> None:
    assert view_data(graphs["resnet50"], level).get("level") == written


def test_equal_blocks_are_one_part() -> None:
    data = view_data(load("resnet152").graph)
    layer3 = next(part for part in data["scenes"][-1]["parts"] if part["words"][0][0] == "layer3")
    first, others = data["scenes"][layer3["scene"]]["parts"]
    assert (first.get("times", 1), others["times"], others["path"], others["last"]) == (1, 35, [[0, "1"]], "35")
    assert first["params"] + 35 * others["params"] == layer3["params"]


def test_the_page_is_small_and_always_the_same() -> None:
    first, second = (viewer_page(load("resnet152").graph) for _ in range(2))
    assert first == second and len(first) < 150_000
    assert b"http://" not in first.replace(b"http://www.w3.org/2000/svg", b"") and b"https://" not in first
    assert target("viewer").write(load("resnet152").graph, "html", Options()) == first


def test_shared_weights_do_not_count_twice() -> None:
    graph = loads("""
network net {
  input image [4, 8, 8]
  module unit: conv(4, 3)
  unit
  relu
  unit
}
""").graph
    data = view_data(graph)
    parts = data["scenes"][-1]["parts"]
    assert [part["kind"] for part in parts][:1] == ["input"]
    cards = [part for part in parts if part.get("params")]
    assert [(card["params"], card["shared"]) for card in cards] == [(148, 1), (148, 1)]
    assert data["scenes"][cards[0]["scene"]]["parts"][0]["params"] == 148, "the card of `unit -> relu`, and the op on it"


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_of_specs_are_data(text: str) -> None:
    page = viewer_page(hostile_graph(text))
    data = embedded(page)
    assert json.loads(as_json(data)) == data
    assert page.count(b"<script") == 2 and b"<svg onload" not in page and b"<IMG" not in page


def test_a_partial_network_has_the_failing_join_with_both_shapes() -> None:
    compiled = compile_text("""
network net {
  input image [3, 8, 8]
  conv(8, 3)
  skip { conv(16, 3) -> relu }
}
""")
    assert compiled.graph is None and compiled.partial is not None
    data = view_data(compiled.partial)
    failed = data["scenes"][-1]["parts"][-1]
    assert failed["kind"] == "failure" and failed["words"][1][0] == "16×8×8 and 8×8×8"
    assert data["facts"] == ["input 3×8×8", "drawn as far as it is known"]


def test_a_frame_with_too_many_parts_is_an_error(graphs: dict[str, Graph], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(size, "MOST_BOXES", 20)
    with pytest.raises(SpecError, match="E0904"):
        viewer_page(graphs["unet"])


def test_every_op_has_a_card_in_full_detail(graphs: dict[str, Graph]) -> None:
    scenes = view_data(graphs["resnet50"], "full")["scenes"]
    assert all("scene" not in part for scene in scenes for part in scene["parts"] if part["kind"] == "card")


def numbered(data: dict[str, Any], number: int, start: int = 0) -> Iterator[tuple[int, str]]:
    """Yield the number of each op of first instances in the flat view, with its text, as the page finds it."""
    for part in data["scenes"][number]["parts"]:
        first = start + part.get("first", 0)
        if "scene" in part:
            yield from numbered(data, part["scene"], first)
        elif part["kind"] not in ("input", "end"):
            yield first, part["spec"]


@pytest.mark.parametrize("name", NETWORKS)
def test_ops_have_their_numbers_in_the_flat_view(graphs: dict[str, Graph], name: str) -> None:
    nodes, data = flatten(graphs[name]).nodes, view_data(graphs[name])
    assert len(data["fieldOf"]) == len(nodes)
    found = dict(numbered(data, len(data["scenes"]) - 1))
    assert found == {number: describe(nodes[number].op) for number in found} and len(found) > len(nodes) / 20


def test_a_frame_has_the_field_of_what_makes_its_output() -> None:
    """Of ResNet-50 after each stage, as Araujo et al. 2019 compute them: 427 in torchvision's form at the end."""
    graph = load("resnet50").graph
    data = view_data(graph)
    frames = [part for part in data["scenes"][-1]["parts"] if part["words"][0][0].startswith("layer")]
    ends = [part["first"] + part["maker"] for part in frames]
    assert [flatten(graph).nodes[end].path for end in ends] == ["layer1.2.8", "layer2.3.8", "layer3.5.8", "layer4.2.8"]
    assert [data["fields"][data["fieldOf"][end]] for end in ends][-1] == "427"
