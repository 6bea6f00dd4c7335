"""The symbolic sizes of a network as arguments of `torch.export`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch.export import Dim
from torch.fx.experimental import _config as symbolic_shapes

from archdsl.ir import Graph
from archdsl.shapes import LinearSize, SymbolicSize
from archdsl.size_polynomials import primitive, terms_of
from archdsl.sizes import SizeSet, at_least


def dynamic_shapes(graph: Graph, *, batch: bool = True) -> tuple[dict[int, Any], ...]:
    """Return the dimension of each symbolic axis, for each input in order.

    They have bounds and no names: what the network asks of its sizes besides (`H % 16 == 0`, `2 * H` of another input)
    `torch.export` takes from the network itself, where it could not prove it of all sizes between the bounds.
    PyTorch exports a size of one by itself, so that these are the sizes of which at least two is left at every layer,
    and the example's sizes have to be among them, with a batch of two or more where that is open.
    """
    sizes = traceable(graph)
    batches = {0: Dim("batch")} if batch else {}
    found = []
    for value in graph.inputs:
        dims = {axis: _dim(size, sizes) for axis, size in enumerate(value.shape, 1) if isinstance(size, SymbolicSize)}
        found.append(batches | {axis: dim for axis, dim in dims.items() if dim is not None})
    return tuple(found)


@contextmanager
def any_size() -> Iterator[None]:
    """Let `torch.export` make no difference between a size of one and others, for the time of the context."""
    with symbolic_shapes.patch(backed_size_oblivious=True):  # type: ignore[attr-defined]  # made by PyTorch's `install_config_module`
        yield


def exact_shapes(graph: Graph, *, conditions: bool = True) -> tuple[dict[int, Any], ...]:
    """Return the dimensions for an export inside of `any_size`: every valid size, also those of which one is left at a layer.

    A size that is valid at multiples of 16 is `16*_H`. Other conditions are guards of the program, from the network's own check
    of its inputs. Without `conditions`, no dimension has any, so that they can become assertions in the program.
    """
    made: dict[str, Any] = {}

    def dim(size: SymbolicSize) -> Any:
        symbol = size.symbols[0] if isinstance(size, LinearSize) and size.is_symbol else None
        if symbol is None or not conditions:
            return Dim.DYNAMIC(min=1)
        if symbol not in made:
            made[symbol] = _exact_dim(symbol, graph.valid_sizes[symbol])
        return made[symbol]

    found = []
    for value in graph.inputs:
        dims = {axis: dim(size) for axis, size in enumerate(value.shape, 1) if isinstance(size, SymbolicSize)}
        found.append({0: Dim.DYNAMIC(min=1)} | {axis: one for axis, one in dims.items() if one is not None})
    return tuple(found)


def _exact_dim(symbol: str, sizes: SizeSet) -> Any:
    """Return the dimension of a symbolic size; None if it has one value."""
    if sizes.is_finite:
        return None if len(sizes.points) == 1 else Dim.DYNAMIC(min=min(sizes.points), max=max(sizes.points))
    period, starts = len(sizes.least), [start for start in sizes.least if start is not None]
    if period == 1 or len(starts) > 1 or sizes.points or starts[0] < period:
        return Dim.DYNAMIC(min=sizes.smallest())
    least, rest = divmod(starts[0], period)
    return period * Dim(f"_{symbol}", min=least) + rest if rest else period * Dim(f"_{symbol}", min=least)


def traceable(graph: Graph) -> dict[str, SizeSet]:
    """Return the values of each symbolic size that PyTorch can trace at once: it specializes where a size of one is left."""
    found = dict(graph.valid_sizes)
    values = [value for function in graph.functions() for value in function.values]
    for size in dict.fromkeys(size for value in values for size in value.shape if isinstance(size, SymbolicSize)):
        linear = [size] if isinstance(size, LinearSize) else [factor for factors in terms_of(size) for factor in factors]
        factors = [primitive(factor)[1] for factor in linear]
        for factor in factors:  # one side of a product is specialized, too
            found[factor.symbol] = found[factor.symbol] & at_least(factor, 2) or found[factor.symbol]
    return found


def _dim(size: SymbolicSize, within: Mapping[str, SizeSet]) -> Any:
    """Return the bounds of an axis; None if only one value is left."""
    if len(size.symbols) > 1:
        return Dim.DYNAMIC
    sizes = within[size.symbols[0]]
    if sizes.is_finite and len(sizes.points) == 1:
        return None
    if not isinstance(size, LinearSize) or not size.is_symbol:
        return Dim.DYNAMIC
    return Dim.DYNAMIC(min=sizes.smallest(), max=max(sizes.points)) if sizes.is_finite else Dim.DYNAMIC(min=sizes.smallest())
