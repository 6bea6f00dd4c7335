"""Arithmetic with numbers, elementwise functions and reductions: see `tests.attack.operations`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from tests.attack.checks import CLOSED, Result, Site, axis_of, real
from tests.attack.values import Refused, Value


def elementwise(function: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Site, Value], Result]:
    def op(site: Site, x: Value) -> Result:
        real(x)
        return function(x.tensor), x.open

    return op


def pow_(site: Site, x: Value, exponent: Any) -> Result:
    real(x)
    return x.tensor**exponent, x.open


def clamp(site: Site, x: Value, low: Any = None, high: Any = None) -> Result:
    real(x)
    if (low is None and high is None) or (low is not None and high is not None and low > high):
        raise Refused(f"bounds {low}, {high}", "E0402")
    return x.tensor.clamp(low, high), x.open


def add(site: Site, x: Value, number: Any = None) -> Result:
    return _number(x, number) + x.tensor, x.open


def sub(site: Site, x: Value, number: Any = None) -> Result:
    return x.tensor - _number(x, number), x.open


def div(site: Site, x: Value, number: Any = None) -> Result:
    if number == 0:
        raise Refused("division by zero", "E0402")
    return x.tensor / _number(x, number), x.open


def _number(x: Value, number: Any) -> Any:
    real(x)
    if number is None:
        raise Refused("no number", "E0403")
    return number


def _extreme(bounded: Callable[..., torch.Tensor], along: Callable[..., torch.Tensor]) -> Callable[..., Result]:
    def op(site: Site, x: Value, number: Any = None, axis: Any = None, keep: Any = None) -> Result:
        real(x)
        if axis is None:
            return bounded(x.tensor, _number(x, number)), x.open
        return _along(x, along, axis, bool(keep))

    return op


def _reduction(function: Callable[..., torch.Tensor]) -> Callable[..., Result]:
    def op(site: Site, x: Value, axis: Any, keep: Any = False) -> Result:
        real(x)
        return _along(x, function, axis, keep)

    return op


def var(site: Site, x: Value, axis: Any, keep: Any = False, unbiased: Any = True) -> Result:
    real(x)
    axes = _axes(x, axis)
    if unbiased and all(x.shape[at] == 1 for at in axes):
        raise Refused("the variance of one number", "E0304")
    return _along(x, lambda tensor, dim, keepdim: tensor.var(dim, correction=int(unbiased), keepdim=keepdim), axis, keep)


def norm(site: Site, x: Value, axis: Any, keep: Any = False, p: Any = 2.0) -> Result:
    real(x)
    return _along(x, lambda tensor, dim, keepdim: torch.linalg.vector_norm(tensor, p, dim, keepdim), axis, keep)


def _axes(x: Value, axis: Any) -> list[int]:
    found = [axis_of(one, x) for one in (axis if isinstance(axis, list) else [axis])]
    if len(set(found)) < len(found) or not found:
        raise Refused(f"axes {axis}", "E0402")
    return found


def _along(x: Value, function: Callable[..., torch.Tensor], axis: Any, keep: bool) -> Result:
    axes = _axes(x, axis)
    opened = [CLOSED if at in axes else one for at, one in enumerate(x.open) if keep or at not in axes]
    return function(x.tensor, dim=[at + 1 for at in axes], keepdim=keep), tuple(opened)


def joined(kind: str, tensors: Sequence[torch.Tensor], codes: Sequence[str]) -> torch.Tensor:
    """Return branches that are joined by arithmetic."""
    if kind in ("sub", "div") and len(tensors) != 2:
        raise Refused(f"{kind} of {len(tensors)}", *codes)
    functions: dict[str, Callable[..., torch.Tensor]] = {
        "add": torch.add,
        "mul": torch.mul,
        "sub": torch.sub,
        "div": torch.div,
        "min": torch.minimum,
        "max": torch.maximum,
    }
    total = tensors[0]
    for tensor in tensors[1:]:
        total = functions[kind](total, tensor)
    return total


OPS: dict[str, Callable[..., Result]] = {
    "pow": pow_,
    "clamp": clamp,
    "add": add,
    "sub": sub,
    "div": div,
    "min": _extreme(lambda tensor, number: tensor.clamp(max=number), torch.amin),
    "max": _extreme(lambda tensor, number: tensor.clamp(min=number), torch.amax),
    "mean": _reduction(torch.mean),
    "sum": _reduction(torch.sum),
    "var": var,
    "norm": norm,
    **{name: elementwise(getattr(torch, name)) for name in ("sqrt", "exp", "log", "abs", "sin", "cos")},
}
STRETCHING = ("mul", "sub", "div", "min", "max")
