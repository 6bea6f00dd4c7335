"""Test-time augmentation: several views of an example, whose predictions are averaged."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Final, Literal, NamedTuple

import torch.nn.functional as F
from torch import Tensor

from archdsl.diagnostics import SpecError, codes
from archdsl.fields import Field
from archdsl.inference.preparation import InputPreparation
from archdsl.recipe import Recipe, Transform
from archdsl.recipe.transforms import CenterCrop, Region, Side, Sides, sides

Averaging = Literal["flip", "ten_crop", "multi_scale"]
"""`flip`: the image and its mirror image. `ten_crop`: the four corners and the centre, and their mirror images.
`multi_scale`: the image at 0.75, 1 and 1.25 times its size."""
SCALES: Final = (0.75, 1.25)
_CORNERS: Final = ((0, 0), (0, 1), (1, 0), (1, 1))


class View(NamedTuple):
    """A view of the examples: of the images that a recipe's transforms make, mirrored, or resized."""

    recipe: Recipe
    flip: bool = False
    size: tuple[int, int] | None = None
    """The size of the images, if they are resized."""

    def seen(self, inputs: Sequence[Tensor], image: int | None) -> list[Tensor]:
        """Return the prepared inputs as the view shows them."""
        made = list(inputs)
        if image is not None and self.size is not None:
            made[image] = F.interpolate(made[image], self.size, mode="bilinear", antialias=True)
        if image is not None and self.flip:
            made[image] = made[image].flip(-1)
        return made

    def returned(self, output: Tensor, size: Sequence[int]) -> Tensor:
        """Return an output per pixel with the pixels where they are in the plain view; other outputs are unchanged."""
        if output.ndim < 4:
            return output
        output = output.flip(-1) if self.flip else output
        return F.interpolate(output, list(size), mode="bilinear", antialias=True) if self.size is not None else output


class CornerCrop(Transform):
    """Crop a corner; `rows` and `columns` are 0 for top and left, and 1 for bottom and right."""

    name = "corner_crop"
    size: Side | Sides = Field(description="side length of a square in pixels, or `[height, width]`")
    rows: int = Field(0, description="1 for the bottom")
    columns: int = Field(0, description="1 for the right")

    def region(self, height: int, width: int) -> Region:
        """Return the corner."""
        high, wide = sides(self.size)
        centre = CenterCrop(size=self.size).region(height, width)
        return centre._replace(top=self.rows * (height - high), left=self.columns * (width - wide))


def views_of(preparation: InputPreparation, recipe: Recipe, averaging: Averaging | None) -> list[View]:
    """Return the views to average; the first is the plain one.

    Raise `SpecError` E1004 if the augmentation does not apply.
    """
    plain, image = View(recipe), preparation.image
    if averaging is None:
        return [plain]
    if image is None:
        raise _fails(averaging, "the network has no image as input", "leave out --tta")
    if averaging == "flip":
        return [plain, View(recipe, flip=True)]
    if averaging == "ten_crop":
        return [View(one, flip) for one in (recipe, *_corners(recipe, preparation)) for flip in (False, True)]
    height, width = preparation.shapes[image][1:]
    sizes = [_near((height * scale, width * scale), preparation, image) for scale in SCALES]
    if None in sizes or len({(height, width), *sizes}) <= len(SCALES):
        reason = f"the network takes no images of about {SCALES[0]} and {SCALES[1]} times the size [{height}, {width}]"
        raise _fails(averaging, reason, "write symbolic sizes, `input image [3, H, W]`, or use --tta flip")
    return [plain, *[View(recipe, size=size) for size in sizes]]


def _fails(name: str, reason: str, advice: str) -> SpecError:
    return SpecError(codes.inference.AveragingFails(name, reason, advice))


def _corners(recipe: Recipe, preparation: InputPreparation) -> list[Recipe]:
    """Return a recipe for each corner, which replaces the crop at the centre."""
    last = recipe.transform[-1] if recipe.transform else None
    if not isinstance(last, CenterCrop):
        raise _fails("ten_crop", "`transform` does not end in `center_crop`", "use --tta flip")
    if preparation.task in ("mask", "map"):
        raise _fails("ten_crop", "the corners of an image have other labels per pixel", "use --tta flip")
    crops = [CornerCrop(size=last.size, rows=rows, columns=columns) for rows, columns in _CORNERS]
    return [recipe.replace(transform=(*recipe.transform[:-1], crop)) for crop in crops]


def _near(wanted: tuple[float, float], preparation: InputPreparation, image: int) -> tuple[int, int] | None:
    """Return the size nearest to a wanted one that the network takes; None if none is within a quarter of it."""
    height, width = round(wanted[0]), round(wanted[1])
    steps = sorted(range(-(min(height, width) // 4), min(height, width) // 4 + 1), key=abs)
    pairs = sorted(product(steps, steps), key=lambda pair: abs(pair[0]) + abs(pair[1]))
    both = [*zip(steps, steps, strict=True), *pairs]  # rather both sides alike

    def works(size: tuple[int, int]) -> bool:
        shapes = [(shape[0], *size) if number == image else shape for number, shape in enumerate(preparation.shapes)]
        fits = preparation.inputs[image].takes(shapes[image])
        return fits and (preparation.check_shapes is None or preparation.check_shapes(shapes) is None)

    return next((size for rows, columns in both if works(size := (height + rows, width + columns))), None)
