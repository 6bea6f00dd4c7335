"""The Python API."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch

import archdsl
from archdsl import Diagnostic, Expression, Graph, Network, SpecError, check, load, loads
from archdsl.cli import main
from archdsl.ir import state

TINY = (
    'network tiny(classes: int = 10, widths = [4, 8], act = relu, name = "a") { input image [1, 8, 8]; '
    "for w in widths { conv(w, 3) -> bn -> act }; gap; flatten; linear(classes) }"
)
WRONG = "network wrong { input image [1, 8, 8]; convv(4, 3) }"


@pytest.fixture
def address(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.arch"
    path.write_text(TINY)
    return path


def test_every_public_name_is_there() -> None:
    assert set(dir(archdsl)) == set(archdsl.__all__)
    assert all(getattr(archdsl, name) is not None for name in archdsl.__all__)
    with pytest.raises(AttributeError, match="nonsense"):
        _ = archdsl.nonsense


def test_load(address: Path) -> None:
    network = load(address)
    assert isinstance(network, Network) and isinstance(network.graph, Graph)
    assert network.name == "tiny" and network.recipe is None and network.folder == address.parent
    assert load(str(address)).name == load(f"{address}:tiny").name == "tiny"
    assert load("resnet50").table().params == 25_557_032


def test_a_table_is_printed_as_check_shows_it(address: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", f"{address}:tiny"]) == 0
    assert capsys.readouterr().out == f"{load(address).table()}\n"


def test_python_values_become_text(address: Path) -> None:
    table = load(address, classes=3, widths=[2, 3, 5]).table()
    assert [row.shape for row in table.rows if row.op.startswith("conv")] == [(2, 8, 8), (3, 8, 8), (5, 8, 8)]
    assert table.rows[-1].shape == (3,)


def test_a_recipe_is_read_and_changed() -> None:
    network = load("digits_resnet", **{"train.epochs": 3})
    assert network.recipe is not None and network.recipe.epochs == 3


@pytest.mark.parametrize(
    "parameters", [{"clases": 3}, {"classes": 1.5}, {"classes": "ten"}, {"classes": None}, {"classes": object()}]
)
def test_wrong_parameters(address: Path, parameters: dict[str, object]) -> None:
    with pytest.raises(SpecError) as caught:
        load(address, **parameters)
    assert all(isinstance(diagnostic, Diagnostic) for diagnostic in caught.value.diagnostics)
    assert "error[E" in str(caught.value)


def test_an_error_reads_like_the_command_line() -> None:
    with pytest.raises(SpecError) as caught:
        loads(WRONG)
    assert "error[E0201]" in str(caught.value) and "^^^^^" in str(caught.value) and "did you mean `conv`?" in str(caught.value)


def test_loads_a_network_by_name() -> None:
    two = "network a { input image [3]; linear(1) }\nnetwork b { input image [3]; linear(2) }"
    assert loads(two, "b").table().params == 8
    with pytest.raises(SpecError, match="E0208"):
        loads(two)


def test_check() -> None:
    assert check(TINY.replace(', name = "a"', "")) == []
    assert [found.code for found in check(WRONG)] == ["E0201"]


@pytest.mark.parametrize(
    "text", ["", "\0", "{" * 10_000, "network", "é\ud800", "network a { a }", "x" * 5_000_000, "network n = n"]
)
def test_check_never_raises(text: str) -> None:
    assert check(text)


def test_warnings_are_kept(address: Path) -> None:
    assert [found.code for found in load(address).warnings] == ["W0102"]


def test_build(address: Path) -> None:
    network = load(address)
    module = network.build()
    assert module(torch.zeros(2, 1, 8, 8)).shape == (2, 10)
    assert list(module.state_dict()) == list(state(network.graph))
    assert all(tensor.is_meta for tensor in network.build(device="meta").state_dict().values())
    assert network.build(dtype=torch.float64)(torch.zeros(2, 1, 8, 8, dtype=torch.float64)).dtype == torch.float64


def test_source() -> None:
    network = load("googlenet")
    assert "aux1" in network.source() and "aux1" not in network.source(aux=False)
    compile(network.source(), "googlenet.py", "exec")


def test_render(address: Path, tmp_path: Path) -> None:
    network = load(address)
    assert network.render(format="dot").startswith(b"digraph")
    assert network.render(tmp_path / "net.svg") == (tmp_path / "net.svg").read_bytes()
    with pytest.raises(ValueError, match="jpg"):
        network.render("net.jpg")
    with pytest.raises(SpecError, match="E0606"):
        network.render(tmp_path / "nowhere" / "net.dot")


def test_notebooks(address: Path) -> None:
    network = load(address)
    assert network._repr_svg_().startswith("<svg")
    assert network._repr_html_().startswith("<table>") and "conv(4, 3, bias = false)" in network._repr_html_()
    assert repr(network) == f"<archdsl network tiny: {network.table().params:,} params, depth 3>"


def test_html_escapes_what_a_spec_says(address: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = load(address)
    table = network.table()
    hostile = table._replace(rows=tuple(row._replace(name="<script>", op='<img src="x">') for row in table.rows))
    monkeypatch.setattr(network, "table", lambda: hostile)
    assert "<script" not in network._repr_html_() and "<img" not in network._repr_html_()


def test_a_missing_package_says_how_to_install_it() -> None:
    code = """
