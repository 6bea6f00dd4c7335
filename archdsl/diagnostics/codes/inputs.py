"""Inputs of networks and the conditions on their sizes: parts of E0203, E0401, E0402, E0408, E0503, E0504 and E0701."""

from __future__ import annotations

import re
from typing import Any

from archdsl.diagnostics.codes.arguments import E0401
from archdsl.diagnostics.codes.claims import E0701
from archdsl.diagnostics.codes.expressions import E0408
from archdsl.diagnostics.codes.keys import E0203
from archdsl.diagnostics.codes.ranges import E0402
from archdsl.diagnostics.codes.structure import E0503, E0504
from archdsl.diagnostics.record import Diagnostic, Edit, Mark, Remedy, guess
from archdsl.literals import show, type_name
from archdsl.source import Span


class NoInput(Diagnostic, code=E0503):
    """A network without an input."""

    network: str

    def summary(self) -> str:
        return f"`{self.network}` has no input"

    def remedy(self) -> str:
        return "declare one in its first statement: `input image [3, 224, 224]`"


class InputOutsideNetwork(Diagnostic, code=E0504):
    """An input in a block, a loop or a join."""

    def summary(self) -> str:
        return "an input stands in the body of a network"

    def remedy(self) -> str:
        return "a block's input is `x`"


class UnknownElementType(Diagnostic, code=E0401):
    """A type of elements that no tensor has."""

    given: str
    known: tuple[str, ...]

    def summary(self) -> str:
        listed = ", ".join(f"`{kind}`" for kind in self.known[:-1]) + f" or `{self.known[-1]}`"
        return f"expected {listed} as the type of the elements, found `{self.given}`"

    def remedy(self) -> str:
        plain = re.sub(r"(?<=[a-z])\d+(_t)?$", "", self.given.lower())
        same = {"long": "int", "integer": "int", "uint": "int", "boolean": "bool"}.get(plain, plain)
        return f"write `{same}`" if same in self.known and same != "float" else "leave it out: real numbers are the default"


class InputWithoutSizes(Diagnostic, code=E0402):
    """An input of no sizes."""

    def summary(self) -> str:
        return "an input needs at least one size"

    def remedy(self) -> str:
        return "write the channels first, and no batch: `[3, 224, 224]`"


class InputTwice(Diagnostic, code=E0203):
    """Two inputs of one name."""

    name: str
    first: Span | None

    def summary(self) -> str:
        return f"two inputs are called `{self.name}`"

    def marks(self) -> tuple[Mark, ...]:
        return (Mark(self.first, "the first"),) if self.first is not None else ()

    def remedy(self) -> str:
        return "rename one"


class SizeBelowOne(Diagnostic, code=E0402):
    """A size of an input that is zero or negative."""

    given: int

    def summary(self) -> str:
        return f"a size must be at least 1, found {self.given}"


class _AnyElsewhere(Diagnostic):
    """What stands for any size in PyTorch and Keras; `sizes` are the input's sizes as they are written here."""

    sizes: str
    batch: bool
    """Whether it stands for the batch, which is not written."""
    name: str
    sizes_at: Span

    def remedy(self) -> Remedy:
        batch = f"the batch is not written: `input {self.name} {self.sizes}`"
        text = batch if self.batch else f"a symbolic size begins with a capital: `{self.sizes}`"
        return guess(text, Edit(self.sizes_at, self.sizes))


class NoneAsSize(_AnyElsewhere, code=E0401):
    """`none` for any size, or for the batch."""

    def summary(self) -> str:
        return "a size expected an int, found none"


class MinusOneAsSize(_AnyElsewhere, code=E0402):
    """-1 for any size, or for the batch."""

    def summary(self) -> str:
        return "a size must be at least 1, found -1"


class InputSizesFixed(Diagnostic, code=E0504):
    """A `where` at an input, before any size is symbolic."""

    def summary(self) -> str:
        return "`where` states a condition on symbolic sizes, and this input has none"

    def remedy(self) -> str:
        return "make a size symbolic: `[3, H, W]`"


class ConditionWithoutSizes(Diagnostic, code=E0504):
    """A `where` about no symbolic size, at an input that has none."""

    def summary(self) -> str:
        return "`where` states a condition on symbolic sizes, and neither this one nor its input has any"

    def remedy(self) -> str:
        return "leave out `where`, or state it of a symbolic size: `where H % 2 == 0`"


class ConditionCompared(Diagnostic, code=E0408):
    """A comparison in a `where` that has a condition on one side."""

    text: str

    def summary(self) -> str:
        return f"a condition on sizes compares whole numbers, and `{self.text}` is true or false"

    def remedy(self) -> str:
        return f"it is a condition by itself, or after `not`: `where {self.text}`"


class ValueCompared(Diagnostic, code=E0408):
    """A comparison in a `where` with something else than a whole number."""

    given: Any

    def summary(self) -> str:
        return f"a condition on sizes compares whole numbers, found {show(self.given)} ({type_name(self.given)})"


class ConditionNeverHolds(Diagnostic, code=E0701):
    """A `where` that no size meets; `sides` are the values of what it compares, as the end of a sentence."""

    sides: str

    def summary(self) -> str:
        return f"this condition never holds{self.sides}"


class NoSizeMeets(Diagnostic, code=E0701):
    """Conditions that no value of a symbolic size meets together."""

    symbol: str

    def summary(self) -> str:
        return f"this condition never holds: no {self.symbol} meets it"
