"""The op that divides its input: it has several outputs."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from archdsl.diagnostics import SpecError, codes
from archdsl.fields import Check, Field
from archdsl.ops.base import ANY_RANK, LINE, Case, Category, Division, Op, PositiveInt, fixed, normal_axis
from archdsl.shapes import Dim, Shape


def _at_least_two(parts: int | tuple[int, ...]) -> int | tuple[int, ...]:
    if (parts if isinstance(parts, int) else len(parts)) < 2:
        raise ValueError("expected at least two parts")
    return parts


Parts = Annotated[PositiveInt | tuple[PositiveInt, ...], Check(_at_least_two)]


_MOST_LISTED: Final = 8
"""How many sizes of parts a message lists."""


class Split(Op, name="split"):
    """Divides an axis into equal parts or parts of listed sizes: `[a, b]: split(2)`, `[a, b]: split([8, 24])`."""

    aliases = ("chunk", "unbind")
    category = Category.SHAPE
    sign = "kept"
    integers = "kept"
    not_in_figures = ("axis",)
    example = "[a, b]: split(2); add { a; b }"
    cases = (
        Case({"parts": 2}, ANY_RANK),
        Case({"parts": (5, 3)}, ANY_RANK),
        Case({"parts": 3, "axis": -1}, (LINE,)),
        Case({"parts": (2, 6), "axis": -1}, ((8, 8),)),
    )

    parts: Parts = Field(description="number of equal parts, or a list with the size of each")
    axis: int = Field(0, description="axis: 0 is the channels, -1 the last")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the parts, and the axis counted from the front."""
        return {"parts": self.parts, "axis": normal_axis(self.name, self.axis, len(inputs[0]))}

    def infer(self, *inputs: Shape) -> Shape:
        """Return the shape of the first part."""
        return self.output_shapes(*inputs)[0]

    def output_shapes(self, *inputs: Shape) -> tuple[Shape, ...]:
        """Return the shape of the input with the size of each part on its axis."""
        axis = normal_axis(self.name, self.axis, len(inputs[0]))
        before, size, after = inputs[0][:axis], inputs[0][axis], inputs[0][axis + 1 :]
        return tuple([(*before, part, *after) for part in self._sizes(size)])

    def _sizes(self, size: Dim) -> tuple[Dim, ...]:
        if isinstance(self.parts, int):
            return (size // self.parts,) * self.parts
        whole = fixed(self.name, size, "the axis that a list of sizes divides", "give a number of equal parts: `split(2)`")
        if sum(self.parts) != whole:
            raise SpecError(codes.shapes.PartsDoNotFill(self.parts, whole))
        return self.parts

    def divisions(self, *inputs: Shape) -> list[Division]:
        """Return that a number of equal parts divides the axis."""
        if not isinstance(self.parts, int):
            return []
        size = inputs[0][normal_axis(self.name, self.axis, len(inputs[0]))]
        message = f"`split({self.parts})` cannot divide an axis of {size} into {self.parts} equal parts"
        return [Division(size, self.parts, message, self._otherwise(size, inputs[0]))]

    def _otherwise(self, size: Dim, shape: Shape) -> str:
        """Return what to write if the parts cannot be equal: another axis that they divide, or sizes that differ by one."""
        assert isinstance(self.parts, int)
        last = shape[-1]
        if len(shape) > 1 and "axis" not in self.given and isinstance(last, int) and last % self.parts == 0:
            return f"without `axis`, it divides axis 0; for the last axis write `split({self.parts}, axis = -1)`"
        if not isinstance(size, int) or not self.parts <= size or self.parts > _MOST_LISTED:
            return "list the size of each part: `split([64, 32])`"
        sizes = [size // self.parts + (at < size % self.parts) for at in range(self.parts)]
        return f"list the size of each part: `split({sizes})`"
