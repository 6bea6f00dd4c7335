"""Windows of images, positions of tokens, and attention with its projections.

Each function is an op of docs/ops.md: see `tests.attack.operations`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from tests.attack.checks import CLOSED, Result, Site, axis_of, channels, count, real
from tests.attack.layers import Bare
from tests.attack.values import Refused, Value


def _numbers(value: Any, axes: int) -> list[int]:
    values = value if isinstance(value, list) else [value] * axes
    if len(values) != axes:
        raise Refused(f"{value} for {axes} axes", "E0402", "E0401")
    return values


def pad_to(site: Site, x: Value, multiple: Any, axis: Any = None) -> Result:
    real(x)
    axes = list(range(1, len(x.shape))) if axis is None else [axis_of(each, x) for each in axis]
    if not axes:
        raise Refused(f"pad_to of {x.shape}", "E0305")
    around = [0, 0] * len(x.shape)
    for at, number in zip(axes, _numbers(multiple, len(axes)), strict=True):
        around[2 * (len(x.shape) - 1 - at) + 1] = -x.shape[at] % count(number)
    return F.pad(x.tensor, around), x.open


def window_shift(site: Site, x: Value, shift: Any, window: Any, axis: Any = (0, 1)) -> Result:
    real(x)
    axes = [axis_of(each, x) for each in axis]
    if len(set(axes)) < len(axes):
        raise Refused(f"axes {axis}", "E0402", "E0401")
    moves, windows = _numbers(shift, len(axes)), _numbers(window, len(axes))
    moved = [(move, at + 1) for move, at, size in zip(moves, axes, windows, strict=True) if x.shape[at] > size]
    return (torch.roll(x.tensor, *map(list, zip(*moved, strict=True))) if moved else x.tensor), x.open


def window_mask(site: Site, x: Value, like: Any, window: Any, shift: Any, axis: Any = (0, 1)) -> Result:
    other = site.value(like)
    axes = [axis_of(each, other) for each in axis]
    sizes = [other.shape[at] for at in axes]
    windows, moves = _numbers(window, 2), _numbers(shift, 2)
    if any(size % number for size, number in zip(sizes, windows, strict=True)):
        raise Refused(f"windows of {windows} in {sizes}")
    regions = [
        _regions(size, number, move if size > number else 0) for size, number, move in zip(sizes, windows, moves, strict=True)
    ]
    both = 3 * regions[0].unsqueeze(1) + regions[1]
    rows, columns = (size // number for size, number in zip(sizes, windows, strict=True))
    parts = both.reshape(rows, windows[0], columns, windows[1]).transpose(1, 2).reshape(rows, columns, 1, -1)
    mask = -100.0 * (parts.unsqueeze(-1) != parts.unsqueeze(-2)).double()
    opened = (other.open[axes[0]], other.open[axes[1]], CLOSED, CLOSED, CLOSED)
    return mask.expand(other.tensor.shape[0], *mask.shape), opened


def _regions(size: int, window: int, move: int) -> torch.Tensor:
    """Return for each position to which part of the image it belonged before the shift."""
    positions = torch.arange(size)
    if not move:
        return torch.zeros(size)
    return (positions >= size - window).double() + (positions >= size - move).double()


def mha(site: Site, x: Value, heads: Any, bias: Any = True, causal: Any = False) -> Result:
    real(x)
    if len(x.shape) != 2:
        raise Refused(f"mha of {x.shape}", "E0305")
    features = channels(x, -1)
    if features % count(heads):
        raise Refused(f"{heads} heads of {features} features")
    module = site.module(lambda: nn.MultiheadAttention(features, heads, bias=bias, batch_first=True))
    length = x.shape[0]
    later = torch.ones(length, length, dtype=torch.bool).triu(1) if causal else None
    site.count(4 * length * features * features + 2 * length * length * features)
    return module(x.tensor, x.tensor, x.tensor, need_weights=False, attn_mask=later)[0], x.open


def pos_embed(site: Site, x: Value, base: Any, grid: Any = None, mode: Any = "bicubic", antialias: Any = True) -> Result:
    real(x)
    if len(x.shape) != 2:
        raise Refused(f"pos_embed of {x.shape}", "E0305")
    features = channels(x, -1)
    current = base if grid is None else list(site.value(grid).shape[-2:])
    if math.prod(current) != x.shape[0]:
        raise Refused(f"{x.shape[0]} tokens of a grid of {current}")
    module = site.module(lambda: Bare(torch.zeros(1, math.prod(base), features)))
    assert isinstance(module, Bare)
    learned = module.bare
    if current != base:
        image = learned.transpose(1, 2).reshape(1, features, *base)
        learned = F.interpolate(image, size=current, mode=mode, antialias=antialias).flatten(2).transpose(1, 2)
    return x.tensor + learned, x.open


OPS: dict[str, Callable[..., Result]] = {
    "pad_to": pad_to,
    "window_shift": window_shift,
    "window_mask": window_mask,
    "mha": mha,
    "pos_embed": pos_embed,
}
