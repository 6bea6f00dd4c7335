"""What a run records: when storages come and go, and the peaks that follow from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from archdsl.backends.torch.memory.tensors import Size
from archdsl.shapes import Dim, value_at

NO_SIZES: Final[Mapping[str, int]] = {}


class Bytes(NamedTuple):
    """A number of bytes as a formula: those that are always there, and those for each example."""

    fixed: Dim
    of_example: Dim

    def plus(self, other: Bytes) -> Bytes:
        """Return the sum with others."""
        return Bytes(self.fixed + other.fixed, self.of_example + other.of_example)

    def value(self, batch: int, sizes: Mapping[str, int] = NO_SIZES) -> int:
        """Return the number for a batch and symbolic sizes."""
        return value_at(self.fixed, sizes) + batch * value_at(self.of_example, sizes)


class Step(NamedTuple):
    """A run of an op: the path of its module, or of the one around it, its name, and the events before and after it."""

    path: str
    op: str
    before: int
    after: int


class Trace(NamedTuple):
    """A recorded run.

    `events` has for each storage that is made the number of its size, counted from one, and for each that is freed the event
    that made it, negative. At event `start`, parameters, buffers and inputs are there; at `forward` the forward pass has ended.
    `steps` are the runs of ops, in order.
    """

    events: tuple[int, ...]
    sizes: tuple[Size, ...]
    start: int
    forward: int
    steps: tuple[Step, ...]

    def numbers(self, batch: int, sizes: Mapping[str, int] = NO_SIZES) -> list[int]:
        """Return the bytes of each size for a batch and symbolic sizes."""
        return [value_at(size.bytes, sizes) * (batch if size.of_batch else 1) for size in self.sizes]

    def peak(self, batch: int, sizes: Mapping[str, int] = NO_SIZES) -> tuple[int, int]:
        """Return the most bytes for a batch and symbolic sizes, and the event with which they are reached."""
        known = [0, *self.numbers(batch, sizes)]
        events, live, most, at = self.events, 0, 0, 0
        for event, number in enumerate(events, 1):
            if number < 0:
                live -= known[events[-number - 1]]
                continue
            live += known[number]
            if live > most:
                most, at = live, event
        return most, at

    def live(self, event: int, since: int = 0) -> list[int]:
        """Return the events before one that made the storages that are there at it."""
        gone = {-number for number in self.events[:event] if number < 0}
        return [made for made in range(since + 1, event + 1) if self.events[made - 1] > 0 and made not in gone]

    def sum_of(self, made: Sequence[int]) -> Bytes:
        """Return the bytes of the storages that some events made. Raise `SizeError` if there is no formula."""
        counts = Counter([self.events[event - 1] for event in made])
        fixed: Dim = 0
        of_example: Dim = 0
        for number, count in counts.items():
            size = self.sizes[number - 1]
            if size.of_batch:
                of_example = of_example + size.bytes * count
            else:
                fixed = fixed + size.bytes * count
        return Bytes(fixed, of_example)

    def at(self, event: int) -> Bytes:
        """Return the bytes that are there at an event. Raise `SizeError` if there is no formula."""
        return self.sum_of(self.live(event))

    def made_by(self, made: Sequence[int]) -> list[tuple[int, list[int]]]:
        """Return for each step that made some storages its number, and their events."""
        found: list[tuple[int, list[int]]] = []
        position = 0
        for number, step in enumerate(self.steps):
            own = []
            while position < len(made) and made[position] <= step.after:
                if made[position] > step.before:
                    own.append(made[position])
                position += 1
            if own:
                found.append((number, own))
        return found
