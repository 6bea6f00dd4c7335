"""Augmentations of training images: `augment = [random_crop(32, pad = 4), flip]`.

An augmentation transforms the geometry of images (`warp`) or changes their pixel values (`paint`); a mixture combines
examples. Each works on a batch of values between zero and one. Random numbers come from `draw`, which depends only on the
seed, the epoch and the example, not on earlier draws. Consecutive geometric augmentations are composed, so that an image
is resampled once. Tensors are used through their methods, so this module does not import PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log, radians, sqrt
from typing import Any, ClassVar, Literal, NamedTuple

from archdsl.diagnostics import SpecError, codes
from archdsl.fields import Field
from archdsl.recipe.transforms import Side, Sides, sides
from archdsl.registry import Registered, Registry

Tensor = Any
Draw = Callable[[int], Tensor]
"""`draw(n)` returns `n` numbers per image, uniform over the open interval (0, 1), as [n, batch]."""
Size = tuple[int, int]
"""Height and width."""


class Affine(NamedTuple):
    """An affine map from the pixels of the new image to those of the old one; each entry is a number or a tensor [batch].

    Coordinates are relative to the centres of the images. The pixel at `(x, y)` is read from
    `(xx * x + xy * y + x0, yx * x + yy * y + y0)`.
    """

    xx: Tensor = 1.0
    xy: Tensor = 0.0
    x0: Tensor = 0.0
    yx: Tensor = 0.0
    yy: Tensor = 1.0
    y0: Tensor = 0.0


class Augmentation(Registered):
    """Base of all augmentations. A subclass overrides `warp` or `paint`, or sets `painter`."""

    registry: ClassVar[Registry[Any]] = Registry("augmentation")
    painter: ClassVar[str | None] = None
    """Path of a function in `archdsl.train` that replaces `paint`, for an augmentation that needs a library.

    It is called with the images, `draw` and the augmentation.
    """
    crops: ClassVar[bool] = False
    """Whether the augmentation determines the size of the image. At the start of `augment` it reads the original image."""
    enters: ClassVar[bool] = False
    """Whether the result can include pixels from outside the image."""
    mixes: ClassVar[bool] = False
    """Whether the augmentation combines examples and their labels."""
    channels: ClassVar[int | None] = None
    """The number of channels that the augmentation requires; None if any number works."""

    def warp(self, size: Size, draw: Draw) -> tuple[Affine, Size] | None:
        """Return the map of pixels and the new size; None if the augmentation changes no geometry."""
        return None

    def paint(self, images: Tensor, draw: Draw) -> Tensor:
        """Return the images [batch, channels, height, width] with changed values."""
        return images

    def check(self, size: Size) -> Size:
        """The size after it. Raise `SpecError` (E0801) if it does nothing with images of this size, or destroys them."""
        return size


class Shift(Augmentation, name="shift"):
    """Shift the image by a random number of whole pixels along both axes, and fill with black."""

    enters = True
    pixels: int = Field(ge=1, description="maximum distance, along each axis")

    def warp(self, size: Size, draw: Draw) -> tuple[Affine, Size]:
        """Return a shift drawn uniformly from `-pixels` to `pixels`."""
        across, down = (draw(2) * (2 * self.pixels + 1)).floor().clamp(max=2 * self.pixels) - self.pixels
        return Affine(x0=across, y0=down), size

    def check(self, size: Size) -> Size:
        """Refuse a shift by the whole size, which would leave nothing of the image."""
        if self.pixels >= min(size):
            raise SpecError(codes.recipe.ShiftTooFar(self.pixels, size))
        return size


class Rotate(Augmentation, name="rotate"):
    """Rotate the image around its centre by a random angle, and fill with black."""

    aliases = ("random_rotation",)
    enters = True
    degrees: float = Field(gt=0, le=180, description="maximum angle, in either direction")

    def warp(self, size: Size, draw: Draw) -> tuple[Affine, Size]:
        """Return a rotation."""
        angle = (draw(1)[0] * 2 - 1) * radians(self.degrees)
        return Affine(xx=angle.cos(), xy=-angle.sin(), yx=angle.sin(), yy=angle.cos()), size


class Zoom(Augmentation, name="zoom"):
    """Scale the image around its centre by a random factor, and fill with black."""

    enters = True
    by: float = Field(gt=0, lt=1, description="maximum change of the scale: 0.1 means 90 to 110 %")

    def warp(self, size: Size, draw: Draw) -> tuple[Affine, Size]:
        """Return the inverse scale: an enlarged image reads its pixels from nearer the centre."""
        scale = 1 + (draw(1)[0] * 2 - 1) * self.by
        return Affine(xx=1 / scale, yy=1 / scale), size


class Flip(Augmentation, name="flip"):
    """Flip the image at random."""

    aliases = ("random_horizontal_flip", "horizontal_flip", "hflip")

    axis: Literal["horizontal", "vertical"] = Field(
        "horizontal", description="`horizontal` swaps left and right, `vertical` top and bottom"
    )
    p: float = Field(0.5, ge=0, le=1, description="probability of a flip")

    def warp(self, size: Size, draw: Draw) -> tuple[Affine, Size]:
        """Return a reflection of the axis for a random selection of images."""
        sign = 1 - 2 * (draw(1)[0] < self.p).float()
        return (Affine(xx=sign) if self.axis == "horizontal" else Affine(yy=sign)), size


class RandomCrop(Augmentation, name="random_crop"):
    """Crop a region of a given size at a random position, after padding the image with black by `pad`."""

    crops = True
    size: Side | Sides = Field(description="side length of a square in pixels, or `[height, width]`")
    pad: int = Field(0, ge=0, description="padding on each side, in pixels")

    @property
    def enters(self) -> bool:  # type: ignore[override]  # a constant for other augmentations
        """Return whether there is padding."""
        return self.pad > 0

    def warp(self, size: Size, draw: Draw) -> tuple[Affine, Size]:
        """Return a position drawn uniformly."""
        cut = sides(self.size)
        offsets = []
        for length, short, drawn in zip(size, cut, draw(2), strict=True):
            room = length + 2 * self.pad - short
            offsets.append((drawn * (room + 1)).floor().clamp(max=room) - room / 2)
        return Affine(y0=offsets[0], x0=offsets[1]), cut

    def check(self, size: Size) -> Size:
        """Refuse a crop that is larger than the padded image."""
        high, wide = sides(self.size)
        if high > size[0] + 2 * self.pad or wide > size[1] + 2 * self.pad:
            padded = size[0] + 2 * self.pad, size[1] + 2 * self.pad
            raise SpecError(codes.recipe.ImageTooSmall("augment", self.name, (high, wide), padded))
        return high, wide


_TRIES = 10


class RandomResizedCrop(Augmentation, name="random_resized_crop"):
    """Crop a region of random area and aspect ratio, and resize it: Szegedy et al. 2015, arXiv:1409.4842, section 6."""

    crops = True
    size: Side | Sides = Field(description="side length of a square in pixels, or `[height, width]`")
    scale: tuple[float, float] = Field((0.08, 1.0), description="minimum and maximum fraction of the area")
    ratio: tuple[float, float] = Field((3 / 4, 4 / 3), description="minimum and maximum aspect ratio, width / height")

    def validate(self) -> None:
        """Raise `ValueError` if the parameters do not fit each other."""
        super().validate()
        if not 0 < self.scale[0] <= self.scale[1] <= 1:
            raise ValueError("`scale` is two shares of the area, the lesser first, as in `[0.08, 1.0]`")
        if not 0 < self.ratio[0] <= self.ratio[1]:
            raise ValueError("`ratio` is two ratios, the lesser first, as in `[0.75, 1.3333]`")

    def warp(self, size: Size, draw: Draw) -> tuple[Affine, Size]:
        """Return the first of ten random regions that lies within the image, or else the last one, clipped to it."""
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
        """Return the size of the crop, which any image can give."""
        return sides(self.size)


class Noise(Augmentation, name="noise"):
    """Add Gaussian noise to each pixel value."""

    std: float = Field(gt=0, description="standard deviation, on a scale from 0 (black) to 1 (white)")

    def paint(self, images: Tensor, draw: Draw) -> Tensor:
        """Add normal numbers, by inverting their distribution function."""
        count = images[0].numel()
        normal = (draw(count) * 2 - 1).erfinv() * sqrt(2)
        return images + self.std * normal.T.reshape(images.shape)


class Cutout(Augmentation, name="cutout"):
    """Black out a square centred on a random pixel, so that it may extend beyond the image.

    DeVries & Taylor 2017, arXiv:1708.04552.
    """

    size: int = Field(ge=1, description="side length of the square in pixels")

    def paint(self, images: Tensor, draw: Draw) -> Tensor:
        """Set the pixels in the square to zero."""
        _, _, height, width = images.shape
        down, across = draw(2)
        top, left = (down * height).floor() - self.size // 2, (across * width).floor() - self.size // 2
        return images.masked_fill(box(images, top, left, self.size, self.size), 0.0)

    def check(self, size: Size) -> Size:
        """Refuse a square of twice the size, which would cover the image entirely."""
        if self.size >= 2 * max(size):
            raise SpecError(codes.recipe.CutoutTooLarge(self.size, size))
        return size


class RandomErasing(Augmentation, name="random_erasing"):
    """Black out a rectangle of random area and aspect ratio: Zhong et al. 2017, arXiv:1708.04896."""

    p: float = Field(0.5, ge=0, le=1, description="probability of an erased rectangle")
    scale: tuple[float, float] = Field((0.02, 0.33), description="minimum and maximum fraction of the area")
    ratio: tuple[float, float] = Field((0.3, 3.3), description="minimum and maximum aspect ratio, width / height")

    def validate(self) -> None:
        """Raise `ValueError` if the parameters do not fit each other."""
        super().validate()
        if not 0 < self.scale[0] <= self.scale[1] < 1:
            raise ValueError("`scale` is two shares of the area, the lesser first, as in `[0.02, 0.33]`")
        if not 0 < self.ratio[0] <= self.ratio[1]:
            raise ValueError("`ratio` is two ratios, the lesser first, as in `[0.3, 3.3]`")

    def paint(self, images: Tensor, draw: Draw) -> Tensor:
        """Set the pixels of a rectangle within the image to zero."""
        _, _, height, width = images.shape
        chosen, share, shape, down, across = draw(5)
        area = (self.scale[0] + share * (self.scale[1] - self.scale[0])) * (height * width)
        ratio = (log(self.ratio[0]) + shape * (log(self.ratio[1]) - log(self.ratio[0]))).exp()
        tall = (area / ratio).sqrt().round().clamp(1, height) * (chosen < self.p)
        wide = (area * ratio).sqrt().round().clamp(1, width) * (chosen < self.p)
        top, left = (down * (height - tall + 1)).floor(), (across * (width - wide + 1)).floor()
        return images.masked_fill(box(images, top, left, tall, wide), 0.0)


class ColorJitter(Augmentation, name="color_jitter"):
    """Change brightness, contrast, saturation and hue at random, in this order; for grey images only brightness and contrast."""

    painter = "archdsl.train.colors:jitter"
    brightness: float = Field(0.4, ge=0, le=1, description="maximum difference of the factor from 1")
    contrast: float = Field(0.4, ge=0, le=1, description="maximum difference of the factor from 1")
    saturation: float = Field(0.4, ge=0, le=1, description="maximum difference of the factor from 1; RGB only")
    hue: float = Field(0.0, ge=0, le=0.5, description="maximum shift, as a fraction of the colour circle; RGB only")


class Grayscale(Augmentation, name="grayscale"):
    """Convert RGB images to grey at random."""

    channels = 3
    painter = "archdsl.train.colors:grayscale"
    p: float = Field(0.1, gt=0, le=1, description="probability of the conversion")


class RandAugment(Augmentation, name="rand_augment"):
    """Apply randomly chosen operations of the same strength to each image: Cubuk et al. 2019, arXiv:1909.13719."""

    enters = True
    channels = 3
    painter = "archdsl.train.colors:rand_augment"
    n: int = Field(2, ge=1, le=14, description="number of operations per image")
    magnitude: int = Field(9, ge=1, le=30, description="strength of the operations, at most 30")


class Mixture(Augmentation):
    """Base of the augmentations that combine each example with another one of its batch.

    If `augment` has two, each image gets one of them.
    """

    mixes = True


class MixUp(Mixture, name="mixup"):
    """Blend two examples and their labels, with a weight drawn from Beta(alpha, alpha): Zhang et al. 2017, arXiv:1710.09412."""

    alpha: float = Field(0.2, gt=0, le=100, description="parameter of the distribution; small values blend little")


class CutMix(Mixture, name="cutmix"):
    """Paste a region of another image and mix the labels by area; the fraction of the area is drawn from Beta(alpha, alpha).

    Yun et al. 2019, arXiv:1905.04899.
    """

    alpha: float = Field(1.0, gt=0, le=100, description="parameter of the distribution; 1 is uniform")


def box(images: Tensor, top: Tensor, left: Tensor, tall: Tensor, wide: Tensor) -> Tensor:
    """Return the mask of the pixels inside a rectangle, as bool [batch, 1, height, width]."""
    rows, columns = images.new_ones(images.shape[-2]).cumsum(0) - 1, images.new_ones(images.shape[-1]).cumsum(0) - 1
    tall, wide = (value[:, None] if hasattr(value, "shape") else value for value in (tall, wide))
    down, across = rows - top[:, None], columns - left[:, None]
    inside = ((down >= 0) & (down < tall))[:, :, None] & ((across >= 0) & (across < wide))[:, None, :]
    return inside[:, None]