import sys
sys.modules["torch"] = None
import archdsl
try:
    archdsl.load("resnet18").build()
except archdsl.SpecError as error:
    print(error)
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "error[E0608]: building a module needs `torch`" in shown and "pip install 'archdsl[train]'" in shown


def test_a_text_of_the_language_as_a_parameter() -> None:
    network = load("resnet", norm=Expression("gn(32)"), unit=Expression("bottleneck_block"), layers=[3, 4, 6, 3])
    assert network.table().params == load("resnet50_gn").table().params
    with pytest.raises(SpecError, match="E0101"):
        load("resnet", norm=Expression("gn(32"))


def test_a_notebook_shows_why_there_is_no_diagram() -> None:
    huge = loads("network huge { input image [3, 8, 8]; for i in 0..1600 { conv(3 + i, 1) } }")
    shown = huge._repr_svg_()
    assert shown.startswith("<svg") and "1602 boxes" in shown and "E0904" in shown
    assert {element.tag for element in ElementTree.fromstring(shown)} == {"{http://www.w3.org/2000/svg}text"}
    with pytest.raises(SpecError):
        huge.render()


def test_a_mistake_in_drawing_stops_no_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    network = loads("network small { input image [3, 8, 8]; conv(4, 3) }")

    def mistaken(*arguments: object, **more: object) -> None:
        raise ZeroDivisionError("a </svg> of ours")

    monkeypatch.setattr("archdsl.backends.diagram.render", mistaken)
    monkeypatch.setattr("archdsl.network.layer_table", mistaken)
    found = network.drawing()
    assert isinstance(found, Diagnostic) and found.code == "E0907" and "ZeroDivisionError: a </svg> of ours" in found.message
    assert "a &lt;/svg&gt; of ours" in network._repr_svg_()
    assert "ZeroDivisionError: a &lt;/svg&gt; of ours" in network._repr_html_()
    with pytest.raises(ZeroDivisionError):
        network.render()


def test_another_size() -> None:
    tiny = loads(TINY, size=(3, 16, 12))
    assert tiny.graph.inputs[0].shape == (3, 16, 12) and tiny.build()(torch.zeros(2, 3, 16, 12)).shape == (2, 10)
    assert loads(TINY, size="1x9x9").graph.inputs[0].shape == loads(TINY, size={"image": (1, 9, 9)}).graph.inputs[0].shape
    unet = load("unet", size=(3, 32, 48))
    assert unet.build(device="meta")(torch.zeros(1, 3, 32, 48, device="meta")).shape == (1, 2, 32, 48)
    two = "network n { input a [3, 8, 8]; input b [1, 8, 8]; concat { a; b } }"
    assert loads(two, size=[(3, 4, 4), (2, 4, 4)]).graph.result.shape == (5, 4, 4)


def test_a_number_is_a_parameter_called_size() -> None:
    text = "network n(size = 8) { input a [3, size, size]; conv(size, 3) }"
    assert loads(text, size=4).graph.result.shape == (4, 4, 4)
    assert loads(text, size=(3, 6, 6)).graph.result.shape == (6, 6, 6)  # the size is the parameter
    assert loads(text, size=Expression("2 * 3")).graph.result.shape == (6, 6, 6)


def test_sizes_that_are_none() -> None:
    for size, error in [((1, 9), SpecError), ({"mask": (1, 9, 9)}, ValueError), ("1 x 9", ValueError), (1.5, TypeError)]:
        with pytest.raises(error):
            loads(TINY, size=size)


def test_a_path_is_checked_as_a_file(address: Path) -> None:
    assert [found.code for found in check(address)] == ["W0102"]
    address.write_text(TINY + "\nnetwork second = tiny expect params == 1\n")
    assert [found.code for found in check(address) if found.is_error] == ["E0701"]
    assert [found.code for found in check(address.with_name("none.arch"))] == ["E0601"]
