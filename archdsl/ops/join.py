"""Joins: where branches meet. They are written as statements with braces, and their names are keywords of the language.

A class here, and how each target writes it, is all that a new one needs.
"""

from collections.abc import Mapping
from functools import reduce
from typing import Any, ClassVar

from pydantic import Field

from archdsl.declared import Fault
from archdsl.ops.base import Category, Op, normal_axis
from archdsl.shapes import Dim, OpenSize, Shape, SizeError, format_shape
from archdsl.sizes import at_least, equal


class Join(Op):
    """Base of every join."""

    category = Category.JOIN
    sign = "kept"
    arity = None
    statement = True
    saves_output = False
    operator: ClassVar[str | None] = None
    """The operator that stands for it in formulas, and that someone may write for it."""
    stretches: ClassVar[bool] = False
    """Whether a size of 1 stretches to the size of the other branches."""

    def growing_axis(self, rank: int) -> int | None:
        """Return the axis along which sizes add up; None if branches agree on every axis."""
        return None


class Input(Op, name="input"):
    """An input of the network, channels first, without the batch: `input image [3, 224, 224]`."""

    category = Category.INPUT
    arity = 0
    statement = True
    example = "relu"

    key: str = Field(description="its name, an argument of `forward`")


class Add(Join, name="add"):
    """The elementwise sum of branches of equal shape: `add { a; b }`, and the end of every `skip`."""

    example = "add { conv(8, 3); conv(8, 1) }"
    operator = "+"

    def infer(self, *inputs: Shape) -> Shape:
        """All shapes are equal; an open size may meet another (the place records that they must agree)."""
        return equal_shapes(self.name, inputs, "E0302")


class Mul(Join, name="mul"):
    """The elementwise product of branches; `[C, 1, 1]` gates `[C, H, W]`: `mul { x; gate }`."""

    example = "mul { x; { gap; conv(8, 1); sigmoid } }"
    operator = "*"
    stretches = True

    def infer(self, *inputs: Shape) -> Shape:
        """Shapes of one rank; a size of one stretches to the other branches' size.

        Where open sizes meet, it is the one that the others stretch to (the place records that they are equal or one).
        """
        if len({len(shape) for shape in inputs}) > 1:
            raise Fault("E0302", f"`mul` joins shapes of different rank: {_list(inputs)}")
        return tuple(_stretched(sizes, inputs) for sizes in zip(*inputs, strict=True))


class Concat(Join, name="concat"):
    """Branches side by side along an axis, the channels unless `axis` says another (0 is channels)."""

    example = "concat { x; conv(4, 3) }"
    integers = "kept"

    axis: int = Field(0, description="which axis grows: 0 is the channels, -1 the last")

    def growing_axis(self, rank: int) -> int | None:
        """Return the axis, counted from the front."""
        return self.axis % rank

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the axis, counted from the front."""
        return {"axis": normal_axis(self.name, self.axis, len(inputs[0]))}

    def infer(self, *inputs: Shape) -> Shape:
        """Sizes add up along the axis and agree elsewhere."""
        rank = len(inputs[0])
        if any(len(shape) != rank for shape in inputs):
            raise Fault("E0303", f"`concat` joins shapes of different rank: {_list(inputs)}")
        axis = normal_axis(self.name, self.axis, rank)
        rest = equal_shapes(self.name, [shape[:axis] + shape[axis + 1 :] for shape in inputs], "E0303", shown=inputs)
        return (*rest[:axis], sum(shape[axis] for shape in inputs), *rest[axis:])


class Shake(Join, name="shake"):
    """Shake-shake: in training a random convex combination of the branches for each image.

    Forward and backward passes draw their own weights; evaluation takes the mean (Gastaldi 2017, arXiv:1705.07485).
    """

    example = "shake { conv(8, 3); conv(8, 3) }"

    def infer(self, *inputs: Shape) -> Shape:
        """All shapes are equal."""
        return equal_shapes(self.name, inputs, "E0302")


def joins() -> dict[str, type[Join]]:
    """Return the joins by their keywords."""
    return {op.name: op for op in Op.registry if issubclass(op, Join)}


def equal_shapes(name: str, shapes: Any, code: str, shown: Any = None) -> Shape:
    """The common shape. Fixed sizes must agree; where an open size is involved, the fixed one is taken."""
    first = shapes[0]
    if all(shape == first for shape in shapes):
        return first  # type: ignore[no-any-return]
    same_rank = all(len(shape) == len(first) for shape in shapes)
    if not same_rank or any(len({s for s in sizes if isinstance(s, int)}) > 1 for sizes in zip(*shapes, strict=True)):
        raise Fault(code, f"`{name}` joins shapes that differ: {_list(shown or shapes)}")
    return tuple(next((s for s in sizes if isinstance(s, int)), sizes[0]) for sizes in zip(*shapes, strict=True))


def _stretched(sizes: tuple[Dim, ...], shapes: tuple[Shape, ...]) -> Dim:
    others = [size for size in sizes if size != 1]
    numbers = {size for size in others if isinstance(size, int)}
    if len(numbers) > 1:
        stretch = "a size of 1 stretches to the others' size; `gap` makes it"
        raise Fault("E0302", f"`mul` joins shapes that differ: {_list(shapes)}", help=stretch)
    narrowest: Dim = 1
    return next(iter(numbers)) if numbers else reduce(_wider, others, narrowest)


def _wider(size: Dim, other: Dim) -> Dim:
    """Of two sizes of which one may be one: the other. `SizeError` where each is at times, which takes one that shrinks as the input grows."""
    if size == 1 or size == other:
        return other
    if isinstance(size, OpenSize) and isinstance(other, OpenSize) and size.symbol == other.symbol:
        if not equal(size, 1) & at_least(other, 2):
            return size
        if equal(other, 1) & at_least(size, 2):
            raise SizeError(f"{size} stretches to {other} for some inputs, and the other way round for others")
        return other
    return size


def _list(shapes: Any) -> str:
    return ", ".join(format_shape(shape) for shape in shapes)
