"""Products of values: matrices and attention, whose inputs are written in parentheses.

Each function is an op of docs/ops.md: see `tests.attack.operations`. Nothing flows into them, so `x` is not used.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from tests.attack.checks import Result, Site, channels, real
from tests.attack.values import Refused, Value


def _matrices(site: Site, *names: Any) -> list[Value]:
    values = [site.value(name) for name in names]
    for value in values:
        real(value)
        if len(value.shape) < 2:
            raise Refused(f"no matrix in {value.shape}", "E0305")
        if len(value.shape) != len(values[0].shape):
            raise Refused("matrices of different ranks", "E0305", "E0302", "E0301", "E0303")
    return values


def matmul(site: Site, x: Value, a: Any, b: Any, transpose_a: Any = False, transpose_b: Any = False) -> Result:
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


def attend(site: Site, x: Value, q: Any, k: Any, v: Any, mask: Any = None, bias: Any = None, causal: Any = False,
           scale: Any = None) -> Result:  # fmt: skip
    queries, keys, values = _matrices(site, q, k, v)
    for each in (queries, keys):
        channels(each, -1)
    if queries.shape[:-2] != keys.shape[:-2] or keys.shape[:-1] != values.shape[:-1] or queries.shape[-1] != keys.shape[-1]:
        raise Refused(f"attention of {queries.shape}, {keys.shape} and {values.shape}")
    scores = (*queries.shape[:-1], keys.shape[-2])
    total: torch.Tensor | None = None
    for each in (site.value(name) for name in (mask, bias) if name is not None):
        added = _fitted(each, scores)
        total = added if total is None else total + added
    if total is not None and causal:
        total = total.masked_fill(torch.ones(scores[-2:], dtype=torch.bool).triu(1), -math.inf)
        causal = False
    tensor = F.scaled_dot_product_attention(queries.tensor, keys.tensor, values.tensor, total, is_causal=causal, scale=scale)
    products = queries.tensor[0].numel() // queries.shape[-1] * keys.shape[-2]
    site.count(products * (queries.shape[-1] + values.shape[-1]))
    return tensor, (*queries.open[:-1], values.open[-1])


def _fitted(value: Value, scores: tuple[int, ...]) -> torch.Tensor:
    """Return what a mask or bias adds to scores, each of whose axes, from the last on, is equal or 1."""
    shape = value.shape
    if not 2 <= len(shape) <= len(scores) or any(
        own not in (1, other) for own, other in zip(reversed(shape), reversed(scores), strict=False)
    ):
        raise Refused(f"a mask {shape} for scores {scores}")
    tensor = value.tensor.reshape(value.tensor.shape[0], *(1,) * (len(scores) - len(shape)), *shape)
    if tensor.dtype == torch.bool:
        tensor = torch.zeros(tensor.shape, dtype=torch.float64).masked_fill(~tensor, -math.inf)
    return tensor.expand(tensor.shape[0], *scores)


OPS: dict[str, Callable[..., Result]] = {"matmul": matmul, "attend": attend}
