"""E0203, E0206 and E0207: labels, and the keys that they give."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from archdsl.diagnostics.codes.entry import Code, Evidence
from archdsl.diagnostics.record import Diagnostic, Edit, Mark, Remedy, guess
from archdsl.limits import remedy as raising
from archdsl.literals import show, type_name
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
    depends_on_braces=True,
    evidence=Evidence.LABEL,
)


class SameKey(Diagnostic, code=E0203):
    """Two stages of a scope with one key; `scope` is the path of the scope, empty for the network."""

    name: str
    scope: str
    first: Span

    def summary(self) -> str:
        return f"two stages {_inside(self.scope)} are called `{self.name}`"

    def marks(self) -> Iterable[Mark]:
        return (Mark(self.first, "the first"),)

    def remedy(self) -> str:
        return "rename one: labels are keys of the `state_dict`"


class FixedKeyTaken(Diagnostic, code=E0203):
    """An op whose tensors have keys of their own, in a scope that has one of them; `first` is its place, None for a loop."""

    op: str
    name: str
    first: Span | None

    def summary(self) -> str:
        return f"`{self.op}` puts `{self.name}` into the scope around it, which has this key already"

    def marks(self) -> Iterable[Mark]:
        return () if self.first is None else (Mark(self.first, "the first"),)

    def remedy(self) -> str:
        return f"put each `{self.op}` into a scope of its own, such as a block of attention or `attn: {{ ... }}`"


class SameKeyInLoop(Diagnostic, code=E0203):
    """A stage that gets the same key in each round of a loop."""

    name: str
    scope: str

    evidence = Evidence.VALUES

    def summary(self) -> str:
        return f"two stages {_inside(self.scope)} are called `{self.name}`: each round of the loop makes one"

    def remedy(self) -> str:
        stem = re.split(r"[{$%]", self.name)[0]
        if stem != self.name:
            return f'an expression in a label stands in braces: `"{stem}{{i}}": ...`'
        return 'an index or a computed label keeps them apart: `name[i]: ...` or `"name{i}": ...`'.replace("name", self.name)


class FamilyAndLabel(Diagnostic, code=E0203):
    """An indexed family and a label with one key."""

    name: str
    first: Span

    def summary(self) -> str:
        return f"the family `{self.name}[...]` and the label `{self.name}` have one key"

    def marks(self) -> Iterable[Mark]:
        return (Mark(self.first, "the first"),)

    def remedy(self) -> str:
        return "give one of them another name"


def _written(label: str) -> str:
    """Return a label as the source writes it."""
    return label if label.isascii() and label.isidentifier() and not label.startswith("_") else f'"{label}"'


def _inside(scope: str) -> str:
    return f"in `{scope}`" if scope else "in the network"


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
    depends_on_braces=True,
    evidence=Evidence.LABEL,
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


class NoSuchElement(Diagnostic, code=E0206):
    """An element of an indexed family that was not made; `known` are the indices of those that were."""

    name: str
    index: int
    known: Sequence[int]

    def summary(self) -> str:
        return f"there is no `{self.name}[{self.index}]` yet"

    def remedy(self) -> str | None:
        if not self.known:
            return None
        if self.index < 0:
            return f"the indices of a family begin at 0; the last so far is `{self.name}[{max(self.known)}]`"
        return f"so far there is {', '.join(f'`{self.name}[{i}]`' for i in self.known[:8])}"


E0207 = Code(
    "E0207",
    "a label that cannot be a key",
    """A label becomes a key of the `state_dict`. In quotes it may be whatever PyTorch allows: `"block1-0"`, `"1x1"`, `"_x"`. It
    holds no dot, which parts two keys, and is not something that every module already has, such as `forward`, `train` or
    `parameters`. Without quotes it names a value, too, and is not a keyword of Python. A head or output becomes a field of
    the result: its label is a name, and not `main`, which is the network's own result.""",
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
    depends_on_braces=True,
    evidence=Evidence.LABEL,
)


class RefusedLabel(Diagnostic):
    """Base of labels that cannot be keys."""

    name: str

    def replaced(self, text: str) -> Remedy:
        """Return the remedy of another label, with the edit if the place holds the label itself."""
        place = self.span
        edits = (
            [Edit(place._replace(end=place.start + len(self.name)), text)] if place and place.text.startswith(self.name) else []
        )
        return guess(f"write `{text}`", *edits)


class LabelTooLong(RefusedLabel, code=E0207):
    """A label of more characters than the limit; `name` is its beginning."""

    length: int
    most: int

    def summary(self) -> str:
        return f"the label `{self.name}...` has {self.length:,} characters; the limit is {self.most:,}"

    def remedy(self) -> str:
        return raising("label_characters")


class EmptyLabel(RefusedLabel, code=E0207):
    """A label without characters."""

    def summary(self) -> str:
        return "a label is empty"

    def remedy(self) -> str:
        return "write a name, or leave the label away where none is needed: the stage is numbered"


class LabelNotAKey(RefusedLabel, code=E0207):
    """A label with a dot, or with characters that cannot be shown."""

    def summary(self) -> str:
        what = "a dot" if "." in self.name else "characters that cannot be shown"
        return f"the label {show(self.name)} holds {what}"

    def remedy(self) -> str:
        if "." not in self.name:
            return "leave them out"
        outer, _, inner = self.name.partition(".")
        if not outer or not inner:
            return "a dot parts two keys: write the label without it"
        return f"a dot parts two keys; nest the labels instead: `{_written(outer)}: {{ {_written(inner)}: ... }}`"


class LabelNeedsQuotes(RefusedLabel, code=E0207):
    """A label that can be a key, and not the name of a value."""

    def summary(self) -> str:
        why = "begins with `_`" if self.name.startswith("_") else "is a keyword of Python"
        return f"the label `{self.name}` {why}, and so is only a key"

    def remedy(self) -> Remedy:
        return self.replaced(f'"{self.name}"')


class LabelOfModules(RefusedLabel, code=E0207):
    """A label that every PyTorch module has as an attribute."""

    def summary(self) -> str:
        return f"the label `{self.name}` is an attribute of every PyTorch module"

    def remedy(self) -> Remedy:
        return self.replaced(f"{self.name.strip('_')}1")


class LabelPart(Diagnostic, code=E0207):
    """A part of a computed label that is neither text nor a whole number."""

    given: Any

    def summary(self) -> str:
        return f"a label: expected text or an int, found {show(self.given)} ({type_name(self.given)})"
