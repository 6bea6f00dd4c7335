"""Whether recipe, data and network fit together, before anything is trained."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from archdsl.declared import Fault
from archdsl.recipe import Recipe
from archdsl.train.data import Data
from archdsl.train.targets import soft_targets


def main_output(outputs: Tensor | tuple[Tensor, ...]) -> Tensor:
    """What the network is for: its only output, or the first of several."""
    return outputs if isinstance(outputs, Tensor) else outputs[0]


def check_device(recipe: Recipe, accelerator: str) -> None:
    """Raise `Fault` E0805 if the device cannot do what the recipe says."""
    cuda = torch.cuda.is_available() and accelerator in ("auto", "cuda", "gpu")
    if recipe.precision == "fp16" and not cuda:
        message = "`precision = fp16` needs a CUDA device, and this run has none"
        raise Fault("E0805", message, argument="precision", help="write `precision = bf16`, which works on every device")
    if recipe.compile and not cuda:
        from torch._inductor.cpp_builder import get_cpp_compiler  # here: it takes a second to import
        from torch._inductor.exc import InvalidCxxCompiler

        try:
            get_cpp_compiler()
        except InvalidCxxCompiler:
            message = "`compile = true` needs a C++ compiler, and none was found"
            raise Fault("E0805", message, argument="compile", help="install g++ or clang++, or write `compile = false`") from None


def check(
    module: nn.Module,
    heads: Iterable[str],
    recipe: Recipe,
    data: Data,
    parameters: Mapping[str, Any],
) -> int:
    """The number of outputs; raises `Fault` (E0801) where labels, outputs, loss and augmentations do not fit."""
    _check_augmentations(recipe, data.shapes[0])
    soft = soft_targets(data.train.labels) and soft_targets(data.held_out.labels)
    if data.classes is None and recipe.loss.wants == "classes" and not soft:
        raise _no_classes(recipe.loss.name, data.train.labels)
    if data.classes is None and recipe.loss.wants == "probabilities":
        for labels in (data.train.labels, data.held_out.labels):
            _check_probabilities(recipe.loss.name, labels)
    if data.classes == 1:
        raise Fault("E0801", "all examples are of one class", argument="data", help="give a data set of two classes or more")
    probe = copy.deepcopy(module).train()
    try:
        with torch.no_grad():
            outputs = probe(*(torch.zeros(min(2, recipe.batch), *shape) for shape in data.shapes))
    except ValueError as error:
        if recipe.batch > 1 or "more than 1 value per channel" not in str(error):
            raise
        message = "a normalization of the network needs more than one value for each channel, and a batch of one gives it one"
        raise Fault("E0801", message, argument="batch", help="write `batch = 2` or more, or normalize by `ln` or `gn`") from None
    _fit("the network", tuple(main_output(outputs).shape[1:]), recipe, data, parameters)
    for head in heads:
        _fit(f"the head `{head}`", tuple(getattr(outputs, head).shape[1:]), recipe, data, parameters)
    return int(main_output(outputs).shape[1])


def _check_augmentations(recipe: Recipe, shape: tuple[int, ...]) -> None:
    if recipe.augment and len(shape) != 3:
        message = f"`{recipe.augment[0].name}` is for images, and the input is {list(shape)}"
        raise Fault("E0801", message, argument="augment", help="write `augment = []`")
    for augmentation in recipe.augment:
        misfit = augmentation.misfit(shape[1], shape[2])
        if misfit is not None:
            message = f"`{augmentation.name}` {misfit[0]}, and the images are {shape[1]} x {shape[2]}"
            raise Fault("E0801", message, argument="augment", help=f"write {misfit[1]}")


def _fit(what: str, output: tuple[int, ...], recipe: Recipe, data: Data, parameters: Mapping[str, Any]) -> None:
    """One output [outputs, ...] against the labels [...]."""
    labels = tuple(data.train.labels.shape[1:])
    if data.classes is None:
        if torch.Size(output).numel() != torch.Size(labels).numel():
            raise _other_values(what, output, data.train.labels, parameters)
        return
    if len(output) == 1 and _one_hot(data.train.labels):
        help = "give the number of each example's class: `y.argmax(1)`"
        raise Fault("E0801", f"a label is {labels[0]} numbers, all 0 but for one 1", argument="data", help=help)
    if len(output) == 1 and len(labels) == 1 and labels[0] > 1:
        raise _several(output, labels[0], recipe, data, parameters)
    if len(output) == 1 and len(labels) > 1:
        message = f"a label is {list(labels)}, a class for each pixel, and {what} gives {list(output)} for one example"
        help = f"end the network with a map of that size: `conv({data.classes}, 1)` in place of `gap; flatten` and what follows"
        raise Fault("E0801", message, argument="data", help=help)
    two = recipe.loss.wants != "classes" and data.classes == 2
    if not output or (output[0] != data.classes and not (two and output[0] == 1)):
        raise _other_classes(what, output, recipe, data, parameters)
    if output[1:] != labels:
        message = f"{what} gives {list(output)} for one example, and a label is {list(labels)}"
        if labels == (1, *output[1:]):
            help = "save the labels as `y[:, 0]`"
        elif len(labels) > 1:
            help = f"save labels of the size {list(output[1:])}, or end the network with a map of {list(labels)}"
        else:
            help = "end the network with `gap; flatten` for one label an example"
        raise Fault("E0801", message, argument="data", help=help)


def _several(output: tuple[int, ...], count: int, recipe: Recipe, data: Data, parameters: Mapping[str, Any]) -> Fault:
    """Several whole numbers to an example, where the network gives one row: several classes at once, or values."""
    yes_or_no = bool((data.train.labels <= 1).all())
    message = f"a label is {count} whole numbers, each " + ("0 or 1" if yes_or_no else "the number of a class")
    what = "for several classes at once" if yes_or_no else "where they are values"
    help = f"{what}, save the labels as floats: `y.astype(float)`"
    if recipe.loss.wants == "classes":
        help += ", and write `loss = bce`" if yes_or_no else ", and write `loss = mse`"
    help += f", and {_as_many(output, count, parameters)}" if output[0] != count else ""
    return Fault("E0801", message, argument="data", help=help)


def _other_values(what: str, output: tuple[int, ...], values: Tensor, parameters: Mapping[str, Any]) -> Fault:
    """Another number of outputs than values to an example."""
    labels = tuple(values.shape[1:])
    count = torch.Size(labels).numel()
    if len(labels) > 1:
        help = f"end the network with a map of {list(labels)}"
        help += ": `conv(1, 1)` in place of `gap; flatten` and what follows" if len(labels) == 2 and len(output) == 1 else ""
    elif len(output) == 1:
        help = _as_many(output, count, parameters)
    else:
        help = f"end the network with `gap; flatten; linear({count})`"
    if not labels and bool((values == values.round()).all()):
        help += "; or, where the labels are classes, save them as whole numbers, `y.astype(int)`, and write `loss = cross_entropy`"
    shown = f"{count} values" if labels else "one value"
    return Fault("E0801", f"{what} gives {list(output)} for one example, and a label is {shown}", argument="data", help=help)


def _no_classes(loss: str, labels: Tensor) -> Fault:
    """Labels that are floats, where the loss takes the numbers of classes."""
    if _one_hot(labels):
        message, help = f"{labels.shape[1]} floats, all 0 but for one 1", "give the number of each example's class: `y.argmax(1)`"
    elif labels.ndim == 2 and labels.shape[1] > 1 and bool(((labels == 0) | (labels == 1)).all()):
        message, help = f"{labels.shape[1]} floats, each 0 or 1", "for several classes at once write `loss = bce`"
    elif bool((labels == labels.round()).all()):
        message, help = "floats", "save the labels as whole numbers: `y.astype(int)`; or, where they are values, write `loss = mse`"
    else:
        message, help = "fractions", "write `loss = mse`"
    return Fault("E0801", f"`{loss}` is for classes, and the labels are {message}", argument="loss", help=help)


def _check_probabilities(loss: str, labels: Tensor) -> None:
    outside = labels[(labels < 0) | (labels > 1)]
    if len(outside):
        message = f"`{loss}` takes labels from 0 to 1, and one is {outside[0].item():g}"
        help = "write `loss = mse` for values; or, for classes, save the labels as whole numbers: `y.astype(int)`"
        raise Fault("E0801", message, argument="loss", help=help)


def _one_hot(labels: Tensor) -> bool:
    if labels.ndim != 2 or labels.shape[1] == 1:
        return False
    return bool(((labels == 0) | (labels == 1)).all()) and bool((labels.sum(1) == 1).all())


def _other_classes(what: str, output: tuple[int, ...], recipe: Recipe, data: Data, parameters: Mapping[str, Any]) -> Fault:
    """Another number of outputs than classes: because the labels are numbered otherwise, or indeed."""
    outputs = output[0] if output else 1
    has = f"{what} has {outputs} output{'s' if outputs != 1 else ''}"
    numbers = torch.unique(torch.cat([data.train.labels.flatten(), data.held_out.labels.flatten()]))
    low, high, count = int(numbers[0]), int(numbers[-1]), len(numbers)
    if recipe.loss.wants != "classes" and outputs == 1:
        help = f"{_as_many(output, high + 1, parameters)}; or, where the labels are values, save them as floats: `y.astype(float)`"
        return Fault("E0801", f"{has}, and the data set has {high + 1} classes", argument="data", help=help)
    if count == high + 1:
        help = _as_many(output, count, parameters)
        return Fault("E0801", f"{has}, and the data set has {count} classes", argument="data", help=help)
    message = f"{has}, and the labels are {count} numbers from {low} to {high}, where classes are numbered from 0"
    gaps = count < high - low + 1
    help = f"number the classes from 0{' without gaps' if gaps else ''}: `"
    help += "numpy.unique(y, return_inverse=True)[1]`" if gaps else f"y - {low}`"
    help += f", and {_as_many(output, count, parameters)}" if count != outputs else ""
    return Fault("E0801", message, argument="data", help=help)


def _as_many(output: tuple[int, ...], classes: int, parameters: Mapping[str, Any]) -> str:
    """The remedy: the parameter that says how many classes there are, where the network has one, else its last layer."""
    said = next((name for name, value in parameters.items() if "class" in name and output and value == output[0]), None)
    if said is not None:
        return f"give the network as many outputs: `{said} = {classes}`"
    layer = f"conv({classes}, 1)" if len(output) > 1 else f"linear({classes})"
    return f"give the last layer as many outputs: `{layer}`"
