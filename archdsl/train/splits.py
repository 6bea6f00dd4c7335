"""Parts of a data set as batches of tensors: arrays from where they are, images from worker processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from archdsl.data import Input
from archdsl.data.parts import Arrays, Decoded
from archdsl.data.pictures import all_bad, mask, undecodable
from archdsl.diagnostics import SpecError, codes
from archdsl.recipe import Recipe
from archdsl.train.batches import Batch, Order
from archdsl.train.decoding import Framing, Requests, decode, loader, started

_RESIDENT_SHARE = 0.5
"""Arrays are kept on a device that they take up to this share of the free memory of."""


class ArraySplit:
    """Examples in memory or mapped from a file."""

    def __init__(self, part: Arrays, inputs: Sequence[Input]) -> None:
        self._part, self._inputs = part, inputs
        self._resident: tuple[tuple[Tensor, ...], Tensor] | None = None

    def __len__(self) -> int:
        return len(self._part)

    @property
    def labels(self) -> Tensor:
        """The labels of all examples."""
        return _labels(self._part.chosen(self._part.labels))

    def greatest(self, place: int) -> int:
        """The greatest number of one of the inputs."""
        return int(self._part.inputs[place].max())

    def keep_on(self, device: torch.device) -> bool:
        """Copy all examples to a GPU, if there is room: a step then has nothing to wait for. Return whether they are there."""
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
        """The examples of each order, from where they are."""
        for order in orders:
            if self._resident is None:
                yield self._gather(order)
            else:
                inputs, labels = self._resident
                yield Batch(tuple(given[order.chosen] for given in inputs), labels[order.chosen], order.keys)

    @property
    def device(self) -> torch.device:
        """Where the examples are."""
        return torch.device("cpu") if self._resident is None else self._resident[1].device

    def _gather(self, order: Order) -> Batch:
        chosen = order.chosen.numpy() if self._part.rows is None else self._part.rows[order.chosen.numpy()]
        inputs = tuple(_example(array[chosen], given) for array, given in zip(self._part.inputs, self._inputs, strict=True))
        return Batch(inputs, _labels(self._part.labels[chosen]), order.keys)


def _example(array: Any, given: Input) -> Tensor:
    if given.integer:
        return torch.from_numpy(np.ascontiguousarray(array, np.int64))
    return torch.from_numpy(np.ascontiguousarray(array, np.uint8 if array.dtype == np.uint8 else np.float32))


def _labels(array: Any) -> Tensor:
    """Floats are values; masks of bytes stay bytes until they are on the device."""
    small = array.ndim > 1 and array.dtype == np.uint8
    return torch.from_numpy(
        np.ascontiguousarray(array, np.float32 if array.dtype.kind == "f" else np.uint8 if small else np.int64)
    )


class _Wanted(NamedTuple):
    """What a worker is asked for."""

    chosen: Any
    keys: Any
    training: bool


class _Decoder:
    """Decodes a batch, in a worker process or in this one. What is wrong with a file comes back as a value."""

    def __init__(self, part: Decoded, channels: int, framing: Framing) -> None:
        self.part, self._channels, self._framing = part, channels, framing

    def __getitems__(self, wanted: _Wanted) -> Batch | SpecError:
        """The batch of some examples."""
        try:
            return self._read(wanted)
        except SpecError as error:
            return error

    def _read(self, wanted: _Wanted) -> Batch:
        part, rows = self.part, [self.part.row(index) for index in wanted.chosen]
        names = [part.pictures.name(row) for row in rows]
        images, frames = decode(
            [(name, part.pictures.source(row)) for row, name in zip(rows, names, strict=True)],
            self._channels, self._framing, wanted.keys, training=wanted.training, deep=part.deep,
        )  # fmt: skip
        if part.masks is None:
            labels = np.asarray(part.labels)[rows]
        else:
            read = (
                mask(part.masks.source(row), part.masks.name(row), frame, part.values, part.known)
                for row, frame in zip(rows, frames, strict=True)
            )
            labels = np.stack(list(read))
        return Batch((torch.from_numpy(images),), torch.from_numpy(labels), torch.from_numpy(wanted.keys))


class DecodedSplit:
    """Images in files, decoded by worker processes that live as long as the split."""

    device = torch.device("cpu")

    def __init__(self, part: Decoded, channels: int, recipe: Recipe, workers: int) -> None:
        self._decoder = _Decoder(part, channels, Framing(recipe))
        self._workers = workers
        self._loaders: dict[bool, tuple[Requests, Any]] = {}

    def __len__(self) -> int:
        return len(self._decoder.part)

    @property
    def labels(self) -> Tensor | None:
        """The classes of all examples; None if they are masks."""
        part = self._decoder.part
        return None if part.labels is None else torch.from_numpy(np.asarray(part.labels)[part.rows])

    def batches(self, orders: Iterator[Order], *, training: bool) -> Iterator[Batch]:
        """The examples of each order. Raise `SpecError` E0802 for all files that cannot be decoded when the first is met."""
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
        bad = undecodable(self._decoder.part.pictures) if unreadable else []
        return all_bad([(name, reason) for _, name, reason in bad], len(self._decoder.part.pictures)) if len(bad) > 1 else error
