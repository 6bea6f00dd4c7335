"""What a diagram shows: cards, folded repeats, skips, heads, labels, titles."""

from functools import cache

import pytest

from archdsl.backends.diagram import Box, Diagram, Edge, Frame, Kind, build_diagram
from archdsl.driver import compile_address, compile_text
from archdsl.ir import Graph, Usage, flatten


@cache
def graph_of(address: str) -> Graph:
    return compile_address(f"specs/{address}").require()


@cache
def diagram_of(address: str) -> Diagram:
    return build_diagram(graph_of(address))


def drawn(body: str) -> Diagram:
    return build_diagram(compile_text("network net {\n" + body + "\n}").require())


def titles(diagram: Diagram) -> list[str]:
    return [frame.title for frame in diagram.frames]


def skips(diagram: Diagram) -> list[Edge]:
    return [edge for edge in diagram.edges if edge.skip]


def cards(diagram: Diagram) -> list[str]:
    return [box.text for box in diagram.boxes if box.kind is Kind.CARD]


def test_conv_bn_act_is_one_card() -> None:
    diagram = diagram_of("resnet.arch:resnet18")
    assert "7×7 conv, 64, /2 · bn · relu" in cards(diagram)
    assert cards(diagram)[-2:] == ["gap · flatten", "linear, 1000"]


def test_pre_activation_is_one_card() -> None:
    assert "bn · relu · 3×3 conv, 32" in cards(diagram_of("densenet.arch:densenet121"))


def test_equal_blocks_fold() -> None:
    assert "layer1 · basic ×2" in titles(diagram_of("resnet.arch:resnet18"))
    resnet152 = diagram_of("resnet.arch:resnet152")
    assert "layer3 · bottleneck_block ×36" in titles(resnet152)
    assert "layer3.1–35 · bottleneck_block ×35" in titles(resnet152)


@pytest.mark.parametrize("address", ["resnet.arch:resnet18", "resnet.arch:resnet50", "resnet.arch:resnet152", "resdrop.arch"])
def test_every_op_is_drawn_as_often_as_it_stands_there(address: str) -> None:
    diagram = diagram_of(address)
    assert _ops_drawn(diagram.root) == len(flatten(graph_of(address)).nodes)


def _ops_drawn(item: Box | Frame) -> int:
    return len(item.nodes) if isinstance(item, Box) else item.times * sum(map(_ops_drawn, item.items))


def test_a_dense_block_folds_and_says_how_it_grows() -> None:
    assert "denseblock3 · dense_layer ×24, +32 channels each" in titles(diagram_of("densenet.arch:densenet121"))


def test_loops_without_a_scope_fold_where_their_text_begins() -> None:
    unit = (
        "skip(drop = (j + 1) / 40) { conv(8 * 2^i, 3, stride = 2 if i > 0 and j == 0 else 1) -> bn -> relu -> conv(8 * "
        "2^i, 3) -> bn }"
    )
    unit += " via { if i > 0 and j == 0 { conv(8 * 2^i, 1, stride = 2) } }; relu"
    diagram = drawn(f"input image [8, 32, 32]\nfor i in 0..3 {{\nfor j in 0..18 {{ {unit} }}\n}}")
    assert titles(diagram) == ["×18", "×17", "×17"]
    for frame in diagram.frames:
        assert [box.kind for box in frame.boxes()] == [Kind.FORK, Kind.CARD, Kind.CARD, Kind.JOIN, Kind.CARD]


def test_probabilities_of_folded_instances_are_a_range() -> None:
    assert "3×3 conv, 16 · bn · droppath 0.0093–0.17" in cards(diagram_of("resdrop.arch"))


def test_what_differs_does_not_fold() -> None:
    diagram = drawn("input image [3, 8, 8]\nfor i in 0..5 { conv(8 + i, 3) -> bn -> relu }")
    assert len(cards(diagram)) == 5
    assert not diagram.frames


def test_an_instance_that_feeds_something_else_does_not_fold() -> None:
    body = "input image [8, 8, 8]\nfor i in 0..6 { tap[i]: { conv(8, 3) -> relu -> conv(8, 3) } }\nconcat { x; tap[2] }"
    assert [frame.times for frame in drawn(body).frames if frame.times > 1] == [3, 3]


def test_a_last_instance_that_feeds_something_else_stands_apart() -> None:
    body = "input image [8, 8, 8]\nfor i in 0..6 { tap[i]: conv(8, 3); skip { conv(8, 1) } }\nconcat { x; tap[5] }"
    assert [frame.times for frame in drawn(body).frames if frame.times > 1] == [5]


