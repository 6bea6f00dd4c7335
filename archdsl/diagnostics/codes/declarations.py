"""Statements about a network, `output`, `aux` and `init`: parts of E0201, E0204, E0207, E0401, E0402, E0504 and E0505."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from archdsl.diagnostics.codes.arguments import E0401
from archdsl.diagnostics.codes.keys import E0207
from archdsl.diagnostics.codes.names import E0201, E0204
from archdsl.diagnostics.codes.ranges import E0402
from archdsl.diagnostics.codes.structure import E0504, E0505
from archdsl.diagnostics.record import Diagnostic, Mark
from archdsl.diagnostics.suggest import did_you_mean
from archdsl.literals import show, type_name
from archdsl.source import Span


class ResultNotAName(Diagnostic, code=E0207):
    """A head or output with a label that only a key can have."""

    name: str

    def summary(self) -> str:
        return f"a head or output cannot be called `{self.name}`: it becomes a field of the result"

    def remedy(self) -> str:
        return "choose a label that begins with a letter and goes on with letters, digits and `_`"


class ReservedResult(Diagnostic, code=E0207):
    """A head or output with the name of a field of the result."""

    name: str

    def summary(self) -> str:
        return f"a head or output cannot be called `{self.name}`: the result has a field of that name"

    def remedy(self) -> str:
        return "choose another label"


class ResultTwice(Diagnostic, code=E0505):
    """Two heads or outputs of one name; `again` if it is one statement, which runs twice."""

    name: str
    first: Span | None
    again: bool = False

    def summary(self) -> str:
        return f"two heads or outputs are called `{self.name}`"

    def marks(self) -> Iterable[Mark]:
        return (Mark(self.first, "the first"),) if self.first is not None and not self.again else ()

    def remedy(self) -> str:
        if self.again:
            outside = f"`output name: part.{self.name}`"
            return f"it runs twice: give it an index or a computed label, or write it outside of what runs twice: {outside}"
        return "rename a label: a result is called like its label, wherever that stands"


class InitOutsideNetwork(Diagnostic, code=E0504):
    """An `init` in a block."""

    def summary(self) -> str:
        return "`init` stands in the body of a network"

    def remedy(self) -> str:
        return "an op takes its own: `conv(64, 3, init = he())`"


class NothingToInitialize(Diagnostic, code=E0201):
    """A name in `init` that no op with weights has; `is_op` if an op without weights has it."""

    name: str
    is_op: bool
    known: Sequence[str]

    def summary(self) -> str:
        what = f"`{self.name}` has no weights" if self.is_op else f"no op is called `{self.name}`"
        return f"{what} that `init` could fill"

    def remedy(self) -> str | None:
        return did_you_mean(self.name, self.known)


class NotARule(Diagnostic, code=E0401):
    """A value in `init` that is no rule."""

    given: Any
    rules: Sequence[str]

    def summary(self) -> str:
        return f"`init` expected a rule, found {show(self.given)} ({type_name(self.given)})"

    def remedy(self) -> str:
        return f"the rules are {', '.join(self.rules)}"


class RuleTwice(Diagnostic, code=E0204):
    """Two rules of `init` for one op."""

    op: str
    first: Span

    def summary(self) -> str:
        return f"`init` says twice how `{self.op}` starts"

    def marks(self) -> Iterable[Mark]:
        return (Mark(self.first, "the first"),)

    def remedy(self) -> str:
        return "delete one"


class RefusedRule(Diagnostic, code=E0402):
    """A rule that does not suit the weights of an op, for its own reason."""

    op: str
    reason: str

    def summary(self) -> str:
        return self.reason

    def remedy(self) -> str:
        return f"take another rule: `{self.op} = ones`, `constant(...)`, `normal(...)`"
