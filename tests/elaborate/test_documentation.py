"""What is said of a network: its own `##` lines, its group's, those of what it is an alias of, or its file's."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from archdsl.driver import compile_address, compile_networks, compile_text

TEXT = """\
## The file.

block unit { relu }

network bare(classes = 10) { input image [3]; linear(classes); unit }

## Documented.
network documented(classes = 10) { input image [3]; linear(classes) }
network beside = documented(11)

network alias = documented(12)
network alias_of_alias = alias

## Its own.
network own = documented(13)
network of_bare = bare(14)

network apart = bare(15)
"""


@pytest.mark.parametrize(
    ("name", "doc"),
    [
        ("bare", "The file."),
        ("documented", "Documented."),
        ("beside", "Documented."),
        ("alias", "Documented."),
        ("alias_of_alias", "Documented."),
        ("own", "Its own."),
        ("of_bare", "Its own."),
        ("apart", "The file."),
    ],
)
def test_where_documentation_comes_from(name: str, doc: str) -> None:
    assert compile_text(TEXT, name).require().doc == doc


def test_of_an_import(tmp_path: Path) -> None:
    (tmp_path / "base.arch").write_text(TEXT)
    (tmp_path / "net.arch").write_text(
        '# no documentation\n\nimport "base.arch" as base\nnetwork mine = base.documented(2)\nnetwork other = base.bare(2)\n'
    )
    assert compile_address(f"{tmp_path / 'net.arch'}:mine").require().doc == "Documented."
    assert compile_address(f"{tmp_path / 'net.arch'}:other").require().doc == ""


@pytest.mark.parametrize("most", [1, pytest.param(100, marks=pytest.mark.exhaustive)])
def test_every_shipped_network_has_some(most: int) -> None:
    for path in (Path(__file__).parents[2] / "specs").glob("*.arch"):
        for definition, _, compiled in islice(compile_networks(path), most):
            assert compiled.require().doc, definition.name
