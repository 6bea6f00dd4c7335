"""Formats, levels, sizes, themes, and networks with an error, at the command line and below it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from archdsl.backends.diagram import SUFFIXES, Kind, ThemeName, build_diagram, place, render
from archdsl.backends.diagram.preset import PRESETS, PresetName
from archdsl.backends.diagram.tikz import tex
from archdsl.cli import root
from archdsl.driver import compile_address, compile_text
from archdsl.ir import Graph
from archdsl.ops.base import Op

WRONG = "network wrong {\n  input image [3, 8, 8]\n  conv(4, 3)\n  skip { conv(8, 3) }\n  relu\n}\n"


@pytest.fixture(scope="module")
def resnet() -> Graph:
    return compile_address("specs/resnet.arch:resnet18").require()


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(root, ["render", *arguments], prog_name="archdsl")
    return done.exit_code, done.output


def test_a_level_opens_so_many_blocks(resnet: Graph) -> None:
    closed = [box for box in build_diagram(resnet, 0).boxes if box.kind is Kind.BLOCK]
    assert [box.text for box in closed] == ["layer1 · basic ×2", "layer2 · basic ×2", "layer3 · basic ×2", "layer4 · basic ×2"]
    assert not build_diagram(resnet, 0).frames
    assert [frame.title for frame in build_diagram(resnet, 1).frames] == [
        "layer1 · basic ×2", "layer2 · basic ×2", "layer3 · basic ×2", "layer4 · basic ×2",
    ]  # fmt: skip
    assert len(build_diagram(resnet, 9).boxes) == len(build_diagram(resnet).boxes)


@pytest.mark.parametrize("name", get_args(PresetName))
def test_a_preset_is_a_size(resnet: Graph, name: PresetName) -> None:
    root = ElementTree.fromstring(render(resnet, "svg", preset=name))
    width, height = (float(root.attrib[side].removesuffix("pt")) for side in ("width", "height"))
    assert width <= PRESETS[name].width + 0.01 and height <= PRESETS[name].height + 0.01
    assert (width > height) == (name == "slide")
    assert ("He et al." in "".join(text for e in root.iter() if e.tag.endswith("}text") for text in e.itertext())) == (
        name == "slide"
    )


def test_a_pdf_is_as_wide_as_its_preset() -> None:
    wide = compile_address("specs/googlenet.arch").require()
    drawn = render(wide, "pdf", preset="column", level=0)
    [width] = {float(found) for found in re.findall(rb"/MediaBox \[ ?0 0 ([\d.]+) ", drawn)}
    assert 200 < width <= 253


def test_words_are_text(resnet: Graph) -> None:
    root = ElementTree.fromstring(render(resnet, "svg"))
    words = {"".join(e.itertext()) for e in root.iter() if e.tag.endswith("}text")}
    assert {"7×7 conv, 64, /2 · bn · relu", "layer2 · basic ×2"} <= words


def test_groups_are_blocks(resnet: Graph) -> None:
    root = ElementTree.fromstring(render(resnet, "svg"))
    groups = {(e.get("id") or "").partition("-")[2].partition("-")[2]: e for e in root.iter() if e.tag.endswith("}g")}
    block = groups["layer2.0"]
    assert block.get("class") == "block" and any(e is groups["layer2.0.conv1"] for e in block.iter())


@pytest.mark.parametrize("name", get_args(ThemeName))
def test_a_theme_is_drawn(resnet: Graph, name: ThemeName) -> None:
    colors = {c for c in re.findall(r'(?:fill|stroke)="(#\w+)"', render(resnet, "svg", theme=name).decode())}
    if name == "print":
        assert all(c[1:3] == c[3:5] == c[5:7] for c in colors)
    else:
        assert any(c[1:3] != c[3:5] for c in colors)


def test_bands_cover_the_trunk(resnet: Graph) -> None:
    drawing = place(build_diagram(resnet), bands=True)
    assert [band.text for band in drawing.bands] == ["112×112", "56×56", "28×28", "14×14", "7×7"]
    for band, after in zip(drawing.bands, drawing.bands[1:], strict=False):
        assert band.place.bottom <= after.place.top
    [first] = [place for box, place in drawing.placed_boxes() if box.text.startswith("7×7")]
    assert drawing.bands[0].place.top <= first.top and first.bottom <= drawing.bands[0].place.bottom


def test_tikz_is_balanced(resnet: Graph) -> None:
    text = render(resnet, "tikz", preset="column").decode()
    depth = 0
    for sign in re.sub(r"\\[\\{}]", "", text):
        depth += {"{": 1, "}": -1}.get(sign, 0)
        assert depth >= 0
    assert depth == 0
    begun = re.findall(r"\\begin\{(\w+)\}", text)
    assert len(begun) == text.count("\\end{") and begun[0] == "tikzpicture" and begun.count("scope") > 10
    assert all(
        line.rstrip().endswith(";")
        for line in text.splitlines()
        if line.strip().startswith(("\\path", "\\node", "\\draw", "\\fill"))
    )
    used = set(re.findall(r"(?:fill|draw|text)=(archdsl\w+)", text)) | set(re.findall(r"\\fill\[(\w+)\]", text))
    assert used <= set(re.findall(r"\\definecolor\{(\w+)\}", text))
    assert text.isascii()
    assert text.count("\\fontsize{10}") == 1 == text.count("\\fontsize"), "the default fonts come in few sizes"
    assert "rectangle" not in text.split("begin{tikzpicture}")[1].splitlines()[1], "paper is white"
    dark = render(resnet, "tikz", level=0, theme="dark").decode()
    assert "rectangle" in dark.split("begin{tikzpicture}")[1].splitlines()[1]


def test_every_sign_of_a_join_is_one_of_tex() -> None:
    signs = {glyph for op in Op.registry if (glyph := op.glyph)}
    assert len(signs) > 3 and all(tex(sign).isascii() for sign in signs)


def test_nothing_of_a_spec_is_a_command_of_tex() -> None:
    assert tex("a_b {x} \\input{y} $1 & 50% #2 ~ ^") == (
        r"a\_b \{x\} \textbackslash{}input\{y\} \$1 \& 50\% \#2 \textasciitilde{} \textasciicircum{}"
    )


def test_mermaid_has_each_box_and_edge(resnet: Graph) -> None:
    diagram = build_diagram(resnet)
    lines = render(resnet, "mermaid").decode().splitlines()
    assert lines[0] == "flowchart TB"
    assert (
        sum(line.strip().startswith("subgraph ") for line in lines)
        == len(diagram.frames)
        == lines.count("  end") + lines.count("    end")
    )
    arrows = [line for line in lines if re.match(r"  \w+ (-->|---|-\.->)", line)]
    assert len(arrows) == len(diagram.edges)
    for box in diagram.boxes:
        assert sum(bool(re.match(rf" +{box.key}[(\[].*:::kind_\w+$", line)) for line in lines) == 1


def test_a_size_is_no_data() -> None:
    text = "network n { input image [3, 8, 8]; a: conv(4, 3); maxpool(2); conv(4, 3); resize_like(a); add { x; a } }"
    edges = [edge for edge in build_diagram(compile_text(text).require()).edges if edge.size_only]
    assert len(edges) == 1
    assert 'stroke-dasharray="1.5 2.5"' in render(compile_text(text).require(), "svg").decode()


def test_projections_are_dashed() -> None:
    diagram = build_diagram(compile_address("specs/resnet.arch:resnet18").require())
    texts = {box.key: box.text for box in diagram.boxes}
    projections = [texts[edge.source] for edge in diagram.edges if edge.projection and not edge.source.startswith("fork")]
    assert projections == ["1×1 conv, 128, /2 · bn", "1×1 conv, 256, /2 · bn", "1×1 conv, 512, /2 · bn"]


def test_a_u_has_equal_resolutions_level() -> None:
    drawing = place(build_diagram(compile_address("specs/unet.arch").require()))
    skips = [line for line in drawing.lines if line.edge.skip]
    assert len(skips) == 4
    for line in skips:
        assert line.points[-1].y == line.points[-2].y and line.points[-1].x - line.points[-2].x > 50, "straight across"
    assert drawing.boxes["result"].center.y < drawing.boxes[skips[-1].edge.target].center.y


def test_lanes_for_resolutions() -> None:
    text = """network n { input image [3, 32, 32]; h0: conv(4, 3); l0: conv(8, 3, stride = 2)
    h1: { add { h0; { l0 -> conv(4, 1); upsample(2) } }; relu }; l1: { add { l0; { h0 -> conv(8, 3, stride = 2) } }; relu }
    add { h1; { l1 -> conv(4, 1); upsample(2) } } }"""
    drawing = place(build_diagram(compile_text(text).require()))
    middle = {box.name: place.center.x for box, place in drawing.placed_boxes()}
    assert middle["h1.0"] == middle["h1"] < middle["l1.0"] == middle["l1"]


def test_a_growing_concatenation_is_one_frame() -> None:
    body = "e[0]: conv(8, 3); for i in 1..40 { e[i]: { concat { for j in 0..i { e[j] } }; bn; relu; conv(4, 3) } }"
    end = "concat { for j in 0..40 { e[j] } }"
    diagram = build_diagram(compile_text(f"network n {{ input image [3, 8, 8]; {body}; {end} }}").require())
    [frame] = [frame for frame in diagram.frames if frame.times > 1]
    assert (frame.times, frame.note) == (39, "each takes all before, +4 channels each")
    assert len(diagram.boxes) < 10 and len(diagram.edges) < 12


UNIT = "block unit(w, k = 3) { skip { conv(w, k) -> bn -> relu -> conv(4, 3) }; relu }\n"


def test_instances_whose_width_grows_fold() -> None:
    text = UNIT + "network n { input image [4, 8, 8]; for i in 0..9 { u[i]: unit(8 + 3 * i) } }"
    diagram = build_diagram(compile_text(text, "n").require())
    [frame] = diagram.frames
    assert frame.title == "u · unit ×9, width + 3 each" and frame.table is None
    assert "3×3 conv, 8–32 · bn · relu" in [box.text for box in diagram.boxes]


def test_instances_that_differ_have_a_table() -> None:
    text = UNIT + "network n { input image [4, 8, 8]; for w in [8, 32, 16, 24] { u[w]: unit(w, 5 if w == 16 else 3) } }"
    [frame] = build_diagram(compile_text(text, "n").require()).frames
    assert frame.table is not None
    assert frame.table.columns == ("", "3×3 conv", "k")
    assert frame.table.rows == (("8", "8", "3"), ("32", "32", "3"), ("16", "16", "5"), ("24", "24", "3"))


def test_three_that_differ_irregularly_do_not_fold() -> None:
    text = UNIT + "network n { input image [4, 8, 8]; for w in [8, 32, 16] { u[w]: unit(w) } }"
    assert all(frame.times == 1 for frame in build_diagram(compile_text(text, "n").require()).frames)


def test_a_network_with_an_error_is_drawn_as_far_as_it_is_known(tmp_path: Path) -> None:
    path = tmp_path / "wrong.arch"
    path.write_text(WRONG)
    status, said = run(str(path), "-o", str(tmp_path / "wrong.svg"))
    assert status == 1 and "E0301" in said and not (tmp_path / "wrong.svg").exists()
    status, said = run(str(path), "-o", str(tmp_path / "wrong.svg"), "--partial")
    assert status == 1 and "E0301" in said
    drawn = (tmp_path / "wrong.svg").read_text()
    root = ElementTree.fromstring(drawn)
    red = [e for e in root.iter() if e.get("fill") == "#c01c1c" and e.tag.endswith("}text")]
    assert {"".join(e.itertext()) for e in red} == {"+", "4×8×8", "8×8×8"}


def test_partial_draws_a_correct_network_as_well(tmp_path: Path) -> None:
    assert run("specs/lenet.arch", "-o", str(tmp_path / "a.svg"), "--partial")[0] == 0


def test_a_file_that_was_read_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "net.svg"
    path.write_text(WRONG.replace("8, 3)", "4, 3)"))
    status, said = run(str(path), "-o", str(path))
    assert status == 1 and "E0606" in said and path.read_text().startswith("network")


@pytest.mark.parametrize("level", ["-1", "some", "1.5", "9999", ""])
def test_a_wrong_level_is_refused(level: str) -> None:
    status, said = run("specs/lenet.arch", "-o", "-", "--format", "svg", "--level", level)
    assert status == 2 and "is not `blocks`, `full` or a number" in said


@pytest.mark.parametrize(
    ("suffix", "begins"), [("tex", b"% lenet: "), ("mmd", b"flowchart"), ("gv", b"digraph"), ("dot", b"digraph")]
)
def test_the_suffix_is_the_format(tmp_path: Path, suffix: str, begins: bytes) -> None:
    assert suffix in SUFFIXES
    assert run("specs/lenet.arch", "-o", str(tmp_path / f"a.{suffix}"))[0] == 0
    assert (tmp_path / f"a.{suffix}").read_bytes().startswith(begins)
