"""Transforms of the images of all splits: `transform = [resize(256), center_crop(224)]`."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, NamedTuple

from archdsl.diagnostics import SpecError, codes
from archdsl.fields import Field
from archdsl.registry import Registered, Registry

Side = Annotated[int, Field(ge=1)]
Sides = tuple[Side, Side]


class Region(NamedTuple):
    """The region of an image that a transform keeps: its top left corner and size in pixels, and its size afterwards."""

    top: float
    left: float
    height: float
    width: float
    size: tuple[int, int]


class Transform(Registered):
    """Base of all transforms."""

    registry: ClassVar[Registry[Any]] = Registry("transform")

    def region(self, height: int, width: int) -> Region:
        """What is made of an image of this size. Raise `SpecError` (E0801) if it is too small."""
        raise NotImplementedError


class Resize(Transform, name="resize"):
    """Resize an image with antialiasing: its shorter side to a length, or both sides."""

    size: Side | Sides = Field(description="length of the shorter side in pixels, or `[height, width]`")

    def region(self, height: int, width: int) -> Region:
        """Return the whole image; the longer side is rounded down, as in torchvision."""
        if isinstance(self.size, tuple):
            return Region(0, 0, height, width, self.size)
        short = min(height, width)
        return Region(0, 0, height, width, (self.size * height // short, self.size * width // short))


class CenterCrop(Transform, name="center_crop"):
    """Crop the centre. In training, a random crop at the start of `augment` replaces it."""

    size: Side | Sides = Field(description="side length of a square in pixels, or `[height, width]`")

    def region(self, height: int, width: int) -> Region:
        """Return the centre, moved up and left by half a pixel if the margins are odd."""
        high, wide = sides(self.size)
        if high > height or wide > width:
            raise SpecError(codes.recipe.ImageTooSmall("transform", "center_crop", (high, wide), (height, width)))
        return Region((height - high) // 2, (width - wide) // 2, high, wide, (high, wide))


def sides(size: int | tuple[int, int]) -> tuple[int, int]:
    """Return height and width; a single number means a square."""
    return size if isinstance(size, tuple) else (size, size)
