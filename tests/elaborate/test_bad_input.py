"""Hostile and mistaken input: always a coded error, and never an exception; how long it takes is in `benchmarks/`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from archdsl.diagnostics import Diagnostic
from archdsl.driver import check_text, compile_address, compile_text
from archdsl.limits import DEFAULT

HEAD = "network t {\n  input image [3, 32, 32]\n"


def network(body: str) -> str:
    return f"{HEAD}  {body}\n}}"


def many(piece: str) -> str:
    """As many of a piece as a file holds, nearly."""
    return piece * ((DEFAULT.source_characters - 1_000) // len(piece))


BAD_TEXTS = {
    "empty": ("", "E0109"),
    "blank": ("\n \n\t\n", "E0109"),
    "comment": ("# nothing", "E0109"),
    "long": ("network t {\n" * 5_000_000, "E0603"),
    "nested parentheses": (network("conv(" + "(" * 10_000 + "1" + ")" * 10_000 + ", 3)"), "E0108"),
    "nested braces": (network("{" * 10_000 + "}" * 10_000), "E0108"),
    "nested lists": (network("let a = " + "[" * 10_000 + "]" * 10_000), "E0108"),
    "nested skips": (network("skip { " * 8_000 + "relu" + " }" * 8_000), "E0108"),
    "signs": (network("conv(" + "- " * 10_000 + "1, 3)"), "E0108"),
    "nots": (network("if " + "not " * 10_000 + "true { relu }"), "E0108"),
    "powers": (network("conv(" + "2^" * 10_000 + "1, 3)"), "E0108"),
    "choices": (network("conv(" + many("1 if false else ") + "2, 3)"), "E0108"),
    "indices": (network("let a = [[1]]; conv(a" + "[0]" * 10_000 + ", 3)"), "E0108"),
    "calls": (network("conv" + "(1)" * 10_000), "E0108"),
    "repeat": (network("repeat 10^9 { relu }"), "E0502"),
    "nested repeat": (network("repeat 1000 { repeat 1000 { repeat 1000 { } } }"), "E0502"),
    "long range": (network("for i in 0..10^12 { }"), "E0502"),
    "sum of a range": (network("conv(sum(0..10^30), 3)"), "E0409"),
    "range as argument": (network("conv(16, 0..10^12)"), "E0409"),
    "list that doubles": (network("let a = [1]\n" + "let a = a + a\n" * 40 + "conv(len(a), 3)"), "E0409"),
    "lists of lists": (network("let a = [1, 1]\n" + "let a = [a, a]\n" * 40 + "conv(a, 3)"), "E0409"),
    "tower of powers": (network("conv(9^9^9^9, 3)"), "E0409"),
    "digits": (network("conv(" + "9" * 10_000 + ", 3)"), "E0409"),
    "infinite float": (network("conv(1e999, 3)"), "E0409"),
    "bodies that double": (
        "block b0 { relu }\n" + "".join(f"block b{i + 1} {{ b{i} -> b{i} }}\n" for i in range(50)) + network("b50"),
        "E0502",
    ),
    "deep calls": (
        "block b0 { relu }\n" + "".join(f"block b{i + 1} {{ b{i} }}\n" for i in range(500)) + network("b500"),
        "E0502",
    ),
    "a block given itself": ("block w(f) { f(f) }\n" + network("w(w)"), "E0502"),
    "recursion": ("block w(n) { w(n + 1) }\n" + network("w(1)"), "E0501"),
    "aliases": ("network a = b\nnetwork b = a", "E0501"),
    "unknown op": (network("convolution(16, 3)"), "E0201"),
    "unknown parameter": (network("conv(16, 3, size = 3)"), "E0202"),
    "unknown label": (network("concat { encoder; x }"), "E0201"),
    "label too early": (network("concat { later; x }; later: relu"), "E0206"),
    "string for a number": (network('conv("16", 3)'), "E0401"),
    "stride 0": (network("conv(16, 3, stride = 0)"), "E0402"),
    "groups": (network("conv(16, 3, groups = 2)"), "E0306"),
    "dropout": (network("dropout(1.5)"), "E0402"),
    "division": (network("conv(16 // 0, 3)"), "E0405"),
    "remainder": (network("conv(16 % 0, 3)"), "E0405"),
    "zero to a negative power": (network("conv(int(0^-1), 3)"), "E0405"),
    "float for a count": (network("repeat 2.5 { relu }"), "E0406"),
    "float for channels": (network("conv(33 / 2, 3)"), "E0406"),
    "size 0": ("network t { input image [3, 0, 8]; relu }", "E0402"),
    "negative size": ("network t { input image [3, -1, 8]; relu }", "E0402"),
    "nothing left": (network("repeat 6 { maxpool(2) }"), "E0304"),
    "huge sizes": ("network t { input image [3, 10^60, 10^60]; gap }", "E0502"),
    "huge argument": (network("conv(10^60, 3)"), "E0402"),
    "zero bytes": ("\0" * 1000, "E0104"),
    "import in a text": ('import "a.arch" as a\n' + network("a.b"), "E0605"),
}


@pytest.mark.parametrize("name", BAD_TEXTS)
def test_bad_text(name: str) -> None:
    text, code = BAD_TEXTS[name]
    found = check_text(text)
    assert code in {diagnostic.code for diagnostic in found}
    assert len(found) <= 60
    assert all_inside(found)


SLOW_MISTAKES = {
    "keys": network("relu") + "\ntrain { " + "data=" * 8_000 + " }",
    "letters before": "# " + "a" * 16_000 + "\n" + network("foo = conv(8, 1)"),
    "blanks before": "# " + " " * 16_000 + ".\n" + network("foo = conv(8, 1)"),
    "blanks after": network("conv 1" + " " * 16_000 + "x"),
    "branches": network("concat(" + "relu, " * 8_000 + "relu) x"),
    "names": "\n".join(f"block long_name{i}(w) {{ conv(w, 3) }}" for i in range(1_500)) + "\n"
    + network("\n".join(f"{{ longname{i}(8) }}" for i in range(1_500))),
}  # fmt: skip


@pytest.mark.parametrize("name", SLOW_MISTAKES)
def test_what_could_take_minutes_to_be_said(name: str) -> None:
    found = check_text(SLOW_MISTAKES[name])
    assert found and all_inside(found)


LARGE_TEXTS = {
    "sum": network("conv(" + many("1 + ") + "1" + ", 3)"),
    "statements": network(many("relu\n")),
    "one line": network(many("relu; ")),
    "pipeline": network("relu" + many(" -> relu")),
    "else if": network("if false { relu }" + many(" else if false { relu }")),
    "comparisons": network("if " + many("1 < ") + "2 { relu }"),
    "parentheses in a label": network('"' + "{(1)}" * 100 + '": relu'),
    "branches": network("concat { " + many("x; ") + "}"),
}


@pytest.mark.parametrize("name", LARGE_TEXTS)
def test_large_text(name: str) -> None:
    limit = sys.getrecursionlimit()
    assert check_text(LARGE_TEXTS[name]) == []
    assert sys.getrecursionlimit() == limit


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"clases": "10"}, "E0607"),
        ({"classes": ""}, "E0607"),
        ({"classes": "1 +"}, "E0101"),
        ({"classes": '"'}, "E0101"),
        ({"classes": "(" * 10_000}, "E0108"),
        ({"classes": "-" * 10_000 + "1"}, "E0108"),
        ({"classes": "9" * 1_000}, "E0409"),
        ({"classes": "10)"}, "E0101"),
        ({"classes": "[" * 3_000 + "]" * 3_000}, "E0108"),
        ({"train.augment": "[" * 3_000 + "]" * 3_000}, "E0108"),
        ({"classes": "ten"}, "E0201"),
        ({"classes": '"ten"'}, "E0401"),
        ({"classes": "0"}, "E0402"),
        ({"train.epochs": "0"}, "E0403"),
        ({"train.epoch": "3"}, "E0202"),
        ({"train.epochs": ""}, "E0607"),
        ({"train.": "3"}, "E0607"),
        ({"": "3"}, "E0607"),
    ],
)
def test_bad_setting(settings: dict[str, str], code: str) -> None:
    text = "network t(classes: int = 10) { input image [3, 8, 8]; gap; flatten; linear(classes) }"
    found = compile_text(text, settings=settings)
    assert not found.ok
    assert code in {diagnostic.code for diagnostic in found.diagnostics}
    assert all_inside(found.diagnostics)


def write(folder: Path, **files: str | bytes) -> Path:
    """The first of the files, all written into a folder."""
    for name, content in files.items():
        data = content if isinstance(content, bytes) else content.encode()
        (folder / f"{name}.arch").write_bytes(data)
    return folder / f"{next(iter(files))}.arch"


def codes(path: Path) -> list[str]:
    return [diagnostic.code for diagnostic in compile_address(str(path)).diagnostics]


USES = network("b.unit(8)")
UNIT = "block unit(out) { conv(out, 3) -> relu }"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert codes(tmp_path / "missing.arch") == ["E0601"]
    assert codes(tmp_path) == ["E0601"]
    assert codes(write(tmp_path, binary=b"\x89PNG\r\n\x1a\n\0\0\0")) == ["E0602"]
    assert codes(write(tmp_path, latin="# caf\xe9\n".encode("latin-1"))) == ["E0602"]
    assert codes(write(tmp_path, large=b"#" * 50_000_000)) == ["E0603"]
    assert codes(write(tmp_path, empty="")) == ["E0109"]
    assert codes(write(tmp_path, marked=b"\xef\xbb\xbf" + network("relu").encode())) == []


def test_imports(tmp_path: Path) -> None:
    assert codes(write(tmp_path, a='import "b.arch" as b\n' + USES, b=UNIT)) == []
    assert codes(write(tmp_path, a='import "c.arch" as b\n' + USES)) == ["E0601"]
    assert codes(write(tmp_path, a='import "b.arch" as b\n' + USES, b='import "a.arch" as a\n' + UNIT)) == ["E0604"]
    assert codes(write(tmp_path, a='import "a.arch" as b\n' + USES)) == ["E0604"]
    assert codes(write(tmp_path, a='import "b.arch" as b\n' + USES, b=UNIT + "\nblock")) == ["E0101"]


def test_an_import_cannot_leave_its_folder(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    outside = write(tmp_path, outside=UNIT)
    (inside / "link.arch").symlink_to(outside)
    (inside / "folder").symlink_to(tmp_path)
    for path in (
        "../outside.arch",
        str(outside),
        "link.arch",
        "folder/outside.arch",
        "a/../../outside.arch",
        "..\\\\outside.arch",
    ):
        assert codes(write(inside, a=f'import "{path}" as b\n{USES}')) == ["E0605"], path


def test_a_long_chain_of_imports(tmp_path: Path) -> None:
    files = {f"f{i}": f'import "f{i + 1}.arch" as b\n{UNIT}' for i in range(100)}
    path = write(tmp_path, a='import "f0.arch" as b\n' + USES, **files)
    assert codes(path) == ["E0502"]


def all_inside(found: list[Diagnostic]) -> bool:
    """Whether every mark is a non-empty part of its source."""
    marks = [mark for diagnostic in found for mark in (diagnostic.mark, *diagnostic.related) if mark is not None]
    return all(0 <= mark.span.start < mark.span.end <= len(mark.span.file.text) for mark in marks)
