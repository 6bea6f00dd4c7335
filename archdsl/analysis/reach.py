"""How positions along an axis depend on positions of the input: intervals that repeat with a period.

The arithmetic is that of Araujo, Norris & Sim 2019 ("Computing receptive fields of convolutional neural networks", Distill,
doi:10.23915/distill.00021): a window of `k`, stride `s` and `p` rows of padding at position `i` covers the positions `i * s - p`
to `i * s - p + k - 1` below it. They have one first position and one stride for all of an axis. Behind an enlargement,
neighbouring positions differ in how much they see, and so a `Reach` has an interval for each position of a period. It is
exact: padding counts as positions, which lie outside of the input.
"""

from __future__ import annotations

from fractions import Fraction
from math import gcd, lcm
from typing import Final, NamedTuple

_LONGEST: Final = 4_096
"""The longest period that is followed, as of a resize from 4,097 to 4,096 positions."""


class Reach(NamedTuple):
    """Position `period * q + r` depends on the positions from `first[r] + q * step` to `last[r] + q * step` of the input."""

    first: tuple[int, ...] = (0,)
    last: tuple[int, ...] = (0,)
    step: int = 1

    @property
    def size(self) -> int:
        """The receptive field: the positions from first to last, those of the position that sees the most."""
        if len(self.first) == 1:
            return self.last[0] - self.first[0] + 1
        return max([last - first for first, last in zip(self.first, self.last, strict=True)]) + 1

    @property
    def jump(self) -> Fraction:
        """How far the fields of neighbouring positions are apart, on average: the product of the strides."""
        return Fraction(self.step, len(self.first))

    @property
    def center(self) -> Fraction:
        """The middle of the field of the first position, in positions of the input: 0 is the middle of its first one."""
        return Fraction(self.first[0] + self.last[0], 2)

    def window(self, size: int, stride: int, before: int, dilation: int = 1) -> Reach:
        """Return the reach of a window with so many rows of padding before the first one."""
        found = self.through(((-before, dilation * (size - 1) - before),), stride)
        assert found is not None  # its period divides this one
        return found

    def through(self, covered: tuple[tuple[int, int], ...], advance: int) -> Reach | None:
        """Return the reach of positions that cover these positions of an axis, from the first to the last; None if too long.

        There is a pair for each position of a period, after which both are `advance` further.
        """
        old = len(self.first)
        if old == 1 and len(covered) == 1:
            (low, high), step = covered[0], self.step
            return Reach((self.first[0] + low * step,), (self.last[0] + high * step,), step * advance)
        times = old // gcd(old, advance)
        if times * len(covered) > _LONGEST:
            return None
        pairs = [(low + q * advance, high + q * advance) for q in range(times) for low, high in covered]
        first = tuple([self.first[low % old] + low // old * self.step for low, _ in pairs])
        last = tuple([self.last[high % old] + high // old * self.step for _, high in pairs])
        return _shortest(Reach(first, last, self.step * advance * times // old))

    def joined(self, other: Reach) -> Reach | None:
        """Return the reach of positions that see what either one sees; None if they advance at different speeds."""
        if self == other:
            return self
        if self.jump != other.jump:
            return None
        period = lcm(len(self.first), len(other.first))
        if period > _LONGEST:
            return None
        one, two = self._at_period(period), other._at_period(period)
        first = tuple(map(min, one.first, two.first))
        return Reach(first, tuple(map(max, one.last, two.last)), one.step)

    def _at_period(self, period: int) -> Reach:
        old = len(self.first)
        if old == period:
            return self
        ends = [
            tuple([ends[r] + q * self.step for q in range(period // old) for r in range(old)]) for ends in (self.first, self.last)
        ]
        return Reach(ends[0], ends[1], self.step * (period // old))


def _shortest(reach: Reach) -> Reach:
    """Return the same reach with period one, if neighbouring positions see equally much and are equally far apart."""
    period = len(reach.first)
    if period == 1 or reach.step % period:
        return reach
    jump = reach.step // period
    regular = all(ends[r] == ends[0] + r * jump for ends in (reach.first, reach.last) for r in range(1, period))
    return Reach(reach.first[:1], reach.last[:1], jump) if regular else reach
