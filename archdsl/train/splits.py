"""Parts of a data set as batches of tensors: from arrays, from files by worker processes, from streams."""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import chain, islice
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from archdsl.data import Input
from archdsl.data.framing import framed, leading_crops, of_movement, then, training_transforms, whole
from archdsl.data.parts import Arrays, Decoded, Stream
from archdsl.data.pictures import all_bad, mask, opened, pixels, undecodable, upright_size
from archdsl.declared import Fault
from archdsl.recipe import Recipe
from archdsl.recipe.transforms import Frame
from archdsl.train.batches import Batch, Order
from archdsl.train.keys import drawer, key, seed_of

_RESIDENT_SHARE = 0.5
"""Arrays are kept on a device that they take up to this share of the free memory of."""
_LANES = 8
"""A stream of tar files is read in so many streams side by side, if it has as many files, whatever the number of workers."""
_THREADS = 4
_OPEN_AT_ONCE = 32
"""Files; a process may have a thousand or so."""


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
    return torch.from_numpy(np.ascontiguousarray(array, np.float32 if array.dtype.kind == "f" else np.uint8 if small else np.int64))


class _Wanted(NamedTuple):
    """What a worker is asked for."""

    chosen: Any
    keys: Any
    training: bool


class _Framing:
    """What becomes of the sizes of images, in training and in evaluation."""

    def __init__(self, recipe: Recipe) -> None:
        self._evaluation, self._training = recipe.transform, training_transforms(recipe)
        self._crops = leading_crops(recipe.augment)

    def frames(self, sizes: Sequence[tuple[int, int]], names: Sequence[str], keys: Any, *, training: bool) -> list[Frame]:
        """The part of each image that is taken; those by chance are drawn for all images at once."""
        frames = []
        for name, size in zip(names, sizes, strict=True):
            try:
                frames.append(framed(self._training if training else self._evaluation, *size))
                for crop in self._crops[:1] if training else ():
                    crop.check(frames[-1].size)
            except Fault as fault:
                raise Fault(fault.code, f"{name}: {fault.message}", argument=fault.argument, help=fault.help) from None
        if not training or not self._crops:
            return frames
        draw = drawer(key(5, torch.from_numpy(keys)))
        for crop in self._crops:
            heights, widths = (torch.tensor([frame.size[axis] for frame in frames], dtype=torch.float32) for axis in (0, 1))
            moved = crop.warp((heights, widths), draw)  # type: ignore[arg-type]  # one size for each image
            assert moved is not None
            movement, after = moved
            columns = [torch.as_tensor(entry).expand(len(frames)).tolist() for entry in movement]
            frames = [
                then(frame, of_movement(type(movement)(*entries), frame.size, after))
                for frame, *entries in zip(frames, *columns, strict=True)
            ]  # fmt: skip
        return frames


class _Decoder:
    """Decodes a batch, in a worker process or in this one. What is wrong with a file comes back as a value."""

    def __init__(self, part: Decoded, channels: int, framing: _Framing) -> None:
        self.part, self._channels, self._framing = part, channels, framing

    def __getitems__(self, wanted: _Wanted) -> Batch | Fault:
        """The batch of some examples."""
        try:
            return self._read(wanted)
        except Fault as fault:
            return fault

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
            read = (mask(part.masks.source(row), part.masks.name(row), frame, part.values, part.known) for row, frame in zip(rows, frames, strict=True))
            labels = np.stack(list(read))
        return Batch((torch.from_numpy(images),), torch.from_numpy(labels), torch.from_numpy(wanted.keys))


def decode(
    sources: Sequence[tuple[str, Any]], channels: int, framing: _Framing, keys: Any, *, training: bool, deep: bool = False
) -> tuple[Any, list[Frame]]:  # fmt: skip
    """The parts of images [count, channels, height, width] and what parts they are. Raise `Fault` if they get different sizes."""
    batch: Any = None
    frames: list[Frame] = []
    for start in range(0, len(sources), _OPEN_AT_ONCE):
        piece = sources[start : start + _OPEN_AT_ONCE]
        names = [name for name, _ in piece]
        with ExitStack() as stack:
            images = [stack.enter_context(opened(source, name)) for name, source in piece]
            sizes = [upright_size(image) for image in images]
            own = framing.frames(sizes, names, keys[start : start + _OPEN_AT_ONCE], training=training)
            for place, (image, name, size, frame) in enumerate(zip(images, names, sizes, own, strict=True), start):
                one = pixels(image, name, channels, None if frame == whole(*size) else frame, deep=deep)
                batch = np.empty((len(sources), *one.shape), one.dtype) if batch is None else batch
                if one.shape != batch.shape[1:]:
                    message = f"{name} is {list(one.shape)}, and {sources[0][0]} is {list(batch.shape[1:])}"
                    raise Fault("E0803", message, argument="data", help="bring all images to one size: `transform = [resize([224, 224])]`")
                batch[place] = one
        frames += own
    return batch, frames


