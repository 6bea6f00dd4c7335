"""Check before training that recipe, data and network match."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from archdsl.data.label_check import check_labels
from archdsl.diagnostics import Diagnostic, SpecError, codes
from archdsl.recipe import Recipe
from archdsl.train.data import Data


def main_output(outputs: Tensor | tuple[Tensor, ...]) -> Tensor:
    """Return the main output: the only one, or the first of several."""
    return outputs if isinstance(outputs, Tensor) else outputs[0]


def require_device(accelerator: str) -> None:
    """Raise `SpecError` E0805 if there is no device of the requested kind."""
    kind = {"cuda": "CUDA device", "mps": "Apple GPU"}.get(accelerator)
    if kind and not (torch.cuda if accelerator == "cuda" else torch.backends.mps).is_available():
        raise SpecError(codes.training.NoDevice(accelerator, kind))


def check_device(recipe: Recipe, accelerator: str) -> None:
    """Raise `SpecError` E0805 if the device does not support a setting of the recipe."""
    cuda = torch.cuda.is_available() and accelerator in ("auto", "cuda", "gpu")
    if recipe.precision == "fp16" and not cuda:
        raise SpecError(codes.training.NoHalfPrecision())
    if recipe.compile and not cuda:
        from torch._inductor.cpp_builder import get_cpp_compiler  # here: it takes a second to import
        from torch._inductor.exc import InvalidCxxCompiler

        try:
            get_cpp_compiler()
        except InvalidCxxCompiler:
            raise SpecError(codes.training.NoCompiler()) from None


def check_sizes(data: Data, works: Callable[[Sequence[tuple[int, ...]]], Diagnostic | None] | None) -> None:
    """Raise `SpecError` for images of sizes that do not suit the network, when training or evaluating."""
    for shapes in dict.fromkeys((data.shapes, data.training_shapes)):
        found = works(shapes) if works is not None else None
        if found is not None:
            raise SpecError(found)


def check(
    module: nn.Module,
    heads: Iterable[str],
    recipe: Recipe,
    data: Data,
    parameters: Mapping[str, Any],
) -> int:
    """Return the number of outputs. Raise `SpecError` E0801 if labels, outputs and loss do not match."""
    outputs = _outputs(module, recipe, data)
    named = {"the network": main_output(outputs), **{f"the head `{head}`": getattr(outputs, head) for head in heads}}
    check_labels(data.labels, recipe, {what: tuple(output.shape[1:]) for what, output in named.items()}, parameters)
    return int(main_output(outputs).shape[1])


def _outputs(module: nn.Module, recipe: Recipe, data: Data) -> Any:
    """Return the outputs of the module in training mode for two examples; only the values of integer inputs matter."""
    probe, count = copy.deepcopy(module).train(), min(2, recipe.batch)
    inputs = [
        torch.full((count, *shape), data.greatest(place) if given.integer else 0,
                   dtype=torch.int64 if given.integer else torch.bool if given.boolean else torch.float32)
        for place, (given, shape) in enumerate(zip(data.inputs, data.shapes, strict=True))
    ]  # fmt: skip
    try:
        with torch.no_grad():
            return probe(*inputs)
    except IndexError as error:
        greatest = {given.name: data.greatest(place) for place, given in enumerate(data.inputs) if given.integer}
        if not greatest:
            raise
        raise SpecError(codes.labels.NoEmbeddingRow(greatest)) from error
    except ValueError as error:
        if recipe.batch > 1 or "more than 1 value per channel" not in str(error):
            raise
        raise SpecError(codes.batches.BatchOfOne()) from None
