"""The ops that move numbers and change none of them: axes, windows as columns, pixels and channels, patterns.

Each function is an op of docs/ops.md: see `tests.attack.operations`.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F

from tests.attack.checks import CLOSED, Result, Site, axis_of, channels, count, divides, each, merged, spatial
from tests.attack.values import Refused, Value


def pixel_shuffle(site: Site, x: Value, r: Any) -> Result:
    spatial(x, 2)
    divides(count(r) ** 2, channels(x))
    return F.pixel_shuffle(x.tensor, r), x.open


def pixel_unshuffle(site: Site, x: Value, r: Any) -> Result:
    spatial(x, 2)
    if any(size % count(r) for size in x.shape[1:]):
        raise Refused(f"{r} does not divide {x.shape}")
    return F.pixel_unshuffle(x.tensor, r), x.open


def channel_shuffle(site: Site, x: Value, groups: Any) -> Result:
    spatial(x)
    divides(count(groups), channels(x))
    return torch.unflatten(x.tensor, 1, (groups, -1)).transpose(1, 2).flatten(1, 2), x.open


def slice_(site: Site, x: Value, part: Any, axis: Any = 0) -> Result:
    at = axis_of(axis, x)
    if not 0 <= part.start < part.stop:
        raise Refused(f"slice {part}", "E0402", "E0304")
    if part.stop > x.shape[at]:
        raise Refused(f"slice {part} of {x.shape}", "E0402", "E0304")
    return x.tensor.narrow(at + 1, part.start, len(part)), (*x.open[:at], CLOSED, *x.open[at + 1 :])


def split(x: Value, parts: Any, axis: Any = 0) -> list[Result]:
    """Return an axis in equal parts, or in parts of listed sizes."""
    at = axis_of(axis, x)
    size = channels(x, at)
    if isinstance(parts, int):
        if size % count(parts, 2):
            raise Refused(f"{parts} equal parts of {size}")
        parts = [size // parts] * parts
    if sum(parts) != size or any(part < 1 for part in parts):
        raise Refused(f"parts {parts} of {size}")
    return [(tensor, x.open) for tensor in torch.split(x.tensor, parts, at + 1)]


def permute(site: Site, x: Value, order: Any) -> Result:
    if sorted(order) != list(range(len(x.shape))):
        raise Refused(f"permute {order}", "E0402", "E0305")
    return x.tensor.permute(0, *(at + 1 for at in order)), tuple(x.open[at] for at in order)


def transpose(site: Site, x: Value, a: Any, b: Any) -> Result:
    order = list(range(len(x.shape)))
    first, second = axis_of(a, x), axis_of(b, x)
    order[first], order[second] = order[second], order[first]
    return permute(site, x, order)


def roll(site: Site, x: Value, shift: Any, axis: Any) -> Result:
    axes = [axis_of(at, x) for at in (axis if isinstance(axis, list) else [axis])]
    shifts = shift if isinstance(shift, list) else [shift] * len(axes)
    if len(shifts) != len(axes) or len(set(axes)) < len(axes) or not axes:
        raise Refused(f"roll by {shift} along {axis}", "E0402", "E0401")
    return torch.roll(x.tensor, shifts, [at + 1 for at in axes]), x.open


def unfold(site: Site, x: Value, k: Any, stride: Any = 1, pad: Any = 0, dilation: Any = 1) -> Result:
    spatial(x, 2)
    columns = F.unfold(x.tensor, each(k, 2), each(dilation, 2), each(pad, 2, 0), each(stride, 2))
    return columns, (x.open[0], merged(x.open[1], x.open[2]))


def flatten(site: Site, x: Value) -> Result:
    return torch.flatten(x.tensor, 1), (merged(*x.open),)


def reshape(site: Site, x: Value, sizes: Any) -> Result:
    known = math.prod(size for size in sizes if size != -1)
    total = math.prod(x.shape)
    if sizes.count(-1) > 1 or any(size < 1 and size != -1 for size in sizes):
        raise Refused(f"reshape to {sizes}", "E0402", "E0309")
    if total % known or (-1 not in sizes and total != known):
        raise Refused(f"reshape of {x.shape} to {sizes}", "E0309")
    computed = merged(*x.open)
    return x.tensor.reshape(x.tensor.shape[0], *sizes), tuple(computed if size == -1 else CLOSED for size in sizes)


# Patterns -------------------------------------------------------------------------------------------------------------


def _parsed(side: str) -> list[list[str]]:
    """Return the axes of one side of a pattern, each with the names that are merged in it."""
    parts: list[list[str]] = []
    inside = False
    for word in side.replace("(", " ( ").replace(")", " ) ").split():
        if word in "()":
            inside = word == "("
            if inside:
                parts.append([])
        elif inside:
            parts[-1].append(word)
        else:
            parts.append([word] if word != "1" else [])
    return parts


def rearrange(site: Site, x: Value, pattern: Any, _opened: Any = None, **sizes: Any) -> Result:
    left, right = map(_parsed, pattern.split("->"))
    if len(left) != len(x.shape):
        raise Refused(f"{pattern} of {x.shape}", "E0305")
    lengths: dict[str, int] = {}
    opened: dict[str, frozenset[str]] = {}
    for names, size, depends in zip(left, x.shape, x.open, strict=True):
        known = math.prod(sizes[name] for name in names if name in sizes)
        rest = [name for name in names if name not in sizes]
        if size % known or (not rest and size != known):
            raise Refused(f"{known} does not divide {size}")
        lengths |= {name: sizes.get(name, size // known) for name in names}
        opened |= {name: depends if name in rest else (_opened or {}).get(name, CLOSED) for name in names}
    flat = [name for names in left for name in names]
    tensor = x.tensor.reshape(x.tensor.shape[0], *(lengths[name] for name in flat))
    tensor = tensor.permute(0, *(flat.index(name) + 1 for names in right for name in names))
    shape = [math.prod(lengths[name] for name in names) for names in right]
    return tensor.reshape(tensor.shape[0], *shape), tuple(merged(*(opened[n] for n in names)) for names in right)
