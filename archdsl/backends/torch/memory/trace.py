"""What a run records: when storages come and go, and the peaks that follow from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from archdsl.backends.torch.memory.tensors import Size
from archdsl.shapes import Dim


class Trace(NamedTuple):
    """For each storage that comes the number of its size, counted from one, and for each that goes its negative.

    At event `start` parameters, buffers and inputs are there; at `forward` the forward pass has ended.
    """

    events: tuple[int, ...]
    sizes: tuple[Size, ...]
    start: int
    forward: int
    any_batch: bool

    def at(self, event: int) -> dict[Size, int]:
        """Return how many storages of each size are there before an event."""
        found: dict[int, int] = {}
        for number in self.events[:event]:
            found[abs(number)] = found.get(abs(number), 0) + (1 if number > 0 else -1)
        return {self.sizes[number - 1]: count for number, count in found.items() if count}

    def _bytes(self, batch: int, sizes: Mapping[str, int]) -> list[int]:
        return [
            (size.bytes if isinstance(size.bytes, int) else size.bytes.value(sizes)) * (batch if size.of_batch else 1)
            for size in self.sizes
        ]

    def peak(self, batch: int, sizes: Mapping[str, int] = {}) -> tuple[int, int]:  # noqa: B006
        """Return the most bytes for a batch and symbolic sizes, and the event after which they are reached."""
        known = [0, *self._bytes(batch, sizes)]
        live = most = at = 0
        for event, number in enumerate(self.events, 1):
            live += known[number] if number > 0 else -known[-number]
            if live > most:
                most, at = live, event
        return most, at

    def total(self, event: int, batch: int, sizes: Mapping[str, int] = {}) -> int:  # noqa: B006
        """Return the bytes before an event."""
        known = dict(zip(self.sizes, self._bytes(batch, sizes), strict=True))
        return sum([known[size] * count for size, count in self.at(event).items()])


_ = Dim, Sequence
