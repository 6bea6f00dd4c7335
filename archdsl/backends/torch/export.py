"""The sizes that a network leaves open, as `torch.export` takes them."""

from __future__ import annotations

from typing import Any

from torch.export import Dim

from archdsl import limits
from archdsl.ir import Graph
from archdsl.shapes import OpenSize
from archdsl.sizes import ALL, SizeSet, at_least


def dynamic_shapes(graph: Graph, *, batch: bool = True) -> tuple[dict[int, Any], ...]:
    """For each input, in order, the dimension of each open axis: `({0: batch, 2: 16*_H, 3: 16*_W},)`.

    Sizes that a linear expression cannot tell are `Dim.AUTO`, which `torch.export` then finds out from its example.
    PyTorch exports a size of one by itself, so that these are the sizes of which at least two is left at every layer,
    and the example's sizes have to be among them, with a batch of two or more where that is open.
    """
    dims = {symbol: _dim(symbol, sizes) for symbol, sizes in _symbols(graph).items()}
    batches = {0: Dim("batch")} if batch else {}
    shapes = [graph.nodes[index].shape for index in graph.inputs]
    return tuple(
        batches | {axis + 1: _axis(size, dims[size.symbol]) for axis, size in enumerate(shape) if isinstance(size, OpenSize)}
        for shape in shapes
    )


def _symbols(graph: Graph) -> dict[str, SizeSet]:
    """For each open size the values that PyTorch can trace at once: those that leave at least two everywhere, since it sets ones apart."""
    found: dict[str, SizeSet] = {}
    for size in dict.fromkeys(size for node in graph.nodes for size in node.shape if isinstance(size, OpenSize)):
        known = found.get(size.symbol, graph.works.get(size.symbol, ALL))
        found[size.symbol] = known & at_least(size, 2)
    return found


def _dim(symbol: str, sizes: SizeSet) -> Any:
    """`16*_H` for multiples of 16."""
    period = len(sizes.least)
    starts = [start for start in sizes.least if start is not None]
    if len(starts) != 1 or sizes.points:
        return Dim.AUTO
    least, shift = divmod(starts[0], period)
    return _linear(Dim(f"_{symbol}", min=least, max=limits.SIZE // period), period, shift)  # with a `_`, since `N` alone is a function to sympy, which reads it


def _axis(size: OpenSize, dim: Any) -> Any:
    if len(size.offsets) > 1 or dim is Dim.AUTO:
        return Dim.AUTO
    return _linear(dim, size.slope, size.offsets[0])


def _linear(dim: Any, factor: int, shift: int) -> Any:
    scaled = factor * dim if factor != 1 else dim
    return scaled + shift if shift else scaled
