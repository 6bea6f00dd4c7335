"""Decode images into batches of bytes, in this process or in worker processes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader

from archdsl.data.images import opened, pixels, upright_size
from archdsl.data.regions import (
    compose_regions,
    full_region,
    leading_crops,
    region_of,
    training_transforms,
    transformed_region,
)
from archdsl.diagnostics import SpecError, codes
from archdsl.recipe import Recipe
from archdsl.recipe.transforms import Region
from archdsl.train.rng import key, random_draws

_OPEN_AT_ONCE = 32
"""The number of files open at once; a process may have about a thousand."""


class Cropper:
    """The regions of images that transforms and crops select, in training and in evaluation."""

    def __init__(self, recipe: Recipe) -> None:
        self._evaluation, self._training = recipe.transform, training_transforms(recipe)
        self._crops = leading_crops(recipe.augment)

    def regions(self, sizes: Sequence[tuple[int, int]], names: Sequence[str], keys: Any, *, training: bool) -> list[Region]:
        """Return the region of each image; random crops are drawn for all images at once."""
        regions = []
        for name, size in zip(names, sizes, strict=True):
            try:
                regions.append(transformed_region(self._training if training else self._evaluation, *size))
                for crop in self._crops[:1] if training else ():
                    crop.check(regions[-1].size)
            except SpecError as error:
                raise error.in_file(name) from None
        if not training or not self._crops:
            return regions
        draw = random_draws(key(5, torch.from_numpy(keys)))
        for crop in self._crops:
            heights, widths = (torch.tensor([region.size[axis] for region in regions], dtype=torch.float32) for axis in (0, 1))
            moved = crop.warp((heights, widths), draw)  # type: ignore[arg-type]  # one size per image
            assert moved is not None
            movement, after = moved
            columns = [torch.as_tensor(entry).expand(len(regions)).tolist() for entry in movement]
            regions = [
                compose_regions(region, region_of(type(movement)(*entries), region.size, after))
                for region, *entries in zip(regions, *columns, strict=True)
            ]  # fmt: skip
        return regions


def decode(
    sources: Sequence[tuple[str, Any]], channels: int, cropper: Cropper, keys: Any, *, training: bool, deep: bool = False
) -> tuple[Any, list[Region]]:  # fmt: skip
    """Return the decoded images as [count, channels, height, width], with their regions.

    Raise `SpecError` if their sizes differ.
    """
    batch: Any = None
    regions: list[Region] = []
    for start in range(0, len(sources), _OPEN_AT_ONCE):
        piece = sources[start : start + _OPEN_AT_ONCE]
        names = [name for name, _ in piece]
        with ExitStack() as stack:
            images = [stack.enter_context(opened(source, name)) for name, source in piece]
            sizes = [upright_size(image) for image in images]
            own = cropper.regions(sizes, names, keys[start : start + _OPEN_AT_ONCE], training=training)
            for place, (image, name, size, region) in enumerate(zip(images, names, sizes, own, strict=True), start):
                one = pixels(image, name, channels, None if region == full_region(*size) else region, deep=deep)
                batch = np.empty((len(sources), *one.shape), one.dtype) if batch is None else batch
                if one.shape != batch.shape[1:]:
                    shapes = one.shape, batch.shape[1:]
                    raise SpecError(codes.examples.BatchSizesDiffer((name, sources[0][0]), shapes))
                batch[place] = one
        regions += own
    return batch, regions


class Requests:
    """The requests of a `DataLoader` to its workers, set for each epoch."""

    def __init__(self) -> None:
        self.wanted: Iterator[Any] = iter(())

    def __iter__(self) -> Iterator[Any]:
        return self.wanted


def loader(decoder: Any, requests: Requests, workers: int, *, keep: bool) -> Any:
    """Return a `DataLoader` whose workers return a batch per request. With `keep`, workers stay alive after an epoch."""
    with _worker_warning_suppressed():
        return DataLoader(
            decoder, batch_sampler=requests, num_workers=workers, collate_fn=_unchanged, persistent_workers=keep,
            pin_memory=torch.cuda.is_available(), worker_init_fn=_one_thread,
        )  # fmt: skip


@contextmanager
def _worker_warning_suppressed() -> Iterator[None]:
    """Suppress PyTorch's warning about more workers than processors, since the recipe requests them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "This DataLoader will create")
        yield


def started(loader: Any) -> Iterator[Any]:
    """Return an iterator over the batches of a loader."""
    with _worker_warning_suppressed():
        return iter(loader)


def _unchanged(batch: Any) -> Any:
    return batch


def _one_thread(worker: int) -> None:
    torch.set_num_threads(1)
