"""`archdsl check --fix` and `archdsl lint --fix`: apply certain fixes until none is left."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

import click

from archdsl.addresses import STDIN, read_address, split_address
from archdsl.cli.model_source import refuse_model
from archdsl.compiled import Checked
from archdsl.diagnostics import Diagnostic
from archdsl.diagnostics.fixes import certain_fixes, edited, edits_of
from archdsl.driver import check_address
from archdsl.elaborate import read_source
from archdsl.file_io import write_file
from archdsl.fixing import ROUNDS, Fixed, files_of_findings, fix_text
from archdsl.input_sizes import InputSizes
from archdsl.lints import Levels
from archdsl.resources import resource_folder
from archdsl.session import Session
from archdsl.source import SourceFile

_BOM: Final = b"\xef\xbb\xbf"


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
    for _ in range(ROUNDS):
        files = {file: path for file in files_of_findings(fixed.checked) if (path := _writable(file, session)) is not None}
        chosen = certain_fixes(levels.applied(fixed.checked.diagnostics), files)
        if not chosen:
            break
        for file, edits in edits_of(chosen).items():
            mark = _BOM if files[file].read_bytes().startswith(_BOM) else b""
            write_file(files[file], mark + edited(file.text, edits).encode())
        fixed.checked = check_address(address, settings, session=session, sizes=sizes)
        fixed.applied += chosen
    return fixed


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
    """Raise a usage error if there is no spec to fix, or if the fixed text and data would share standard output."""
    refuse_model(address, "--fix")
    if split_address(address)[0] in ("-", STDIN) and form != "text":
        raise click.UsageError("--fix writes the text from standard input to standard output: leave out --format")
