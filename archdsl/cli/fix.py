"""`archdsl check --fix` and `archdsl lint --fix`: apply certain fixes until none is left."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import click

from archdsl.addresses import STDIN, read_address, split_address
from archdsl.compiled import Checked
from archdsl.diagnostics import Diagnostic, printable
from archdsl.diagnostics.fixes import certain_fixes, edited, edits_of
from archdsl.driver import check_address, check_source
from archdsl.elaborate import read_source
from archdsl.file_io import write_file
from archdsl.input_sizes import InputSizes
from archdsl.lints import Levels
from archdsl.resources import resource_folder
from archdsl.session import Session
from archdsl.source import SourceFile

_ROUNDS: Final = 100
"""The maximum number of rounds: a fix may reveal another error with a fix, possibly in a cycle."""
_BOM: Final = b"\xef\xbb\xbf"


@dataclass
class Fixed:
    """A file, or one network of it, after fixing, and the changes made."""

    checked: Checked
    applied: list[Diagnostic] = field(default_factory=list)
    text: str | None = None
    """The fixed text of standard input; None for a file."""

    def sentences(self) -> list[str]:
        """Return a line for each change."""
        return [
            printable(f"{found.span.place}: fixed {found.code}: {found.help}")
            for found in self.applied if found.span is not None
        ]  # fmt: skip


def fix_network(address: str, settings: dict[str, str], session: Session, levels: Levels, sizes: InputSizes = ()) -> Fixed:
    """Fix the file at an address and its imports. Text from standard input is fixed in memory.

    What the levels allow is left as it is.
    """
    if split_address(address)[0] in ("-", STDIN):
        _, name, source = read_address(address, session, sys.stdin.buffer)
        if isinstance(source, Diagnostic):
            return Fixed(Checked([], [source]))
        return fix_text(source, levels, session, name=name, settings=settings, sizes=sizes)
    fixed = Fixed(check_address(address, settings, session=session, sizes=sizes))
    for _ in range(_ROUNDS):
        files = {file: path for file in _files(fixed.checked) if (path := _writable(file, session)) is not None}
        chosen = certain_fixes(levels.applied(fixed.checked.diagnostics), files)
        if not chosen:
            break
        for file, edits in edits_of(chosen).items():
            mark = _BOM if files[file].read_bytes().startswith(_BOM) else b""
            write_file(files[file], mark + edited(file.text, edits).encode())
        fixed.checked = check_address(address, settings, session=session, sizes=sizes)
        fixed.applied += chosen
    return fixed


def fix_text(
    source: SourceFile, levels: Levels, session: Session, *, name: str | None = None, settings: dict[str, str] | None = None,
    sizes: InputSizes = (),
) -> Fixed:  # fmt: skip
    """Fix a text from standard input, or one network of it, in memory."""
    fixed = Fixed(check_source(source, None, name, settings, session=session, sizes=sizes), text=source.text)
    for _ in range(_ROUNDS):
        files = _files(fixed.checked)
        chosen = certain_fixes(levels.applied(fixed.checked.diagnostics), files)
        if not chosen:
            break
        [(file, edits)] = edits_of(chosen).items()  # such a text cannot import
        fixed.text = edited(file.text, edits)
        fixed.checked = check_source(SourceFile(source.name, fixed.text), None, name, settings, session=session, sizes=sizes)
        fixed.applied += chosen
    return fixed


def _files(checked: Checked) -> list[SourceFile]:
    """Return the files that a network was read from, and the files of edits, without values of `--set`."""
    found = list(checked.sources)
    for diagnostic in checked.diagnostics:
        for edit in diagnostic.fix.edits if diagnostic.fix is not None else ():
            if edit.span.file not in found and not edit.span.file.is_setting:
                found.append(edit.span.file)
    return found


def _writable(file: SourceFile, session: Session) -> Path | None:
    """Return the path of a file that may be changed; None if it comes with archdsl, is not writable, or has changed."""
    path = Path(file.name)
    if not path.is_file() or not os.access(path, os.W_OK):
        return None
    if path.resolve().is_relative_to(resource_folder("specs").resolve()):
        return None
    now = read_source(path, limits=session.limits)
    return path if isinstance(now, SourceFile) and now.text == file.text else None


def refuse_together(address: str, form: str) -> None:
    """Raise a usage error if the fixed text and data would share standard output."""
    if split_address(address)[0] in ("-", STDIN) and form != "text":
        raise click.UsageError("--fix writes the text from standard input to standard output: leave out --format")
