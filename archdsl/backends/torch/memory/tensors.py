"""Tensors without contents: storages whose life is recorded, and views of them with PyTorch's strides.

A storage lives as long as some tensor refers to it, as in PyTorch, so that CPython's counting of references decides when it
is freed.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Final, NamedTuple

from archdsl.shapes import Dim, Shape, SizeError

if TYPE_CHECKING:
    from archdsl.backends.torch.memory.autograd import Edge

FLOAT: Final = 4
"""Bytes of a number of 32 bits."""
LONG: Final = 8
"""Bytes of an integer."""
BOOL: Final = 1
"""Bytes of a bool."""


class Size(NamedTuple):
    """The bytes of a storage; `of_batch` if it has so many for each example."""

    bytes: Dim
    of_batch: bool


class Meter:
    """Records when storages come and go. `batch` stands for the batch size: a prime that is in no other size."""

    def __init__(self, batch: int, *, gradients: bool) -> None:
        self.batch = batch
        self.gradients = gradients
        self.sizes: list[Size] = []
        self.events: list[int] = []
        """For each storage that is made the number of its size, counted from one; for each that is freed the event, counted
        from one, at which it was made, as a negative number."""
        self._numbers: dict[Size, int] = {}
        self._known: dict[tuple[Dim, ...], Size] = {}
        self.made = 0
        """How many nodes of the backward pass there are."""

    def number(self, shape: Shape, item: int) -> int:
        """Return the number of the size of a storage, counted from one."""
        key = (*shape, item)
        size = self._known.get(key)
        if size is None:
            size = self._known[key] = self._size(shape, item)
        found = self._numbers.get(size)
        if found is None:
            self.sizes.append(size)
            found = self._numbers[size] = len(self.sizes)
        return found

    def _size(self, shape: Shape, item: int) -> Size:
        total = prod(shape, start=item)
        if total == 0 or self.batch == 1:
            return Size(total, False)
        try:
            each = total // self.batch
        except SizeError:
            return Size(total, False)
        of_batch = each * self.batch == total
        return Size(each if of_batch else total, of_batch)


class Storage:
    """Memory that is freed with the last tensor in it."""

    __slots__ = ("_events", "_made")

    def __init__(self, meter: Meter, shape: Shape, item: int) -> None:
        self._events = meter.events
        self._events.append(meter.number(shape, item))
        self._made = len(self._events)

    def __del__(self) -> None:
        self._events.append(-self._made)


class Tensor:
    """A view of a storage. `edge` leads to what computes its gradient; None if nothing does."""

    __slots__ = ("edge", "item", "meter", "shape", "storage", "strides")

    def __init__(
        self, meter: Meter, storage: Storage, shape: Shape, strides: Shape, item: int = FLOAT, edge: Edge | None = None
    ) -> None:
        self.meter = meter
        self.storage = storage
        self.shape = shape
        self.strides = strides
        self.item = item
        self.edge = edge

    @property
    def is_contiguous(self) -> bool:
        """Whether the elements are in the order of the axes, without gaps."""
        return all(
            size == 1 or stride == dense
            for size, stride, dense in zip(self.shape, self.strides, dense_strides(self.shape), strict=True)
        )

    @property
    def is_channels_last(self) -> bool:
        """Whether the elements of an image are in the order of positions, and not contiguous as well."""
        return len(self.shape) == 4 and not self.is_contiguous and self.strides == in_order(self.shape, (0, 2, 3, 1))

    def view(self, shape: Shape, strides: Shape | None = None) -> Tensor:
        """Return another view of the storage, without a gradient of its own."""
        return Tensor(self.meter, self.storage, shape, dense_strides(shape) if strides is None else strides, self.item)


def empty(meter: Meter, shape: Shape, item: int = FLOAT, strides: Shape | None = None) -> Tensor:
    """Return a new tensor."""
    return Tensor(meter, Storage(meter, shape, item), shape, dense_strides(shape) if strides is None else strides, item)


def empty_like(of: Tensor, item: int | None = None) -> Tensor:
    """Return a new tensor whose elements are in the same order as those of another."""
    return empty(of.meter, of.shape, of.item if item is None else item, preserved_strides(of))


def preserved_strides(of: Tensor) -> Shape:
    """Return the strides of a dense copy whose elements are in the same order."""
    if of.is_contiguous:
        return dense_strides(of.shape)
    if not all(isinstance(stride, int) for stride in of.strides) or 0 in of.strides:
        return dense_strides(of.shape) if 0 in of.strides else of.strides
    order = sorted(range(len(of.shape)), key=lambda axis: (-of.strides[axis], axis))
    return in_order(of.shape, order)


def dense_strides(shape: Shape) -> Shape:
    """Return the strides of contiguous elements."""
    found: list[Dim] = []
    step: Dim = 1
    for size in reversed(shape):
        found.append(step)
        step = step * size
    return tuple(found[::-1])


def in_order(shape: Shape, order: Sequence[int]) -> Shape:
    """Return the strides of dense elements whose axes are in an order, the last varying fastest."""
    found: list[Dim] = [1] * len(shape)
    step: Dim = 1
    for axis in reversed(order):
        found[axis] = step
        step = step * shape[axis]
    return tuple(found)


def viewed_strides(of: Tensor, shape: Shape) -> Shape | None:
    """Return the strides of a view of another shape; None if its elements have to be copied (`computeStride` in ATen)."""
    if of.is_contiguous:
        return dense_strides(shape)
    chunks: list[tuple[Dim, Dim]] = []
    """Runs of axes whose elements are evenly spaced, the last first: how many there are, and how far apart."""
    for size, stride in reversed(list(zip(of.shape, of.strides, strict=True))):
        if size == 1:
            continue
        if chunks and stride == chunks[-1][0] * chunks[-1][1]:
            chunks[-1] = (chunks[-1][0] * size, chunks[-1][1])
        else:
            chunks.append((size, stride))
    left, found = list(shape), list[Dim]()
    for count, base in chunks:
        covered: Dim = 1
        while left and (covered != count or left[-1] == 1):
            size = left.pop()
            found.append(covered * base)
            covered = covered * size
        if covered != count:
            return None
    return tuple(found[::-1]) if not left else None
