"""`archdsl.Editor`: a spec in a notebook that is checked while it is typed, with the shape behind each line and its diagram.

It is an anywidget, which JupyterLab, VS Code and marimo show. The script next to this file draws it; what it shows comes
from the analysis that the language server uses.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from archdsl.diagnostics import Diagnostic, SpecError, as_data
from archdsl.diagnostics.fixes import edited
from archdsl.driver import compile_source
from archdsl.elaborate.program import read_source
from archdsl.file_io import write_file
from archdsl.lsp.analysis import Analysis, Text, analyze
from archdsl.lsp.hints import hints_of
from archdsl.lsp.semantic_tokens import tokens_of
from archdsl.network import Network
from archdsl.notebook import diagram_element
from archdsl.optional_dependencies import extra_needed
from archdsl.session import Session
from archdsl.source import SourceFile

with extra_needed("notebook", "`archdsl.Editor`"):
    import anywidget
    import traitlets

START = """network net {
  input image [3, 32, 32]
  conv(16, 3) -> bn -> relu
  gap -> flatten -> linear(10)
}
"""


class Editor(anywidget.AnyWidget):
    """An editor of a spec in a notebook.

    `text` is the spec, by default a small network; `file` is a file to edit instead, which `save` writes. `name` is the network
    that the hints and the diagram are about, by default the first. Raise `SpecError` if the file cannot be read, and
    `ValueError` for a text with a file.

    Its traits follow the text: `diagnostics` (as `check --format json` has them), `hints` (each with a line, counted from 1, and
    its text), `names` of the networks, and `diagram`, an SVG element of the last version without errors. `marks` are what the
    page colors and underlines in the text that was `checked`: a line, counted from 1, its UTF-16 columns from and to, counted
    from 0, and the kind of a semantic token or a severity; the column -1 is the end of the line.
    """

    _esm = Path(__file__).with_suffix(".js")
    _css = Path(__file__).with_suffix(".css")

    text = traitlets.Unicode().tag(sync=True)
    name = traitlets.Unicode().tag(sync=True)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    hints = traitlets.List(traitlets.Dict()).tag(sync=True)
    diagnostics = traitlets.List(traitlets.Dict()).tag(sync=True)
    diagram = traitlets.Unicode().tag(sync=True)
    marks = traitlets.List(traitlets.List()).tag(sync=True)
    checked = traitlets.Unicode().tag(sync=True)

    def __init__(self, text: str | None = None, *, file: str | os.PathLike[str] | None = None, name: str = "") -> None:
        self._file = Path(file) if file is not None else None
        self._session = Session()
        self._analysis: Analysis | None = None
        self._found: list[Diagnostic] = []
        if self._file is not None:
            if text is not None:
                raise ValueError("Editor takes a text or a file, and not both")
            source = read_source(self._file, str(self._file), limits=self._session.limits)
            if not isinstance(source, SourceFile):
                raise SpecError(source)
            text = source.text
        text = START if text is None else text
        self._newline = "\r\n" if "\r\n" in text else "\n"
        super().__init__(text=text.replace("\r\n", "\n"), name=name)  # as text areas of browsers have it
        self.observe(self._check, ["text", "name"])
        self.on_msg(self._receive)
        self._check()

    @property
    def network(self) -> Network:
        """The network that is shown. Raise `SpecError` if the text has errors."""
        name = self.name or next(iter(self.names), None)
        return Network(compile_source(self._text().source, self._file, name, session=self._session))

    def save(self, file: str | os.PathLike[str] | None = None) -> None:
        """Write the text into a file, by default the one that was read. Lines end as they did when the editor was opened."""
        target = Path(file) if file is not None else self._file
        if target is None:
            raise ValueError("the editor was not opened on a file: save('net.arch') names one")
        write_file(target, self.text.replace("\n", self._newline).encode("utf-8"))

    def fix(self, number: int) -> None:
        """Apply the fix of a diagnostic, by its place in `diagnostics`. Those without one change nothing."""
        assert self._analysis is not None
        found = self._found[number]
        if found.fix is not None and all(edit.span.file is self._analysis.source for edit in found.fix.edits):
            self.text = edited(self.text, found.fix.edits)

    def _text(self) -> Text:
        return Text("editor.arch", None, self.text, self._file)

    def _check(self, change: object = None) -> None:
        """Bring what is shown up to date with the text."""
        analysis = self._analysis = analyze(self._text(), self._session, focus=self.name or None, before=self._analysis)
        self._found = list(analysis.diagnostics)
        with self.hold_sync():
            self.names = [name for name, _ in analysis.checked.networks]
            self.hints = [{"line": analysis.source.line_column(hint.offset)[0], "text": hint.text} for hint in hints_of(analysis)]
            if not analysis.has_errors:
                try:
                    self.diagram = diagram_element(self.network)
                except SpecError as error:  # no network has that name, or none has it any more
                    self._found += error.diagnostics
            self.diagnostics = [as_data(one) for one in self._found]
            self.marks = list(self._marked(analysis))
            self.checked = analysis.text.content

    def _marked(self, analysis: Analysis) -> Iterator[list[int | str]]:
        """Yield the tokens of the text, and the places of what was found in it; of several lines, the first."""
        found = [(one.span, one.severity.value) for one in self._found if one.span is not None]
        for span, kind in [*((token.span, token.kind) for token in tokens_of(analysis)), *found]:
            (line, start), (end_line, end) = span.utf16_range
            if analysis.of_this_file(span):
                yield [line + 1, start, end if end_line == line else -1, kind]

    def _receive(self, widget: object, content: Any, buffers: object) -> None:
        """Do what a button of the page asks for."""
        number = content.get("fix") if isinstance(content, dict) else None
        if isinstance(number, int) and 0 <= number < len(self.diagnostics):
            self.fix(number)
