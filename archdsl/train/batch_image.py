"""An image of a batch as the network sees it."""

from __future__ import annotations

import io
from math import ceil, sqrt
from typing import Any, Final

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from archdsl.data import IGNORED
from archdsl.diagnostics import SpecError, codes
from archdsl.train.data import Data

_MOST: Final = 64
"""The maximum number of examples shown."""
_SIDE: Final = 96
"""Images are enlarged to at least this many pixels."""
_LINE: Final = 14
"""The height of a line of text."""
COLORS: Final = (
    (230, 60, 60),
    (60, 120, 230),
    (60, 180, 75),
    (245, 190, 40),
    (150, 80, 200),
    (50, 190, 190),
    (240, 130, 50),
    (200, 200, 200),
)


def draw_batch(data: Data) -> tuple[bytes, str]:
    """Draw the first training batch as a PNG, after augmentation and before normalization.

    Return it with a description. Raise `SpecError` E0801 if it has no images.
    """
    recipe, place = data.recipe, next((number for number, given in enumerate(data.inputs) if given.image), None)
    if place is None:
        raise SpecError(codes.batches.NoImageToShow(data.shapes[0]))
    preparation = data.preparation(recipe.replace(normalize=None))
    batch = next(iter(data.training_batches(recipe.batch, recipe.seed, lambda: 0)))
    with torch.no_grad():
        inputs, labels = preparation.vary(batch, training=True)
    images = inputs[place][:_MOST]
    shown = [_one(image, label, data) for image, label in zip(images, labels, strict=False)]
    return _grid(shown), f"{len(shown)} of {len(labels)} images of {list(images.shape[1:])}"


def _one(image: Tensor, label: Tensor, data: Data) -> tuple[Image.Image, str]:
    """Return an image and its caption."""
    array = (image.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    channels = array.shape[2]
    picture = Image.fromarray(array if channels in (3, 4) else np.repeat(array[..., :1], 3, 2)).convert("RGB")
    positions = label.ndim >= 2
    if positions and tuple(label.shape[-2:]) == tuple(array.shape[:2]) and not label.is_floating_point():
        picture = _overlaid(picture, label.numpy())
    factor = max(1, ceil(_SIDE / min(picture.size)))
    picture = picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
    return picture, "" if positions else _text(label, data)


def _overlaid(picture: Image.Image, mask: Any) -> Image.Image:
    """Overlay an image with a mask: class 0 is transparent, and ignored pixels are a black-and-white pattern."""
    pixels = np.asarray(picture).astype(np.float32)
    for number in np.unique(mask):
        if number > 0:
            pixels[mask == number] = 0.5 * pixels[mask == number] + 0.5 * np.array(COLORS[(int(number) - 1) % len(COLORS)])
    rows, columns = np.indices(mask.shape)
    ignored = mask == IGNORED
    pixels[ignored] = np.where((rows + columns) % 2 == 0, 255, 0)[ignored][:, None]
    return Image.fromarray(pixels.round().astype(np.uint8))


def _text(label: Tensor, data: Data) -> str:
    """Return the caption of a label: the name of the class, the probabilities of several classes, or the values."""
    names = data.labels.names

    def named(number: int) -> str:
        return names[number] if names is not None and 0 <= number < len(names) else str(number)

    if data.labels.kind == "class" and label.ndim == 1:
        order = [int(number) for number in label.argsort(descending=True)[:2] if label[number] > 0.005]
        return ", ".join(f"{named(number)} {float(label[number]):.0%}" for number in order)
    if data.labels.kind == "class":
        return "left out" if int(label) == IGNORED else named(int(label))
    if data.labels.kind == "multilabel":
        return ", ".join(named(number) for number in label.nonzero()[:, 0].tolist())
    return ", ".join(f"{value:.3g}" for value in label.flatten()[:4].tolist())


def _grid(shown: list[tuple[Image.Image, str]]) -> bytes:
    across = ceil(sqrt(len(shown)))
    width, height = shown[0][0].width + 4, shown[0][0].height + (_LINE if any(text for _, text in shown) else 0) + 4
    whole = Image.new("RGB", (across * width, ceil(len(shown) / across) * height), (255, 255, 255))
    pen = ImageDraw.Draw(whole)
    for number, (picture, text) in enumerate(shown):
        left, top = number % across * width + 2, number // across * height + 2
        whole.paste(picture, (left, top))
        while text and pen.textlength(text) > width - 4:
            text = text[:-1]
        pen.text((left, top + picture.height), text.encode("latin-1", "replace").decode("latin-1"), fill=(0, 0, 0))
    file = io.BytesIO()
    whole.save(file, "PNG")
    return file.getvalue()