def test_heads_in_between_keep_instances_apart() -> None:
    block = "skip { conv(8, 3) -> relu -> conv(8, 3) }\n"
    body = f"input image [8, 8, 8]\n{block * 2}aux(weight = 0.5) a: {{ gap; flatten; linear(2) }}\n{block * 2}"
    diagram = drawn(body)
    assert sum(frame.times for frame in diagram.frames if frame.times > 1) == 4


@pytest.mark.parametrize(
    ("address", "count"),
    [
        ("resnet.arch:resnet18", 4),
        ("unet.arch", 4),
        ("vgg.arch:vgg16", 0),
        ("googlenet.arch", 0),
        ("densenet.arch:densenet121", 4),
    ],
)
def test_skips(address: str, count: int) -> None:
    assert len(skips(diagram_of(address))) == count


def test_a_projected_shortcut_is_a_branch() -> None:
    joins = [box for box in diagram_of("digits_resnet.arch").boxes if box.kind is Kind.JOIN]
    edges = diagram_of("digits_resnet.arch").edges
    assert [sum(e.target == join.key and e.skip for e in edges) for join in joins] == [1, 0, 0]


def test_the_same_value_twice_is_two_edges() -> None:
    diagram = drawn("input image [3, 8, 8]\nadd { x; x }")
    assert [edge.skip for edge in diagram.edges] == [False, True, False]


def test_a_skip_starts_in_the_frame_that_it_belongs_to() -> None:
    diagram = diagram_of("resnet.arch:resnet18")
    framed = {box.key for frame in diagram.frames for box in frame.boxes()}
    assert all(edge.source in framed and edge.target in framed for edge in skips(diagram))


def test_branches_side_by_side_have_one_fork_and_no_frame() -> None:
    """A frame around them alone, `a.way`, would push the trunk aside."""
    ways = "for i in 0..3 { way[i]: conv(8, 3) -> relu }; way[3]: { gap; conv(8, 1); resize_like(before) }"
    more = "; ".join(f"conv({i + 8}, 3)" for i in range(9))
    diagram = drawn(f"input image [3, 8, 8]; {more}; a: {{ before: x; concat {{ {ways} }}; conv(4, 1) }}; {more}")
    assert titles(diagram) == ["a", "way.3"]
    outer, inner = [edge for edge in diagram.edges if edge.target.startswith("fork_")][::-1]
    assert inner.source == outer.target and len([edge for edge in diagram.edges if edge.source == outer.target]) == 4


def test_heads_are_marked() -> None:
    diagram = diagram_of("googlenet.arch")
    heads = [box for box in diagram.boxes if box.kind is Kind.HEAD]
    assert [box.text for box in heads] == ["aux1 loss × 0.3 · training only", "aux2 loss × 0.3 · training only"]
    assert all(box.usage is Usage.TRAINING for box in heads)
    (frame,) = [frame for frame in diagram.frames if frame.title == "aux1 · head"]
    assert {box.usage for box in frame.boxes()} == {Usage.TRAINING}
    assert all(edge.usage is Usage.TRAINING for edge in diagram.edges if edge.target in {box.key for box in frame.boxes()})


def test_a_family_has_a_frame() -> None:
    body = """input image [4, 8, 8]
    before: { conv(3, 3); conv(4, 3) }
    for i in 0..2 { e[i]: { conv(4, 3); conv(4 + i, 1) } }
    for i in 0..4 { f[i]: { conv(5, 3); conv(5, 1) } }
    conv(5, 3)
    for i in 0..4 { g[i]: conv(5, 3) }
    """
    assert titles(drawn(body)) == ["before", "e", "e.0", "e.1", "f ×4", "g ×4"]


def test_families_that_alternate_have_no_frame() -> None:
    body = """input image [4, 8, 8]
    for i in 0..4 { e[i]: { conv(4, 3); conv(4, 1) }; f[i]: { conv(4, 1); conv(4, 3) } }
    only[0]: { conv(4, 3); conv(4, 1) }
    """
    assert titles(drawn(body)) == ["×4", "e.0", "f.0", "only"]


def test_a_head_inside_a_block_is_marked() -> None:
    text = """
    block staged(w) { conv(w, 3); aux early: { gap; flatten; linear(2) }; relu }
    network net { input image [3, 8, 8]; a: staged(4); output twin: x; aux late: x }
    """
    diagram = build_diagram(compile_text(text, "net").require())
    usages = {edge.target: edge.usage for edge in diagram.edges}
    assert usages["head0"] is Usage.TRAINING
    assert usages["output0"] is Usage.ALWAYS
    assert usages["head1"] is Usage.ALWAYS, "it is the trunk's own value"


