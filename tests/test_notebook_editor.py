"""The editor in notebooks, as its traits show it, and reports as tables."""

from __future__ import annotations

from pathlib import Path

import pytest

import archdsl
from archdsl import SpecError

TWO = "network one { input image [3, 8, 8]\n conv(4, 3) }\nnetwork two { input image [3, H, W]\n conv(5, 3) }\n"


def test_what_is_shown_follows_the_text() -> None:
    editor = archdsl.Editor(TWO)
    assert editor.names == ["one", "two"] and editor.diagnostics == []
    assert {"line": 2, "text": "[4, 8, 8]"} in editor.hints and editor.diagram.startswith("<svg")
    assert editor.marks[:3] == [[1, 0, 7, "keyword"], [1, 8, 11, "class"], [1, 14, 19, "keyword"]] and editor.checked == TWO
    before = editor.diagram
    editor.name = "two"
    assert editor.diagram != before and editor.network.name == "two"
    editor.text = TWO.replace("conv(5, 3)", "conv(5, 33, pad = 0) -> nothing")
    assert [(one["code"], one["place"]["line"]) for one in editor.diagnostics] == [("E0201", 4)]
    assert [editor.text.split("\n")[line - 1][a:b] for line, a, b, kind in editor.marks if kind == "error"] == ["nothing"]
    assert editor.diagram, "that of the last version without errors stays"
    with pytest.raises(SpecError, match="nothing"):
        _ = editor.network


def test_a_name_that_no_network_has_any_more_is_an_error() -> None:
    editor = archdsl.Editor(TWO, name="two")
    before = editor.diagram
    editor.text = TWO.replace("network two", "network other").replace("5, 3", "6, 3")
    assert [(one["code"], one["fix"]) for one in editor.diagnostics] == [("E0208", None)] and editor.diagram == before
    with pytest.raises(SpecError, match="has no network `two`"):
        _ = editor.network
    editor.fix(0)  # which has none
    editor.name = "other"
    assert editor.diagnostics == [] and editor.diagram != before
    assert [one["code"] for one in archdsl.Editor(name="nothing").diagnostics] == ["E0208"]


def test_lines_end_as_they_did(tmp_path: Path) -> None:
    """Browsers end lines in a text area with a line feed alone."""
    path = tmp_path / "net.arch"
    path.write_bytes(b"network net {\r\n  input image [3, 8, 8]\r\n  conv(4, 3)\r\n}\r\n")
    editor = archdsl.Editor(file=path)
    assert "\r" not in editor.text and {"line": 3, "text": "[4, 8, 8]"} in editor.hints
    editor.text = editor.text.replace("(4, 3)", "(5, 3)")
    editor.save()
    assert path.read_bytes() == b"network net {\r\n  input image [3, 8, 8]\r\n  conv(5, 3)\r\n}\r\n"
    with pytest.raises(ValueError, match="a text or a file"):
        archdsl.Editor(editor.text, file=path)


def test_a_fix() -> None:
    editor = archdsl.Editor("network net { input image [3, 8, 8]\n conv(4, 3 -> relu }")
    [number] = [index for index, one in enumerate(editor.diagnostics) if one["fix"]]
    editor._receive(editor, {"fix": number}, [])
    assert "conv(4, 3) -> relu" in editor.text and editor.diagnostics == []
    text = editor.text
    for content in ({"fix": 3}, {"fix": "0"}, {}, None):
        editor._receive(editor, content, [])
    assert editor.text == text


def test_files(tmp_path: Path) -> None:
    (tmp_path / "blocks.arch").write_text("block unit(w) { conv(w, 3) }")
    (tmp_path / "net.arch").write_text('import "blocks.arch" as blocks\nnetwork net { input image [3, 8, 8]\n blocks.unit(4) }')
    editor = archdsl.Editor(file=tmp_path / "net.arch")
    assert editor.diagnostics == [] and editor.network.table().params == 112
    editor.text = editor.text.replace("unit(4)", "unit(8)")
    editor.save()
    assert archdsl.load(tmp_path / "net.arch").table().params == 224
    with pytest.raises(SpecError, match="E0601"):
        archdsl.Editor(file=tmp_path / "nowhere.arch")
    with pytest.raises(ValueError, match="was not opened on a file"):
        archdsl.Editor().save()


def test_reports_are_tables(tmp_path: Path) -> None:
    import torch

    network = archdsl.load("digits_resnet")
    assert network.recipe is not None and "<td>epochs</td>" in network.recipe._repr_html_()
    state = {f"other.{key}": value for key, value in network.build().state_dict().items()}
    torch.save({**state, "<b>": torch.zeros(1)}, tmp_path / "w.pt")
    report = network.check_weights(tmp_path / "w.pt")
    assert len(repr(report)) < 1_000 and report._repr_html_().startswith("<table><caption>")
    assert "<b>" not in report._repr_html_()
