"""E0213 and E0214: ops, blocks and scopes that give several values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archdsl.diagnostics.codes.entry import Code, Evidence
from archdsl.diagnostics.record import Diagnostic, Edit, Mark, Remedy, guess
from archdsl.source import Span

E0213 = Code(
    "E0213",
    "several values where one is needed",
    """An op such as `split`, or a block that ends with several values, needs a name for each: `[a, b]: split(2)`. After that
    statement there is no single `x`, so the next pipeline begins with one of the names, and so does a network's last one.
    A label names the values of an op as a family: `parts: split(n)` gives `parts[0]`, `parts[1]` and so on.""",
    bad="""
    network tiny {
      input image [4, 32, 32]
      split(2) -> relu
    }
    """,
    good="""
    network tiny {
      input image [4, 32, 32]
      [a, b]: split(2)
      add { a -> relu; b }
    }
    """,
)


class SeveralUnnamed(Diagnostic, code=E0213):
    """A stage of several outputs without a name for each. `begin` is where its statement begins, if only brackets are missing."""

    stage: str
    count: int
    begin: Span | None
    replaced: bool = False
    """Whether `begin` is a label, in whose place the brackets go."""
    of_an_op: bool = False
    """Whether a label names them as a family."""

    def summary(self) -> str:
        return f"`{self.stage}` gives {self.count} values: name each of them"

    def remedy(self) -> Remedy:
        names = f"[{', '.join(placeholders(self.count))}]"
        text = f"write `{names}: {self.stage}` on a line of its own, and begin the next one with a name"
        if self.of_an_op:
            text += f"; or label them all, `parts: {self.stage}`, and read `parts[0]`"
        if self.begin is None:
            return Remedy(text)
        return guess(text, Edit(self.begin, names if self.replaced else f"{names}: "))


class SeveralFlow(Diagnostic, code=E0213):
    """Something that takes `x` where `x` is several values; `names` are how to read them, none if none is named here."""

    names: Sequence[str]
    made: Span | None
    count: int

    def summary(self) -> str:
        return "this takes `x`, and `x` is several values here"

    def marks(self) -> Iterable[Mark]:
        return (Mark(self.made, "made here"),) if self.made is not None else ()

    def remedy(self) -> str:
        if not self.names:
            stage = self.made.text if self.made is not None and "\n" not in self.made.text else "..."
            names = f"[{', '.join(placeholders(self.count))}]"
            return f"name each of them, `{names}: {stage}` on a line of its own, and begin the next one with a name"
        return f"begin with one of them: {' or '.join(f'`{name} -> ...`' for name in self.names[:4])}"


class SeveralResults(SeveralFlow, code=E0213):
    """A network or a branch that ends with several values."""

    what: str

    def summary(self) -> str:
        return f"{self.what} ends with several values"

    def remedy(self) -> str:
        name = self.names[0] if self.names else "name"
        return f"end with one of them, such as `{name}`; what a network gives besides is an `output`"


E0214 = Code(
    "E0214",
    "names in brackets that do not fit",
    """`[q, k, v]: split(3)` names the outputs of the last stage, in their order: one different name for each. `_` stands for one
    that nobody needs. A stage of one output takes a label without brackets.""",
    bad="""
    network tiny {
      input image [6, 32, 32]
      [a, b]: split(3)
      add { a; b }
    }
    """,
    good="""
    network tiny {
      input image [6, 32, 32]
      [a, b, _]: split(3)
      add { a; b }
    }
    """,
    evidence=Evidence.VALUES,
)


class NameCount(Diagnostic, code=E0214):
    """Another number of names than of values; `place` is that of the names in the brackets."""

    names: Sequence[str]
    count: int
    parts: str | None = None
    """The `split` of as many parts as there are names, if another one counts the size of each, as PyTorch's does."""

    def summary(self) -> str:
        if len(self.names) == self.count == 1:
            return "brackets around the label of a single value"
        some = f"{len(self.names)} name{'s' if len(self.names) != 1 else ''}"
        return f"{some} for {self.count} value{'s' if self.count != 1 else ''}"

    def remedy(self) -> Remedy:
        if self.count == 1:
            text = self.names[0]
            return guess(f"a single value has a label without brackets: `{text}: ...`", *self._edits(text))
        if self.parts is not None:
            return Remedy(f"`split` takes the number of equal parts, and not the size of each: `{self.parts}`")
        more = ["_"] * (self.count - len(self.names))
        text = f"[{', '.join([*self.names[: self.count], *more])}]"
        return guess(f"write `{text}: ...`; `_` is for a value that nobody needs", *self._edits(text))

    def _edits(self, text: str) -> tuple[Edit, ...]:
        return (Edit(self.span, text),) if self.span is not None else ()


class ValueNamedTwice(Diagnostic, code=E0214):
    """One name for two of the values."""

    name: str
    first: Span

    evidence = Evidence.TEXT

    def summary(self) -> str:
        return f"`{self.name}` names two of the values"

    def marks(self) -> Iterable[Mark]:
        return (Mark(self.first, "the first"),)

    def remedy(self) -> Remedy:
        edits = (Edit(self.span, "_"),) if self.span is not None else ()
        return guess("give each a name of its own; `_` is for one that nobody needs", *edits)


class NameOfAnOp(Diagnostic, code=E0214):
    """The name of an op, a block or an import, which only a key may have."""

    name: str

    evidence = Evidence.TEXT

    def summary(self) -> str:
        return f"`{self.name}` has a meaning in this file, and cannot name a value"

    def remedy(self) -> Remedy:
        edits = (Edit(self.span, f"{self.name}1"),) if self.span is not None and self.span.text == self.name else ()
        return guess(f"choose another name, such as `{self.name}1`", *edits)


def placeholders(count: int) -> list[str]:
    """Return names to write for so many values."""
    letters = "abcdefgh"
    return [*letters[:count]] if count <= len(letters) else ["a", "b", "..."]
