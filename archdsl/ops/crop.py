"""Cropping to the size of another value."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from archdsl.diagnostics import SpecError, codes
from archdsl.fields import Field
from archdsl.ops.base import Case, Category, Need, Op, channels_and_axes, demand, normal_axis
from archdsl.shapes import Dim, Shape, SizeError, format_shape


class CropLike(Op, name="crop_like"):
    """Crops the middle of the input to the size of another value: U-Net's "copy and crop" (arXiv:1505.04597).

    `keep = start` keeps the beginning in place of the middle, which undoes `pad_to`. With `axis`, other axes than the
    spatial ones are cropped: `crop_like(v, keep = start, axis = [0, 1])` for `[H, W, C]`.
    """

    category = Category.SHAPE
    sign = "kept"
    arity = 2
    operands = ("like",)
    about_operands: ClassVar = {"like": "the value whose sizes the output has"}
    sizes_only = True
    example = "small: conv(8, 3, pad = 0); upconv(8, 2); crop_like(small)"
    not_in_figures = ("axis",)
    cases = (
        Case({}, (((8, 12, 10), (3, 7, 10)), ((8, 9), (8, 9)))),
        Case({"keep": "start"}, (((8, 12, 10), (3, 7, 10)),)),
        Case({"keep": "start", "axis": (0, 1)}, (((12, 10, 8), (7, 10, 3)),)),
        Case({"axis": -1}, (((12, 10, 8), (7, 10, 3)),)),
    )

    keep: Literal["middle", "start"] = Field("middle", description="which part of the input stays")
    axis: int | tuple[int, ...] | None = Field(
        None, description="axis or list of axes that are cropped; default: all but axis 0, the channels"
    )

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the part that stays, and the axes, counted from the front."""
        axes = tuple(range(1, len(inputs[0]))) if self.axis is None else self.axis
        counted = [normal_axis(self.name, axis, len(inputs[0])) for axis in (axes if isinstance(axes, tuple) else (axes,))]
        return {"keep": self.keep, "axis": tuple(counted)}

    def infer(self, *inputs: Shape) -> Shape:
        """Return the sizes of the other value on the axes that are cropped."""
        value, like = inputs
        if self.axis is None:
            channels_and_axes(self.name, value)
        if len(value) != len(like):
            raise SpecError(codes.shapes.OtherRank(self.name, value, like))
        demand(self.needs(*inputs))
        axes = self.attributes(*inputs)["axis"]
        return tuple([like[i] if i in axes else size for i, size in enumerate(value)])

    def needs(self, *inputs: Shape) -> list[Need]:
        """Return that the input is at least as large."""
        value, like = inputs
        message = f"`crop_like` cannot crop {format_shape(value)} to the larger {format_shape(like)}"
        return [Need(difference(value[axis], like[axis]), 0, message) for axis in self.attributes(*inputs)["axis"]]


def difference(size: Dim, other: Dim) -> Dim:
    """Return how much larger a size is. Raise `SpecError` if sizes of several symbols cannot be compared."""
    try:
        return size - other
    except SizeError as error:
        raise SpecError(codes.symbolic_sizes.IncomparableSizes(size, other, str(error))) from None
