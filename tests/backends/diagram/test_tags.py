"""Values that are taken in many places are tags with a name, and no other value is.

python -m tests.backends.diagram.test_tags --programs 1000 --seed 1
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from random import Random
from typing import get_args

import pytest

from archdsl.addresses import shipped_networks
from archdsl.backends.diagram import Box, Diagram, Format, Frame, Kind, Level, build_diagram, place, render
from archdsl.backends.diagram.theme import THEMES
from archdsl.differences.compare import Difference
from archdsl.differences.picture import difference_picture, marked_diagrams
from archdsl.driver import compile_address, compile_text
from tests.backends.diagram.geometry import faults, parser_of_seeds, seeds_of
from tests.backends.diagram.test_geometry import drawings

BLOCKS = """
block unit(width, t) {
  skip { conv(width, 3) -> relu; add(broadcast = true) { x; t -> linear(width) -> reshape([width, 1, 1]) }; conv(width, 3) }
  via { if x.c != width { conv(width, 1) } }
}
"""
CONDITIONAL_U = (
    BLOCKS
    + """
network net {
  input image [3, 32, 32]; input step [16]
  time: { step -> linear(32) -> relu -> linear(32) }
  t: x
  image -> conv(8, 3)
  for i in 0..3 { down[i]: unit(8 * 2^i, t); maxpool(2) }
  middle: unit(64, t)
  for i in reversed(0..3) { upconv(8 * 2^i, 2, stride = 2); concat { down[i]; x }; up[i]: unit(8 * 2^i, t) }
  conv(3, 3)
}
"""
)
"""A U-Net whose blocks all take an embedding."""


def drawn(body: str, level: Level = "blocks", blocks: str = BLOCKS) -> Diagram:
    return build_diagram(compile_text(f"{blocks}\nnetwork net {{\n{body}\n}}", "net").require(), level)


def diagram_of(address: str, level: Level = "blocks") -> Diagram:
    return build_diagram(compile_address(f"specs/{address}").require(), level)


def tags(diagram: Diagram) -> Counter[str]:
    """How often each name stands where a value is taken."""
    sources = {edge.target for edge in diagram.edges}
    return Counter(box.text for box in diagram.boxes if box.kind is Kind.TAG and box.key not in sources)


def origins(diagram: Diagram) -> list[str]:
    """The words of the tags where values come from, in order."""
    sources = {edge.target for edge in diagram.edges}
    return [box.text for box in diagram.boxes if box.kind is Kind.TAG and box.key in sources]


def around(diagram: Diagram, box: Box) -> Frame:
    return next(frame for frame in (diagram.root, *diagram.frames) if box in frame.items)


# -- what has tags --


@pytest.mark.parametrize(("level", "count"), [("blocks", 22), ("full", 22), (0, 9), (1, 22)])
def test_every_block_of_ddpm_takes_the_time_embedding_by_its_name(level: Level, count: int) -> None:
    diagram = diagram_of("ddpm.arch:ddpm", level)
    assert origins(diagram) == ["time_embedding · 512"]
    assert tags(diagram) == {"time_embedding": count}
    keys = {box.key: box for box in diagram.boxes}
    [into] = [edge for edge in diagram.edges if keys[edge.target].kind is Kind.TAG]
    assert sum(edge.source == into.source for edge in diagram.edges) == 1, "no line is left"


def test_positions_and_queries_of_detr() -> None:
    diagram = diagram_of("detr.arch:detr_r50")
    assert tags(diagram) == {"pos": 2, "query_embed": 2, "input_proj": 2}, "positions take the size of the features"
    assert set(origins(diagram)) == {"pos · ⌈H/32⌉·⌈W/32⌉×256", "query_embed · 100×256", "input_proj · 256×⌈H/32⌉×⌈W/32⌉"}
    queries = [box for box in diagram.boxes if box.kind is Kind.TAG and box.text == "query_embed"]
    assert {around(diagram, box).title for box in queries} == {"layers · decoder_layer ×6"}


def test_the_memory_of_a_decoder_has_tags_behind_its_first_layer() -> None:
    """The trunk goes from the encoder to the first layer of the decoder: that line stays."""
    diagram = diagram_of("detr.arch:detr_r50", "full")
    assert tags(diagram) == {"pos": 7, "query_embed": 12, "encoder": 6, "key": 5, "input_proj": 2}
    [memory] = [box for box in diagram.boxes if box.text.startswith("encoder ·")]
    assert around(diagram, memory).title == "transformer", "outside of the layers that the value is of"


USUAL = ("resnet", "densenet", "unet", "googlenet", "fpn", "yolov8", "gpt2", "hrnet", "digits_resnet", "efficientnet")


def specs_without() -> list[pytest.param]:  # type: ignore[valid-type]
    found = [path for path in sorted(set(shipped_networks().values())) if path.stem not in {"ddpm", "detr", "deeplabv3", "fcn"}]
    return [pytest.param(path, id=path.stem, marks=() if path.stem in USUAL else (pytest.mark.exhaustive,)) for path in found]


@pytest.mark.parametrize("path", specs_without())
def test_other_networks_have_none(path: Path) -> None:
    name = next(name for name, where in shipped_networks().items() if where == path)
    graph = compile_address(f"{path}:{name}").require()
    for level in ("blocks", 0, 1):
        assert not any(box.kind is Kind.TAG for box in build_diagram(graph, level).boxes), level


TAKING = "block taker(t) { add(broadcast = true) { conv(8, 3) -> relu; t -> reshape([8, 1, 1]) }; conv(8, 1) }"
HEAD = "input image [8, 8, 8]; input side [8]; t: side -> linear(8)\n"


@pytest.mark.parametrize(
    ("what", "body", "count"),
    [
        ("three blocks", "image; for i in 0..3 { b[i]: { taker(t); conv(8, 3 + 2 * i) } }", 0),
        ("four blocks", "image; for i in 0..4 { b[i]: { taker(t); conv(8, 3 + 2 * i) } }", 4),
        ("one line to a folded frame", "image; for i in 0..9 { b[i]: taker(t) }", 0),
        ("two folded frames", "image; for i in 0..3 { b[i]: taker(t) }; relu; for i in 0..3 { c[i]: taker(t) }", 2),
        ("side by side", "add { for i in 0..6 { b[i]: image -> taker(t) -> conv(8, 3 + 2 * i) } }", 0),
        ("ops of no block", "image; " + "add(broadcast = true) { conv(8, 3); t -> reshape([8, 1, 1]) };" * 6, 0),
        (
            "the start of a run",
            "image -> conv(8, 3); y: x; for i in 0..6 { b[i]: { skip { conv(8, 3) }; relu } }; add { x; y }",
            0,
        ),
    ],
)
def test_what_counts(what: str, body: str, count: int) -> None:
    assert sum(tags(drawn(HEAD + body, blocks=TAKING)).values()) == count, what


DENSE = """
network net {
  input image [4, 8, 8]
  v[0]: conv(4, 3)
  for i in 1..8 { v[i]: { JOIN { for j in 0..i { v[j] } }; conv(4, 3); conv(4, 1) } }
}
"""


@pytest.mark.parametrize("join", ["concat", "add"])
def test_values_of_one_kind_are_lines(join: str) -> None:
    """As the growing concatenation of a DenseNet, or a sum of all before."""
    graph = compile_text(DENSE.replace("JOIN", join), "net").require()
    for level in ("blocks", "full", 0):
        assert not tags(build_diagram(graph, level))


def test_what_cannot_be_joined_stays_a_line() -> None:
    wrong = HEAD + "image; for i in 0..4 { b[i]: { taker(t); conv(8, 3 + 2 * i) } }; c: { conv(8, 3); add { x; t } }"
    graph = compile_text(f"{TAKING}\nnetwork net {{ {wrong} }}", "net").partial
    assert graph is not None
    diagram = build_diagram(graph)
    [join] = [box for box in diagram.boxes if box.failed]
    kinds = {box.key: box.kind for box in diagram.boxes}
    assert sum(tags(diagram).values()) == 4
    assert all(kinds[edge.source] is not Kind.TAG for edge in diagram.edges if edge.target == join.key)
    assert not faults(place(diagram))


# -- names --


def test_tags_of_different_values_have_different_names() -> None:
    pair = "block pair(t) { one: { t -> sin -> linear(8) }; two: { t -> cos -> linear(8) } }"
    take = (
        "block taker(s, t) { add(broadcast = true) { conv(8, 3); s -> reshape([8, 1, 1]); t -> reshape([8, 1, 1]) }; conv(8, 1) }"
    )
    long = "n" * 90
    body = f"""input image [8, 8, 8]; input side [8]; a: pair(side); b: pair(side)
    input {long}a [8]; input {long}b [8]
    image; for i in 0..4 {{ c[i]: {{ taker(a.one, a.two); taker(b.one, b.two); conv(8, 3 + 2 * i) }} }}
    for i in 0..4 {{ d[i]: {{ taker({long}a, {long}b); conv(8, 3 + 2 * i) }} }}"""
    diagram = drawn(body, blocks=f"{pair}\n{take}")
    names = [text.partition(" · ")[0] for text in origins(diagram)]
    assert sorted(names) == sorted(set(names)) and len(names) == 6
    assert set(names) == set(tags(diagram))
    assert {"a.one", "a.two", "b.one", "b.two"} < set(names)
    assert max(map(len, names)) < 40


def test_a_tag_is_named_like_what_it_comes_from() -> None:
    take = "image; for i in 0..4 { b[i]: { taker(VALUE); conv(8, 3 + 2 * i) } }"
    for value, name in (("side", "side"), ("style", "style"), ("t", "t")):
        made = "style: { side -> linear(8) -> relu -> linear(8) }; style: x" if name == "style" else ""
        body = HEAD.replace("t: side", f"{made}; t: side") + take.replace("VALUE", value)
        assert set(tags(drawn(body, blocks=TAKING))) == {name}


# -- where tags stand --


def test_takers_beside_each_other_share_a_tag_and_others_do_not() -> None:
    block = """block cross(memory) {
      tokens: x
      key: memory -> linear(8); value: memory -> linear(8); query: tokens -> linear(8)
      attend(query, key, value); linear(8); add { x; memory } -> ln(axis = -1)
    }"""
    body = "input a [5, 8]; input b [5, 8]\na; for i in 0..4 { c[i]: { cross(b); linear(8 + 8 * (i % 1)); ln(axis = -1) }; relu }"
    diagram = drawn(body, "full", block)
    takers: dict[str, list[str]] = {}
    kinds = {box.key: box for box in diagram.boxes}
    for edge in diagram.edges:
        if kinds[edge.source].kind is Kind.TAG:
            takers.setdefault(edge.source, []).append(kinds[edge.target].text.partition("(")[0])
    assert sorted(takers.values()) == [["add"]] * 4 + [["linear", "linear"]] * 4


def test_a_tag_stands_in_the_frame_of_its_taker() -> None:
    diagram = diagram_of("ddpm.arch:ddpm")
    boxes = {box.key: box for box in diagram.boxes}
    for edge in diagram.edges:
        if boxes[edge.source].kind is Kind.TAG:
            assert around(diagram, boxes[edge.source]) is around(diagram, boxes[edge.target])
            assert not edge.skip and not edge.label


def test_a_conditional_u_is_a_u() -> None:
    drawing = place(build_diagram(compile_text(CONDITIONAL_U, "net").require()))
    assert not faults(drawing)
    bars = [box.key for box in drawing.diagram.boxes if box.kind is Kind.BAR]
    level = [line for line in drawing.lines if line.edge.target in bars and line.points[-2].y == line.points[-1].y]
    assert len(level) == 3 and all(line.edge.skip for line in level)
    image, step = (next(box for box in drawing.diagram.boxes if box.text.startswith(name)) for name in ("image", "step"))
    assert drawing.boxes["result"].left > drawing.boxes[image.key].right
    assert drawing.boxes[step.key].right < drawing.boxes[image.key].left, "the embedding stands beside it"


# -- formats --


@pytest.mark.parametrize("format", get_args(Format))
@pytest.mark.parametrize("direction", ["down", "right"])
def test_every_format_has_tags(format: Format, direction: str) -> None:
    graph = compile_text(CONDITIONAL_U, "net").require()
    drawn = render(graph, format, direction=direction)
    assert format == "pdf" or drawn == render(graph, format, direction=direction)
    count = {"mermaid": rb"tag_\d+\{\{", "dot": rb"tag_\d+\" \[shape=\"hexagon\"", "svg": rb"class=\"box\"><title>time\S*: time"}
    if format in count:
        assert len(re.findall(count[format], drawn)) == 8
    elif format == "tikz":
        assert drawn.count(rb"\textbf{time}") == 8


def test_a_tag_has_another_outline_than_any_box() -> None:
    """A hexagon, so that no colour is needed to tell it apart."""
    svg = render(compile_text(CONDITIONAL_U, "net").require()).decode()
    [tag] = re.findall(r'<g id="[^"]*" class="box"><title>[^<]*: time · 32</title>(.*?)</g>', svg, re.DOTALL)
    assert tag.count("<path") == 1 and "<rect" not in tag
    assert THEMES["light"].edge in tag


def test_differences_have_tags() -> None:
    before = compile_text(CONDITIONAL_U, "net").require()
    after = compile_text(CONDITIONAL_U.replace("middle: unit(64, t)", "middle: unit(64, t); more: unit(64, t)"), "net").require()
    found = Difference(before, after)
    one, other = marked_diagrams(found)
    assert (tags(one), tags(other)) == ({"time": 7}, {"time": 8})
    assert difference_picture(found, "net").count(b": time</title>") == 15


# -- geometry --


def program(seed: int) -> str:
    """A random network of nested blocks, some of which take one of two side values."""
    random = Random(f"tags:{seed}")
    lines = []
    for i in range(random.randint(4, 9)):
        value = random.choice(("s", "t", "t"))
        inner = random.choice(
            (f"unit(8, {value})", f"unit(8, {value}); unit(8, s)", f"a: {{ unit(8, {value}); relu }}; unit(8, t)")
        )
        shape = random.choice(
            ("{}", "{}; conv(8, 1)", "skip {{ {}; conv(8, 1) }}", "conv(8, 3); {}", "concat {{ x; {} }}; conv(8, 1)")
        )
        body = shape.format(f"{{ {inner} }}")
        times = random.choice((1, 1, 1, 3))
        lines.append(f"for j in 0..{times} {{ b{i}[j]: {{ {body} }} }}" if times > 1 else f"b{i}: {{ {body} }}")
    made = random.choice(("s: side -> linear(8)", "s: { side -> linear(8) -> relu -> linear(8) }; s: x"))
    start = random.choice(("image", "image -> conv(8, 3)"))
    inputs = "input image [8, 8, 8]; input side [8]"
    return f"{BLOCKS}\nnetwork net {{\n{inputs}; {made}; t: side\n{start}\n" + "\n".join(lines) + "\n}"


def examined(seeds: range) -> Counter[str]:
    seen: Counter[str] = Counter()
    for seed in seeds:
        for how, drawing in drawings(compile_text(program(seed), "net").require()):
            seen["drawings"] += 1
            seen["tags"] += sum(tags(drawing.diagram).values())
            wrong = faults(drawing)
            assert not wrong, f"seed {seed}, {how}: {wrong[:5]}\n{program(seed)}"
    return seen


def test_random_networks() -> None:
    seen = examined(range(12))
    assert seen["tags"] > seen["drawings"] > 60


def test_a_size_that_several_blocks_take() -> None:
    diagram = build_diagram(compile_address("deeplabv3_resnet50").require())
    tags = [box for box in diagram.boxes if box.kind is Kind.TAG]
    assert [tag.text for tag in tags] == ["image", "image"], "the input is its own tag"
    taken = [edge for edge in diagram.edges if edge.source in {tag.key for tag in tags}]
    assert all(edge.size_only for edge in taken) and len(taken) == 2


if __name__ == "__main__":
    given = parser_of_seeds().parse_args()
    print(dict(examined(seeds_of(given))))
