"""Mean and variance of an activation of normally distributed numbers.

A rectifier halves the mean square of centred numbers, which is what He initialization makes up for (He et al. 2015,
arXiv:1502.01852, equation 8). The moments of the rectifier are those of a rectified normal distribution; for other
activations the integrals are computed, on a grid of eight standard deviations.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import erf, exp, expm1, log1p, pi, sqrt, tanh
from typing import Any, Final

from archdsl.analysis.weight_moments import Moments
from archdsl.ops.base import Op

_POINTS: Final = 200
"""How many points the grid has on each side of the mean."""
_REACH: Final = 8.0


def activated(op: Op, of: Moments) -> Moments | None:
    """Return the moments behind an activation; None for one that is not a function of single numbers."""
    while op.name == "act":
        op = op.f  # type: ignore[attr-defined]
    make = _FUNCTIONS.get(op.name)
    if make is None:
        return None
    function = make(op)
    deviation = sqrt(of.variance)
    if deviation == 0:
        return Moments(function(of.mean), 0.0)
    if op.name == "relu":
        return _rectified(of.mean, deviation)
    first = second = 0.0
    for z, weight in _grid():
        y = function(of.mean + deviation * z)
        first += weight * y
        second += weight * y * y
    return Moments(first, max(second - first * first, 0.0))


def _rectified(mean: float, deviation: float) -> Moments:
    z = mean / deviation
    above, density = (1 + erf(z / sqrt(2))) / 2, exp(-z * z / 2) / sqrt(2 * pi)
    first = mean * above + deviation * density
    second = (mean * mean + deviation * deviation) * above + mean * deviation * density
    return Moments(first, max(second - first * first, 0.0))


@cache
def _grid() -> list[tuple[float, float]]:
    """Return points of the standard normal distribution with their weights, which add up to one (trapezoidal rule)."""
    points = [i * _REACH / _POINTS for i in range(-_POINTS, _POINTS + 1)]
    weights = [exp(-z * z / 2) for z in points]
    total = sum(weights)
    return [(z, weight / total) for z, weight in zip(points, weights, strict=True)]


def _sigmoid(x: float) -> float:
    return 1 / (1 + exp(-x)) if x >= 0 else exp(x) / (1 + exp(x))


def _softplus(x: float) -> float:
    return max(x, 0.0) + log1p(exp(-abs(x)))


def _gelu(op: Any) -> Callable[[float], float]:
    if op.approximate == "tanh":
        return lambda x: x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))
    return lambda x: x / 2 * (1 + erf(x / sqrt(2)))


_SELU: Final = (1.0507009873554805, 1.6732632423543772)
"""The scale and the factor of `selu` (Klambauer et al. 2017, arXiv:1706.02515)."""
_FUNCTIONS: Final[dict[str, Callable[[Any], Callable[[float], float]]]] = {
    "relu": lambda op: lambda x: max(x, 0.0),
    "relu6": lambda op: lambda x: min(max(x, 0.0), 6.0),
    "leaky_relu": lambda op: lambda x: x if x > 0 else op.slope * x,
    "prelu": lambda op: lambda x: x if x > 0 else op.init_value * x,
    "elu": lambda op: lambda x: x if x > 0 else op.alpha * expm1(x),
    "selu": lambda op: lambda x: _SELU[0] * (x if x > 0 else _SELU[1] * expm1(x)),
    "gelu": _gelu,
    "silu": lambda op: lambda x: x * _sigmoid(x),
    "mish": lambda op: lambda x: x * tanh(_softplus(x)),
    "sigmoid": lambda op: _sigmoid,
    "tanh": lambda op: tanh,
    "hardswish": lambda op: lambda x: x * min(max(x + 3, 0.0), 6.0) / 6,
    "hardsigmoid": lambda op: lambda x: min(max(x + 3, 0.0), 6.0) / 6,
    "softplus": lambda op: lambda x: _softplus(x * op.beta) / op.beta,
}
