"""Joins combine branches. They are written as statements with braces, not called by name.

A new join is a class here and its lowering in each target: the language reads its keyword, its options and the rule for
symbolic sizes from the class.
"""

from collections.abc import Mapping
from functools import reduce
from typing import Annotated, Any, ClassVar, Literal

from archdsl.diagnostics import SpecError, codes
from archdsl.fields import Field
from archdsl.ops.base import ANY_RANK, IMAGE, VECTOR, Case, Category, DType, Op, normal_axis
from archdsl.ops.index import FAMILIES, JOIN_FAMILIES
from archdsl.registry import Aliases
from archdsl.shapes import Dim, Shape, SizeError, SymbolicSize
from archdsl.sizes import at_least, equal

Number = Annotated[float | None, Aliases("value", "other", "scalar")]
CALLED_WITH = ("number", "axis", "keep")
"""The parameters of joins that are called: `add(1)`, `max(axis = -1)`."""


class Join(Op):
    """Base of every join. Its fields are the options of the statement, such as `axis` of `concat`.

    Branches have the same size on every axis but `growing_axis`. With `stretches`, a size of one fits any other. Joins that are
    also `called`, with a number or axes in place of branches, say in `joins_branches` which of the two an instance is.
    """

    category = Category.JOIN
    stretches: ClassVar[bool] = False
    sign: ClassVar[Literal["free", "kept", "positive"]] = "kept"
    arity = None
    statement = True
    called = False
    saves_output = False
    broadcasts_batch = True
    forms: ClassVar[str] = ""
    """How it is called without braces, for messages."""
    operator: ClassVar[str | None] = None
    """The operator that someone may write for it."""

    @classmethod
    def options(cls) -> dict[str, Any]:
        """Return the options of the statement with their defaults."""
        return {name: field.default for name, field in cls.fields.items() if not cls.called or name not in CALLED_WITH}

    @property
    def joins_branches(self) -> bool:
        """Return whether it is written with braces, and not called with one of its `forms`."""
        return not self.called or all(getattr(self, name, None) is None for name in CALLED_WITH)

    def growing_axis(self, rank: int) -> int | None:
        """Return the axis on which the sizes of the branches add up; None if there is none."""
        return None


class Input(Op, name="input"):
    """An input of the network, channels first, without the batch axis: `input image [3, 224, 224]`."""

    category = Category.INPUT
    arity = 0
    statement = True
    called = False
    example = "relu"

    key: str = Field(description="name, an argument of `forward`")


class Add(Join, name="add"):
    """The elementwise sum of branches of equal shape: `add { a; b }`. Every `skip` ends with one. `add(1)` adds a number.

    With `broadcast = true`, a size of 1 stretches, as in `add(broadcast = true) { x; bias }` for a bias `[C, 1, 1]`.
    """

    aliases = ("plus",)
    glyph = "+"
    operator = "+"
    called = True
    not_in_figures = ("broadcast",)
    forms = "`add(1)`"
    example = "add { conv(8, 3); conv(8, 1) }"
    cases = (
        Case({}, ((IMAGE,), (IMAGE, IMAGE), (VECTOR,) * 3)),
        Case({"broadcast": True}, ((IMAGE, (8, 1, 1)),)),
        Case({"number": 0.5}, ANY_RANK),
    )

    number: Number = Field(None, description="a number that is added, in place of branches")
    broadcast: bool = Field(False, description="whether a size of 1 stretches to the size of the other branches")

    def validate(self) -> None:
        """Raise `ValueError` if a number is to be broadcast."""
        super().validate()
        if self.number is not None and self.broadcast:
            raise ValueError("`broadcast` is about branches in braces; a number is added to everything anyway")

    @property
    def stretches(self) -> bool:  # type: ignore[override]
        """Return whether that is asked for."""
        return self.broadcast

    def infer(self, *inputs: Shape) -> Shape:
        """Return the common shape. Symbolic sizes may differ: the elaborator records that they must be equal."""
        return stretched_shape(self.name, inputs) if self.broadcast else equal_shapes(self.name, inputs)

    def never_negative(self, inputs: bool) -> bool:
        """Return whether no input is, nor the number."""
        return inputs and (self.number is None or self.number >= 0)


class Mul(Join, name="mul"):
    """The elementwise product of branches. A size of 1 stretches: `[C, 1, 1]` gates `[C, H, W]` in `mul { x; gate }`.

    One branch may be a mask of bools. `scale(2)` multiplies by a number.
    """

    glyph = "×"
    operator = "*"
    stretches = True
    example = "mul { x; { gap; conv(8, 1); sigmoid } }"
    cases = (Case({}, ((IMAGE,), (IMAGE, (8, 1, 1)), (IMAGE, IMAGE, (1, 12, 1)))),)

    def infer(self, *inputs: Shape) -> Shape:
        """Return the shape after stretching each size of one to the size of the other branches."""
        return stretched_shape(self.name, inputs)

    def result_dtype(self, *inputs: DType) -> DType:
        """Return that products of real numbers with bools are real."""
        return super().result_dtype(*[kind for kind in inputs if kind != "bool" or "float" not in inputs])


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


def stretched_shape(name: str, shapes: tuple[Shape, ...]) -> Shape:
    """Return the shape after stretching each size of one to the size of the other branches.

    Among symbolic sizes it is the one that the others stretch to: the elaborator records that each is equal to it or one.
    """
    if len({len(shape) for shape in shapes}) > 1:
        raise SpecError(codes.joins.BranchRanks(name, shapes))
    axes = list(zip(*shapes, strict=True))
    if any(len({size for size in sizes if isinstance(size, int)} - {1}) > 1 for sizes in axes):
        raise SpecError(codes.joins.BranchShapes(name, shapes, stretches=True))
    return tuple(map(stretched_size, axes))


def joins() -> dict[str, type[Join]]:
    """Return the joins by their keywords."""
    known = [Op.registry.get(name) for family in JOIN_FAMILIES for name in FAMILIES[family]]
    return {op.name: op for op in [*known, *Op.registry.loaded] if op is not None and issubclass(op, Join)}


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


def stretched_size(sizes: tuple[Dim, ...]) -> Dim:
    """Return the size that the others stretch to, of which numbers other than one are equal."""
    others = [size for size in sizes if size != 1]
    narrowest: Dim = 1
    return next((size for size in others if isinstance(size, int)), None) or reduce(_wider, others, narrowest)


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
