"""E0215 and E0216: what labels name in other scopes, read by a path such as `backbone.layer3`, and families as lists."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diagnostics.codes.entry import Code, Evidence
from archdsl.diagnostics.record import Diagnostic, Edit, Remedy, guess
from archdsl.source import Span

E0215 = Code(
    "E0215",
    "a label that is not there, or not clear",
    """`backbone.layer3` is the value of the label `layer3` in the scope `backbone`: a group in braces or a call of a block with
    a label. There is no such label, or there are two of them in different braces, or it is called like a size: `.c`, `.h`,
    `.w`, `.d`, `.l`, `.shape` and `.rank` are sizes of a value.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      backbone: {
        low: conv(16, 3)
        conv(32, 3)
      }
      concat { backbone.lo; x }
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      backbone: {
        low: conv(16, 3)
        conv(32, 3)
      }
      concat { backbone.low; x }
    }
    """,
    evidence=Evidence.VALUES,
    depends_on_braces=True,
)


class NoSuchLabel(Diagnostic, code=E0215):
    """A label that a scope does not have; `known` are those that it has, `place` is the name in the path."""

    scope: str
    name: str
    known: Sequence[str]
    near: str | None
    place: Span

    def summary(self) -> str:
        return f"`{self.scope}` has no label `{self.name}`"

    def remedy(self) -> Remedy:
        meant = self.near.split("`")[1] if self.near is not None and self.near.count("`") == 2 else None
        if meant is not None and self.near is not None:
            return guess(self.near, Edit(self.place, meant))
        if not self.known:
            return Remedy("a label in its braces gives a value a name: `name: conv(64, 3)`; a key in quotes names none")
        more = f" and {len(self.known) - 12} more" if len(self.known) > 12 else ""
        return Remedy(f"it has {', '.join(f'`{name}`' for name in self.known[:12])}{more}")


class AmbiguousPart(Diagnostic, code=E0215):
    """A label that stands in different braces of a scope."""

    scope: str
    name: str

    def summary(self) -> str:
        return f"`{self.scope}` has the label `{self.name}` in different braces: it is not clear which is meant"

    def remedy(self) -> str:
        return "give one of the labels another name"


class PartOrSize(Diagnostic, code=E0215):
    """A label that is called like a size."""

    scope: str
    name: str

    def summary(self) -> str:
        return f"`.{self.name}` is a size of `{self.scope}`, which has a label of this name, too"

    def remedy(self) -> str:
        return f"give the label another name, such as `{self.name}1`; for the size, label the value by itself"


E0216 = Code(
    "E0216",
    "a family with a gap is no list",
    """`len(enc)`, `enc[0..2]` and `for v in enc` take the members of a family in the order of their indices, which begin at 0 and
    leave out none.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      for i in 1..3 { enc[i]: conv(16, 3) }
      concat { for v in enc { v } }
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      for i in 0..2 { enc[i]: conv(16, 3) }
      concat { for v in enc { v } }
    }
    """,
)


class GapInFamily(Diagnostic, code=E0216):
    """A family as a list, without the member of some index; `known` are indices that there are."""

    name: str
    missing: int
    known: Sequence[int]

    def summary(self) -> str:
        return f"`{self.name}` is no list: there is no `{self.name}[{self.missing}]`"

    def remedy(self) -> str:
        members = ", ".join(f"{self.name}[{index}]" for index in self.known)
        return f"number its members from 0, or list those that are meant: `[{members}]`"
