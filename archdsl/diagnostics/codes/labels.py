"""E0801, of labels: those that go with neither the loss nor the outputs of the network."""

from __future__ import annotations

from archdsl.diagnostics.codes.recipe import E0801
from archdsl.diagnostics.record import Diagnostic

Sizes = tuple[int | None, ...]
"""A shape whose symbolic sizes are None."""


def _shown(output: Sizes) -> str:
    return f"[{', '.join('?' if size is None else str(size) for size in output)}]"


def as_many_outputs(output: Sizes, count: int, parameter: str | None) -> str:
    """The remedy for another number of outputs: the parameter that decides it, if the network has one, else its last layer."""
    if parameter is not None:
        return f"give the network as many outputs: `{parameter} = {count}`"
    return (
        "give the last layer as many outputs: "
        f"`{'conv' if len(output) > 1 else 'linear'}({count}{', 1' if len(output) > 1 else ''})`"
    )


# -- labels and the loss --


class LabelOutsideUnitInterval(Diagnostic, code=E0801, argument="loss"):
    """A label that is no probability, for a loss that takes probabilities."""

    loss: str
    found: float

    def summary(self) -> str:
        return f"`{self.loss}`: expected labels from 0 to 1, found {self.found:g}"

    def remedy(self) -> str:
        return "write `loss = mse` for values; for classes, save the labels as whole numbers: `y.astype(int)`"


class OneClass(Diagnostic, code=E0801, argument="data"):
    """A data set with a single class."""

    def summary(self) -> str:
        return "all examples belong to one class"

    def remedy(self) -> str:
        return "use a data set of two classes or more"


class ClassesForValues(Diagnostic, code=E0801, argument="loss"):
    """Whole numbers, which stand for classes, for a loss that takes values."""

    loss: str

    def summary(self) -> str:
        return f"`{self.loss}` takes values, and the labels are whole numbers, which stand for classes"

    def remedy(self) -> str:
        return "save the labels as floats: `y.astype(float)`"


class NegativeClass(Diagnostic, code=E0801, argument="data"):
    """A negative label, where classes are numbered from 0."""

    low: int
    gaps: bool

    def summary(self) -> str:
        return f"found the label {self.low}; classes are numbered from 0"

    def remedy(self) -> str:
        how = "without gaps: `numpy.unique(y, return_inverse=True)[1]`" if self.gaps else f"`y + {-self.low}`"
        return (
            f"number them from 0{'' if self.gaps else ':'} {how}; or, if {self.low} marks examples "
            f"of no class, write `ignore = {self.low}`"
        )


class ValuesForClasses(Diagnostic, code=E0801, argument="loss"):
    """Floats as labels, for a loss that takes the numbers of classes.

    `form` is one of `one-hot`, `multilabel`, `whole`, `fractions`.
    """

    loss: str
    form: str
    length: int

    def summary(self) -> str:
        found = {
            "one-hot": f"{self.length} floats, all 0 but for one 1",
            "multilabel": f"{self.length} floats, each 0 or 1",
            "whole": "floats",
            "fractions": "fractions",
        }
        return f"`{self.loss}` takes classes, and the labels are {found[self.form]}"

    def remedy(self) -> str:
        return {
            "one-hot": "save the number of each example's class: `y.argmax(1)`",
            "multilabel": "for several classes at once write `loss = bce`",
            "whole": "save the labels as whole numbers: `y.astype(int)`; for values, write `loss = mse`",
            "fractions": "write `loss = mse`",
        }[self.form]


class UnnumberedClass(Diagnostic, code=E0801, argument="data"):
    """A label too large to be the number of a class."""

    name: str
    found: int

    def summary(self) -> str:
        return f"found the label {self.found} in `{self.name}`; classes are numbered from 0"

    def remedy(self) -> str:
        return "number them from 0 without gaps: `numpy.unique(y, return_inverse=True)[1]`"


class LabelBeyondClasses(Diagnostic, code=E0801, argument="data"):
    """A label in a shard beyond the number of classes that the recipe gives."""

    example: str
    found: str
    classes: int

    def summary(self) -> str:
        return f"the label of {self.example} is {self.found}, and `classes` is {self.classes}"

    def remedy(self) -> str:
        return "correct `classes` of `webdataset`; classes are numbered from 0"


class LabelTypesDiffer(Diagnostic, code=E0801, argument="data"):
    """Labels that are floats in one split and whole numbers in the other."""

    floats: str
    float_type: str
    integers: str
    integer_type: str
    whole: bool

    def summary(self) -> str:
        return f"`{self.floats}` holds values ({self.float_type}), and `{self.integers}` holds classes ({self.integer_type})"

    def remedy(self) -> str:
        values = f"save both as floats: `{self.integers}.astype(float)`"
        return f"save both as whole numbers: `{self.floats}.astype(int)`; for values, {values}" if self.whole else values


class LabelShapesDiffer(Diagnostic, code=E0801, argument="data"):
    """Labels of one shape in one split and of another in the other."""

    names: tuple[str, str]
    shapes: tuple[list[int], list[int]]
    advice: str

    def summary(self) -> str:
        return f"a label in `{self.names[0]}` is {self.shapes[0]}, and in `{self.names[1]}` {self.shapes[1]}"

    def remedy(self) -> str:
        return self.advice


