"""Tar files that are read in sequence, by several streams side by side."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice
from typing import Any

import numpy as np
import torch

from archdsl.data.parts import Stream
from archdsl.diagnostics import SpecError, codes
from archdsl.recipe import Recipe
from archdsl.train.batches import Batch, Order
from archdsl.train.decoding import Framing, Requests, decode, loader, started
from archdsl.train.keys import key, seed_of

_LANES = 8
"""A stream of tar files is read in so many streams side by side, if it has as many files, whatever the number of workers."""
_THREADS = 4


class _StreamDecoder:
    """Decodes batches of a stream, which a worker reads on from where the batch before ended."""

    def __init__(
        self, part: Stream, channels: int, framing: Framing, seed: int, batch: int, lanes: int, rank: int, world: int
    ) -> None:
        self._part, self._channels, self._framing, self._seed, self._batch = part, channels, framing, seed, batch
        self.lanes, self._rank, self._world = lanes, rank, world
        self._open: dict[int, tuple[int, int, Iterator[Any]]] = {}
        """By lane: the epoch, the number of the next batch in it, and the examples that follow."""

    def __getitems__(self, wanted: tuple[int, int]) -> Batch | SpecError:
        """Batch `at` of an epoch."""
        try:
            return self._read(*wanted)
        except SpecError as error:
            return error

    def _read(self, epoch: int, at: int) -> Batch:
        lane, number = at % self.lanes, at // self.lanes
        slot = self._rank * self.lanes + lane
        if self._open.get(lane, (-1, -1))[:2] != (epoch, number):
            examples = self._examples(epoch, slot)
            next(islice(examples, number * self._batch, number * self._batch), None)  # passes over what came before
            self._open[lane] = epoch, number, examples
        examples = self._open[lane][2]
        read = list(islice(examples, self._batch))
        self._open[lane] = epoch, number + 1, examples
        places = torch.arange(number * self._batch, (number + 1) * self._batch)
        keys = key(self._seed, 2, epoch, slot, places).numpy()
        return _decoded(read, self._channels, self._framing, keys, training=True)

    def _examples(self, epoch: int, slot: int) -> Iterator[Any]:
        """The examples of one lane again and again, each drawn from a buffer; by counters alone, so that it can be repeated."""
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


def _decoded(read: Sequence[Any], channels: int, framing: Framing, keys: Any, *, training: bool) -> Batch:
    """A batch of examples of a stream."""
    images, _ = decode([(name, picture) for name, picture, _ in read], channels, framing, keys, training=training)
    return Batch((torch.from_numpy(images),), torch.tensor([label for _, _, label in read]), torch.from_numpy(keys))


class StreamSplit:
    """Tar files that are read in sequence."""

    labels = None
    device = torch.device("cpu")

    def __init__(self, part: Stream, channels: int, recipe: Recipe, workers: int, seed: int) -> None:
        self._part, self._channels, self._framing, self._seed = part, channels, Framing(recipe), seed
        self._workers = workers

    def __len__(self) -> int:
        return len(self._part)

    def reading(self, batch: int, rank: int, world: int) -> tuple[_StreamDecoder, Requests, Any]:
        """What gives the batches of training, by their epoch and number."""
        lanes = min(_LANES, len(self._part.shards) // world)
        if not lanes:
            raise SpecError(codes.labels.TooFewShards(len(self._part.shards), world))
        own = batch // world + (rank < batch % world)
        decoder = _StreamDecoder(self._part, self._channels, self._framing, self._seed, own, lanes, rank, world)
        requests = Requests()
        workers = max((number for number in range(1, self._workers + 1) if lanes % number == 0), default=0)
        return decoder, requests, loader(decoder, requests, workers, keep=True) if workers else None

    def batches(self, orders: Iterator[Order], *, training: bool) -> Iterator[Batch]:
        """Every example once, in the order of the files; each order says how many come next and which of them are wanted."""
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
                            piece, self._channels, self._framing, np.zeros(len(piece), np.int64), training=False
                        ),
                        pieces,
                    )
                )
                yield Batch((torch.cat([one.inputs[0] for one in made]),), torch.cat([one.labels for one in made]), order.keys)


class StreamBatches:
    """The training batches of a stream: as `TrainingBatches`, but a last, smaller batch is left out."""

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
        """Return nothing, as `TrainingBatches` does."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Do nothing."""
