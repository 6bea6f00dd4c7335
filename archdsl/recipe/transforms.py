"""Transforms: `transform = [resize(256), center_crop(224)]`, of the images of all splits."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import Field

from archdsl.declared import Declared, Registry
from archdsl.diagnostics import SpecError, codes

Side = Annotated[int, Field(ge=1)]
Sides = tuple[Side, Side]


class Frame(NamedTuple):
    """The part of an image that becomes the next image: its top left corner and size in pixels, and the size it gets."""

    top: float
    left: float
    height: float
    width: float
    size: tuple[int, int]


class Transform(Declared):
    """Base of every transform."""

    registry: ClassVar[Registry[Any]] = Registry("transform")

    def frame(self, height: int, width: int) -> Frame:
        """What is made of an image of this size. Raise `SpecError` (E0801) if it is too small."""
        raise NotImplementedError


class Resize(Transform, name="resize"):
    """Scales an image, with antialiasing: the shorter side to a length, or both sides."""

    size: Side | Sides = Field(description="the shorter side in pixels, or `[height, width]`")

    def frame(self, height: int, width: int) -> Frame:
        """The whole image; the longer side is rounded down, as torchvision does."""
        if isinstance(self.size, tuple):
            return Frame(0, 0, height, width, self.size)
        short = min(height, width)
        return Frame(0, 0, height, width, (self.size * height // short, self.size * width // short))


class CenterCrop(Transform, name="center_crop"):
    """Cuts out the middle. In training, a random crop at the start of `augment` takes its place."""

    size: Side | Sides = Field(description="side of a square in pixels, or `[height, width]`")

    def frame(self, height: int, width: int) -> Frame:
        """The middle, moved up and left by half a pixel if it is between two."""
        high, wide = sides(self.size)
        if high > height or wide > width:
            raise SpecError(codes.recipe.ImageTooSmall("transform", "center_crop", (high, wide), (height, width)))
        return Frame((height - high) // 2, (width - wide) // 2, high, wide, (high, wide))


def sides(size: int | tuple[int, int]) -> tuple[int, int]:
    """Height and width; one number is a square."""
    return size if isinstance(size, tuple) else (size, size)
