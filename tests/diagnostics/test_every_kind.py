"""Every kind of diagnostic of the front end is raised by a text, by way of the compiler.

The texts are those of the golden tests and of the table of codes; what needs several files is written here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from archdsl.diagnostics import Diagnostic
from archdsl.diagnostics.codes.table import CODES, kinds
from archdsl.driver import check_text, compile_address, compile_text
from archdsl.limits import Limits
from archdsl.session import Session
from tests.golden.test_errors import BREAK, CASES, said

FRONT_END = frozenset(
    "syntax bodies slips names definitions keys shapes spaces joins symbolic_sizes arguments ranges expressions structure limits"
    " inputs declarations imports claims settings recipe_keys source_warnings habits misread_bodies notes".split()
)
"""The modules of kinds that a text alone can show. The others are about data, runs, weights and outputs."""
NOT_BY_A_TEXT = {
    "Undecided": "a guard: a value is unknown, and no error explains it",
    "TooManyRounds": "a guard: a loop runs a body in each round, so that the limit on bodies comes first",
    "SizesMissing": "for `--size` alone, as the next four",
    "OtherInput": "tests/analysis",
    "FailsAtSize": "tests/analysis",
    "FailsCondition": "tests/analysis",
    "FailsAtSizes": "tests/analysis",
}
"""Kinds of these modules that no text shows, and why."""
NET = "network net { input i [3, 8, 8]; relu }\n"
FILES = {
    "empty": ("net.arch", {"net.arch": 'import "other.arch" as o\n' + NET, "other.arch": "block b { relu }"}),
    "not in import": (
        "net.arch",
        {"net.arch": 'import "a.arch" as a\nnetwork net { input i [3]; a.missing }', "a.arch": "block b { relu }"},
    ),
    "twice": ("net.arch", {"net.arch": 'import "a.arch" as a\nimport "a.arch" as a\n' + NET, "a.arch": "block b { relu }"}),
    "taken": ("net.arch", {"net.arch": 'import "a.arch" as conv\n' + NET, "a.arch": "block b { relu }"}),
    "absolute": ("net.arch", {"net.arch": 'import "/etc/hosts" as a\n' + NET}),
    "outside": ("net.arch", {"net.arch": 'import "../a.arch" as a\n' + NET}),
    "missing": ("net.arch", {"net.arch": 'import "b.arch" as a\n' + NET}),
    "folder": ("net.arch", {"net.arch": 'import "sub" as a\n' + NET, "sub/a.arch": NET}),
    "circle": ("net.arch", {"net.arch": 'import "a.arch" as a\n' + NET, "a.arch": 'import "net.arch" as n\nblock b { relu }'}),
    "link": ("net.arch", {"net.arch": 'import "loop.arch" as a\n' + NET}),
    "no name": ("net.arch:", {"net.arch": NET}),
    "no such network": ("net.arch:other", {"net.arch": NET}),
    "a block": ("net.arch:b", {"net.arch": "block b { relu }\n" + NET}),
    "several": ("net.arch", {"net.arch": NET.replace("net {", "one {") + NET.replace("net {", "two {")}),
}
"""Addresses and the files that they are about."""


@pytest.fixture(scope="module")
def raised(tmp_path_factory: pytest.TempPathFactory) -> Iterator[set[type[Diagnostic]]]:
    """Return the kinds that the compiler makes of all texts."""
    found: set[type[Diagnostic]] = set()
    original = Diagnostic.__init__

    def record(self: Diagnostic, *positional: object, **fields: object) -> None:
        found.add(type(self))
        original(self, *positional, **fields)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Diagnostic, "__init__", record)
        for path in CASES:
            said(path.read_text(encoding="utf-8").partition(BREAK)[0])
        for entry in CODES.values():
            if entry.bad:
                check_text(entry.bad)
        for name, (address, files) in FILES.items():
            _compile_files(tmp_path_factory.mktemp(name.replace(" ", "_")), address, files)
        _beyond_limits(tmp_path_factory.mktemp("limits"))
        compile_text("network n(w = 4) { input i [3, 8, 8]; conv(w, 3) }\nnetwork m = n(8)", "m", {"w": "3"})
    yield found


def _compile_files(folder: Path, address: str, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    os.symlink("loop.arch", folder / "loop.arch")
    compile_address(str(folder / address))


def _beyond_limits(folder: Path) -> None:
    (folder / "net.arch").write_text('import "a.arch" as a\nimport "b.arch" as b\n' + NET)
    for name in ("a", "b"):
        (folder / f"{name}.arch").write_text("block b { relu }")
    for limits in (Limits(imports=1), Limits(source_characters=100)):
        compile_address(str(folder / "net.arch"), session=Session(limits))


@pytest.mark.parametrize(
    "kind", [kind for kind in kinds() if kind.__module__.rpartition(".")[2] in FRONT_END], ids=lambda kind: kind.__name__
)
def test_a_text_shows_it(kind: type[Diagnostic], raised: set[type[Diagnostic]]) -> None:
    assert (kind in raised) != (kind.__name__ in NOT_BY_A_TEXT)
