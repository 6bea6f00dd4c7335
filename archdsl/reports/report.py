"""A report on one network in each of its formats."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any, Final

from archdsl.ir import Graph
from archdsl.reports.facts import BATCH, Facts, facts_of

FORMATS: Final = ("text", "md", "html", "json")


class Report:
    """A report on a network: its `facts`, and their text. `str(report)` is what the command prints."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts

    @cached_property
    def _document(self) -> Any:
        from archdsl.reports.sections import document  # here: JSON needs none

        return document(self.facts)

    def __str__(self) -> str:
        return self.text()

    def text(self, *, color: bool = False) -> str:
        """Return the report for a terminal."""
        from archdsl.reports.document import as_text  # here, as below: one format is written

        return as_text(self._document, color=color)

    def markdown(self) -> str:
        """Return the report as Markdown."""
        from archdsl.reports.document import as_markdown

        return as_markdown(self._document)

    def html(self) -> str:
        """Return the report as a page of HTML that needs no network."""
        from archdsl.reports.document import as_html

        return as_html(self._document)

    def data(self) -> dict[str, Any]:
        """Return the facts as plain data, with formulas as strings."""
        from archdsl.reports.data import facts_data

        return facts_data(self.facts)

    def written(self, form: str) -> str:
        """Return the report in one of `FORMATS`. Raise `ValueError` for another format."""
        if form == "json":
            return json.dumps(self.data(), indent=2, ensure_ascii=False) + "\n"
        makers = {"text": self.text, "md": self.markdown, "html": self.html}
        if form not in makers:
            raise ValueError(f"a report is {', '.join(FORMATS)}, and not {form!r}")
        return makers[form]()

    def _repr_markdown_(self) -> str:
        """Return the report for notebooks."""
        return self.markdown()


def report_of(graph: Graph, batch: int = BATCH) -> Report:
    """Return the report on a network without errors. `batch` is the number of examples of a training step."""
    return Report(facts_of(graph, batch))