def test_further_outputs_are_marked() -> None:
    diagram = drawn("input image [3, 8, 8]\nconv(4, 3)\noutput mask: conv(1, 1)\nrelu")
    assert [box.text for box in diagram.boxes if box.kind in (Kind.OUTPUT, Kind.RESULT)] == [
        "output mask · 1×8×8",
        "output · 4×8×8",
    ]


def test_shapes_stand_where_they_change() -> None:
    labels = [edge.label for edge in diagram_of("vgg.arch:vgg16").edges if edge.label]
    assert labels == ["64×112×112", "128×56×56", "256×28×28", "512×14×14", "512×7×7", "25088"]


def test_symbolic_sizes() -> None:
    labels = [edge.label for edge in diagram_of("unet.arch").edges if edge.label]
    assert labels[:2] == ["64×H/2×W/2", "128×H/4×W/4"]  # H and W are multiples of 16


def test_facts() -> None:
    assert diagram_of("googlenet.arch").facts == ("input 3×224×224", "6.62 M parameters (in training 13 M)", "1.5 G MACs")


def test_the_trunk_goes_from_the_input_to_the_result() -> None:
    trunk = diagram_of("unet.arch").trunk
    assert (trunk[0], trunk[-1]) == ("n0", "result")


def test_full_detail_shows_every_op() -> None:
    graph = graph_of("densenet.arch:densenet121")
    diagram = build_diagram(graph, "full")
    assert sum(len(box.nodes) for box in diagram.boxes) == len(flatten(graph).nodes)
    assert all(frame.times == 1 for frame in diagram.frames)


def test_ten_thousand_layers_fold() -> None:
    diagram = drawn("input image [3, 8, 8]\nconv(16, 3)\nrepeat 3000 { conv(16, 3) -> bn -> relu }")
    assert titles(diagram) == ["×3000"]


def test_a_grouped_gate_is_a_skip_into_a_product() -> None:
    body = "input image [8, 8, 8]\nmul { x; { gap; conv(2, 1); relu; conv(8, 1); sigmoid } }"
    diagram = drawn(body)
    assert [box.text for box in diagram.boxes if box.kind is Kind.JOIN] == ["mul"]
    assert len(skips(diagram)) == 1


def test_scopes_whose_sums_take_more_and_more_do_not_fold() -> None:
    body = (
        "input image [1, 8, 8]\ne[0]: conv(8, 3)\nfor i in 1..4 { e[i]: { add { for j in 0..i { e[j] } }; conv(8, "
        "3) -> bn -> relu } }"
    )
    diagram = drawn(body)
    assert titles(diagram) == ["e.1", "e.2", "e.3"]
    assert len(skips(diagram)) == 3
    assert titles(drawn("input a [16, 8, 8]\nf: { add { x }; relu }; g: { add { x; f }; relu }")) == ["f", "g"]


def test_scopes_in_which_another_value_goes_on_do_not_fold() -> None:
    """Inside, the rounds of a loop are joined to the first one, or to the one before."""
    first, before = (
        f"r[0]: conv(8, 3); for j in 1..6 {{ r[j]: conv(8, 3); add {{ x; {source} }} }}; relu" for source in ("r[0]", "r[j - 1]")
    )
    diagram = drawn(f"input image [8, 8, 8]\na: {{ {first} }}\nb: {{ {before} }}")
    assert [frame.title for frame in diagram.frames if frame.name] == ["a", "b"]


def test_a_run_that_begins_with_a_run() -> None:
    diagram = drawn("input image [4, 8, 8]\nfor i in 0..3 { l[i]: { repeat 5 { conv(4, 3) -> bn }; conv(4, 1) }; maxpool(1) }")
    assert titles(diagram) == ["×3", "l.0", "×5"]
    assert len({frame.key for frame in diagram.frames}) == 3


def test_a_value_that_gives_its_size_alone_is_no_skip() -> None:
    body = """input image [4, H, W]
    size: conv(8, 3)
    rearrange("c h w -> (h w) c") -> linear(8, axis = -1)
    rearrange("(h w) c -> c h w", h = size.h)"""
    (edge,) = [edge for edge in drawn(body).edges if edge.size_only]
    assert not edge.skip and not skips(drawn(body))
