"""Pictures: every spec in every format, the same bytes each time, without torch, and errors that help."""

import os
import stat
import struct
import subprocess
import sys
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from archdsl.addresses import shipped_networks
from archdsl.backends.diagram import FORMATS, Detail, Diagram, Format, build_diagram, render
from archdsl.backends.diagram import graphviz as engine
from archdsl.backends.diagram.dot import to_dot
from archdsl.backends.diagram.layout import place
from archdsl.diagnostics import SpecError
from archdsl.driver import compile_address, compile_text
from archdsl.ir import Graph

MAGIC = {
    "svg": b"<?xml",
    "png": b"\x89PNG\r\n\x1a\n",
    "pdf": b"%PDF-",
    "dot": b"digraph ",
    "tikz": b"% ",
    "mermaid": b"flowchart ",
}


def small() -> Graph:
    return compile_text("network net {\n input image [3, 8, 8]\n skip { conv(3, 3) }\n}").require()


KINDS = ("resnet", "googlenet", "cifar_densenet", "unet", "fpn", "swin", "gpt2")
"""Specs whose pictures differ in kind: a chain, branches, dense connections, skips from afar, several outputs, windows, text."""


def specs_to_draw() -> list[Any]:
    """Return each spec; the others, whose pictures are of these kinds, are drawn by `make exhaustive`."""
    paths = sorted(set(shipped_networks().values()))
    assert {path.stem for path in paths} >= set(KINDS)
    return [pytest.param(path, id=path.stem, marks=() if path.stem in KINDS else (pytest.mark.exhaustive,)) for path in paths]


@pytest.mark.parametrize("path", specs_to_draw())
def test_every_spec_renders(path: Path) -> None:
    name = next(name for name, where in reversed(shipped_networks().items()) if where == path)
    assert render(compile_address(f"{path}:{name}").require(), "svg").startswith(MAGIC["svg"])


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_begins_as_its_own(format: Format) -> None:
    assert render(compile_address("specs/inception_v3.arch").require(), format).startswith(MAGIC[format])


def test_the_same_bytes_twice() -> None:
    graph = compile_address("specs/digits_resnet.arch").require()
    for format in ("svg", "png", "dot"):
        assert render(graph, format) == render(graph, format)


@pytest.mark.parametrize(
    ("address", "detail"),
    [
        ("resnet.arch:resnet50", "blocks"),
        ("deeplabv3.arch", "blocks"),  # whose heads end with the size of the image, which is no lane of its own
        ("cifar_densenet.arch:densenet_bc250", "full"),
    ],
)
def test_the_trunk_is_straight(address: str, detail: Detail) -> None:
    diagram = build_diagram(compile_address(f"specs/{address}").require(), detail)
    drawing = place(diagram)
    branches = {key for key in diagram.trunk if _is_in_a_row(diagram, key)}
    assert len(branches) < len(diagram.trunk) / 3
    assert len({round(drawing.boxes[key].center.x, 1) for key in diagram.trunk if key not in branches}) == 1


def _is_in_a_row(diagram: Diagram, key: str) -> bool:
    """Whether a box is in one of three or more branches side by side, of which none goes straight on, or joins them."""
    joins = Counter(edge.target for edge in diagram.edges if not edge.skip)
    followed = key
    for _ in range(5):
        if joins[followed] >= 3:
            return True
        followed = next((edge.target for edge in diagram.edges if edge.source == followed and not edge.skip), "")
    return False


def test_branches_stand_on_both_sides_of_the_trunk() -> None:
    body = "concat { for i in 0..4 { conv(16, 3, dilation = i + 1) -> relu } }; conv(8, 1)"
    diagram = build_diagram(compile_text(f"network n {{ input image [3, 32, 32]; conv(8, 3); {body} }}", "n").require())
    drawing = place(diagram)
    middle = drawing.boxes["result"].center.x
    sides = [
        drawing.boxes[box.key].center.x - middle
        for box in diagram.boxes
        if "dilation" in box.text or box.text.startswith("3×3 conv, 16")
    ]
    assert sorted(side > 0 for side in sides) == [False, False, True, True]


def test_svg_says_what_it_shows() -> None:
    graph = compile_address("specs/resnet.arch:resnet18").require()
    root = ElementTree.fromstring(render(graph, "svg"))
    assert root.get("role") == "img"
    assert (root[0].text, root[1].text) == (
        "resnet18: network architecture",
        "Residual networks: He et al. 2015, arXiv:1512.03385, Table 1. input 3×224×224, 11.7 M parameters, 1.81 G MACs",
    )
    titles = {element.text for element in root.iter() if element.tag.endswith("title")}
    assert "layer1.0.conv1: 3×3 conv, 64 · bn · relu" in titles


def test_heads_are_dashed() -> None:
    lines = to_dot(build_diagram(compile_address("specs/googlenet.arch").require())).splitlines()
    heads = [line for line in lines if line.strip().startswith('"head')]
    assert len(heads) == 2
    assert all("dashed" in line for line in heads)