class DecodedSplit:
    """Images in files, decoded by worker processes that live as long as the split."""

    device = torch.device("cpu")

    def __init__(self, part: Decoded, channels: int, recipe: Recipe, workers: int) -> None:
        self._decoder = _Decoder(part, channels, _Framing(recipe))
        self._workers = workers
        self._loaders: dict[bool, tuple[_Requests, Any]] = {}

    def __len__(self) -> int:
        return len(self._decoder.part)

    @property
    def labels(self) -> Tensor | None:
        """The classes of all examples; None if they are masks."""
        part = self._decoder.part
        return None if part.labels is None else torch.from_numpy(np.asarray(part.labels)[part.rows])

    def batches(self, orders: Iterator[Order], *, training: bool) -> Iterator[Batch]:
        """The examples of each order. Raise `Fault` E0802 for all files that cannot be decoded when the first is met."""
        wanted = (_Wanted(order.chosen.numpy(), order.keys.numpy(), training) for order in orders)
        for batch in self._loaded(wanted, training):
            if isinstance(batch, Fault):
                raise self._failure(batch)
            yield batch

    def _loaded(self, wanted: Iterator[_Wanted], training: bool) -> Any:
        if not self._workers:
            return (self._decoder.__getitems__(one) for one in wanted)
        if training not in self._loaders:
            requests = _Requests()
            self._loaders[training] = requests, _loader(self._decoder, requests, self._workers, keep=training)
        requests, loader = self._loaders[training]
        requests.wanted = wanted
        return _started(loader)

    def _failure(self, fault: Fault) -> Exception:
        bad = undecodable(self._decoder.part.pictures) if fault.code == "E0802" else []
        return all_bad([(name, reason) for _, name, reason in bad], len(self._decoder.part.pictures)) if len(bad) > 1 else fault


class _Requests:
    """What a `DataLoader` asks its workers for: set anew for each epoch."""

    def __init__(self) -> None:
        self.wanted: Iterator[Any] = iter(())

    def __iter__(self) -> Iterator[Any]:
        return self.wanted


def _loader(decoder: Any, requests: _Requests, workers: int, *, keep: bool) -> Any:
    with _as_many_as_said():
        return DataLoader(
            decoder, batch_sampler=requests, num_workers=workers, collate_fn=_as_it_is, persistent_workers=keep,
            pin_memory=torch.cuda.is_available(), worker_init_fn=_one_thread,
        )  # fmt: skip


@contextmanager
def _as_many_as_said() -> Iterator[None]:
    """Keeps PyTorch from warning of more workers than processors, which the recipe asks for."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "This DataLoader will create")
        yield


def _started(loader: Any) -> Iterator[Any]:
    with _as_many_as_said():
        return iter(loader)


def _as_it_is(batch: Any) -> Any:
    return batch


def _one_thread(worker: int) -> None:
    torch.set_num_threads(1)


class _StreamDecoder:
    """Decodes batches of a stream, which a worker reads on from where the batch before ended."""

    def __init__(self, part: Stream, channels: int, framing: _Framing, seed: int, batch: int, lanes: int, rank: int, world: int) -> None:
        self._part, self._channels, self._framing, self._seed, self._batch = part, channels, framing, seed, batch
        self.lanes, self._rank, self._world = lanes, rank, world
        self._open: dict[int, tuple[int, int, Iterator[Any]]] = {}
        """By lane: the epoch, the number of the next batch in it, and the examples that follow."""

    def __getitems__(self, wanted: tuple[int, int]) -> Batch | Fault:
        """Batch `at` of an epoch."""
        try:
            return self._read(*wanted)
        except Fault as fault:
            return fault

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


def _decoded(read: Sequence[Any], channels: int, framing: _Framing, keys: Any, *, training: bool) -> Batch:
    """A batch of examples of a stream."""
    images, _ = decode([(name, picture) for name, picture, _ in read], channels, framing, keys, training=training)
    return Batch((torch.from_numpy(images),), torch.tensor([label for _, _, label in read]), torch.from_numpy(keys))


class StreamSplit:
    """Tar files that are read in sequence."""

    labels = None
    device = torch.device("cpu")

    def __init__(self, part: Stream, channels: int, recipe: Recipe, workers: int, seed: int) -> None:
        self._part, self._channels, self._framing, self._seed = part, channels, _Framing(recipe), seed
        self._workers = workers

    def __len__(self) -> int:
        return len(self._part)

    def reading(self, batch: int, rank: int, world: int) -> tuple[_StreamDecoder, _Requests, Any]:
        """What gives the batches of training, by their epoch and number."""
        lanes = min(_LANES, len(self._part.shards) // world)
        if not lanes:
            message = f"{len(self._part.shards)} tar files are too few for {world} processes"
            raise Fault("E0801", message, argument="data", help="part the examples into more files")
        own = batch // world + (rank < batch % world)
        decoder = _StreamDecoder(self._part, self._channels, self._framing, self._seed, own, lanes, rank, world)
        requests = _Requests()
        workers = max((number for number in range(1, self._workers + 1) if lanes % number == 0), default=0)
        return decoder, requests, _loader(decoder, requests, workers, keep=True) if workers else None

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
                made = list(pool.map(lambda piece: _decoded(piece, self._channels, self._framing, np.zeros(len(piece), np.int64), training=False), pieces))
                yield Batch((torch.cat([one.inputs[0] for one in made]),), torch.cat([one.labels for one in made]), order.keys)


class StreamBatches:
    """The training batches of a stream: as `TrainingBatches`, but a last, smaller batch is left out."""

    def __init__(self, split: StreamSplit, batch: int, step: Any, rank: int = 0, world: int = 1) -> None:
        self._split, self._batch, self.step = split, batch, step
        self._decoder, self._requests, self._loader = split.reading(batch, rank, world)

    def __len__(self) -> int:
        return max(1, len(self._split) // self._batch)

    def __iter__(self) -> Iterator[Batch]:
        epoch, first = divmod(self.step(), len(self))
        wanted = ((epoch, at) for at in range(first, len(self)))
        self._requests.wanted = wanted
        for batch in (self._decoder.__getitems__(one) for one in wanted) if self._loader is None else _started(self._loader):
            if isinstance(batch, Fault):
                raise batch
            yield batch

    def state_dict(self) -> dict[str, Any]:
        """Return nothing, as `TrainingBatches` does."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Do nothing."""


Split = ArraySplit | DecodedSplit | StreamSplit
