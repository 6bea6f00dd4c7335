"""The table of codes against the source tree, and its examples against the compiler."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

import archdsl.registry
from archdsl.diagnostics import Diagnostic
from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.codes.table import CODES, GROUPS, kinds
from archdsl.driver import check_text

PACKAGE = Path(archdsl.registry.__file__).parent
TABLE = PACKAGE / "diagnostics" / "codes"
WORDS = {
    word
    for path in PACKAGE.rglob("*.py")
    if not path.is_relative_to(TABLE)
    for word in re.findall(r"\w+", path.read_text(encoding="utf-8"))
}


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_a_kind_is_described_and_raised(kind: type[Diagnostic]) -> None:
    """Its docstring says when it is found, it says what is wrong, and some module outside its own makes one."""
    assert kind.__doc__ and kind.__doc__ != Diagnostic.__doc__
    assert kind.summary is not Diagnostic.summary
    assert kind.__name__ in WORDS, f"nothing makes a {kind.__name__}"


def test_every_code_has_a_kind() -> None:
    assert set(CODES) == {kind.code for kind in kinds()}


def test_names_of_kinds_are_unique() -> None:
    names = Counter(kind.__name__ for kind in kinds())
    assert [name for name, count in names.items() if count > 1] == []


def test_every_code_has_a_group() -> None:
    assert {code[:3] for code in CODES} == set(GROUPS)


@pytest.mark.parametrize("entry", CODES.values(), ids=lambda entry: entry.code)
def test_an_entry_explains(entry: Code) -> None:
    assert entry.title and len(entry.explanation) > 60
    assert bool(entry.bad) == bool(entry.good)
    assert entry.bad or entry.situation


@pytest.mark.parametrize("entry", [entry for entry in CODES.values() if entry.bad], ids=lambda entry: entry.code)
def test_examples(entry: Code) -> None:
    assert {diagnostic.code for diagnostic in check_text(entry.bad)} == {entry.code}
    assert check_text(entry.good) == []
