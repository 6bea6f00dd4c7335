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


def main_output(outputs: Tensor | tuple[Tensor, ...]) -> Tensor:
    """What the network is for: its only output, or the first of several."""
    return outputs if isinstance(outputs, Tensor) else outputs[0]


def check(
    module: nn.Module,
    heads: Iterable[str],
    input_shape: tuple[int, ...],
    recipe: Recipe,
    data: Data,
    parameters: Mapping[str, Any],
) -> int:
    """The number of outputs; raises `Fault` (E0801) where labels, outputs, loss and augmentations do not fit."""
    if recipe.augment and len(input_shape) != 3:
        message = f"`{recipe.augment[0].name}` is for images, and the input is {list(input_shape)}"
        raise Fault("E0801", message, argument="augment", help="write `augment = []`")
    if data.classes is None and recipe.loss.wants == "classes":
        message = f"`{recipe.loss.name}` is for classes, and the labels are fractions"
        raise Fault("E0801", message, argument="loss", help="write `loss = mse`")
    if data.classes == 1:
        raise Fault("E0801", "all examples are of one class", argument="data", help="give a data set of two classes or more")
    probe = copy.deepcopy(module).train()
    with torch.no_grad():
        outputs = probe(torch.zeros(2, *input_shape))
    _fit("the network", tuple(main_output(outputs).shape[1:]), recipe, data, parameters)
    for head in heads:
        _fit(f"the head `{head}`", tuple(getattr(outputs, head).shape[1:]), recipe, data, parameters)
    return int(main_output(outputs).shape[1])


def _fit(what: str, output: tuple[int, ...], recipe: Recipe, data: Data, parameters: Mapping[str, Any]) -> None:
    """One output [outputs, ...] against the labels [...]."""
    labels = tuple(data.y_train.shape[1:])
    if data.classes is None:
        if torch.Size(output).numel() != torch.Size(labels).numel():
            raise Fault("E0801", f"{what} gives {list(output)}, and a label is {list(labels)}", argument="data")
        return
    two = recipe.loss.wants != "classes" and data.classes == 2
    if not output or (output[0] != data.classes and not (two and output[0] == 1)):
        outputs = output[0] if output else 1
        message = f"{what} has {outputs} output{'s' if outputs != 1 else ''}, and the data set has {data.classes} classes"
        raise Fault("E0801", message, argument="data", help=_as_many(output, data.classes, parameters))
    if output[1:] != labels:
        message = f"{what} gives {list(output)} for one example, and a label is {list(labels)}"
        raise Fault("E0801", message, argument="data", help="end the network with `gap; flatten` for one label an example")


def _as_many(output: tuple[int, ...], classes: int, parameters: Mapping[str, Any]) -> str:
    """The remedy: the parameter that says how many classes there are, where the network has one, else its last layer."""
    said = next((name for name, value in parameters.items() if "class" in name and output and value == output[0]), None)
    if said is not None:
        return f"give the network as many outputs: `{said} = {classes}`"
    layer = f"conv({classes}, 1)" if len(output) > 1 else f"linear({classes})"
    return f"give the last layer as many outputs: `{layer}`"
