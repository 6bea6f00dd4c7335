"""Means, sums and other numbers over some axes."""

from collections.abc import Mapping
from typing import Annotated, Any

from archdsl.diagnostics import SpecError, codes
from archdsl.fields import Field
from archdsl.ops.base import ANY_RANK, IMAGE, Case, Category, Need, Op, PositiveFloat, demand, normal_axis
from archdsl.registry import Aliases
from archdsl.shapes import Shape, format_shape

Axes = Annotated[int | tuple[int, ...], Aliases("dim", "dims", "axes")]
Keep = Annotated[bool, Aliases("keepdim", "keepdims", "keep_dims")]
CASES: tuple[Case, ...] = (
    Case({"axis": 0}, ANY_RANK),
    Case({"axis": -1, "keep": True}, ANY_RANK),
    Case({"axis": (1, 2)}, (IMAGE,)),
    Case({"axis": (-1, 0), "keep": True}, (IMAGE,)),
)


class Reduction(Op):
    """Base of ops that combine all numbers along some axes."""

    category = Category.REDUCTION
    by_name = ("axis", "keep")
    not_in_figures = ("keep",)
    cases = CASES

    axis: Axes = Field(description="axis or list of axes: 0 is the channels, -1 the last; the batch is not counted")
    keep: Keep = Field(False, description="whether the axes stay, with a size of one")

    def axes(self, shape: Shape) -> tuple[int, ...]:
        """Return the axes counted from the front, in order."""
        return counted_axes(self.name, self.axis, len(shape))

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the axes, counted from the front."""
        return {**super().attributes(*inputs), "axis": self.axes(inputs[0])}

    def infer(self, *inputs: Shape) -> Shape:
        """Return the shape without the axes, or with a size of one for each."""
        demand(self.needs(*inputs))
        return reduced(inputs[0], self.axes(inputs[0]), keep=self.keep)


class Mean(Reduction, name="mean"):
    """The mean along some axes: `mean(axis = [1, 2])` is the mean of each channel, `gap` without its axes of size one."""

    aliases = ("reduce_mean",)
    saves_output = False
    sign = "kept"
    example = "mean(axis = [1, 2])"


class Sum(Reduction, name="sum"):
    """The sum along some axes."""

    aliases = ("reduce_sum",)
    saves_output = False
    sign = "kept"
    example = "sum(axis = 0, keep = true)"


class Var(Reduction, name="var"):
    """The variance along some axes, by default divided by `n - 1`, as in `torch.var`; normalizations divide by `n`."""

    aliases = ("variance", "reduce_variance")
    saves_output = False
    sign = "positive"
    example = "var(axis = 0, unbiased = false, keep = true)"
    cases = (*CASES, Case({"axis": 0, "unbiased": False}, ANY_RANK))

    unbiased: bool = Field(True, description="whether the sum of squares is divided by `n - 1`, and not by `n`")

    def needs(self, *inputs: Shape) -> list[Need]:
        """Return that there are two numbers at least, unless it is divided by `n`."""
        if not self.unbiased:
            return []
        first, *others = [inputs[0][axis] for axis in self.axes(inputs[0])]
        message = f"`var` needs two numbers or more, and along `axis` there is one in {format_shape(inputs[0])}"
        return [Need(first, 2, message, tuple(others), "write `unbiased = false`, which divides by the number of values")]


class Norm(Reduction, name="norm"):
    """The length of the vectors along some axes: the `p`-th root of the sum of the `p`-th powers of absolute values."""

    aliases = ("vector_norm", "length")
    sign = "positive"
    example = "norm(axis = 0, keep = true)"
    cases = (*CASES, Case({"axis": 0, "p": 1.0}, ANY_RANK), Case({"axis": (0, 1), "p": 3.0}, (IMAGE,)))

    p: PositiveFloat = Field(2.0, description="2 is Euclid's length, 1 the sum of absolute values")


def counted_axes(name: str, axis: int | tuple[int, ...], rank: int) -> tuple[int, ...]:
    """Return axes counted from the front, in order. Raise `SpecError` if there is no such axis, or one is given twice."""
    found = [normal_axis(name, one, rank) for one in (axis if isinstance(axis, tuple) else (axis,))]
    if len(set(found)) < len(found) or not found:
        reason = "an axis is given twice" if found else "there is no axis in the list"
        raise SpecError(codes.ranges.RefusedValue(name, "axis", axis, None, reason))
    return tuple(sorted(found))


def reduced(shape: Shape, axes: tuple[int, ...], *, keep: bool) -> Shape:
    """Return the shape after a reduction."""
    if keep:
        return tuple([1 if axis in axes else size for axis, size in enumerate(shape)])
    return tuple([size for axis, size in enumerate(shape) if axis not in axes])
