"""What the tests of data share: a data set from a few keys of a recipe, and all that is in a split."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from archdsl.data import Input, ReadOptions
from archdsl.recipe import Dataset, Recipe
from archdsl.registry import Registered
from archdsl.train.data import Data, load


def call(family: type[Registered], name: str, **arguments: Any) -> Any:
    entry = family.registry.get(name)
    assert entry is not None
    return entry.create(arguments)


def read(data: Any, root: Path, *inputs: Input, reading: ReadOptions | None = None, **keys: Any) -> Data:
    """The data of a recipe; with `Input("x", shape)` for a network's inputs."""
    return load(Recipe.create({"data": data, "workers": 0, **keys}), root, inputs, reading or ReadOptions())


def folder(
    path: Any,
    root: Path,
    *inputs: Input,
    reading: ReadOptions | None = None,
    keys: dict[str, Any] | None = None,
    **arguments: Any,
) -> Data:
    """A folder of images, with the arguments of `imagefolder`."""
    return read(call(Dataset, "imagefolder", path=str(path), **arguments), root, *inputs, reading=reading, **(keys or {}))


def everything(data: Data, split: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """All examples of the first input of a split, and their labels."""
    batches = list(data.evaluation_batches(split))
    return torch.cat([batch.inputs[0] for batch in batches]), torch.cat([batch.labels for batch in batches])


def save(array: Any, path: Path, **how: Any) -> Path:
    """An image in a file, from an array [height, width] or [height, width, channels], or from an image."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = array if isinstance(array, Image.Image) else Image.fromarray(np.asarray(array))
    image.save(path, **how)
    return path
