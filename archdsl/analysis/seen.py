"""What one position of a value sees of the network's input, along each axis of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from archdsl.analysis.reach import Reach
from archdsl.shapes import Shape


class Seen(NamedTuple):
    """What a position sees along one axis of an input: a window, everything, or both by different paths.

    `axis` is the axis of the value along which the window moves. If the value is not `aligned`, its positions are in another
    order along that axis, as after `flatten`. `least` is the window of the path that sees the least; None if that is
    unknown. If it is not `known`, some op on the way does something that is not followed.
    """

    axis: int
    reach: Reach | None = Reach()
    least: int | None = 1
    aligned: bool = True
    whole: bool = False
    known: bool = True

    def moved(self, axis: int, *, aligned: bool = True) -> Seen:
        """Return the same along another axis of the value."""
        return self._replace(axis=axis, aligned=self.aligned and aligned)

    def window(self, size: int, stride: int = 1, before: int = 0, dilation: int = 1) -> Seen:
        """Return what a window along the axis sees."""
        if self.reach is None:
            return self
        if not self.aligned:
            return self.unknown()
        jump, least = self.reach.jump, None
        if self.least is not None and jump.denominator == 1:
            least = self.least + dilation * (size - 1) * jump.numerator
        return self._replace(reach=self.reach.window(size, stride, before, dilation), least=least)

    def through(self, covered: tuple[tuple[int, int], ...], advance: int) -> Seen:
        """Return what positions see that cover others: see `Reach.through`."""
        if self.reach is None:
            return self
        reach = self.reach.through(covered, advance) if self.aligned else None
        least = self.least if all(low == high for low, high in covered) else None
        return self.unknown() if reach is None else self._replace(reach=reach, least=least)

    def everything(self) -> Seen:
        """Return what is seen after all positions along the axis are combined."""
        return self._replace(reach=None, least=None, whole=True)

    def unknown(self) -> Seen:
        """Return what is known after an op that is not followed: nothing about the window."""
        return self._replace(reach=None, least=None, known=False)

    def joined(self, other: Seen) -> Seen:
        """Return what is seen along either of two paths."""
        if self == other:
            return self
        whole, known = self.whole or other.whole, self.known and other.known
        if self.reach is None or other.reach is None:
            one = self if other.reach is None else other
            return one._replace(whole=whole, known=known)
        if self.axis != other.axis:
            return self.unknown()._replace(whole=whole)
        reach = self.reach.joined(other.reach)
        if reach is None:
            return self.unknown()._replace(whole=whole)
        least = None if self.least is None or other.least is None else min(self.least, other.least)
        return Seen(self.axis, reach, least, self.aligned and other.aligned, whole, known)


Sight: TypeAlias = Mapping[tuple[int, int], Seen]
"""What a value sees of each input of the network, by its number and its axis. Nothing is in it for a `param`."""


def joined(sights: Iterable[Sight]) -> Sight:
    """Return what values see together."""
    found: dict[tuple[int, int], Seen] = {}
    for sight in sights:
        for key, seen in sight.items():
            known = found.get(key)
            found[key] = seen if known is None else known.joined(seen)
    return found


def mixed(sight: Sight, axes: Sequence[int]) -> Sight:
    """Return what is seen after all positions along some axes of the value are combined."""
    return {key: seen.everything() if seen.axis in axes and seen.reach is not None else seen for key, seen in sight.items()}


def stretched(sight: Sight, shape: Shape, output: Shape) -> Sight:
    """Return the sight of a value that is stretched along its axes of size one: all positions see what the one sees."""
    found = {}
    for key, seen in sight.items():
        fixed = seen.reach is not None and shape[seen.axis] == 1 and output[seen.axis] != 1
        found[key] = seen.unknown() if fixed else seen
    return found
