"""E0809: searches that cannot run."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.record import Diagnostic

E0809 = Code(
    "E0809",
    "a search that cannot run",
    """`archdsl space` and `archdsl sweep` need a search space: a network with parameters that have domains, such as
    `network net(width in [16, 24, 32])`; for a sweep, a key of `train` with a domain is enough. The space must have a
    member, and a storage belongs to the space that it was made for.""",
    situation="`archdsl space net.arch`, where no parameter of the network has a domain.",
)


class NoSpace(Diagnostic, code=E0809):
    """A network without a search space; `recipe` if a sweep would take a key of the recipe as well."""

    network: str
    parameters: Sequence[str]
    recipe: bool

    def summary(self) -> str:
        return f"`{self.network}` has no search space: none of its open parameters has a domain"

    def remedy(self) -> str:
        name = self.parameters[0] if self.parameters else "width"
        further = ", or to a key of `train`: `optimizer = sgd(lr in log(1e-3, 1))`" if self.recipe else ""
        return f"give one a domain where the network is defined: `{name} in [...]`{further}"


class EmptySpace(Diagnostic, code=E0809):
    """A space of which no combination is a member; `reasons` say what excluded how many, `exact` if all were tried."""

    network: str
    tried: int
    exact: bool
    reasons: Sequence[str]

    def summary(self) -> str:
        all_of_them = "none of the" if self.exact else "none of"
        return f"the search space of `{self.network}` has no member: {all_of_them} {self.tried:,} combinations" + (
            "" if self.exact else " that were drawn"
        )

    def details(self) -> Sequence[str]:
        return self.reasons

    def remedy(self) -> str:
        return "relax `where`, or add values to the domains"


class TooManyToList(Diagnostic, code=E0809):
    """A space that cannot be listed: it is infinite (None) or too large."""

    network: str
    combinations: int | None
    most: int

    def summary(self) -> str:
        count = "infinitely many" if self.combinations is None else f"{self.combinations:,}"
        return f"`{self.network}` has {count} combinations, which are too many to list"

    def remedy(self) -> str:
        return f"draw some: `--sample 100`; up to {self.most:,} can be listed"


class NotAGrid(Diagnostic, code=E0809):
    """A grid of a space that has an interval of real numbers."""

    network: str

    def summary(self) -> str:
        return f"the search space of `{self.network}` is no grid: a domain is an interval of real numbers"

    def remedy(self) -> str:
        return "list values in place of the interval: `lr in [0.01, 0.1]`; or take `--sampler tpe`"


class OtherSpace(Diagnostic, code=E0809):
    """A storage that was made for another space, spec or recipe; `what` is the first difference."""

    storage: str
    study: str
    what: str

    def summary(self) -> str:
        return f"the study `{self.study}` in {self.storage} is of another search: {self.what}"

    def remedy(self) -> str:
        return "name another storage with `--storage`, or another study with `--study`"


class StorageUnusable(Diagnostic, code=E0809):
    """A storage that cannot be opened or read; `driver` is the module that it needs, if that is missing."""

    storage: str
    reason: str
    driver: str | None = None

    def summary(self) -> str:
        return f"the storage {self.storage} cannot be used: {self.reason}"

    def remedy(self) -> str:
        if self.driver is not None:
            return f"install a driver for the database: a package that has the module {self.driver}"
        return "name a file that ends in `.db` (SQLite) or `.log` (journal), or a URL of a database"


class TrialFailed(Diagnostic, code=E0809):
    """A trial of a sweep that ended with an error: its number, its member, and the error's first line."""

    number: int
    member: str
    reason: str

    def summary(self) -> str:
        return f"trial {self.number} failed: {self.reason}"

    def details(self) -> Sequence[str]:
        return (f"its member is {self.member}",)


class NoTrialFinished(Diagnostic, code=E0809):
    """A sweep without a finished trial."""

    network: str
    failed: int
    pruned: int

    def summary(self) -> str:
        return f"no trial of `{self.network}` finished: {self.failed} failed, {self.pruned} pruned"

    def remedy(self) -> str:
        return "mend what the failed trials report, and run the sweep again with more `--trials`"
