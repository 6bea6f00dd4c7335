"""Pictures: every spec in every format, the same bytes each time, without torch, and errors that help."""

import os
import stat
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from archdsl.backends.diagram import FORMATS, build_diagram, render
from archdsl.backends.diagram import graphviz as engine
from archdsl.backends.diagram.dot import to_dot
from archdsl.backends.diagram.layout import place
from archdsl.backends.diagram.spine import spine_of
from archdsl.declared import Fault
from archdsl.driver import compile_address, compile_text, shipped_networks
from archdsl.ir import Graph

MAGIC = {"svg": b"<?xml", "png": b"\x89PNG\r\n\x1a\n", "pdf": b"%PDF-", "dot": b"digraph "}


def small() -> Graph:
    return compile_text("network net {\n input image [3, 8, 8]\n skip { conv(3, 3) }\n}").require()


@pytest.mark.parametrize("path", sorted(set(shipped_networks().values())), ids=lambda path: path.stem)
def test_every_spec_renders(path: Path) -> None:
    name = next(name for name, where in reversed(shipped_networks().items()) if where == path)
    graph = compile_address(f"{path}:{name}").require()
    for format in FORMATS:
        assert render(graph, format).startswith(MAGIC[format])


def test_the_same_bytes_twice() -> None:
    graph = compile_address("specs/digits_resnet.arch").require()
    for format in ("svg", "png", "dot"):
        assert render(graph, format) == render(graph, format)


def test_the_trunk_is_straight() -> None:
    diagram = build_diagram(compile_address("specs/googlenet.arch").require())
    placement = place(diagram)
    assert len({placement.boxes[key]["pos"].partition(",")[0] for key in spine_of(diagram)}) == 1


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


def test_too_much_to_draw_is_refused() -> None:
    graph = compile_text("network net {\n input image [3, 8, 8]\n for i in 0..1600 { conv(3 + i, 1) }\n}").require()
    with pytest.raises(Fault) as caught:
        render(graph)
    assert caught.value.code == "E0904"
    assert caught.value.message == "`net` has 1602 boxes to draw, over the limit of 1500"


def test_no_graphviz(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "find_spec", lambda name: None)
    monkeypatch.setattr(engine.shutil, "which", lambda name: None)
    with pytest.raises(Fault) as caught:
        render(small())
    assert caught.value.code == "E0901"
    assert "pip install pygraphviz" in (caught.value.help or "")
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
    assert (tmp_path / "called").read_text().split("\n") == ["-Kdot -Tjson", "-Knop2 -Tpdf", ""]


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a script")
def test_a_dot_that_cannot_do_it_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _program(tmp_path, "#!/bin/sh\necho 'Format: \"pdf\" not recognized' >&2\nexit 1\n")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert render(small(), "pdf").startswith(b"%PDF")


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a script")
def test_a_dot_that_does_not_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _program(tmp_path, "#!/bin/sh\nexec sleep 20\n")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(engine, "TIMEOUT_S", 0.3)
    with pytest.raises(Fault) as caught:
        render(small())
    assert caught.value.code == "E0901"
