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

from tests.attack.checks import Result, Site, axis_of, channels, count, real
from tests.attack.layers import Bare
from tests.attack.sources import numbers
from tests.attack.values import Refused, Value


def pad_to(site: Site, x: Value, multiple: Any, axis: Any = None) -> Result:
    real(x)
    axes = list(range(1, len(x.shape))) if axis is None else [axis_of(each, x) for each in axis]
    if not axes:
        raise Refused(f"pad_to of {x.shape}", "E0305")
    around = [0, 0] * len(x.shape)
    for at, number in zip(axes, numbers(multiple, len(axes)), strict=True):
        around[2 * (len(x.shape) - 1 - at) + 1] = -x.shape[at] % count(number)
    return F.pad(x.tensor, around), x.open


def window_shift(site: Site, x: Value, shift: Any, window: Any, axis: Any = (0, 1)) -> Result:
    real(x)
    axes = [axis_of(each, x) for each in axis]
    if len(set(axes)) < len(axes):
        raise Refused(f"axes {axis}", "E0402", "E0401")
    moves, windows = numbers(shift, len(axes)), numbers(window, len(axes))
    moved = [(move, at + 1) for move, at, size in zip(moves, axes, windows, strict=True) if x.shape[at] > size]
    return (torch.roll(x.tensor, *map(list, zip(*moved, strict=True))) if moved else x.tensor), x.open


def mha(site: Site, x: Value, heads: Any, key: Any = None, value: Any = None, mask: Any = None, bias: Any = True,
        drop: Any = 0.0, causal: Any = False) -> Result:  # fmt: skip
    keys = x if key is None else site.value(key)
    values = keys if value is None else site.value(value)
    for each in (x, keys, values):
        real(each)
        if len(each.shape) != 2:
            raise Refused(f"mha of {each.shape}", "E0305")
    n, k, v = (channels(each, -1) for each in (x, keys, values))
    if n % count(heads):
        raise Refused(f"{heads} heads of {n} features")
    length, seen = x.shape[0], keys.shape[0]
    if values.shape[0] != seen:
        raise Refused(f"{values.shape[0]} values for {seen} keys")
    given = None if mask is None else site.value(mask)
    module = site.module(lambda: nn.MultiheadAttention(n, heads, bias=bias, kdim=k, vdim=v, batch_first=True))
    site.count(length * n * n * 2 + seen * n * (k + v) + length * seen * n * 2)
    added = _added(x, given, length, seen, causal, heads)
    return module(x.tensor, keys.tensor, values.tensor, need_weights=False, attn_mask=added)[0], x.open


def _added(x: Value, mask: Value | None, length: int, seen: int, causal: bool, heads: int) -> torch.Tensor | None:
    """Return what is added to the scores of each example and head, None for nothing."""
    if mask is None and not causal:
        return None
    batch = x.tensor.shape[0]
    scores = torch.zeros(batch, length, seen, dtype=torch.float64)
    if mask is not None:
        if mask.shape not in ((seen,), (1, seen), (length, seen)):
            raise Refused(f"a mask {mask.shape} for scores {(length, seen)}")
        own = mask.tensor if len(mask.shape) == 2 else mask.tensor.unsqueeze(1)
        scores = scores + (torch.zeros(own.shape).double().masked_fill(~own, -math.inf) if own.dtype == torch.bool else own)
    if causal:
        scores = scores.masked_fill(torch.ones(length, seen, dtype=torch.bool).triu(1), -math.inf)
    return scores.repeat_interleave(heads, 0)


def pos_embed(site: Site, x: Value, base: Any, grid: Any = None, prefix: Any = 0, mode: Any = "bicubic",
              antialias: Any = True, init: Any = None) -> Result:  # fmt: skip
    real(x)
    if len(x.shape) != 2:
        raise Refused(f"pos_embed of {x.shape}", "E0305")
    features = channels(x, -1)
    current = base if grid is None else list(site.value(grid).shape[-2:])
    if prefix + math.prod(current) != x.shape[0]:
        raise Refused(f"{x.shape[0]} tokens of {prefix} and a grid of {current}")
    module = site.module(lambda: Bare(torch.zeros(1, prefix + math.prod(base), features)))
    assert isinstance(module, Bare)
    first, learned = module.bare[:, :prefix], module.bare[:, prefix:]
    if current != base:
        image = learned.transpose(1, 2).reshape(1, features, *base)
        learned = F.interpolate(image, size=current, mode=mode, antialias=antialias).flatten(2).transpose(1, 2)
    return x.tensor + torch.cat([first, learned], 1), x.open


OPS: dict[str, Callable[..., Result]] = {
    "pad_to": pad_to,
    "window_shift": window_shift,
    "mha": mha,
    "pos_embed": pos_embed,
}
