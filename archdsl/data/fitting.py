"""Whether labels, loss and the network's outputs go together; what to write if they do not, told by the labels' values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from archdsl.data.labels import Labels
from archdsl.declared import Fault
from archdsl.recipe import Recipe

Sizes = tuple[int | None, ...]
"""A shape with symbolic sizes as None."""
_VOID = 255
"""What VOC and Cityscapes, and most masks after them, mark pixels with that belong to no class."""


def check_labels(labels: Labels, recipe: Recipe, outputs: Mapping[str, Sizes], parameters: Mapping[str, Any]) -> None:
    """Compare labels with the loss and with each output [outputs, ...] by what messages call it. Raise `Fault` E0801."""
    loss = recipe.loss
    if labels.classes is None and loss.wants == "classes" and not labels.soft:
        raise _no_classes(loss.name, labels)
    if labels.classes is None and loss.wants == "probabilities" and (labels.low < 0 or labels.high > 1):
        outside = labels.low if labels.low < 0 else labels.high
        message = f"`{loss.name}` takes labels from 0 to 1, and one is {outside:g}"
        help = "write `loss = mse` for values; or, for classes, save the labels as whole numbers: `y.astype(int)`"
        raise Fault("E0801", message, argument="loss", help=help)
    if labels.classes == 1 and len(labels.values) <= 1:
        raise Fault("E0801", "all examples are of one class", argument="data", help="give a data set of two classes or more")
    if labels.classes is not None and labels.low < 0:
        low = int(labels.low)
        if loss.wants == "values":
            message = f"`{loss.name}` is for values, and the labels are whole numbers, which stand for classes"
            raise Fault("E0801", message, argument="loss", help="save the labels as floats: `y.astype(float)`")
        gaps = len(labels.values) < labels.high - low + 1
        remedy = "without gaps: `numpy.unique(y, return_inverse=True)[1]`" if gaps else f"`y + {-low}`"
        help = (
            f"number them from 0{'' if gaps else ':'} {remedy}; or, if {low} marks what belongs to no class, "
            f"write `ignore = {low}`"
        )
        raise Fault("E0801", f"a label is {low}, and classes are numbered from 0", argument="data", help=help)
    for what, output in outputs.items():
        _fit(what, output, recipe, labels, parameters)


def _fit(what: str, output: Sizes, recipe: Recipe, labels: Labels, parameters: Mapping[str, Any]) -> None:
    """One output [outputs, ...] against the labels [...]."""
    shape = labels.shape
    if labels.classes is None:
        if None not in output and int(np.prod(output)) != int(np.prod(shape)):  # type: ignore[arg-type]
            raise _other_values(what, output, labels, parameters)
        return
    if (wrong := _other_kind(what, output, recipe, labels, parameters)) is not None:
        raise wrong
    two = recipe.loss.wants != "classes" and labels.classes == 2
    if not output or (output[0] not in (None, labels.classes) and not (two and output[0] == 1)):
        raise _other_classes(what, output, recipe, labels, parameters)
    if not _same(output[1:], shape):
        message = f"{what} gives {_shown(output)} for one example, and a label is {list(shape)}"
        if len(shape) == len(output) and shape[0] == 1 and _same(output[1:], shape[1:]):
            help = "save the labels as `y[:, 0]`"
        elif len(shape) > 1:
            help = f"save labels of the size {_shown(output[1:])}, or end the network with a map of {list(shape)}"
        else:
            help = "end the network with `gap; flatten` for one label an example"
        raise Fault("E0801", message, argument="data", help=help)


def _other_kind(what: str, output: Sizes, recipe: Recipe, labels: Labels, parameters: Mapping[str, Any]) -> Fault | None:
    """The error for labels that are not of the kind that the output is for."""
    shape = labels.shape
    if len(output) == 1 and labels.one_hot:
        help = "give the number of each example's class: `y.argmax(1)`"
        return Fault("E0801", f"a label is {shape[0]} numbers, all 0 but for one 1", argument="data", help=help)
    if len(output) == 1 and len(shape) == 1 and shape[0] > 1:
        return _several(output, shape[0], recipe, labels, parameters)
    if len(output) == 1 and len(shape) > 1:
        message = f"a label is {list(shape)}, a class for each pixel, and {what} gives {_shown(output)} for one example"
        help = f"end the network with a map of that size: `conv({labels.count}, 1)` in place of `gap; flatten` and what follows"
        return Fault("E0801", message, argument="data", help=help)
    if len(shape) == 3 and shape[0] in (3, 4) and len(output) == 3:
        return _colors(what, output, labels)
    return None


def _same(output: Sizes, shape: tuple[int, ...]) -> bool:
    return len(output) == len(shape) and all(own in (None, size) for own, size in zip(output, shape, strict=True))


def _shown(output: Sizes) -> str:
    return f"[{', '.join('?' if size is None else str(size) for size in output)}]"


def _several(output: Sizes, count: int, recipe: Recipe, labels: Labels, parameters: Mapping[str, Any]) -> Fault:
    """Several whole numbers to an example, where the network gives one row: several classes at once, or values."""
    yes_or_no = labels.yes_or_no
    message = f"a label is {count} whole numbers, each " + ("0 or 1" if yes_or_no else "the number of a class")
    what = "for several classes at once" if yes_or_no else "where they are values"
    help = f"{what}, save the labels as floats: `y.astype(float)`"
    if recipe.loss.wants == "classes":
        help += ", and write `loss = bce`" if yes_or_no else ", and write `loss = mse`"
    help += f", and {as_many(output, count, parameters)}" if output[0] != count else ""
    return Fault("E0801", message, argument="data", help=help)


def _colors(what: str, output: Sizes, labels: Labels) -> Fault:
    """Labels that are colour images: masks drawn in colours, or pictures that the network shall make."""
    message = f"a label is {list(labels.shape)}, an image in colours, and {what} gives {_shown(output)} for one example"
    if len(labels.values) <= 32:
        help = (
            "give each colour a number: `colors, y = numpy.unique(numpy.moveaxis(y, 1, -1).reshape(-1, 3), axis=0, "
            "return_inverse=True)`"
        )
        help += f" and `y = y.reshape(-1, {labels.shape[1]}, {labels.shape[2]})`"
    else:
        help = (
            f"its {len(labels.values)} values are those of a picture: where the network makes pictures, "
            "save `y / 255` as floats and write"
        )
        help += f" `loss = mse`; where they are masks, save a class number for each pixel, [{labels.shape[1]}, {labels.shape[2]}]"
    return Fault("E0801", message, argument="data", help=help)


def _other_values(what: str, output: Sizes, labels: Labels, parameters: Mapping[str, Any]) -> Fault:
    """Another number of outputs than values to an example."""
    shape = labels.shape
    count = int(np.prod(shape))
    if len(shape) > 1:
        help = f"end the network with a map of {list(shape)}"
        help += ": `conv(1, 1)` in place of `gap; flatten` and what follows" if len(shape) == 2 and len(output) == 1 else ""
    elif len(output) == 1:
        help = as_many(output, count, parameters)
    else:
        help = f"end the network with `gap; flatten; linear({count})`"
    if not shape and labels.whole:
        help += (
            "; or, where the labels are classes, save them as whole numbers, `y.astype(int)`, and write `loss = cross_entropy`"
        )
    shown = f"{count} values" if shape else "one value"
    return Fault("E0801", f"{what} gives {_shown(output)} for one example, and a label is {shown}", argument="data", help=help)


def _no_classes(loss: str, labels: Labels) -> Fault:
    """Labels that are floats, where the loss takes the numbers of classes."""
    if labels.one_hot:
        message, help = f"{labels.shape[0]} floats, all 0 but for one 1", "give the number of each example's class: `y.argmax(1)`"
    elif labels.kind == "multilabel":
        message, help = f"{labels.shape[0]} floats, each 0 or 1", "for several classes at once write `loss = bce`"
    elif labels.whole:
        message, help = (
            "floats",
            "save the labels as whole numbers: `y.astype(int)`; or, where they are values, write `loss = mse`",
        )
    else:
        message, help = "fractions", "write `loss = mse`"
    return Fault("E0801", f"`{loss}` is for classes, and the labels are {message}", argument="loss", help=help)


def _other_classes(what: str, output: Sizes, recipe: Recipe, labels: Labels, parameters: Mapping[str, Any]) -> Fault:
    """Another number of outputs than classes: because the labels are numbered otherwise, or indeed."""
    outputs = (output[0] if output else 1) or 1
    has = f"{what} has {outputs} output{'s' if outputs != 1 else ''}"
    values = labels.values
    low, high, count = int(labels.low), int(labels.high), len(values)
    binary = recipe.loss.wants != "classes" and outputs == 1
    if count == 2 and high > 1 and (binary or outputs == 2):
        remedy = f"`y // {high}`" if low == 0 else f"`y == {high}`, as whole numbers: `(y == {high}).astype(int)`"
        masks = f"; or, for a folder of masks, write `values = [{low}, {high}]` in `imagefolder`" if labels.kind == "mask" else ""
        return Fault(
            "E0801",
            f"{has}, and the labels are two numbers, {low} and {high}",
            argument="data",
            help=f"number them 0 and 1: {remedy}{masks}",
        )
    void = _void(labels, outputs, binary=binary)
    if void is not None:
        message = f"{has}, and the labels are the numbers from 0 to {int(values[-2])}, and {void}, which lies far above them"
        help = f"if {void} marks what belongs to no class, leave it out: `ignore = {void}`"
        classes = 1 if binary else int(values[-2]) + 1
        help += f", and {as_many(output, classes, parameters)}" if classes != outputs else ""
        return Fault("E0801", message, argument="data", help=help)
    if binary:
        remedies = [as_many(output, high + 1, parameters), "where the labels are values, save them as floats: `y.astype(float)`"]
        help = "; or, ".join(remedies if recipe.loss.wants != "values" else remedies[1:])
        return Fault("E0801", f"{has}, and the data set has {high + 1} classes", argument="data", help=help)
    if count == high + 1 or labels.names:
        help = as_many(output, labels.count, parameters)
        return Fault("E0801", f"{has}, and the data set has {labels.count} classes", argument="data", help=help)
    message = f"{has}, and the labels are {count} numbers from {low} to {high}, where classes are numbered from 0"
    gaps = count < high - low + 1
    help = f"number the classes from 0{' without gaps' if gaps else ''}: `"
    help += "numpy.unique(y, return_inverse=True)[1]`" if gaps else f"y - {low}`"
    help += (
        f"; or, for a folder of masks, write `values = {[int(value) for value in values]}` in `imagefolder`"
        if labels.kind == "mask" and count <= 32
        else ""
    )
    help += f", and {as_many(output, count, parameters)}" if count != outputs else ""
    return Fault("E0801", message, argument="data", help=help)


def _void(labels: Labels, outputs: int, *, binary: bool) -> int | None:
    """The one label that lies far above all others, which are numbered without gaps; above all 255."""
    *others, last = labels.values or (0,)
    if len(others) < 2 or others != list(range(len(others))):
        return None
    fits = len(others) == (2 if binary else outputs)
    return last if last == _VOID or (fits and last >= 2 * len(others)) else None


def as_many(output: Sizes, classes: int, parameters: Mapping[str, Any]) -> str:
    """The remedy: the parameter that says how many classes there are, if the network has one, else its last layer."""
    said = next((name for name, value in parameters.items() if "class" in name and output and value == output[0]), None)
    if said is not None:
        return f"give the network as many outputs: `{said} = {classes}`"
    layer = f"conv({classes}, 1)" if len(output) > 1 else f"linear({classes})"
    return f"give the last layer as many outputs: `{layer}`"
