"""Mean and variance of weights at initialization, as `torch.nn.init` draws them.

`he` is He et al. 2015 (arXiv:1502.01852, equations 10 and 14), `xavier` Glorot & Bengio 2010 (equation 16), `orthogonal`
Saxe et al. 2013 (arXiv:1312.6120). Without a rule, PyTorch's layers draw from a uniform distribution of variance `1 / (3 *
fan_in)`, weight and bias alike (`nn.Linear.reset_parameters`).
"""

from __future__ import annotations

from math import erf, exp, pi, prod, sqrt
from typing import NamedTuple

from archdsl.initializers import (
    Constant,
    He,
    Initializer,
    Normal,
    Ones,
    Orthogonal,
    TruncatedNormal,
    Uniform,
    Xavier,
    Zeros,
)


class Moments(NamedTuple):
    """Mean and variance."""

    mean: float
    variance: float

    @property
    def square(self) -> float:
        """The mean square."""
        return self.variance + self.mean * self.mean


def fans(weight: tuple[int, ...]) -> tuple[int, int]:
    """Return the fan-in and fan-out of a weight as PyTorch counts them: axis 1 and axis 0, each times the window."""
    window = prod(weight[2:])
    return weight[1] * window, weight[0] * window


def drawn(rule: Initializer, weight: tuple[int, ...]) -> Moments | None:
    """Return the moments of a weight that a rule fills; None for a rule that is not known."""
    match rule:
        case He():
            fan_in, fan_out = fans(weight)
            gain = {"relu": 2.0, "linear": 1.0, "leaky_relu": 2 / (1 + rule.slope**2)}[rule.nonlinearity]
            return Moments(0.0, gain / (fan_in if rule.mode == "fan_in" else fan_out))
        case Xavier():
            return Moments(0.0, 2 * rule.gain**2 / sum(fans(weight)))
        case Orthogonal():
            return Moments(0.0, rule.gain**2 / max(weight[0], prod(weight[1:])))
        case Normal():
            return Moments(rule.mean, rule.std**2)
        case Uniform():
            return Moments((rule.low + rule.high) / 2, (rule.high - rule.low) ** 2 / 12)
        case TruncatedNormal():
            return _truncated(rule)
        case Constant():
            return Moments(rule.value, 0.0)
        case Ones():
            return Moments(1.0, 0.0)
        case Zeros():
            return Moments(0.0, 0.0)
    return None


def _truncated(rule: TruncatedNormal) -> Moments | None:
    """Return the moments of a truncated normal distribution (Johnson, Kotz & Balakrishnan 1994, section 13.10.1)."""
    a, b = (rule.low - rule.mean) / rule.std, (rule.high - rule.mean) / rule.std
    inside = (erf(b / sqrt(2)) - erf(a / sqrt(2))) / 2
    if inside <= 0.3:  # PyTorch then draws uniformly, and rejects
        return None
    low, high = exp(-a * a / 2) / sqrt(2 * pi), exp(-b * b / 2) / sqrt(2 * pi)
    shift = (low - high) / inside
    spread = 1 + (_times(a, low) - _times(b, high)) / inside - shift**2
    return Moments(rule.mean + rule.std * shift, rule.std**2 * spread)


def _times(bound: float, density: float) -> float:
    return bound * density if density else 0.0
