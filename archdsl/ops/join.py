"""Joins combine branches. They are written as statements with braces, not called by name.

A new join is a class here and its lowering in each target: the language reads its keyword, its options and the rule for
symbolic sizes from the class.
"""

from collections.abc import Mapping
from functools import reduce
from typing import Any, ClassVar

from pydantic import Field

from archdsl.diagnostics import SpecError, codes
from archdsl.ops.base import IMAGE, VECTOR, Case, Category, Op, normal_axis
from archdsl.shapes import Dim, Shape, SizeError, SymbolicSize
from archdsl.sizes import at_least, equal


class Join(Op):
    """Base of every join. Its fields are the options of the statement, such as `axis` of `concat`.

    Branches have the same size on every axis but `growing_axis`. With `stretches`, a size of one fits any other.
    """

    category = Category.JOIN
    stretches: ClassVar[bool] = False
    sign = "kept"
    arity = None
    statement = True
    saves_output = False
    broadcasts_batch = True
    operator: ClassVar[str | None] = None
    """The operator that someone may write for it."""

    @classmethod
    def options(cls) -> dict[str, Any]:
        """Return the options of the statement with their defaults."""
        return {name: field.default for name, field in cls.model_fields.items()}

    def growing_axis(self, rank: int) -> int | None:
        """Return the axis on which the sizes of the branches add up; None if there is none."""
        return None


class Input(Op, name="input"):
    """An input of the network, channels first, without the batch axis: `input image [3, 224, 224]`."""

    category = Category.INPUT
    arity = 0
    statement = True
    example = "relu"

    key: str = Field(description="name, an argument of `forward`")


class Add(Join, name="add"):
    """The elementwise sum of branches of equal shape: `add { a; b }`. Every `skip` ends with one."""

    aliases = ("sum", "plus", "residual")
    glyph = "+"
    operator = "+"
    example = "add { conv(8, 3); conv(8, 1) }"
    cases = (Case({}, ((IMAGE,), (IMAGE, IMAGE), (VECTOR,) * 3)),)

    def infer(self, *inputs: Shape) -> Shape:
        """Return the common shape. Symbolic sizes may differ: the elaborator records that they must be equal."""
        return equal_shapes(self.name, inputs)


class Mul(Join, name="mul"):
    """The elementwise product of branches. A size of 1 stretches: `[C, 1, 1]` gates `[C, H, W]` in `mul { x; gate }`."""

    glyph = "×"
    operator = "*"
    stretches = True
    example = "mul { x; { gap; conv(8, 1); sigmoid } }"
    cases = (Case({}, ((IMAGE,), (IMAGE, (8, 1, 1)), (IMAGE, IMAGE, (1, 12, 1)))),)

    def infer(self, *inputs: Shape) -> Shape:
        """Return the shape after stretching each size of one to the size of the other branches.

        Among symbolic sizes it is the one that the others stretch to: the elaborator records that each is equal to it or one.
        """
        if len({len(shape) for shape in inputs}) > 1:
            raise SpecError(codes.joins.BranchRanks(self.name, inputs))
        return tuple(_stretched(sizes, inputs) for sizes in zip(*inputs, strict=True))


class Concat(Join, name="concat"):
    """The concatenation of branches along an axis, by default the channels."""

    aliases = ("cat", "concatenate", "stack", "merge")
    example = "concat { x; conv(4, 3) }"
    cases = (Case({}, ((IMAGE,), (IMAGE, (3, 12, 10)))), Case({"axis": -1}, (((8, 12, 4), IMAGE),)))
    integers = "kept"
    broadcasts_batch = False

    axis: int = Field(0, description="axis of the concatenation: 0 is the channels, -1 the last")

    def growing_axis(self, rank: int) -> int:
        """Return the axis, counted from the front."""
        return normal_axis(self.name, self.axis, rank)

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the axis, counted from the front."""
        return {"axis": self.growing_axis(len(inputs[0]))}

    def infer(self, *inputs: Shape) -> Shape:
        """Return the shape with the sizes added along the axis. They must be equal on every other."""
        rank = len(inputs[0])
        if any(len(shape) != rank for shape in inputs):
            raise SpecError(codes.joins.ConcatenatedRanks(self.name, inputs))
        axis = self.growing_axis(rank)
        rest = equal_shapes(self.name, [shape[:axis] + shape[axis + 1 :] for shape in inputs], inputs)
        return (*rest[:axis], sum(shape[axis] for shape in inputs), *rest[axis:])


class Shake(Join, name="shake"):
    """Shake-shake: in training, a random convex combination of the branches per image (Gastaldi 2017, arXiv:1705.07485).

    The forward and the backward pass draw different weights. In evaluation it is the mean.
    """

    random_in_training = True
    broadcasts_batch = False
    glyph = "~"
    example = "shake { conv(8, 3); conv(8, 3) }"
    cases = (Case({}, ((IMAGE,), (IMAGE, IMAGE), (VECTOR,) * 3)),)

    def infer(self, *inputs: Shape) -> Shape:
        """Return the common shape."""
        return equal_shapes(self.name, inputs)


def joins() -> dict[str, type[Join]]:
    """Return the joins by their keywords."""
    return {op.name: op for op in Op.registry if issubclass(op, Join)}


def equal_shapes(name: str, shapes: Any, concatenated: Any = None) -> Shape:
    """Return the common shape. Fixed sizes must be equal; a fixed size is preferred to a symbolic one."""
    first = shapes[0]
    if all(shape == first for shape in shapes):
        return first  # type: ignore[no-any-return]
    same_rank = all(len(shape) == len(first) for shape in shapes)
    if not same_rank or any(len({s for s in sizes if isinstance(s, int)}) > 1 for sizes in zip(*shapes, strict=True)):
        if concatenated is not None:
            raise SpecError(codes.joins.ConcatenatedShapes(name, concatenated))
        raise SpecError(codes.joins.BranchShapes(name, shapes))
    return tuple(next((s for s in sizes if isinstance(s, int)), sizes[0]) for sizes in zip(*shapes, strict=True))


def _stretched(sizes: tuple[Dim, ...], shapes: tuple[Shape, ...]) -> Dim:
    others = [size for size in sizes if size != 1]
    numbers = {size for size in others if isinstance(size, int)}
    if len(numbers) > 1:
        raise SpecError(codes.joins.BranchShapes("mul", shapes, stretches=True))
    narrowest: Dim = 1
    return next(iter(numbers)) if numbers else reduce(_wider, others, narrowest)


def _wider(size: Dim, other: Dim) -> Dim:
    """Return the size that the other one stretches to. Raise `SizeError` if each stretches for some inputs."""
    if size == 1 or size == other:
        return other
    if isinstance(size, SymbolicSize) and isinstance(other, SymbolicSize) and len({*size.symbols, *other.symbols}) == 1:
        if not equal(size, 1) & at_least(other, 2):
            return size
        if equal(other, 1) & at_least(size, 2):
            raise SizeError(f"{size} stretches to {other} for some inputs, and {other} to {size} for others")
        return other
    return size
