"""Batches of tensors from the splits of a data set: arrays from memory or disk, images from worker processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from archdsl.data import Input
from archdsl.data.images import all_bad, mask, undecodable
from archdsl.data.labels import pieces
from archdsl.data.sources import Arrays, Decoded
from archdsl.diagnostics import SpecError, codes
from archdsl.recipe import Recipe
from archdsl.train.batches import Batch, Order
from archdsl.train.decoding import Cropper, Requests, decode, loader, started

_RESIDENT_SHARE = 0.5
"""The maximum fraction of the free memory of a device for arrays that are kept on it."""


class ArraySplit:
    """A split of arrays, in memory or mapped from a file."""

    def __init__(self, part: Arrays, inputs: Sequence[Input]) -> None:
        self._part, self._inputs = part, inputs
        self._resident: tuple[tuple[Tensor, ...], Tensor] | None = None

    def __len__(self) -> int:
        return len(self._part)

    @property
    def labels(self) -> Tensor:
        """The labels of all examples."""
        return _labels(self._part.chosen(self._part.labels))

    def name(self, index: int) -> str:
        """Return what an example is called: its row in the array."""
        return f"row {index if self._part.rows is None else int(self._part.rows[index])}"

    def greatest(self, place: int) -> int:
        """Return the largest number of an input."""
        return int(self._part.inputs[place].max())

    def values(self, place: int) -> dict[str, Any]:
        """Return the type of an input's values, `bytes`, `integers` or `floats`; of floats also the range."""
        array, given = self._part.inputs[place], self._inputs[place]
        if not given.real or array.dtype == np.uint8:
            return {"type": "bytes" if given.real else "integers"}
        ranges = [(float(piece.min()), float(piece.max())) for piece in pieces(array)]
        return {"type": "floats", "low": min(low for low, _ in ranges), "high": max(high for _, high in ranges)}

    def keep_on(self, device: torch.device) -> bool:
        """Copy all examples to a GPU if they fit, so that steps do not wait for transfers. Return whether they are on it."""
        if self._resident is not None or device.type != "cuda":
            return self._resident is not None
        arrays = (*self._part.inputs, self._part.labels)
        size = sum(array.nbytes // max(1, len(array)) * len(self) for array in arrays)
        if size > _RESIDENT_SHARE * torch.cuda.mem_get_info(device)[0]:
            return False
        everything = self._gather(Order(torch.arange(len(self)), torch.zeros(0)))
        self._resident = tuple(given.to(device) for given in everything.inputs), everything.labels.to(device)
        return True

    def batches(self, orders: Iterator[Order], *, training: bool) -> Iterator[Batch]:
        """Yield a batch for each order."""
        for order in orders:
            if self._resident is None:
                yield self._gather(order)
            else:
                inputs, labels = self._resident
                yield Batch(tuple(given[order.chosen] for given in inputs), labels[order.chosen], order.keys)

    @property
    def device(self) -> torch.device:
        """The device of the examples."""
        return torch.device("cpu") if self._resident is None else self._resident[1].device

    def _gather(self, order: Order) -> Batch:
        chosen = order.chosen.numpy() if self._part.rows is None else self._part.rows[order.chosen.numpy()]
        inputs = tuple(example_tensor(array[chosen], given) for array, given in zip(self._part.inputs, self._inputs, strict=True))
        return Batch(inputs, _labels(self._part.labels[chosen]), order.keys)


def example_tensor(array: Any, given: Input) -> Tensor:
    """Return examples of an input as a tensor: bytes stay bytes, other numbers become float32."""
    if given.boolean:
        return torch.from_numpy(np.ascontiguousarray(array, np.bool_))
    if given.integer:
        return torch.from_numpy(np.ascontiguousarray(array, np.int64))
    return torch.from_numpy(np.ascontiguousarray(array, np.uint8 if array.dtype == np.uint8 else np.float32))


def _labels(array: Any) -> Tensor:
    """Return labels as a tensor: float32 for values, int64 for classes; byte masks stay bytes until they are on the device."""
    small = array.ndim > 1 and array.dtype == np.uint8
    return torch.from_numpy(
        np.ascontiguousarray(array, np.float32 if array.dtype.kind == "f" else np.uint8 if small else np.int64)
    )


class _Wanted(NamedTuple):
    """A request to a worker."""

    chosen: Any
    keys: Any
    training: bool


class _Decoder:
    """Decode a batch, in a worker process or in this one. Errors are returned as values."""

    def __init__(self, part: Decoded, channels: int, cropper: Cropper) -> None:
        self.part, self._channels, self._cropper = part, channels, cropper

    def __getitems__(self, wanted: _Wanted) -> Batch | SpecError:
        """Return the batch for a request, or the error."""
        try:
            return self._read(wanted)
        except SpecError as error:
            return error

    def _read(self, wanted: _Wanted) -> Batch:
        part, rows = self.part, [self.part.row(index) for index in wanted.chosen]
        names = [part.images.name(row) for row in rows]
        images, regions = decode(
            [(name, part.images.source(row)) for row, name in zip(rows, names, strict=True)],
            self._channels, self._cropper, wanted.keys, training=wanted.training, deep=part.deep,
        )  # fmt: skip
        if part.masks is None:
            labels = np.asarray(part.labels)[rows]
        else:
            read = (
                mask(part.masks.source(row), part.masks.name(row), region, part.values, part.known)
                for row, region in zip(rows, regions, strict=True)
            )
            labels = np.stack(list(read))
        return Batch((torch.from_numpy(images),), torch.from_numpy(labels), torch.from_numpy(wanted.keys))


class DecodedSplit:
    """A split of image files, decoded by worker processes that live as long as the split."""

    device = torch.device("cpu")

    def __init__(self, part: Decoded, channels: int, recipe: Recipe, workers: int) -> None:
        self._decoder = _Decoder(part, channels, Cropper(recipe))
        self._workers = workers
        self._loaders: dict[bool, tuple[Requests, Any]] = {}

    def __len__(self) -> int:
        return len(self._decoder.part)

    def name(self, index: int) -> str:
        """Return what an example is called: its file."""
        part = self._decoder.part
        return part.images.name(part.row(index))

    @property
    def deep(self) -> bool:
        """Whether some images have 16 bits, so that all are read as floats."""
        return self._decoder.part.deep

    @property
    def labels(self) -> Tensor | None:
        """The classes of all examples; None if they are masks."""
        part = self._decoder.part
        return None if part.labels is None else torch.from_numpy(np.asarray(part.labels)[part.rows])

    def batches(self, orders: Iterator[Order], *, training: bool) -> Iterator[Batch]:
        """Yield a batch for each order. At the first undecodable file, raise `SpecError` E0802 that lists all of them."""
        wanted = (_Wanted(order.chosen.numpy(), order.keys.numpy(), training) for order in orders)
        for batch in self._loaded(wanted, training):
            if isinstance(batch, SpecError):
                raise self._failure(batch)
            yield batch

    def _loaded(self, wanted: Iterator[_Wanted], training: bool) -> Any:
        if not self._workers:
            return (self._decoder.__getitems__(one) for one in wanted)
        if training not in self._loaders:
            requests = Requests()
            self._loaders[training] = requests, loader(self._decoder, requests, self._workers, keep=training)
        requests, made = self._loaders[training]
        requests.wanted = wanted
        return started(made)

    def _failure(self, error: SpecError) -> Exception:
        unreadable = isinstance(error.diagnostic, codes.images.UnreadableImage)
        bad = undecodable(self._decoder.part.images) if unreadable else []
        return all_bad([(name, reason) for _, name, reason in bad], len(self._decoder.part.images)) if len(bad) > 1 else error
