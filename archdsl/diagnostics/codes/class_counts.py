"""E0801, of classes: another number of them than the network has outputs, or labels that number them otherwise."""

from __future__ import annotations

from archdsl.diagnostics.codes.labels import Sizes, as_many_outputs
from archdsl.diagnostics.codes.recipe import E0801
from archdsl.diagnostics.record import Diagnostic


class _ClassCount(Diagnostic):
    what: str
    output: Sizes
    parameter: str | None

    @property
    def outputs(self) -> int:
        """The number of outputs."""
        return (self.output[0] if self.output else 1) or 1

    @property
    def has(self) -> str:
        """The first half of the sentence."""
        return f"{self.what} has {self.outputs} output{'s' if self.outputs != 1 else ''}"


class ClassCountDiffers(_ClassCount, code=E0801, argument="data"):
    """Another number of outputs than classes.

    `binary` for one output that may tell two classes apart; `values` if the loss takes values.
    """

    classes: int
    binary: bool = False
    values: bool = False

    def summary(self) -> str:
        return f"{self.has}, and the data set has {self.classes} classes"

    def remedy(self) -> str:
        more = as_many_outputs(self.output, self.classes, self.parameter)
        if not self.binary:
            return more
        floats = "for values, save the labels as floats: `y.astype(float)`"
        return floats if self.values else f"{more}; {floats}"


class TwoNumbers(_ClassCount, code=E0801, argument="data"):
    """Labels of two classes that are numbered otherwise than 0 and 1."""

    low: int
    high: int
    masks: bool

    def summary(self) -> str:
        return f"{self.has}, and the labels are two numbers, {self.low} and {self.high}"

    def remedy(self) -> str:
        high = self.high
        how = f"`y // {high}`" if self.low == 0 else f"`y == {high}`, as whole numbers: `(y == {high}).astype(int)`"
        folder = f"; for a folder of masks, write `values = [{self.low}, {high}]` in `imagefolder`" if self.masks else ""
        return f"number them 0 and 1: {how}{folder}"


class OutlyingLabel(_ClassCount, code=E0801, argument="data"):
    """A label far above all others, which probably marks examples or pixels of no class."""

    last: int
    found: int
    binary: bool

    def summary(self) -> str:
        return f"{self.has}, and the labels are the numbers from 0 to {self.last}, and {self.found}, far above them"

    def remedy(self) -> str:
        classes = 1 if self.binary else self.last + 1
        more = f", and {as_many_outputs(self.output, classes, self.parameter)}" if classes != self.outputs else ""
        return f"if {self.found} marks what belongs to no class, leave it out: `ignore = {self.found}`{more}"


class ClassesNumberedOtherwise(_ClassCount, code=E0801, argument="data"):
    """Labels that do not number the classes from 0 without gaps."""

    numbers: tuple[int, ...]
    masks: bool

    def summary(self) -> str:
        low, high = self.numbers[0], self.numbers[-1]
        return f"{self.has}, and the labels are {len(self.numbers)} numbers from {low} to {high}; classes are numbered from 0"

    def remedy(self) -> str:
        low, high, count = self.numbers[0], self.numbers[-1], len(self.numbers)
        gaps = count < high - low + 1
        how = "numpy.unique(y, return_inverse=True)[1]" if gaps else f"y - {low}"
        listed = f"; for a folder of masks, write `values = {list(self.numbers)}` in `imagefolder`"
        more = f", and {as_many_outputs(self.output, count, self.parameter)}" if count != self.outputs else ""
        return (
            f"number the classes from 0{' without gaps' if gaps else ''}: `{how}`"
            f"{listed if self.masks and count <= 32 else ''}{more}"
        )
