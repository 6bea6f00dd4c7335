"""Symbolic sizes of inputs: which axes a text can leave open, and why it cannot.

The compiler decides for which sizes a text with symbolic ones is a network. The model has to take other sizes, too.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from archdsl.analysis.size_verdict import SymbolicSizes
from archdsl.driver import compile_text
from archdsl.importers.model import Model, Value

_SEARCHED = 512
"""Sizes that are tried, from one on, until one is valid."""

Shape = tuple[int | str, ...]


def open_shapes(inputs: Sequence[Value]) -> list[Shape]:
    """Return the shapes that inputs of this kind may have with symbolic sizes, the likeliest first; none for other kinds.

    All inputs must have one shape: an image, a volume, a signal, or tokens.
    """
    if len({(value.shape, value.dtype) for value in inputs}) != 1:
        return []
    shape = inputs[0].shape
    if inputs[0].dtype != "float":
        return [("L",)] if len(shape) == 1 else []
    axes = {2: ("L",), 3: ("H", "W"), 4: ("D", "H", "W")}.get(len(shape))
    if axes is None:
        return []
    found: list[Shape] = [(shape[0], *axes)]
    return [*found, ("L", shape[1])] if len(shape) == 2 else found


def declare(models: Sequence[Model], shape: Shape | None) -> None:
    """Let the inputs of models have a shape with symbolic sizes; with None, those of the trace."""
    for model in models:
        for value in model.main.inputs:
            value.symbolic = shape


def undecided(text: str, names: Sequence[str], example: Sequence[Tensor], shape: Shape) -> str | None:
    """Return why a text does not compile with symbolic sizes, or not for those of an example and others; None if it does."""
    at = {symbol: size for symbol, size in zip(shape, example[0].shape[1:], strict=True) if isinstance(symbol, str)}
    for name in names:
        compiled = compile_text(text, name)
        if compiled.graph is None or not compiled.ok:
            return next((found.message for found in compiled.diagnostics if found.is_error), "it does not compile")
        if not compiled.sizes.works(at) or next(other_inputs(example, shape, compiled.sizes), None) is None:
            return " ".join(compiled.sizes.sentences()[0].split())
    return None


def refused(module: nn.Module, example: Sequence[Tensor], shape: Shape) -> str | None:
    """Return why a model does not run with other sizes on the axes that are symbolic in a shape; None if it does."""
    for inputs in inputs_elsewhere([tensor[:1] for tensor in example], shape):
        try:
            with torch.no_grad():
                module.eval()(*inputs)
        except Exception:
            continue
        return None
    return "the model takes no other sizes"


def inputs_elsewhere(example: Sequence[Tensor], shape: Shape) -> Iterator[list[Tensor]]:
    """Yield inputs like an example with other sizes on the axes that are symbolic in a shape."""
    axes = [axis for axis, size in enumerate(shape) if isinstance(size, str)]
    for grown in _grown([example[0].shape[axis + 1] for axis in axes]):
        yield _resized(example, dict(zip(axes, grown, strict=True)))


def other_inputs(example: Sequence[Tensor], shape: Sequence[object], sizes: SymbolicSizes) -> Iterator[list[Tensor]]:
    """Yield inputs at other valid sizes, of which the axes differ. Entries of `shape` that are no numbers are symbols."""
    axes = {axis: str(size) for axis, size in enumerate(shape) if not isinstance(size, int)}
    for grown in _grown([example[0].shape[axis + 1] for axis in axes]):
        at = {symbol: _valid(sizes, symbol, size) for symbol, size in zip(axes.values(), grown, strict=True)}
        if sizes.works(at):
            yield _resized(example, {axis: at[symbol] for axis, symbol in axes.items()})


def _grown(sizes: Sequence[int]) -> list[list[int]]:
    """Return two further choices of sizes: multiples of 32 more, and some that fit no stride."""
    more = [size + 32 * (at + 1) for at, size in enumerate(sizes)]
    odd = [size // 2 + 32 if at % 2 == 0 else size + 33 for at, size in enumerate(sizes)]
    return [more, odd]


def _valid(sizes: SymbolicSizes, symbol: str, size: int) -> int:
    """Return the next valid size of a symbol; the size itself if there is none near."""
    return next((n for n in itertools.islice(itertools.count(size), _SEARCHED) if n in sizes.work[symbol]), size)


def _resized(example: Sequence[Tensor], at: dict[int, int]) -> list[Tensor]:
    """Return random inputs like those of an example, with other sizes on some axes, counted without the batch."""
    generator = torch.Generator().manual_seed(2)
    found = []
    for tensor in example:
        shape = [at.get(axis - 1, size) for axis, size in enumerate(tensor.shape)]
        if tensor.is_floating_point():
            found.append(torch.randn(shape, generator=generator))
        else:
            found.append(torch.randint(0, 2, shape, generator=generator).to(tensor.dtype))
    return found
