"""What the ops of the interpreter share: where an op stands, and the checks of values and arguments that the pages state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import nn

from tests.attack.values import Refused, Value

Open = tuple[frozenset[str], ...]
Result = tuple[torch.Tensor, Open]
CLOSED: frozenset[str] = frozenset()


def merged(*opened: frozenset[str]) -> frozenset[str]:
    """Return what a product of sizes depends on; `*` says that several of them are open."""
    several = sum(bool(each) for each in opened) > 1
    return CLOSED.union(*opened, {"*"} if several else ())


class Site(Protocol):
    """The place where an op stands: it knows the op's module, and whether this is training."""

    training: bool

    def module(self, make: Callable[[], nn.Module]) -> nn.Module:
        """Return the module of this place, made when it is first asked for."""

    def beside(self, key: str, make: Callable[[], nn.Module]) -> nn.Module:
        """Return a tensor that belongs to the scope around this place."""

    def shared(self, module: Any, op: str) -> list[Any]:
        """Return the arguments of a declared module that is one op; its weights are those of this place, too."""

    def bias(self, wanted: bool | str) -> bool:
        """Return whether the convolution here has a bias."""

    def count(self, macs: int) -> None:
        """Note multiply-accumulates of one example."""

    def random(self, probability: float) -> None:
        """Note that chance takes part with this probability."""

    def value(self, name: Any) -> Value:
        """Return another value of the network, which the op uses too."""


def real(x: Value) -> None:
    """Refuse integers."""
    if x.integers:
        raise Refused("integers", "E0308")


def spatial(x: Value, *counts: int) -> int:
    """Return the number of spatial axes of an image, signal or volume of real numbers."""
    real(x)
    axes = len(x.shape) - 1
    if axes not in (counts or (1, 2, 3)):
        raise Refused(f"rank of {x.shape}", "E0305")
    return axes


def channels(x: Value, axis: int = 0) -> int:
    """Return the size of an axis that has to be fixed."""
    real(x)
    if x.open[axis]:
        raise Refused("open channels", "E0307")
    return x.shape[axis]


def count(value: Any, least: int = 1) -> int:
    """Return a whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Refused(f"{value} is no count", "E0401")
    if isinstance(value, float):
        raise Refused(f"{value} is a float", "E0406")
    if value < least:
        raise Refused(f"{value} is below {least}", "E0402")
    return value


def each(value: Any, axes: int, least: int = 1) -> list[int]:
    """Return a number for each spatial axis."""
    values = value if isinstance(value, list) else [value] * axes
    if len(values) != axes:
        raise Refused(f"{value} for {axes} axes", "E0402", "E0401")
    return [count(item, least) for item in values]


def divides(groups: int, *numbers: int) -> None:
    """Refuse groups that do not divide the channels."""
    if any(number % groups for number in numbers):
        raise Refused(f"{groups} does not divide one of {numbers}", "E0306")


def axis_of(axis: Any, x: Value) -> int:
    """Return an axis without the batch, counted from 0."""
    if isinstance(axis, bool) or not isinstance(axis, int) or not -len(x.shape) <= axis < len(x.shape):
        raise Refused(f"axis {axis} of {x.shape}", "E0402", "E0401", "E0305")
    return axis % len(x.shape)
