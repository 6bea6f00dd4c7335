"""Check that labels, loss and outputs match; suggest a fix that depends on the values of the labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from archdsl.data.labels import Labels
from archdsl.diagnostics import Diagnostic, SpecError, codes
from archdsl.recipe import Recipe

Sizes = tuple[int | None, ...]
"""A shape with symbolic sizes as None."""
_VOID = 255
"""The value with which VOC, Cityscapes and most other data sets mark pixels without a class."""


def check_labels(labels: Labels, recipe: Recipe, outputs: Mapping[str, Sizes], parameters: Mapping[str, Any]) -> None:
    """Compare labels with the loss and with each output [outputs, ...] by what messages call it. Raise `SpecError` (E0801)."""
    found = _of_the_loss(labels, recipe)
    for what, output in outputs.items():
        found = found or _of_an_output(what, output, recipe, labels, _class_parameter(output, parameters))
    if found is not None:
        raise SpecError(found)


def _of_the_loss(labels: Labels, recipe: Recipe) -> Diagnostic | None:
    """Return why the labels do not go with the loss."""
    loss = recipe.loss
    if labels.classes is None and loss.wants == "classes" and not labels.soft:
        fractions = "whole" if labels.whole else "fractions"
        form = "one-hot" if labels.one_hot else "multilabel" if labels.kind == "multilabel" else fractions
        return codes.labels.ValuesForClasses(loss.name, form, labels.shape[0] if labels.shape else 1)
    if labels.classes is None and loss.wants == "probabilities" and (labels.low < 0 or labels.high > 1):
        return codes.labels.LabelOutsideUnitInterval(loss.name, labels.low if labels.low < 0 else labels.high)
    if labels.classes == 1 and len(labels.values) <= 1:
        return codes.labels.OneClass()
    if labels.classes is None or labels.low >= 0:
        return None
    if loss.wants == "values":
        return codes.labels.ClassesForValues(loss.name)
    return codes.labels.NegativeClass(int(labels.low), len(labels.values) < labels.high - int(labels.low) + 1)


def _of_an_output(what: str, output: Sizes, recipe: Recipe, labels: Labels, parameter: str | None) -> Diagnostic | None:
    """Return why an output [outputs, ...] does not go with the labels [...]. `parameter` decides the number of outputs."""
    shape = labels.shape
    if labels.classes is None:
        count = int(np.prod(shape))
        if None in output or int(np.prod(output)) == count:  # type: ignore[arg-type]
            return None
        return codes.labels.ValueCountDiffers(what, output, shape, count, labels.whole, parameter)
    found = _of_another_kind(what, output, recipe, labels, parameter)
    if found is not None:
        return found
    two = recipe.loss.wants != "classes" and labels.classes == 2
    if not output or (output[0] not in (None, labels.classes) and not (two and output[0] == 1)):
        return _other_classes(what, output, recipe, labels, parameter)
    return None if _same(output[1:], shape) else codes.labels.LabelMapDiffers(what, output, shape)


def _of_another_kind(what: str, output: Sizes, recipe: Recipe, labels: Labels, parameter: str | None) -> Diagnostic | None:
    """Return that the labels are not of the kind that the output is for."""
    shape = labels.shape
    if len(output) == 1 and labels.one_hot:
        return codes.labels.OneHotLabel(shape[0])
    if len(output) == 1 and len(shape) == 1 and shape[0] > 1:
        return codes.labels.SeveralWholeNumbers(shape[0], labels.yes_or_no, recipe.loss.wants == "classes", output, parameter)
    if len(output) == 1 and len(shape) > 1:
        return codes.labels.MaskForOneClass(what, output, shape, labels.count)
    if len(shape) == 3 and shape[0] in (3, 4) and len(output) == 3:
        return codes.labels.ColorLabel(what, output, shape, len(labels.values))
    return None


def _same(output: Sizes, shape: tuple[int, ...]) -> bool:
    return len(output) == len(shape) and all(own in (None, size) for own, size in zip(output, shape, strict=True))


def _other_classes(what: str, output: Sizes, recipe: Recipe, labels: Labels, parameter: str | None) -> Diagnostic:
    """Return that there is another number of outputs than classes: because the labels are numbered otherwise, or indeed."""
    values = labels.values
    low, high, count = int(labels.low), int(labels.high), len(values)
    outputs = (output[0] if output else 1) or 1
    binary = recipe.loss.wants != "classes" and outputs == 1
    if count == 2 and high > 1 and (binary or outputs == 2):
        return codes.class_counts.TwoNumbers(what, output, parameter, low, high, labels.kind == "mask")
    outlier = _outlier(labels, outputs, binary=binary)
    if outlier is not None:
        return codes.class_counts.OutlyingLabel(what, output, parameter, int(values[-2]), outlier, binary)
    if binary:
        return codes.class_counts.ClassCountDiffers(what, output, parameter, high + 1, True, recipe.loss.wants == "values")
    if count == high + 1 or labels.names:
        return codes.class_counts.ClassCountDiffers(what, output, parameter, labels.count)
    return codes.class_counts.ClassesNumberedOtherwise(what, output, parameter, tuple(map(int, values)), labels.kind == "mask")


def _outlier(labels: Labels, outputs: int, *, binary: bool) -> int | None:
    """Return the one label that lies far above all others, which are numbered without gaps; above all 255."""
    *others, last = labels.values or (0,)
    if len(others) < 2 or others != list(range(len(others))):
        return None
    fits = len(others) == (2 if binary else outputs)
    return last if last == _VOID or (fits and last >= 2 * len(others)) else None


def _class_parameter(output: Sizes, parameters: Mapping[str, Any]) -> str | None:
    """Return the parameter of the network that decides how many classes there are."""
    return next((name for name, value in parameters.items() if "class" in name and output and value == output[0]), None)
