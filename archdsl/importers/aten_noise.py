"""Stochastic depth that is written out: a product with noise, one number for each example, or one for the batch; and shake-shake.

PyTorch has no operation for either. For stochastic depth, libraries fill a tensor with zeros and ones, divide it by the rate of
ones, and multiply. Shake-shake draws two sets of weights, one for the forward and one for the backward pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from archdsl.importers.aten import RULES, Random, Refused, Step, rule
from archdsl.importers.model import Apply, Value


@dataclass(frozen=True)
class _Noise(Random):
    """A tensor of noise: the rate of ones, once it is filled, and the number by which it is divided."""

    shape: tuple[int, ...]
    kept: float | None = None
    divisor: float = 1.0


@dataclass(frozen=True)
class _Draws(Random):
    """Numbers that follow from random ones alone: `[2, branches, examples, 1, ...]` for the two passes of shake-shake."""

    shape: tuple[int, ...]


@dataclass(frozen=True)
class _Weighted(Random):
    """Branches of shake-shake, with their weights and added up, but for those that are still to come."""

    draws: _Draws
    branches: tuple[Value, ...]


def random_alone(s: Step) -> bool:
    """Return whether a node follows from random numbers alone; its numbers are random, too."""
    found = [s.t.values.get(node.name) for node in s.node.all_input_nodes]
    draws = [value for value in found if isinstance(value, _Draws)]
    if not draws or len(draws) != len(found):
        return False
    s.t.values[s.node.name] = draws[0]
    return True


@rule("rand.default")
def _rand(s: Step) -> list[Apply]:
    s.t.values[s.node.name] = _Draws(s.shape())
    return []


@rule("add.Tensor")
def _add(s: Step) -> list[Apply]:
    terms = [s.t.values.get(getattr(node, "name", "")) for node in s.node.args[:2]]
    first, second = terms
    if not isinstance(first, _Weighted) or not isinstance(second, _Weighted):
        return RULES["add"](s)
    branches = (*first.branches, *second.branches)
    passes, count, examples, *axes = first.draws.shape
    if first.draws is not second.draws or len(branches) > count or passes != 2 or examples != s.shape()[0] or set(axes) - {1}:
        raise Refused("a sum with random weights that is no shake-shake")
    if len(branches) == count:
        return s.make("shake", {}, *branches)
    s.t.values[s.node.name] = _Weighted(first.draws, branches)
    return []


def _noise(s: Step, node: Any) -> _Noise | None:
    found = s.t.values.get(getattr(node, "name", ""))
    return found if isinstance(found, _Noise) else None


@rule("empty.memory_format", "new_empty.default", "empty_like.default")
def _empty(s: Step) -> list[Apply]:
    s.t.values[s.node.name] = _Noise(s.shape())
    return []


@rule("bernoulli_.float")
def _bernoulli(s: Step) -> list[Apply]:
    noise = _noise(s, s.first)
    if noise is None:
        raise Refused("random numbers")
    s.t.values[s.node.name] = _Noise(noise.shape, float(s.arg("p")))
    return []


@rule("div.Tensor", "div_.Tensor", "div.Scalar", "div_.Scalar")
def _div(s: Step) -> list[Apply]:
    noise = _noise(s, s.first)
    if noise is None:
        return RULES["div"](s)
    divided = _Noise(noise.shape, noise.kept, float(s.node.args[1]))
    s.t.values[s.node.name] = divided
    if s.target.startswith("div_"):
        s.t.values[s.first.name] = divided  # in place: later readers may name either
    return []


@rule("mul.Tensor", "mul_.Tensor")
def _mul(s: Step) -> list[Apply]:
    left, right = s.node.args[:2]
    noise, other = (_noise(s, right), left) if _noise(s, right) is not None else (_noise(s, left), right)
    draws = s.t.values.get(getattr(left, "name", ""))
    if isinstance(draws, _Draws) and len(draws.shape) > 3:
        s.t.values[s.node.name] = _Weighted(draws, (s.value(right),))
        return list(s.extra)
    if noise is None:
        return RULES["mul"](s)
    source = s.value(other)
    ones = [size for size in noise.shape[1:] if size != 1]
    if noise.kept is None or ones or noise.shape[0] not in (1, s.shape()[0]) or (noise.divisor != noise.kept and noise.kept > 0):
        raise Refused("a product with random numbers that is no stochastic depth")
    mode = "row" if noise.shape[0] == s.shape()[0] else "batch"
    return s.make("droppath", {"p": round(1.0 - noise.kept, 9), "mode": mode}, source)
