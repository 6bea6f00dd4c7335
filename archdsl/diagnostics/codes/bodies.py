"""E0101: bodies behind words that take none, and bodies and statements without the word that they need."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diagnostics.codes.syntax import E0101
from archdsl.diagnostics.record import Diagnostic, Edit, Remedy, certain, guess


class BodyAfterName(Diagnostic, code=E0101):
    """`features { ... }`. `known` are the words that take a body."""

    name: str
    index: str | None
    meant: str | None
    known: Sequence[str] = ()
    with_options: bool = False

    def summary(self) -> str:
        return f"a body cannot follow `{self.name}{'(...)' if self.with_options else ''}`"

    def remedy(self) -> str:
        name, index = self.name, self.index
        if index is not None:
            return f'a computed label stands in quotes: `"{name}{{{index}}}": ...`; or with an index: `{name}[{index}]: ...`'
        if self.meant is not None:
            return f"did you mean `{self.meant} {{ ... }}`?"
        joins = "branches are joined by one of " + ", ".join(f"`{word}`" for word in self.known)
        label = f"a label takes a colon, and names statements that run one after the other: `{name}: {{ ... }}`"
        return f"{joins}; {label}" if name.lower().rstrip("s") in _OPERATIONS else f"{label}; {joins}"


_OPERATIONS = frozenset(
    "sub subtract minus div divide min max mean avg average matmul dot parallel branch branche split stack merge fuse combine"
    " sum join multiply product prod xor maxout gate inception".split()
)
"""Words that stand for what is made of several branches."""


class NamelessDefinition(Diagnostic, code=E0101):
    """`tiny { ... }` at the top level; `word` is what stands in the place of `network` or `block`."""

    name: str
    word: str | None = None

    def summary(self) -> str:
        what = (
            f"`{self.word}` begins no definition"
            if self.word is not None
            else f"`{self.name}` stands without `network` or `block`"
        )
        return f"{what}: expected `block`, `network`, `import` or `train`"

    def remedy(self) -> str:
        return f"write `network {self.name} {{ input image [3, 32, 32] ... }}`, or `block {self.name} {{ ... }}`"


class OutsideDefinitions(Diagnostic, code=E0101):
    """A statement at the top level of a file."""

    found: str

    def summary(self) -> str:
        return f"unexpected {self.found}: statements stand in the body of a network or block"

    def remedy(self) -> str:
        return "write `network name { input image [3, 32, 32] ... }` around them"


class NotAroundABody(Diagnostic, code=E0101):
    """`add(a, b)` or `skip relu`, where a body needs braces."""

    keyword: str
    what: str
    written: str
    edit: Edit | None

    def summary(self) -> str:
        return f"`{self.keyword}` goes around {self.what} in braces"

    def remedy(self) -> Remedy:
        text = f"write `{self.written}`"
        return certain(text, self.edit) if self.edit is not None else guess(text)
