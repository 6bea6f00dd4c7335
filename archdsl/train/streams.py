"""Batches from tar files that are read sequentially, in several parallel lanes."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice
from typing import Any

import numpy as np
import torch

from archdsl.data.sources import Stream
from archdsl.diagnostics import SpecError, codes
from archdsl.recipe import Recipe
from archdsl.train.batches import Batch, Order
from archdsl.train.decoding import Cropper, Requests, decode, loader, started
from archdsl.train.rng import key, seed_of

_LANES = 8
"""The number of parallel lanes, if there are as many files. It does not depend on the number of workers."""
_THREADS = 4


class _StreamDecoder:
    """Decode batches of a stream. A worker continues each lane where its previous batch ended."""

    def __init__(
        self, part: Stream, channels: int, cropper: Cropper, seed: int, batch: int, lanes: int, rank: int, world: int
    ) -> None:
        self._part, self._channels, self._cropper, self._seed, self._batch = part, channels, cropper, seed, batch
        self.lanes, self._rank, self._world = lanes, rank, world
        self._open: dict[int, tuple[int, int, Iterator[Any]]] = {}
        """For each lane: the epoch, the number of its next batch, and an iterator over the following examples."""

    def __getitems__(self, wanted: tuple[int, int]) -> Batch | SpecError:
        """Return batch `at` of an epoch, or the error."""
        try:
            return self._read(*wanted)
        except SpecError as error:
            return error

    def _read(self, epoch: int, at: int) -> Batch:
        lane, number = at % self.lanes, at // self.lanes
        slot = self._rank * self.lanes + lane
        if self._open.get(lane, (-1, -1))[:2] != (epoch, number):
            examples = self._examples(epoch, slot)
            next(islice(examples, number * self._batch, number * self._batch), None)  # skips the previous batches
            self._open[lane] = epoch, number, examples
        examples = self._open[lane][2]
        read = list(islice(examples, self._batch))
        self._open[lane] = epoch, number + 1, examples
        places = torch.arange(number * self._batch, (number + 1) * self._batch)
        keys = key(self._seed, 2, epoch, slot, places).numpy()
        return _decoded(read, self._channels, self._cropper, keys, training=True)

    def _examples(self, epoch: int, slot: int) -> Iterator[Any]:
        """Yield the examples of a lane repeatedly, through a shuffle buffer that depends only on the seed and counters."""
        chance = random.Random(seed_of(self._seed, 6, epoch))
        shards = list(self._part.shards)
        chance.shuffle(shards)
        own = shards[slot :: self.lanes * self._world]
        chance = random.Random(seed_of(self._seed, 7, epoch, slot))
        size, buffer = max(1, self._part.buffer // self.lanes), []
        while True:
            for example in chain.from_iterable(self._part.read(shard, True) for shard in own):
                buffer.append(example)
                if len(buffer) >= size:
                    place = chance.randrange(size)
                    buffer[place], buffer[-1] = buffer[-1], buffer[place]
                    yield buffer.pop()
            chance.shuffle(buffer)
            yield from buffer
            buffer.clear()


def _decoded(read: Sequence[Any], channels: int, cropper: Cropper, keys: Any, *, training: bool) -> Batch:
    """Return a batch of examples of a stream."""
    images, _ = decode([(name, picture) for name, picture, _ in read], channels, cropper, keys, training=training)
    return Batch((torch.from_numpy(images),), torch.tensor([label for _, _, label in read]), torch.from_numpy(keys))


class StreamSplit:
    """A split of tar files that are read sequentially."""

    labels = None
    deep = False
    device = torch.device("cpu")

    def __init__(self, part: Stream, channels: int, recipe: Recipe, workers: int, seed: int) -> None:
        self._part, self._channels, self._cropper, self._seed = part, channels, Cropper(recipe), seed
        self._workers = workers

    def __len__(self) -> int:
        return len(self._part)

    def name(self, index: int) -> str:
        """Return what an example is called: its place in the files, which are read sequentially."""
        return f"example {index}"

    def reading(self, batch: int, rank: int, world: int) -> tuple[_StreamDecoder, Requests, Any]:
        """Return the decoder, the requests and the loader of training batches."""
        lanes = min(_LANES, len(self._part.shards) // world)
        if not lanes:
            raise SpecError(codes.batches.TooFewShards(len(self._part.shards), world))
        own = batch // world + (rank < batch % world)
        decoder = _StreamDecoder(self._part, self._channels, self._cropper, self._seed, own, lanes, rank, world)
        requests = Requests()
        workers = max((number for number in range(1, self._workers + 1) if lanes % number == 0), default=0)
        return decoder, requests, loader(decoder, requests, workers, keep=True) if workers else None

    def batches(self, orders: Iterator[Order], *, training: bool) -> Iterator[Batch]:
        """Yield every example once, in the order of the files; each order selects examples from the next ones."""
        stream = chain.from_iterable(self._part.read(shard, True) for shard in self._part.shards)
        at = 0
        with ThreadPoolExecutor(_THREADS) as pool:
            for order in orders:
                last = int(order.chosen[-1]) + 1
                read = list(islice(stream, last - at))
                wanted = [read[int(index) - at] for index in order.chosen]
                at = last
                pieces = [wanted[start::_THREADS] for start in range(min(_THREADS, len(wanted)))]
                made = list(
                    pool.map(
                        lambda piece: _decoded(
                            piece, self._channels, self._cropper, np.zeros(len(piece), np.int64), training=False
                        ),
                        pieces,
                    )
                )
                yield Batch((torch.cat([one.inputs[0] for one in made]),), torch.cat([one.labels for one in made]), order.keys)


class StreamBatches:
    """The training batches of a stream. Unlike `TrainingBatches`, it omits a last, smaller batch."""

    def __init__(self, split: StreamSplit, batch: int, step: Callable[[], int], rank: int = 0, world: int = 1) -> None:
        self._split, self._batch, self.step = split, batch, step
        self._decoder, self._requests, self._loader = split.reading(batch, rank, world)

    def __len__(self) -> int:
        return max(1, len(self._split) // self._batch)

    def __iter__(self) -> Iterator[Batch]:
        epoch, first = divmod(self.step(), len(self))
        wanted = ((epoch, at) for at in range(first, len(self)))
        self._requests.wanted = wanted
        for batch in (self._decoder.__getitems__(one) for one in wanted) if self._loader is None else started(self._loader):
            if isinstance(batch, SpecError):
                raise batch
            yield batch

    def state_dict(self) -> dict[str, Any]:
        """Return an empty state, as `TrainingBatches` does."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Do nothing."""
