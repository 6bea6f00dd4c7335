"""Ops without an input: learned parameters, and constants.

Both are the same for all examples. They have no batch axis of their own, and broadcast over the batch.
"""

from collections.abc import Iterator, Mapping
from math import prod
from typing import Annotated, Any

from archdsl.fields import Check, Field
from archdsl.initializers import Initializer
from archdsl.ops.base import Case, Category, Op, PositiveInt, WeightedOp
from archdsl.registry import Aliases
from archdsl.shapes import Shape


def _sizes(sizes: tuple[int, ...]) -> tuple[int, ...]:
    if not sizes:
        raise ValueError("it has one size or more, as in `[8, 1, 1]`")
    return sizes


Sizes = Annotated[tuple[PositiveInt, ...], Check(_sizes), Aliases("size", "dims")]
Nested = float | tuple[Any, ...]


class Param(WeightedOp, name="param"):
    """A learned tensor of its own, such as a class token, a position embedding, or the factor of a branch.

    Its label is its key, as in `cls: param([1, 768])`. The shape has no batch axis: the tensor is the same for all examples. It
    starts with zeros, as class tokens do in torchvision and timm, unless `init` or the network's `init { param = ... }` says
    otherwise. Vision transformers are often stored with a leading size of one for the batch, `[1, 1, 768]`: `batch_axis = true`.
    A factor of each channel is often stored without the axes of an image, as `[C]`: `param([C, 1, 1], flat = true)`. Weights
    that differ in axes of size one are reshaped when they are loaded.
    """

    aliases = ("parameter", "learned", "get_parameter", "add_weight", "variable")
    category = Category.VALUE
    arity = 0
    takes_x = False
    loose_axes = True
    not_in_figures = ("init", "batch_axis", "flat")
    example = "gamma: param([8, 1, 1], init = ones); mul { x; gamma }"
    cases = (
        Case({"shape": (8, 1, 1)}, ((),)),
        Case({"shape": (1, 12), "batch_axis": True}, ((),)),
        Case({"shape": (6, 1, 1), "flat": True}, ((),)),
    )

    shape: Sizes = Field(description="sizes, without the batch axis")
    batch_axis: bool = Field(False, description="whether the stored tensor begins with a size of one for the batch")
    flat: bool = Field(False, description="whether the stored tensor is a single axis")

    @classmethod
    def parameters_in_order(cls) -> list[str]:
        """Return the names of the parameters: `param([1, 768], normal(0.02))`."""
        return ["shape", "init", "batch_axis", "flat"]

    @classmethod
    def check_rule(cls, rule: Initializer) -> None:
        """Raise `ValueError` for a rule for matrices, which not every parameter is; a `param` can have such a rule itself."""
        if rule.matrix:
            raise ValueError(f"`{rule.name}` needs two axes or more, which not every `param` has: give it to those that do")

    def validate(self) -> None:
        """Raise `ValueError` if the initializer needs more axes: unlike those of other ops, it may be one for matrices."""
        if self.flat and self.batch_axis:
            raise ValueError(
                "`flat` and `batch_axis` exclude each other: the stored tensor is a single axis, or has one for the batch"
            )
        if self.init is not None and self.init.matrix and len(self.stored_shape) < 2:
            raise ValueError(f"`{self.init.name}` needs a tensor with two axes or more; this one has one")

    @property
    def stored_shape(self) -> tuple[int, ...]:
        """The shape of the tensor in the `state_dict`."""
        if self.flat:
            return (prod(self.shape),)
        return (1, *self.shape) if self.batch_axis else self.shape

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the shape of the tensor."""
        return {"shape": self.stored_shape, "batch_axis": self.batch_axis, "flat": self.flat}

    def infer(self, *inputs: Shape) -> Shape:
        """Return the shape as it is written."""
        return self.shape

    def parameters(self, *inputs: Shape) -> dict[str, tuple[int, ...]]:
        """Return the tensor itself."""
        return {"": self.stored_shape}


class Const(Op, name="const"):
    """A tensor of fixed numbers: `const([[0, 1], [1, 0]])`, or one number in a shape, `const(0.5, [8, 1, 1])`.

    A list with a shape fills it in order: `const(0..16, [16, 1, 1])`.

    It moves with the module to another device or type. The numbers are real ones. It is in no `state_dict`, unless `stored =
    true` makes it a buffer there, with its label as the key.
    """

    aliases = ("constant", "buffer", "full", "register_buffer")
    category = Category.VALUE
    arity = 0
    takes_x = False
    not_in_figures = ("value", "shape", "stored")
    example = "sub { x; const(0.5, [8, 1, 1]) }"
    cases = (
        Case({"value": 0.5, "shape": (8, 1, 1)}, ((),)),
        Case({"value": ((1, 2.5), (3, 4))}, ((),)),
        Case({"value": (0, 1, 2), "shape": (1, 3, 1), "stored": True}, ((),)),
    )

    value: Annotated[Nested, Aliases("fill_value", "data")] = Field(description="a number, or a list of numbers or of lists")
    shape: Sizes | None = Field(None, description="sizes, without the batch axis; default: those of the list")
    stored: bool = Field(False, description="whether the `state_dict` has the tensor")

    def validate(self) -> None:
        """Raise `ValueError` unless there is one shape."""
        super().validate()
        if not isinstance(self.value, tuple):
            if self.shape is None:
                raise ValueError(f"one number needs a shape, as in `const({self.value:g}, [8, 1, 1])`")
            return
        sizes = shape_of(self.value)
        if self.shape is not None and prod(sizes) != prod(self.shape):
            raise ValueError(f"{prod(sizes):,} numbers do not fill a shape of {prod(self.shape):,}; a list needs no `shape`")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the numbers, and the shape that they are given."""
        return {"value": _real(self.value), "shape": self.shape}

    def infer(self, *inputs: Shape) -> Shape:
        """Return the shape of the list, or the one that is given."""
        return self._sizes()

    def buffers(self, *inputs: Shape) -> dict[str, tuple[int, ...]]:
        """Return the tensor itself if the `state_dict` has it."""
        return {"": self._sizes()} if self.stored else {}

    def never_negative(self, inputs: bool) -> bool:
        """Return whether none of the numbers is; those of a `state_dict` may differ."""
        return not self.stored and min(_numbers(self.value)) >= 0

    def _sizes(self) -> tuple[int, ...]:
        return self.shape if self.shape is not None else shape_of(self.value)


def shape_of(value: Nested) -> tuple[int, ...]:
    """Return the shape of nested lists. Raise `ValueError` if they are empty, ragged, or hold anything but numbers."""
    if not isinstance(value, tuple):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError("the elements of its lists are numbers")
        return ()
    if not value:
        raise ValueError("a list without numbers makes no tensor")
    inner = {shape_of(item) for item in value}
    if len(inner) > 1:
        raise ValueError("its lists differ in length")
    return (len(value), *inner.pop())


def _numbers(value: Nested) -> Iterator[float]:
    """Yield every number of nested lists."""
    if isinstance(value, tuple):
        for item in value:
            yield from _numbers(item)
    else:
        yield value


def _real(value: Nested) -> Nested:
    """Return the same lists with real numbers."""
    return tuple(_real(item) for item in value) if isinstance(value, tuple) else float(value)
