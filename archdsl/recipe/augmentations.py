"""Augmentations: `augment = [shift(1), rotate(10)]`, in training alone.

An augmentation moves images (`warp`) or changes their values (`paint`). It works on a whole batch, on
values between zero and one, and takes its chances from `draw`, which gives the same numbers to the same
image in the same epoch whatever came before. Tensors are used through their methods alone, so this
module needs no PyTorch. Movements in a row become one, so that an image is resampled once.
"""

from __future__ import annotations

from collections.abc import Callable
from math import radians, sqrt
from typing import Any, ClassVar, Literal, NamedTuple

from pydantic import Field

from archdsl.declared import Declared, Registry

Tensor = Any
Draw = Callable[[int], Tensor]
"""`draw(n)`: `n` numbers for each image, even over the open interval from zero to one: [n, batch]."""


class Affine(NamedTuple):
    """Where the pixels of an image come from, in pixels from its centre; each entry is a number or a tensor [batch].

    The pixel at `(x, y)` comes from `(xx * x + xy * y + x0, yx * x + yy * y + y0)`.
    """

    xx: Tensor = 1.0
    xy: Tensor = 0.0
    x0: Tensor = 0.0
    yx: Tensor = 0.0
    yy: Tensor = 1.0
    y0: Tensor = 0.0


class Augmentation(Declared):
    """Base of every augmentation; a class overrides one of the two methods."""

    registry: ClassVar[Registry[Any]] = Registry("augmentation")

    def warp(self, draw: Draw) -> Affine | None:
        """The movement, for augmentations that move pixels."""
        return None

    def paint(self, images: Tensor, draw: Draw) -> Tensor:
        """The images [batch, channels, height, width] with changed values."""
        return images

    def misfit(self, height: int, width: int) -> tuple[str, str] | None:
        """What it would do to images that it is too large for, and what to write instead; None if it is not."""
        return None


class Shift(Augmentation, name="shift"):
    """Moves an image by whole pixels along both axes; black comes in."""

    pixels: int = Field(ge=1, description="the furthest it goes")

    def warp(self, draw: Draw) -> Affine:
        """Every offset from `-pixels` to `pixels` is as likely."""
        across, down = (draw(2) * (2 * self.pixels + 1)).floor().clamp(max=2 * self.pixels) - self.pixels
        return Affine(x0=across, y0=down)

    def misfit(self, height: int, width: int) -> tuple[str, str] | None:
        """Compare it with the size of the images, beyond which nothing of one is left."""
        if self.pixels < min(height, width):
            return None
        return f"moves images by up to {self.pixels} pixels", f"`shift({max(1, min(height, width) // 8)})`"


class Rotate(Augmentation, name="rotate"):
    """Turns an image about its centre."""

    degrees: float = Field(gt=0, le=180, description="the furthest it turns, either way")

    def warp(self, draw: Draw) -> Affine:
        """A rotation matrix."""
        angle = (draw(1)[0] * 2 - 1) * radians(self.degrees)
        return Affine(xx=angle.cos(), xy=-angle.sin(), yx=angle.sin(), yy=angle.cos())


class Zoom(Augmentation, name="zoom"):
    """Makes an image larger or smaller about its centre."""

    by: float = Field(gt=0, lt=1, description="the most, as a share of the size: 0.1 gives 90 to 110 %")

    def warp(self, draw: Draw) -> Affine:
        """The inverse of the size: a larger image takes its pixels from nearer the centre."""
        size = 1 + (draw(1)[0] * 2 - 1) * self.by
        return Affine(xx=1 / size, yy=1 / size)


class Flip(Augmentation, name="flip"):
    """Mirrors an image."""

    axis: Literal["horizontal", "vertical"] = Field("horizontal", description="left for right, or top for bottom")
    p: float = Field(0.5, ge=0, le=1, description="share of the images that are mirrored")

    def warp(self, draw: Draw) -> Affine:
        """Minus one on the axis."""
        sign = 1 - 2 * (draw(1)[0] < self.p).float()
        return Affine(xx=sign) if self.axis == "horizontal" else Affine(yy=sign)


class Noise(Augmentation, name="noise"):
    """Adds a normally distributed number to each value."""

    std: float = Field(gt=0, description="standard deviation, where black is 0 and white 1")

    def paint(self, images: Tensor, draw: Draw) -> Tensor:
        """Normal numbers by the inverse of their distribution function."""
        count = images[0].numel()
        normal = (draw(count) * 2 - 1).erfinv() * sqrt(2)
        return images + self.std * normal.T.reshape(images.shape)


class Cutout(Augmentation, name="cutout"):
    """Blackens a square: DeVries & Taylor 2017, arXiv:1708.04552; its centre is any pixel, so it may overhang."""

    size: int = Field(ge=1, description="side of the square in pixels")

    def misfit(self, height: int, width: int) -> tuple[str, str] | None:
        """Compare it with the size of the images, of which nothing might be left."""
        if self.size <= min(height, width):
            return None
        return f"blackens squares of {self.size} x {self.size} pixels", f"`cutout({max(1, min(height, width) // 2)})`"

    def paint(self, images: Tensor, draw: Draw) -> Tensor:
        """Pixels whose row and column both lie in the square become zero."""
        _, _, height, width = images.shape
        down, across = draw(2)[:, :, None]
        rows, columns = images.new_ones(height).cumsum(0) - 1, images.new_ones(width).cumsum(0) - 1
        in_rows = rows - (down * height).floor() + self.size // 2
        in_columns = columns - (across * width).floor() + self.size // 2
        row_hit, column_hit = ((at >= 0) & (at < self.size) for at in (in_rows, in_columns))
        return images.masked_fill((row_hit[:, :, None] & column_hit[:, None, :])[:, None], 0.0)
