"""Augmentations: `augment = [random_crop(32, pad = 4), flip]`, in training alone.

An augmentation moves images (`warp`) or changes their values (`paint`); a mixture combines examples. Each works on
a whole batch, on values between zero and one, and takes its chances from `draw`, which gives the same numbers to the
same image in the same epoch whatever came before. Tensors are used through their methods alone, so this module
needs no PyTorch. Movements in a row become one, so that an image is resampled once.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log, radians, sqrt
from typing import Any, ClassVar, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from archdsl.declared import Declared, Fault, Registry
from archdsl.recipe.transforms import Side, Sides, sides, too_small

Tensor = Any
Draw = Callable[[int], Tensor]
"""`draw(n)`: `n` numbers for each image, even over the open interval from zero to one: [n, batch]."""
Size = tuple[int, int]
"""Height and width."""


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
    """Base of every augmentation; a class overrides one of the methods, or names the function that paints."""

    registry: ClassVar[Registry[Any]] = Registry("augmentation")
    painter: ClassVar[str | None] = None
    """A function of `archdsl.train` that is called with images, `draw` and the augmentation, for what needs a library."""
    crops: ClassVar[bool] = False
    """Whether it sets the size of the image; at the start of `augment` it reads the image as it is in its file."""
    enters: ClassVar[bool] = False
    """Whether pixels from outside the image can come in."""
    mixes: ClassVar[bool] = False
    """Whether it combines examples and their labels."""
    channels: ClassVar[int | None] = None
    """How many channels it needs."""

    def warp(self, size: Size, draw: Draw) -> tuple[Affine, Size] | None:
        """The movement of images of a size and the size after it, for augmentations that move pixels."""
        return None

    def paint(self, images: Tensor, draw: Draw) -> Tensor:
        """The images [batch, channels, height, width] with changed values."""
        return images

    def check(self, size: Size) -> Size:
        """The size after it. Raise `Fault` E0801 if it does nothing with images of this size, or destroys them."""
        return size


class Shift(Augmentation, name="shift"):
    """Moves an image by whole pixels along both axes; black comes in."""

    enters = True
    pixels: int = Field(ge=1, description="the furthest it goes")

    def warp(self, size: Size, draw: Draw) -> tuple[Affine, Size]:
        """Every offset from `-pixels` to `pixels` is as likely."""
        across, down = (draw(2) * (2 * self.pixels + 1)).floor().clamp(max=2 * self.pixels) - self.pixels
        return Affine(x0=across, y0=down), size

    def check(self, size: Size) -> Size:
        """A shift by the whole size leaves nothing."""
        if self.pixels >= min(size):
            raise _beyond(self, f"moves images by up to {self.pixels} pixels", size, f"`shift({max(1, min(size) // 8)})`")
        return size


class Rotate(Augmentation, name="rotate"):
    """Turns an image about its centre; black comes in."""

    aliases = ("random_rotation",)
    enters = True
    degrees: float = Field(gt=0, le=180, description="the furthest it turns, either way")

    def warp(self, size: Size, draw: Draw) -> tuple[Affine, Size]:
        """A rotation matrix."""
        angle = (draw(1)[0] * 2 - 1) * radians(self.degrees)
        return Affine(xx=angle.cos(), xy=-angle.sin(), yx=angle.sin(), yy=angle.cos()), size


class Zoom(Augmentation, name="zoom"):
    """Makes an image larger or smaller about its centre; black comes in around a smaller one."""

    enters = True
    by: float = Field(gt=0, lt=1, description="the most, as a share of the size: 0.1 gives 90 to 110 %")

    def warp(self, size: Size, draw: Draw) -> tuple[Affine, Size]:
        """The inverse of the size: a larger image takes its pixels from nearer the centre."""
        scale = 1 + (draw(1)[0] * 2 - 1) * self.by
        return Affine(xx=1 / scale, yy=1 / scale), size


class Flip(Augmentation, name="flip"):
    """Mirrors an image."""

    aliases = ("random_horizontal_flip", "horizontal_flip", "hflip")

    axis: Literal["horizontal", "vertical"] = Field("horizontal", description="left for right, or top for bottom")
    p: float = Field(0.5, ge=0, le=1, description="share of the images that are mirrored")

    def warp(self, size: Size, draw: Draw) -> tuple[Affine, Size]:
        """Minus one on the axis."""
        sign = 1 - 2 * (draw(1)[0] < self.p).float()
        return (Affine(xx=sign) if self.axis == "horizontal" else Affine(yy=sign)), size


class RandomCrop(Augmentation, name="random_crop"):
    """Cuts out a part of its own size, anywhere; with `pad`, from an image with a black border."""

    crops = True
    size: Side | Sides = Field(description="side of a square in pixels, or `[height, width]`")
    pad: int = Field(0, ge=0, description="width of the border")

    @property
    def enters(self) -> bool:  # type: ignore[override]  # a constant for other augmentations
        """The border is from outside."""
        return self.pad > 0

    def warp(self, size: Size, draw: Draw) -> tuple[Affine, Size]:
        """Every position is as likely."""
        cut = sides(self.size)
        offsets = []
        for length, short, drawn in zip(size, cut, draw(2), strict=True):
            room = length + 2 * self.pad - short
            offsets.append((drawn * (room + 1)).floor().clamp(max=room) - room / 2)
        return Affine(y0=offsets[0], x0=offsets[1]), cut

    def check(self, size: Size) -> Size:
        """It can be cut out."""
        high, wide = sides(self.size)
        if high > size[0] + 2 * self.pad or wide > size[1] + 2 * self.pad:
            raise too_small(self.name, (high, wide), (size[0] + 2 * self.pad, size[1] + 2 * self.pad), "augment")
        return high, wide


_TRIES = 10


class RandomResizedCrop(Augmentation, name="random_resized_crop"):
    """Cuts out a part of random area and shape and scales it to a size: Szegedy et al. 2015, arXiv:1409.4842, section 6."""

    crops = True
    size: Side | Sides = Field(description="side of a square in pixels, or `[height, width]`")
    scale: tuple[float, float] = Field((0.08, 1.0), description="least and greatest share of the area")
    ratio: tuple[float, float] = Field((3 / 4, 4 / 3), description="least and greatest ratio of width to height")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not 0 < self.scale[0] <= self.scale[1] <= 1:
            raise ValueError("`scale` is two shares of the area, the lesser first, as in `[0.08, 1.0]`")
        if not 0 < self.ratio[0] <= self.ratio[1]:
            raise ValueError("`ratio` is two ratios, the lesser first, as in `[0.75, 1.3333]`")
        return self

    def warp(self, size: Size, draw: Draw) -> tuple[Affine, Size]:
        """The first of ten parts that fits into the image, or the last of them, cut to fit."""
        height, width = size
        area = (self.scale[0] + draw(_TRIES) * (self.scale[1] - self.scale[0])) * (height * width)
        low, high = log(self.ratio[0]), log(self.ratio[1])
        ratio = (low + draw(_TRIES) * (high - low)).exp()
        wide, tall = (area * ratio).sqrt(), (area / ratio).sqrt()
        fits = ((wide <= width) & (tall <= height)).float()
        first = (fits.cumsum(0) * fits == 1).float()  # 1 at the first that fits
        first[-1] = first[-1] + (1 - first.sum(0))
        wide, tall = (wide * first).sum(0).clamp(max=width), (tall * first).sum(0).clamp(max=height)
        down, across = draw(2)
        out = sides(self.size)
        return Affine(
            xx=wide / out[1], x0=(across - 0.5) * (width - wide), yy=tall / out[0], y0=(down - 0.5) * (height - tall)
        ), out  # fmt: skip

    def check(self, size: Size) -> Size:
        """Any image will do."""
        return sides(self.size)


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

    def paint(self, images: Tensor, draw: Draw) -> Tensor:
        """Pixels whose row and column both lie in the square become zero."""
        _, _, height, width = images.shape
        down, across = draw(2)
        top, left = (down * height).floor() - self.size // 2, (across * width).floor() - self.size // 2
        return images.masked_fill(box(images, top, left, self.size, self.size), 0.0)

    def check(self, size: Size) -> Size:
        """A square of twice the size would cover every image."""
        if self.size >= 2 * max(size):
            raise _beyond(self, f"blackens a square of {self.size} pixels, all", size, f"`cutout({max(1, min(size) // 4)})`")
        return size


class RandomErasing(Augmentation, name="random_erasing"):
    """Blackens a rectangle of random area and shape: Zhong et al. 2017, arXiv:1708.04896."""

    p: float = Field(0.5, ge=0, le=1, description="share of the images that lose one")
    scale: tuple[float, float] = Field((0.02, 0.33), description="least and greatest share of the area")
    ratio: tuple[float, float] = Field((0.3, 3.3), description="least and greatest ratio of width to height")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not 0 < self.scale[0] <= self.scale[1] < 1:
            raise ValueError("`scale` is two shares of the area, the lesser first, as in `[0.02, 0.33]`")
        if not 0 < self.ratio[0] <= self.ratio[1]:
            raise ValueError("`ratio` is two ratios, the lesser first, as in `[0.3, 3.3]`")
        return self

    def paint(self, images: Tensor, draw: Draw) -> Tensor:
        """A rectangle inside of the image, at most as large as it."""
        _, _, height, width = images.shape
        chosen, share, shape, down, across = draw(5)
        area = (self.scale[0] + share * (self.scale[1] - self.scale[0])) * (height * width)
        ratio = (log(self.ratio[0]) + shape * (log(self.ratio[1]) - log(self.ratio[0]))).exp()
        tall = (area / ratio).sqrt().round().clamp(1, height) * (chosen < self.p)
        wide = (area * ratio).sqrt().round().clamp(1, width) * (chosen < self.p)
        top, left = (down * (height - tall + 1)).floor(), (across * (width - wide + 1)).floor()
        return images.masked_fill(box(images, top, left, tall, wide), 0.0)


class ColorJitter(Augmentation, name="color_jitter"):
    """Changes brightness, contrast, saturation and hue, in this order; grey images have the first two alone."""

    painter = "archdsl.train.colors:jitter"
    brightness: float = Field(0.4, ge=0, le=1, description="the most by which the factor differs from 1")
    contrast: float = Field(0.4, ge=0, le=1, description="the most by which the factor differs from 1")
    saturation: float = Field(0.4, ge=0, le=1, description="the most by which the factor differs from 1; for RGB")
    hue: float = Field(0.0, ge=0, le=0.5, description="the furthest it turns, as a share of the colour circle; for RGB")


class Grayscale(Augmentation, name="grayscale"):
    """Takes the colour out of RGB images."""

    channels = 3
    painter = "archdsl.train.colors:grayscale"
    p: float = Field(0.1, gt=0, le=1, description="share of the images that become grey")


class RandAugment(Augmentation, name="rand_augment"):
    """Applies operations that are drawn for each image, all of one strength: Cubuk et al. 2019, arXiv:1909.13719."""

    enters = True
    channels = 3
    painter = "archdsl.train.colors:rand_augment"
    n: int = Field(2, ge=1, le=14, description="operations for an image")
    magnitude: int = Field(9, ge=1, le=30, description="strength, of 30")


class Mixture(Augmentation):
    """Base of those that combine each example with another one of its batch. If `augment` has two, each image gets one of them."""

    mixes = True


class MixUp(Mixture, name="mixup"):
    """Adds two examples, weighted by a share from Beta(alpha, alpha), and their labels: Zhang et al. 2017, arXiv:1710.09412."""

    alpha: float = Field(0.2, gt=0, le=100, description="of the distribution: small ones mix little")


class CutMix(Mixture, name="cutmix"):
    """Pastes a part of another image, whose share of the area is from Beta(alpha, alpha), and mixes labels: arXiv:1905.04899."""

    alpha: float = Field(1.0, gt=0, le=100, description="of the distribution: 1 makes all shares as likely")


def box(images: Tensor, top: Tensor, left: Tensor, tall: Tensor, wide: Tensor) -> Tensor:
    """Where an image is inside of its rectangle: bool [batch, 1, height, width]."""
    rows, columns = images.new_ones(images.shape[-2]).cumsum(0) - 1, images.new_ones(images.shape[-1]).cumsum(0) - 1
    tall, wide = (value[:, None] if hasattr(value, "shape") else value for value in (tall, wide))
    down, across = rows - top[:, None], columns - left[:, None]
    inside = ((down >= 0) & (down < tall))[:, :, None] & ((across >= 0) & (across < wide))[:, None, :]
    return inside[:, None]


def _beyond(augmentation: Augmentation, does: str, size: Size, better: str) -> Fault:
    message = f"`{augmentation.name}` {does}, and the images have {size[0]} x {size[1]}"
    return Fault("E0801", message, argument="augment", help=f"write a smaller number, such as {better}")
