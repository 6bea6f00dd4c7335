"""Values that nothing flows into: parameters, constants, positions, and what follows from the sizes of a value.

Each function is an op of docs/ops.md, which takes the place where it stands and the number of examples. As a statement with a
label, such an op declares a value and leaves `x` as it is.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch

from tests.attack.checks import CLOSED, Result, Site, axis_of, count
from tests.attack.layers import Bare
from tests.attack.values import Refused


def numbers(value: Any, axes: int) -> list[int]:
    """Return a number for each axis."""
    values = value if isinstance(value, list) else [value] * axes
    if len(values) != axes:
        raise Refused(f"{value} for {axes} axes", "E0402", "E0401")
    return values


def _same(site: Site, batch: int, tensor: torch.Tensor) -> Result:
    """Return a tensor without a batch axis, for each example of the batch."""
    return tensor.expand(batch, *tensor.shape), (CLOSED,) * tensor.ndim


def param(site: Site, batch: int, shape: Any, init: Any = None, batch_axis: Any = False) -> Result:
    """Return a learned tensor, the same for each example of the batch."""
    sizes = [count(size) for size in shape]
    module = site.module(lambda: Bare(torch.zeros([1, *sizes] if batch_axis else sizes)))
    assert isinstance(module, Bare)
    return _same(site, batch, module.bare.reshape(sizes))


def const(site: Site, batch: int, value: Any, shape: Any = None, stored: Any = False) -> Result:
    """Return fixed numbers, the same for each example of the batch."""
    listed = list(value) if isinstance(value, range) else value
    tensor = torch.tensor(listed, dtype=torch.float64)
    if shape is not None:
        sizes = [count(size) for size in shape]
        tensor = tensor.reshape(sizes) if tensor.ndim else torch.full(sizes, float(tensor), dtype=torch.float64)
    if not stored:
        return _same(site, batch, tensor)
    module = site.module(lambda: Bare(tensor, learned=False))
    assert isinstance(module, Bare)
    return _same(site, batch, module.bare)


def coords(site: Site, batch: int, like: Any, axis: Any) -> Result:
    """Return 0, 1, 2, ... along an axis of a value."""
    other = site.value(like)
    at = axis_of(axis, other)
    tensor, _ = _same(site, batch, torch.arange(other.shape[at], dtype=torch.float64))
    return tensor, (other.open[at],)


def rel_coords(site: Site, batch: int, window: Any) -> Result:
    """Return the offsets in a window on a logarithmic scale."""
    sides = [count(side, 2) for side in numbers(window, 2)]
    scaled = []
    for side in sides:
        offsets = torch.arange(1 - side, side, dtype=torch.float64)
        scaled.append(offsets.sign() * torch.log2(1 + 8 * offsets.abs() / (side - 1)) / 3)
    table = torch.stack(torch.meshgrid(*scaled, indexing="ij"), -1)
    module = site.module(lambda: Bare(table.unsqueeze(0), learned=False))
    assert isinstance(module, Bare)
    return _same(site, batch, module.bare[0])


def rel_bias(site: Site, batch: int, heads: Any, window: Any, table: Any = None, init: Any = None) -> Result:
    """Return a bias for each head and pair of positions, from a table with a row for each offset."""
    rows, columns = (count(side) for side in numbers(window, 2))
    shape = ((2 * rows - 1) * (2 * columns - 1), count(heads))
    places = [(at // columns, at % columns) for at in range(rows * columns)]
    index = [(a - c + rows - 1) * (2 * columns - 1) + b - d + columns - 1 for a, b in places for c, d in places]
    site.beside("relative_position_index", lambda: Bare(torch.tensor(index), learned=False))
    if table is None:
        own = site.beside("relative_position_bias_table", lambda: Bare(torch.zeros(shape)))
        assert isinstance(own, Bare)
        held = own.bare.expand(batch, *shape)
    else:
        given = site.value(table)
        if given.shape != shape:
            raise Refused(f"a table {given.shape} for {shape}")
        held = given.tensor
    tensor = held[:, index].reshape(batch, len(places), len(places), shape[1]).permute(0, 3, 1, 2)
    return tensor, (CLOSED,) * 3


def window_mask(site: Site, batch: int, like: Any, window: Any, shift: Any, axis: Any = (0, 1)) -> Result:
    """Return -100 between positions of a window that a shift brought together."""
    other = site.value(like)
    axes = [axis_of(each, other) for each in axis]
    sizes = [other.shape[at] for at in axes]
    windows, moves = numbers(window, 2), numbers(shift, 2)
    if any(size % number for size, number in zip(sizes, windows, strict=True)):
        raise Refused(f"windows of {windows} in {sizes}")
    regions = [
        _regions(size, number, move if size > number else 0) for size, number, move in zip(sizes, windows, moves, strict=True)
    ]
    both = 3 * regions[0].unsqueeze(1) + regions[1]
    rows, columns = (size // number for size, number in zip(sizes, windows, strict=True))
    parts = both.reshape(rows, windows[0], columns, windows[1]).transpose(1, 2).reshape(rows, columns, 1, -1)
    mask = -100.0 * (parts.unsqueeze(-1) != parts.unsqueeze(-2)).double()
    return mask.expand(batch, *mask.shape), (other.open[axes[0]], other.open[axes[1]], CLOSED, CLOSED, CLOSED)


def _regions(size: int, window: int, move: int) -> torch.Tensor:
    """Return for each position to which part of the image it belonged before the shift."""
    positions = torch.arange(size)
    if not move:
        return torch.zeros(size)
    return (positions >= size - window).double() + (positions >= size - move).double()


SOURCES: dict[str, Callable[..., Result]] = {
    "param": param,
    "const": const,
    "coords": coords,
    "rel_coords": rel_coords,
    "rel_bias": rel_bias,
    "window_mask": window_mask,
}
PARAMETERS = {name: list(inspect.signature(function).parameters)[2:] for name, function in SOURCES.items()}
KEYS_BESIDE = {"rel_bias": ("relative_position_index", "relative_position_bias_table")}
"""Keys of tensors that belong to the scope around an op."""


def keys_beside(name: str, arguments: dict[str, Any]) -> tuple[str, ...]:
    """Return the keys that an op has in the scope around it."""
    keys = KEYS_BESIDE.get(name, ())
    return keys[:1] if arguments.get("table") is not None else keys


def has_key(name: str, arguments: dict[str, Any]) -> bool:
    """Return whether the label of an op is a key."""
    return name in ("param", "rel_coords") or (name == "const" and bool(arguments.get("stored")))