def test_torch_stays_out() -> None:
    code = (
        "import sys; from archdsl.driver import compile_address; from archdsl.backends.diagram import render;"
        "render(compile_address('specs/digits_resnet.arch').require(), 'dot'); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_no_graphviz(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "find_spec", lambda name: None)
    monkeypatch.setattr(engine.shutil, "which", lambda name: None)
    with pytest.raises(SpecError) as caught:
        render(small(), "pdf")
    assert caught.value.diagnostic.code == "E0901"
    assert "pip install pygraphviz" in (caught.value.diagnostic.help or "")
    assert render(small(), "svg").startswith(b"<?xml"), "which needs none"
    assert render(small(), "dot").startswith(b"digraph")


def _program(folder: Path, text: str) -> None:
    path = folder / "dot"
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a script")
def test_the_dot_on_the_path_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child = f"import sys\nopen({str(tmp_path / 'called')!r}, 'a').write(' '.join(sys.argv[1:]) + chr(10))\n"
    turn = "sys.argv[1:] = [argument[2:] for argument in sys.argv[1:]]\n"
    _program(tmp_path, f"#!{sys.executable}\n{child}{turn}{engine._CHILD}")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert render(small(), "pdf").startswith(b"%PDF")
    assert (tmp_path / "called").read_text().split("\n") == ["-Knop2 -Tpdf", ""]


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a script")
def test_a_dot_that_cannot_do_it_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _program(tmp_path, "#!/bin/sh\necho 'Format: \"pdf\" not recognized' >&2\nexit 1\n")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert render(small(), "pdf").startswith(b"%PDF")


def _only(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A `dot` that does this, and no other Graphviz."""
    _program(folder, script)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setattr(engine, "find_spec", lambda name: None)


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a script")
@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (
            "echo 'dot: error while loading shared libraries: libgvc.so.6' >&2; exit 127",
            "dot: it cannot be used: dot: error while loading shared libraries",
        ),
        ("kill -SEGV $$", "dot: it cannot be used: it was ended by SIGSEGV"),
        ("exit 0", "dot: it cannot be used: it wrote nothing"),
        ("exec sleep 20", "dot: it cannot be used: it did not end within 0.3 s"),
        (
            "case $* in *pdf*) echo 'Format: \"pdf\" not recognized.' >&2; exit 1;; esac; echo '{}'",
            'dot: it does not support pdf: Format: "pdf" not recognized.',
        ),
    ],
    ids=["library", "crash", "nothing", "sleep", "format"],
)
def test_an_installation_that_is_at_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, reason: str) -> None:
    _only(tmp_path, monkeypatch, f"#!/bin/sh\n{script}\n")
    monkeypatch.setattr(engine, "TIMEOUT_S", 0.3 if "sleep" in script else 60)
    monkeypatch.setattr(engine, "TWO_BOXES_TIMEOUT_S", 0.3 if "sleep" in script else 60)
    with pytest.raises(SpecError) as caught:
        engine.run_graphviz("digraph {}", "dot", "pdf")
    assert caught.value.diagnostic.code == "E0901"
    assert reason in caught.value.diagnostic.message


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a script")
@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'Error: it is too long' >&2; exit 1", "dot: Error: it is too long"),
        ("echo 'Fontconfig warning: a font' >&2; kill -ABRT $$", "dot: it was ended by SIGABRT"),
        ("exec sleep 20", "dot: it did not end within 1 s"),
    ],
    ids=["refuses", "crashes", "sleeps"],
)
def test_an_installation_that_works_is_not_blamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, reason: str
) -> None:
    _only(tmp_path, monkeypatch, f"#!/bin/sh\nif grep -q n1; then {script}; fi\necho '{{}}'\n")
    monkeypatch.setattr(engine, "TIMEOUT_S", 1)
    with pytest.raises(SpecError) as caught:
        render(small(), "pdf")
    assert caught.value.diagnostic.code == "E0907"
    assert reason in caught.value.diagnostic.message and "pip install" not in (caught.value.diagnostic.help or "")


def test_the_library_that_refuses_is_not_blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.shutil, "which", lambda name: None)
    with pytest.raises(SpecError) as caught:
        engine.run_graphviz("digraph { a [label=<" + "x" * 20_000 + ">] }", "dot", "json")
    assert caught.value.diagnostic.code == "E0907" and "pygraphviz: " in caught.value.diagnostic.message


def test_a_large_png_has_a_lower_resolution(monkeypatch: pytest.MonkeyPatch) -> None:
    def pixels() -> int:
        width, height = struct.unpack(">II", render(small(), "png")[16:24])
        return int(width * height)

    assert pixels() > 100_000
    monkeypatch.setattr(import_module("archdsl.backends.diagram.render"), "MOST_PIXELS", 40_000)
    assert 20_000 < pixels() < 60_000
