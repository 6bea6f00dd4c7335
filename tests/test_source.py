"""Offsets, lines and columns of a text."""

from __future__ import annotations

import random

import pytest

from archdsl.source import SourceFile, Span

TEXT = "block ä {\r\n  # 🎈🎈 x\n}\n\n𝔸"


@pytest.mark.parametrize(("before", "position"), [
    ("", (0, 0)), ("block ä", (0, 7)), ("block ä {", (0, 9)), ("block ä {\r", (0, 9)), ("block ä {\r\n", (1, 0)),
    ("block ä {\r\n  # 🎈", (1, 6)), ("block ä {\r\n  # 🎈🎈 x", (1, 10)), ("block ä {\r\n  # 🎈🎈 x\n}\n", (3, 0)),
    ("block ä {\r\n  # 🎈🎈 x\n}\n\n", (4, 0)), (TEXT, (4, 2)),
])  # fmt: skip
def test_utf16_columns(before: str, position: tuple[int, int]) -> None:
    file = SourceFile("t.arch", TEXT)
    assert TEXT.startswith(before) and file.utf16_position(len(before)) == position
    assert file.offset_at(*position) == len(before.removesuffix("\r"))


@pytest.mark.parametrize(("line", "column", "before"), [
    (0, 99, "block ä {"), (1, 5, "block ä {\r\n  # "), (1, 7, "block ä {\r\n  # 🎈"), (1, 99, "block ä {\r\n  # 🎈🎈 x"),
    (4, 1, TEXT[:-1]), (4, 3, TEXT), (5, 0, TEXT), (99, 99, TEXT),
])  # fmt: skip
def test_positions_that_no_offset_has(line: int, column: int, before: str) -> None:
    """They lie past an end, or between the two code units of one character."""
    assert SourceFile("t.arch", TEXT).offset_at(line, column) == len(before)


def test_an_empty_file() -> None:
    file = SourceFile("t.arch", "")
    assert file.utf16_position(0) == (0, 0) and file.offset_at(0, 0) == file.offset_at(0, 5) == file.offset_at(3, 0) == 0


def test_every_offset_comes_back() -> None:
    """Compared with the encoder, on random texts."""
    random.seed(0)
    for _ in range(300):
        text = "".join(
            random.choices(["a", " ", "é", "\u2028", "\uffff", "𝔸", "🎈", "\ud800", "\n", "\r\n"], k=random.randint(0, 20))
        )
        file = SourceFile("t.arch", text)
        for offset in range(len(text) + 1):
            if text[offset - 1 : offset + 1] == "\r\n":
                continue
            line, column = file.utf16_position(offset)
            assert file.line_column(offset)[0] == line + 1
            assert column == len(text[file.line_starts[line] : offset].encode("utf-16-le", "surrogatepass")) // 2
            assert file.offset_at(line, column) == offset


def test_a_span_as_an_editor_has_it() -> None:
    file = SourceFile("t.arch", TEXT)
    assert Span(file, TEXT.index("x"), TEXT.index("}") + 1).utf16_range == ((1, 9), (2, 1))
