"""Apply certain fixes to a text until none is left."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from archdsl.compiled import Checked
from archdsl.diagnostics import Diagnostic, printable
from archdsl.diagnostics.fixes import certain_fixes, edited, edits_of
from archdsl.driver import check_source
from archdsl.input_sizes import InputSizes
from archdsl.lints import Levels
from archdsl.session import Session
from archdsl.source import SourceFile

ROUNDS: Final = 100
"""The maximum number of rounds: a fix may reveal another error with a fix, possibly in a cycle."""


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


def fix_text(
    source: SourceFile, levels: Levels, session: Session, *, name: str | None = None, settings: dict[str, str] | None = None,
    sizes: InputSizes = (),
) -> Fixed:  # fmt: skip
    """Fix a text, or one network of it, in memory."""
    fixed = Fixed(check_source(source, None, name, settings, session=session, sizes=sizes), text=source.text)
    for _ in range(ROUNDS):
        files = files_of_findings(fixed.checked)
        chosen = certain_fixes(levels.applied(fixed.checked.diagnostics), files)
        if not chosen:
            break
        [(file, edits)] = edits_of(chosen).items()  # such a text cannot import
        fixed.text = edited(file.text, edits)
        fixed.checked = check_source(SourceFile(source.name, fixed.text), None, name, settings, session=session, sizes=sizes)
        fixed.applied += chosen
    return fixed


def files_of_findings(checked: Checked) -> list[SourceFile]:
    """Return the files that a network was read from, and the files of edits, without values of `--set`."""
    found = list(checked.sources)
    for diagnostic in checked.diagnostics:
        for edit in diagnostic.fix.edits if diagnostic.fix is not None else ():
            if edit.span.file not in found and not edit.span.file.is_setting:
                found.append(edit.span.file)
    return found
