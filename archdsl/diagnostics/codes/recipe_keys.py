"""Keys of `train` and their values: parts of E0201 and E0204."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archdsl.diagnostics.codes.names import E0201, E0204, Undefined
from archdsl.diagnostics.record import Diagnostic, Edit, Mark, Remedy, guess
from archdsl.diagnostics.suggest import did_you_mean, nearest
from archdsl.literals import show
from archdsl.source import Span


class KeyTwice(Diagnostic, code=E0204):
    """A key that is set twice."""

    name: str
    first: Span

    def summary(self) -> str:
        return f"`{self.name}` is set twice"

    def marks(self) -> Iterable[Mark]:
        return (Mark(self.first, "the first"),)

    def remedy(self) -> str:
        return "delete one"


class PathWithoutQuotes(Undefined, code=E0201):
    """A path without quotes; `kind` is what the key takes by name."""

    key: str
    kind: str
    path: str

    def summary(self) -> str:
        return f"there is no {self.kind} `{self.path}`"

    def remedy(self) -> Remedy:
        quoted = show(self.path)
        edits = [Edit(self.span, quoted)] if self.span is not None else []
        return guess(f"a path stands in quotes: `{self.key} = {quoted}`", *edits)


class UnknownWordOfKey(Undefined, code=E0201):
    """A word that a key does not take."""

    key: str
    name: str
    words: Sequence[str]

    def summary(self) -> str:
        return f"`{self.key}` has no `{self.name}`"

    def remedy(self) -> Remedy | str:
        near = nearest(self.name, self.words)
        if near is None:
            return f"`{self.key}` takes {', '.join(self.words)}"
        return guess(f"did you mean `{near}`?", *([Edit(self.span, near)] if self.span is not None else []))


class UnknownCall(Undefined, code=E0201):
    """A call or name of a kind that a key takes, and does not know. `name` is the last part of what is `written`."""

    key: str
    kind: str
    written: str
    name: str
    known: Sequence[str]

    def summary(self) -> str:
        return f"there is no {self.kind} `{self.written}`"

    @property
    def near(self) -> str | None:
        """The question whether a similar name is meant."""
        return did_you_mean(self.name, self.known)

    def remedy(self) -> Remedy | str:
        near = nearest(self.name, self.known)
        if self.near is None or near is None or near not in self.near:
            return self.near or self.takes
        return guess(self.near, *([Edit(self.span, near)] if self.span is not None else []))

    @property
    def takes(self) -> str:
        """What the key takes, as a sentence."""
        return f"`{self.key}` takes {', '.join(self.known)}"


class RefusedOptimizer(UnknownCall):
    """An optimizer that is left out on purpose, for a reason."""

    reason: str

    def remedy(self) -> str:
        return self.reason


class NeitherSetNorPath(UnknownCall):
    """A name under `data` that is no data set, and may be a path."""

    def remedy(self) -> str:
        path = show(f"./{self.name}")
        if self.near is not None:
            return f"{self.near.removesuffix('?')}, or a path in quotes, `data = {path}`?"
        return f"{self.takes}; a path stands in quotes: `data = {path}`"


class CallOfPath(UnknownCall):
    """A call under `data` of no data set, around a path."""

    path: str

    def remedy(self) -> str:
        begin = f"{self.near} A" if self.near is not None else f"{self.takes}; a"
        return f"{begin} file or folder of your own is its path alone: `data = {self.path}`"