# -- labels and the outputs of the network --


class LabelMapDiffers(Diagnostic, code=E0801, argument="data"):
    """A map of outputs and labels of another size."""

    what: str
    output: Sizes
    target: tuple[int, ...]

    def summary(self) -> str:
        return f"{self.what} gives {_shown(self.output)} for one example, and a label is {list(self.target)}"

    def remedy(self) -> str:
        label, output = self.target, self.output
        rest = label[1:]
        same = len(output) - 1 == len(rest) and all(own in (None, size) for own, size in zip(output[1:], rest, strict=True))
        if len(label) == len(output) and label[0] == 1 and same:
            return "save the labels as `y[:, 0]`"
        if len(label) > 1:
            return f"save labels of the size {_shown(output[1:])}, or end the network with a map of {list(label)}"
        return "end the network with `gap; flatten` for one label an example"


class OneHotLabel(Diagnostic, code=E0801, argument="data"):
    """Labels that are rows of zeros with a single one."""

    length: int

    def summary(self) -> str:
        return f"a label is {self.length} numbers, all 0 but for one 1"

    def remedy(self) -> str:
        return "save the number of each example's class: `y.argmax(1)`"


class MaskForOneClass(Diagnostic, code=E0801, argument="data"):
    """A class for each pixel, for a network that gives one row for each example."""

    what: str
    output: Sizes
    target: tuple[int, ...]
    classes: int

    def summary(self) -> str:
        return (
            f"a label is {list(self.target)}, a class for each pixel, and {self.what} gives {_shown(self.output)} for one example"
        )

    def remedy(self) -> str:
        return (
            f"end the network with a map of that size: `conv({self.classes}, 1)` in place of `gap; "
            "flatten` and the layers after it"
        )


class SeveralWholeNumbers(Diagnostic, code=E0801, argument="data"):
    """Several whole numbers for each example: several classes at once, or values."""

    count: int
    yes_or_no: bool
    classifies: bool
    output: Sizes
    parameter: str | None

    def summary(self) -> str:
        each = "0 or 1" if self.yes_or_no else "the number of a class"
        return f"a label is {self.count} whole numbers, each {each}"

    def remedy(self) -> str:
        what = "for several classes at once" if self.yes_or_no else "for values"
        loss = f", and write `loss = {'bce' if self.yes_or_no else 'mse'}`" if self.classifies else ""
        more = f", and {as_many_outputs(self.output, self.count, self.parameter)}" if self.output[0] != self.count else ""
        return f"{what}, save the labels as floats: `y.astype(float)`{loss}{more}"


class ColorLabel(Diagnostic, code=E0801, argument="data"):
    """Labels that are images in colors: masks that were drawn in colors, or pictures that the network is to make."""

    what: str
    output: Sizes
    target: tuple[int, ...]
    values: int

    def summary(self) -> str:
        return f"a label is {list(self.target)}, an image in colors, and {self.what} gives {_shown(self.output)} for one example"

    def remedy(self) -> str:
        _, height, width = self.target
        if self.values <= 32:
            return (
                "give each color a number: `colors, y = numpy.unique(numpy.moveaxis(y, 1, -1).reshape(-1, 3), axis=0, "
                f"return_inverse=True)` and `y = y.reshape(-1, {height}, {width})`"
            )
        return (
            f"for a network that makes pictures, save `y / 255` as floats and write `loss = mse`; for masks, save a class number "
            f"for each pixel, [{height}, {width}]"
        )


class ValueCountDiffers(Diagnostic, code=E0801, argument="data"):
    """Another number of outputs than values in a label."""

    what: str
    output: Sizes
    target: tuple[int, ...]
    count: int
    whole: bool
    parameter: str | None

    def summary(self) -> str:
        found = f"{self.count} values" if self.target else "one value"
        return f"{self.what} gives {_shown(self.output)} for one example, and a label is {found}"

    def remedy(self) -> str:
        if len(self.target) > 1:
            end = ": `conv(1, 1)` in place of `gap; flatten` and the layers after it"
            return f"end the network with a map of {list(self.target)}" + (
                end if len(self.target) == 2 and len(self.output) == 1 else ""
            )
        help = (
            as_many_outputs(self.output, self.count, self.parameter)
            if len(self.output) == 1
            else f"end the network with `gap; flatten; linear({self.count})`"
        )
        if self.target or not self.whole:
            return help
        return f"{help}; for classes, save the labels as whole numbers, `y.astype(int)`, and write `loss = cross_entropy`"


class NoEmbeddingRow(Diagnostic, code=E0801, argument="data"):
    """Token numbers beyond the rows of an embedding."""

    greatest: dict[str, int]

    def summary(self) -> str:
        shown = ", ".join(f"{value} in `{name}`" for name, value in self.greatest.items())
        return f"the greatest token number is {shown}, and an `embedding` of the network has no row for it"

    def remedy(self) -> str:
        return f"give it more rows: `embedding({max(self.greatest.values()) + 1}, ...)`"
