"""E0203, E0206 and E0207: labels, and the keys that they give."""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.record import Diagnostic, Mark
from archdsl.source import Span

E0203 = Code(
    "E0203",
    "two stages have one key",
    """Labels and positions are the keys of the `state_dict`, so each may occur once in its scope. In a loop, an index
    (`enc[i]: ...`) or a computed label (`"layer{i}": ...`) keeps the rounds apart; leave the label away where no
    name is needed, and the stages are numbered.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      repeat 3 { body: conv(16, 3) }
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      for i in 0..3 { body[i]: conv(16, 3) }
    }
    """,
)

E0206 = Code(
    "E0206",
    "a label that is not visible here",
    """A label names a value after its statement, in the same braces and in those inside. Before its statement there is
    no such value yet, and outside its braces there may be none or many. An element of an indexed label such as `enc[i]`
    can be taken up after the statement that makes it; the message lists those there are so far.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      for i in 0..2 { enc[i]: conv(16, 3) }
      concat { enc[2]; x }
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      for i in 0..2 { enc[i]: conv(16, 3) }
      concat { enc[0]; x }
    }
    """,
)


class HiddenLabel(Diagnostic, code=E0206):
    """A label that is not visible at a place, or `later` than it."""

    name: str
    label_at: Span
    later: bool

    def summary(self) -> str:
        return f"`{self.name}` is used before its label" if self.later else f"`{self.name}` is not visible here"

    def marks(self) -> Iterable[Mark]:
        return (Mark(self.label_at, "the label"),)

    def remedy(self) -> str:
        return "a label is visible after its statement, in the same braces and those inside"


E0207 = Code(
    "E0207",
    "a label that cannot be a key",
    """A label becomes a key of the `state_dict` and an attribute of a PyTorch module. So it is a name (or, computed, a
    number), without dots, not a keyword of Python, and not something that every module already has, such as
    `forward`, `train` or `parameters`. A head or output cannot be called `main`, which is the network's own
    result.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      forward: conv(16, 3)
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      forward1: conv(16, 3)
    }
    """,
)
