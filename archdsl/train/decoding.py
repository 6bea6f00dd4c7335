"""Images to batches of bytes: in this process, or by workers that PyTorch's loader keeps."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader

from archdsl.data.framing import framed, leading_crops, of_movement, then, training_transforms, whole
from archdsl.data.pictures import opened, pixels, upright_size
from archdsl.diagnostics import SpecError, codes
from archdsl.recipe import Recipe
from archdsl.recipe.transforms import Frame
from archdsl.train.keys import drawer, key

_OPEN_AT_ONCE = 32
"""Files; a process may have a thousand or so."""


class Framing:
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
            except SpecError as error:
                raise error.in_file(name) from None
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


def decode(
    sources: Sequence[tuple[str, Any]], channels: int, framing: Framing, keys: Any, *, training: bool, deep: bool = False
) -> tuple[Any, list[Frame]]:  # fmt: skip
    """Return the parts of images [count, channels, height, width], and what parts they are.

    Raise `SpecError` if they get different sizes.
    """
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
                    shapes = one.shape, batch.shape[1:]
                    raise SpecError(codes.examples.BatchSizesDiffer((name, sources[0][0]), shapes))
                batch[place] = one
        frames += own
    return batch, frames


class Requests:
    """What a `DataLoader` asks its workers for: set anew for each epoch."""

    def __init__(self) -> None:
        self.wanted: Iterator[Any] = iter(())

    def __iter__(self) -> Iterator[Any]:
        return self.wanted


def loader(decoder: Any, requests: Requests, workers: int, *, keep: bool) -> Any:
    """PyTorch's loader, whose workers give a batch for each request; they live on after an epoch if they are kept."""
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


def started(loader: Any) -> Iterator[Any]:
    """The batches of a loader."""
    with _as_many_as_said():
        return iter(loader)


def _as_it_is(batch: Any) -> Any:
    return batch


def _one_thread(worker: int) -> None:
    torch.set_num_threads(1)
