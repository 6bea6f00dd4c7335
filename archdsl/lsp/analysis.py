"""What is known of one version of a text in an editor. Everything that the server answers is read from here."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from archdsl.compiled import Checked, Compiled
from archdsl.diagnostics import Diagnostic
from archdsl.driver import check_source
from archdsl.elaborate import Module
from archdsl.elaborate.symbols import SymbolTable
from archdsl.lsp.applications import Applications, applications_of
from archdsl.lsp.receptive_fields import receptive_field_texts
from archdsl.session import Session
from archdsl.source import SourceFile, Span
from archdsl.syntax import nodes as ast


class Text(NamedTuple):
    """A version of a text: its address, the path of its file if it has one, and the number that the editor gave it."""

    uri: str
    version: int | None
    content: str
    path: Path | None

    @property
    def source(self) -> SourceFile:
        """The text as a source, under the name that messages show."""
        return SourceFile(self.path.name if self.path is not None else self.uri, self.content)


class Analysis:
    """The result of checking a version of a text.

    `focus` is the network at the cursor: what a block is told to do in it is what its lines show. `last_sound` is the analysis of
    the last version without errors, if this one has some.
    """

    def __init__(self, text: Text, checked: Checked, focus: str | None = None, last_sound: Analysis | None = None) -> None:
        self.text = text
        self.checked = checked
        self.focus = focus
        self.last_sound = last_sound if self.has_errors else None

    @property
    def has_errors(self) -> bool:
        """Whether something in the text, or in what it imports, is wrong."""
        return not self.checked.networks or any(diagnostic.is_error for diagnostic in self.diagnostics)

    @property
    def source(self) -> SourceFile:
        """The text. Every span in it refers to this object."""
        return self.module.file.source if self.module is not None else self.text.source

    @property
    def module(self) -> Module | None:
        """The file with its imports."""
        return self.checked.module

    @property
    def file(self) -> ast.File:
        """The tree; an empty one if the text could not be read."""
        return self.module.file if self.module is not None else ast.unread(self.source)

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """Everything that was found."""
        return self.checked.diagnostics

    @cached_property
    def symbols(self) -> SymbolTable | None:
        """What every name means."""
        return SymbolTable(self.module) if self.module is not None else None

    @cached_property
    def applications(self) -> Applications:
        """The applications of each stage: in the network at the cursor, or else in the first network that has any."""
        networks = sorted(self.checked.networks, key=lambda pair: pair[0] != self.focus)
        return applications_of(self.source, [compiled.partial for _, compiled in networks if compiled.partial is not None])

    @cached_property
    def receptive_fields(self) -> Mapping[Span, list[str]]:
        """The receptive fields behind each stage, in the networks without errors."""
        networks = sorted(self.checked.networks, key=lambda pair: pair[0] != self.focus)
        return receptive_field_texts(self.source, [compiled.graph for _, compiled in networks if compiled.graph is not None])

    def network(self, name: str) -> Compiled | None:
        """Return what became of a network."""
        return dict(self.checked.networks).get(name)

    def network_at(self, line: int) -> str | None:
        """Return the network that is written on a line, counted from 0; None if there is none."""
        starts = self.source.line_starts
        definition = self.definition_at(starts[min(line, len(starts) - 1)])
        return definition.name if definition is not None and self.network(definition.name) is not None else None

    def definition_at(self, offset: int) -> ast.Definition | None:
        """Return the block, network or constant that is written at an offset."""
        return next((d for d in self.file.definitions if d.span.start <= offset <= d.span.end), None)

    def uri(self, source: SourceFile) -> str | None:
        """Return the address of the text or of a file that it imports; None for what is no file, such as a setting."""
        if source is self.source:
            return self.text.uri
        path = Path(source.name)
        return path.as_uri() if path.is_absolute() else None

    def of_this_file(self, span: Span | None) -> bool:
        """Return whether a span lies in the text itself, and not in one that it imports."""
        return span is not None and span.file is self.source


def analyze(
    text: Text, session: Session, *, focus: str | None = None, only_focus: bool = False, before: Analysis | None = None
) -> Analysis:
    """Check a text: all of its networks, or only the one at the cursor. `before` is the analysis of an earlier version."""
    checked = check_source(text.source, text.path, focus if only_focus else None, session=session)
    return Analysis(text, checked, focus, before if before is None or not before.has_errors else before.last_sound)
