"""The data of a run: the training, validation and test sets, in batches."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from archdsl.data import DEFAULT_OPTIONS, Input, Labels, Opened, ReadOptions, open_data
from archdsl.data.augmentation_check import moves_with
from archdsl.data.regions import leading_crops, training_transforms
from archdsl.data.sources import Arrays, Decoded, Part
from archdsl.literals import show
from archdsl.recipe import Recipe
from archdsl.train.batches import Batch, Order, TrainingBatches, in_order
from archdsl.train.normalize import Normalizer, normalizer
from archdsl.train.prepare import Plan, Preparation, scaled, transformed
from archdsl.train.rng import seed_of
from archdsl.train.splits import ArraySplit, DecodedSplit
from archdsl.train.streams import StreamBatches, StreamSplit

Split = ArraySplit | DecodedSplit | StreamSplit
_SAMPLE = 1000
"""The number of training images, selected by the seed, for the statistics of images that are decoded or resized."""
_MOST_WORKERS = 8


@dataclass(frozen=True)
class Data:
    """The data of a run."""

    train: Split
    held_out: Split
    """The validation set."""
    test: Split | None
    labels: Labels
    shapes: tuple[tuple[int, ...], ...]
    """The shape of one example of each input, in evaluation."""
    training_shapes: tuple[tuple[int, ...], ...]
    inputs: tuple[Input, ...]
    recipe: Recipe
    left_out: tuple[str, ...] = ()
    """Unreadable files that were skipped."""

    @property
    def classes(self) -> int | None:
        """The number of classes; None for values."""
        return self.labels.classes

    def greatest(self, place: int) -> int:
        """Return the largest number of an integer input in the training and validation sets."""
        parts = [split for split in (self.train, self.held_out) if isinstance(split, ArraySplit)]
        return max((split.greatest(place) for split in parts), default=0)

    def preparation(self, recipe: Recipe, normalizers: Sequence[Normalizer | None] | None = None) -> Preparation:
        """Return the module that prepares batches on the device.

        Without given `normalizers`, the statistics are those of the training set.
        """
        plan = self._plan(recipe)
        numbers = normalizers or [
            None if not given.real else normalizer(recipe.normalize, shape, lambda place=place: self._examples(plan, place))  # type: ignore[misc]
            for place, (given, shape) in enumerate(zip(self.inputs, self.shapes, strict=True))
        ]
        return Preparation(plan, self.labels, numbers, [not given.real for given in self.inputs])

    def storage(self) -> dict[str, Any]:
        """Return how the training examples are stored: `files`, or `arrays` with the type and range of each input's values."""
        if not isinstance(self.train, ArraySplit):
            return {"from": "files", "deep": self.train.deep}
        return {"from": "arrays", "values": {given.name: self.train.values(at) for at, given in enumerate(self.inputs)}}

    def _plan(self, recipe: Recipe) -> Plan:
        """Return the processing that remains after decoding."""
        image = next((place for place, given in enumerate(self.inputs) if given.image), None)
        in_arrays = isinstance(self.train, ArraySplit)
        moves = image is not None and moves_with(self.labels, self.shapes[image])
        record = {
            "inputs": [given.name for given in self.inputs],
            "shapes": [list(shape) for shape in self.shapes],
            "normalize": "none" if recipe.normalize is None else show(recipe.normalize),
            "bytes": "divided by 255",
            "transform": [show(transform) for transform in recipe.transform],
            "classes": None if self.labels.names is None else list(self.labels.names),
            "storage": self.storage(),
        }
        done = 0 if in_arrays else len(leading_crops(recipe.augment))
        transforms = (recipe.transform, training_transforms(recipe)) if in_arrays else ((), ())
        return Plan(image, *transforms, recipe.augment[done:], moves, record)

    def _examples(self, plan: Plan, place: int) -> Iterator[Tensor]:
        """Yield training examples of one input before normalization, transformed as in evaluation."""
        transforms = plan.transform if place == plan.image else ()
        for batch in self._sample() if transforms or not isinstance(self.train, ArraySplit) else in_order(self.train, 512):
            yield transformed(transforms, scaled(batch.inputs[place]), None)[0]

    def _sample(self) -> Iterable[Batch]:
        if isinstance(self.train, StreamSplit):
            return self._first(-(-_SAMPLE // 64))
        order = torch.randperm(len(self.train), generator=torch.Generator().manual_seed(seed_of(self.recipe.seed, 4)))[:_SAMPLE]
        return self.train.batches(iter(_orders(order.sort().values)), training=False)

    def _first(self, count: int) -> Iterator[Batch]:
        batches = in_order(self.train, 64)
        for _, batch in zip(range(count), batches, strict=False):
            yield batch

    def training_batches(
        self, batch: int, seed: int, step: Callable[[], int], rank: int = 0, world: int = 1, device: torch.device | None = None
    ) -> TrainingBatches | StreamBatches:
        """Return batches of the training set, in a new order every epoch. Iteration starts at batch `step()` of the run.

        `batch` is the global batch size, of all `world` processes. Arrays that fit onto the device are kept there.
        """
        if isinstance(self.train, StreamSplit):
            return StreamBatches(self.train, batch, step, rank, world)
        if isinstance(self.train, ArraySplit) and device is not None:
            self.train.keep_on(device)
        return TrainingBatches(self.train, batch, seed, step, rank, world, self._balanced())

    def _balanced(self) -> Tensor | None:
        labels = self.train.labels
        return labels if self.recipe.sampler == "balanced" else None

    def evaluation_batches(
        self, split: Split, batch: int = 256, rank: int = 0, world: int = 1, device: torch.device | None = None
    ) -> Iterator[Batch]:
        """Yield the examples of a split in order, as in evaluation. Process `rank` gets its share of each batch."""
        if isinstance(split, ArraySplit) and device is not None:
            split.keep_on(device)
        return in_order(split, batch, rank, world)


def _orders(order: Tensor, batch: int = 64) -> list[Order]:
    return [Order(part, torch.zeros_like(part)) for part in torch.split(order, batch)]


def load(
    recipe: Recipe, root: Path, inputs: Sequence[Input], reading: ReadOptions = DEFAULT_OPTIONS, found: Opened | None = None
) -> Data:
    """Return the data of a recipe; `found` is the result of an earlier call of `open_data`.

    Raise `SpecError`: E0802 it cannot be read; E0803 its examples have another shape than the inputs; E0801 the recipe does
    not fit it.
    """
    found = found if found is not None else open_data(recipe, root, inputs, reading, ignore=getattr(recipe.loss, "ignore", None))
    source, workers = found.source, recipe.workers if recipe.workers is not None else _workers(found.source.train)

    def split(part: Part) -> Split:
        if isinstance(part, Arrays):
            return ArraySplit(part, inputs)
        if isinstance(part, Decoded):
            return DecodedSplit(part, found.shapes[0][0], recipe, workers)
        return StreamSplit(part, found.shapes[0][0], recipe, workers, recipe.seed)

    return Data(
        split(source.train), split(source.held_out), None if source.test is None else split(source.test), found.labels,
        found.shapes, found.training_shapes, tuple(inputs), recipe, source.left_out,
    )  # fmt: skip


def _workers(part: Part) -> int:
    """Return the default number of workers: 0 for arrays; else the number of processors minus one."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return 0 if isinstance(part, Arrays) else max(1, min(_MOST_WORKERS, available - 1))
