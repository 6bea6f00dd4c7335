"""The renderer's forms: text, JSON, annotations."""

from __future__ import annotations

import json

from archdsl.diagnostics import Diagnostic, Edit, Remedy, guess, render_github, render_json, render_text
from archdsl.diagnostics.codes.names import E0201
from archdsl.driver import check_text
from archdsl.source import SourceFile, Span

HOSTILE = SourceFile("a,b:c\n::error::.arch", "relu\x1b[31m\n")


class _Hostile(Diagnostic, code=E0201):
    """A diagnostic with texts that nobody chose."""

    text: str = "100 % wrong\n::warning::x"
    note: str = ""
    advice: str = "no"

    def summary(self) -> str:
        return self.text

    def details(self) -> tuple[str, ...]:
        return (self.note,) if self.note else ()

    def remedy(self) -> Remedy:
        return guess(self.advice, Edit(Span(HOSTILE, 0, 4), "bn"))


FOUND = _Hostile().at(Span(HOSTILE, 0, 4))


def test_json_holds_places() -> None:
    (found,) = json.loads(render_json(check_text("network n {\n  input image [3, 8, 8]\n  convv(3, 3)\n}")))
    assert found["code"] == "E0201"
    assert found["place"]["line"] == 3 and found["place"]["column"] == 3
    assert found["place"]["end"] - found["place"]["start"] == len("convv")


def test_json_holds_edits() -> None:
    (found,) = json.loads(render_json([FOUND]))
    assert found["fix"]["applicability"] == "guess"
    assert [(edit["start"], edit["end"], edit["text"]) for edit in found["fix"]["edits"]] == [(0, 4, "bn")]


def test_no_name_or_message_ends_an_annotation() -> None:
    text = render_github([FOUND])
    assert text.count("\n") == 1
    assert "file=a%2Cb%3Ac%0A%3A%3Aerror%3A%3A.arch," in text


HOSTILE_TEXT = "a\x1b[31m \x7f \x9b31m \u202e \u2066 \u2028 \U000e0041 \ud800 \t é 語 😀"


def test_json_holds_every_character_and_drives_no_terminal() -> None:
    found = FOUND.with_fields(text=HOSTILE_TEXT, note=HOSTILE_TEXT)
    text = render_json([found])
    assert all(c.isprintable() or c == "\n" for c in text) and "é 語 😀" in text
    assert json.loads(text)[0]["message"] == HOSTILE_TEXT and json.loads(text)[0]["place"]["file"] == HOSTILE.name


def test_annotations_drive_no_terminal() -> None:
    text = render_github([FOUND.with_fields(text=HOSTILE_TEXT, advice=HOSTILE_TEXT)])
    assert all(c.isprintable() for c in text.removesuffix("\n")) and text.count("\\x1b[31m") == 2 and "é 語 😀" in text


def test_control_characters_do_not_reach_the_terminal() -> None:
    text = render_text([FOUND])
    assert "\x1b" not in text and "\\x1b[31m" in text


def test_no_name_or_message_begins_a_line() -> None:
    text = render_text([FOUND])
    assert "a,b:c\\x0a::error::.arch:1:1\n" in text and "100 % wrong\\x0a::warning::x\n" in text
    assert not any(line.startswith("::") for line in text.splitlines())


def test_color_only_where_asked() -> None:
    assert "\x1b[" in render_text([FOUND], color=True)


def test_a_count_closes_several() -> None:
    assert render_text([FOUND, FOUND]).endswith("2 errors\n")
    assert "errors" not in render_text([FOUND])
