"""Errors about files, imports and aliases that a single text cannot show, by their kinds."""

from __future__ import annotations

from pathlib import Path

import pytest

from archdsl import Limits
from archdsl.diagnostics import Diagnostic, codes
from archdsl.driver import compile_address, compile_text
from archdsl.session import Session

NETWORK = "network main { input image [3, 8, 8]; conv(8, 3) }\n"
UNIT = "block unit { conv(8, 3) }\n"


def found(path: Path, text: str, session: Session | None = None) -> list[Diagnostic]:
    (path / "main.arch").write_text(text, encoding="utf-8")
    return compile_address(str(path / "main.arch"), session=session).diagnostics


@pytest.mark.parametrize(
    ("imports", "kind", "help"),
    [
        ('import "unit.arch" as relu\n', codes.definitions.ImportTakenByLanguage, "choose another name after `as`"),
        ('import "unit.arch" as main\n', codes.definitions.ImportedTwice, "choose another name after `as`"),
        ('import "folder" as a\n', codes.imports.ImportedFolder, "import a file of definitions"),
        ('import "unti.arch" as a\n', codes.imports.UnreadableImport, "did you mean `unit.arch`?"),
    ],
)
def test_an_import(tmp_path: Path, imports: str, kind: type[Diagnostic], help: str) -> None:
    (tmp_path / "unit.arch").write_text(UNIT, encoding="utf-8")
    (tmp_path / "folder").mkdir()
    (error,) = found(tmp_path, imports + NETWORK)
    assert type(error) is kind and error.help == help


def test_a_misspelled_import_can_be_mended(tmp_path: Path) -> None:
    (tmp_path / "unit.arch").write_text(UNIT, encoding="utf-8")
    (error,) = found(tmp_path, 'import "unti.arch" as a\n' + NETWORK)
    assert error.fix is not None and [(edit.span.text, edit.text) for edit in error.fix.edits] == [('"unti.arch"', '"unit.arch"')]


def test_a_link_to_itself(tmp_path: Path) -> None:
    (tmp_path / "loop.arch").symlink_to("loop.arch")
    (error,) = found(tmp_path, 'import "loop.arch" as a\n' + NETWORK)
    assert isinstance(error, codes.imports.ImportLinksToItself | codes.imports.UnreadableImport)


def test_a_name_that_an_import_lacks(tmp_path: Path) -> None:
    (tmp_path / "unit.arch").write_text(UNIT, encoding="utf-8")
    text = 'import "unit.arch" as a\nnetwork main { input image [3, 8, 8]; a.unti }\n'
    (error,) = found(tmp_path, text)
    assert isinstance(error, codes.names.NotInImport) and error.help == "did you mean `unit`?"


def test_a_spec_that_imports_make_too_long(tmp_path: Path) -> None:
    (tmp_path / "unit.arch").write_text(UNIT, encoding="utf-8")
    text = 'import "unit.arch" as a\n' + NETWORK
    (error,) = found(tmp_path, text, Session(Limits(source_characters=len(text) + 10)))
    assert isinstance(error, codes.imports.SpecTooLong) and error.characters == len(text) + len(UNIT)


def test_a_block_for_a_network() -> None:
    (error,) = compile_text(UNIT + NETWORK, "unit").diagnostics
    assert isinstance(error, codes.definitions.OtherChosen) and error.help is not None and "main" in error.help


def test_a_long_chain_of_aliases() -> None:
    aliases = "".join(f"network a{n} = a{n - 1}\n" for n in range(1, 5))
    text = f"network a0 {{ input image [3, 8, 8]; conv(8, 3) }}\n{aliases}"
    (error,) = compile_text(text, "a4", session=Session(Limits(call_depth=3))).diagnostics
    assert isinstance(error, codes.definitions.TooManyAliases) and error.most == 3


def test_a_remedy_for_a_branch_with_an_op_of_several_outputs() -> None:
    """The search for a rounding that would fit follows one value alone."""
    body = "skip { maxpool(2); [a, _]: conv(4, 1) -> split([1, 3]); a }"
    compiled = compile_text(f"network n {{ input a [1, 11]; {body} }}")
    assert [found.code for found in compiled.diagnostics] == ["E0301"]
