"""Further kinds of E0403 and E0404: ops that are called in another form than they take."""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.diagnostics.codes.arguments import E0403, E0404
from archdsl.diagnostics.record import Diagnostic, Edit, Remedy, guess


class CalledWithoutBraces(Diagnostic, code=E0403):
    """A join in the place of a stage, without branches in braces and without a number or axes."""

    op: str
    forms: str

    def summary(self) -> str:
        return f"`{self.op}` lacks its branches, or what it is called with"

    def remedy(self) -> str:
        return f"write `{self.op} {{ ...; ... }}` for branches, or {self.forms}"


class GivenByPosition(Diagnostic, code=E0404):
    """An argument by position that is given by name alone."""

    op: str
    parameter: str

    def summary(self) -> str:
        return f"`{self.op}` takes `{self.parameter}` by name"

    def details(self) -> Iterable[str]:
        counts = "axes count over the shape as it is written, without the batch: PyTorch's `dim = 1`, the channels, is `axis = 0`"
        return (counts,) if self.parameter == "axis" else ()

    def remedy(self) -> Remedy | str:
        if self.span is None:
            return f"write `{self.parameter} = ...`"
        edit = Edit(self.span._replace(end=self.span.start), f"{self.parameter} = ")
        return guess(f"write `{self.parameter} = {self.span.text}`", edit)
