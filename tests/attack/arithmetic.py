"""Arithmetic, reductions and products of values on plain PyTorch.

Each function is an op of docs/ops.md: see `tests.attack.operations`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from tests.attack.checks import CLOSED, Open, Result, Site, axis_of, real
from tests.attack.values import Refused, Value

Reduce = Callable[[torch.Tensor, list[int], bool], torch.Tensor]

# Each number ----------------------------------------------------------------------------------------------------------


def pow_(site: Site, x: Value, exponent: Any) -> Result:
    real(x)
    return torch.pow(x.tensor, exponent), x.open


def clamp(site: Site, x: Value, low: Any = None, high: Any = None) -> Result:
    real(x)
    if low is None and high is None:
        raise Refused("clamp without bounds", "E0402", "E0403")
    if low is not None and high is not None and low > high:
        raise Refused(f"clamp from {low} to {high}", "E0402")
    return torch.clamp(x.tensor, low, high), x.open


def with_number(function: Callable[[torch.Tensor, Any], torch.Tensor]) -> Callable[..., Result]:
    """Return the op that combines a value with a number."""

    def op(site: Site, x: Value, number: Any) -> Result:
        real(x)
        return function(x.tensor, number), x.open

    return op


# Along axes -----------------------------------------------------------------------------------------------------------


def _axes(axis: Any, x: Value) -> list[int]:
    """Return axes, counted from 0, without the batch."""
    axes = [axis_of(each, x) for each in (axis if isinstance(axis, list) else [axis])]
    if not axes or len(set(axes)) < len(axes):
        raise Refused(f"axes {axis}", "E0402", "E0401")
    if len(axes) == len(x.shape):
        raise Refused("a reduction of all axes", "E0402", "E0305", "E0401")
    return axes


def reduction(reduce: Reduce) -> Callable[..., Result]:
    """Return the op that reduces axes, which are dropped or stay with a size of one."""

    def op(site: Site, x: Value, axis: Any, keep: Any = False) -> Result:
        real(x)
        axes = _axes(axis, x)
        return reduce(x.tensor, [at + 1 for at in axes], keep), _kept(x.open, axes, keep)

    return op


def _kept(opened: Open, axes: list[int], keep: bool) -> Open:
    return tuple(CLOSED if at in axes else each for at, each in enumerate(opened) if keep or at not in axes)


def var(site: Site, x: Value, axis: Any, keep: Any = False, unbiased: Any = True) -> Result:
    real(x)
    axes = _axes(axis, x)
    if unbiased and all(x.shape[at] == 1 for at in axes):
        raise Refused("the variance of one number", "E0304", "E0402")
    tensor = torch.var(x.tensor, [at + 1 for at in axes], correction=int(unbiased), keepdim=keep)
    return tensor, _kept(x.open, axes, keep)


def norm(site: Site, x: Value, axis: Any, keep: Any = False, p: Any = 2.0) -> Result:
    real(x)
    axes = _axes(axis, x)
    return torch.linalg.vector_norm(x.tensor, p, [at + 1 for at in axes], keep), _kept(x.open, axes, keep)


def max_(site: Site, x: Value, number: Any = None, axis: Any = None, keep: Any = None) -> Result:
    return _extreme(x, number, axis, keep, largest=True)


def min_(site: Site, x: Value, number: Any = None, axis: Any = None, keep: Any = None) -> Result:
    return _extreme(x, number, axis, keep, largest=False)


def _extreme(x: Value, number: Any, axis: Any, keep: Any, *, largest: bool) -> Result:
    """Return the maximum, or the minimum, with a number or along axes."""
    real(x)
    if (number is None) == (axis is None):
        raise Refused("a number or an axis", "E0402", "E0403", "E0404")
    if number is not None:
        return torch.clamp(x.tensor, **{"min" if largest else "max": number}), x.open
    axes = _axes(axis, x)
    reduce = torch.amax if largest else torch.amin
    return reduce(x.tensor, [at + 1 for at in axes], bool(keep)), _kept(x.open, axes, bool(keep))


# Products -------------------------------------------------------------------------------------------------------------


def _matrices(site: Site, *names: Any) -> list[Value]:
    values = [site.value(name) for name in names]
    for value in values:
        real(value)
        if len(value.shape) < 2:
            raise Refused(f"no matrix in {value.shape}", "E0305")
        if len(value.shape) != len(values[0].shape):
            raise Refused("matrices of different ranks", "E0305", "E0302", "E0301", "E0303")
    return values


def matmul(site: Site, a: Any, b: Any, transpose_a: Any = False, transpose_b: Any = False) -> Result:
    first, second = _matrices(site, a, b)
    one = first.tensor.transpose(-1, -2) if transpose_a else first.tensor
    other = second.tensor.transpose(-1, -2) if transpose_b else second.tensor
    rows = first.open[-1 if transpose_a else -2]
    columns = second.open[-2 if transpose_b else -1]
    if one.shape[-1] != other.shape[-2]:
        raise Refused(f"product of {tuple(one.shape)} and {tuple(other.shape)}")
    tensor = one @ other
    site.count(tensor[0].numel() * one.shape[-1])
    leading = tuple(p | q for p, q in zip(first.open[:-2], second.open[:-2], strict=True))
    return tensor, (*leading, rows, columns)


def attend(site: Site, q: Any, k: Any, v: Any, causal: Any = False, scale: Any = None) -> Result:
    queries, keys, values = _matrices(site, q, k, v)
    if queries.shape[:-2] != keys.shape[:-2] or keys.shape[:-1] != values.shape[:-1] or queries.shape[-1] != keys.shape[-1]:
        raise Refused(f"attention of {queries.shape}, {keys.shape} and {values.shape}")
    tensor = F.scaled_dot_product_attention(queries.tensor, keys.tensor, values.tensor, is_causal=causal, scale=scale)
    products = queries.tensor[0].numel() // queries.shape[-1] * keys.shape[-2]
    site.count(products * (queries.shape[-1] + values.shape[-1]))
    return tensor, (*queries.open[:-1], values.open[-1])


OPS: dict[str, Callable[..., Result]] = {
    "pow": pow_,
    "clamp": clamp,
    "add": with_number(torch.add),
    "sub": with_number(torch.sub),
    "div": with_number(torch.div),
    "max": max_,
    "min": min_,
    "mean": reduction(lambda x, axes, keep: torch.mean(x, axes, keep)),
    "sum": reduction(lambda x, axes, keep: torch.sum(x, axes, keep)),
    "var": var,
    "norm": norm,
    "matmul": matmul,
    "attend": attend,
}
