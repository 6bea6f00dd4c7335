"""Differences, quotients, minima and maxima: of branches in braces, and with a number."""

from collections.abc import Mapping
from typing import Annotated, Any

from archdsl.diagnostics import SpecError, codes
from archdsl.fields import Check, Field
from archdsl.ops.base import ANY_RANK, IMAGE, VECTOR, Case
from archdsl.ops.join import Join, Number, stretched_shape
from archdsl.ops.reduction import CASES, Axes, Keep, counted_axes, reduced
from archdsl.registry import Aliases
from archdsl.shapes import Shape


class _Arithmetic(Join):
    """Base of joins that stretch a size of one, and take a number, too."""

    called = True
    stretches = True

    def infer(self, *inputs: Shape) -> Shape:
        """Return the shape after stretching each size of one to the size of the other branches."""
        return stretched_shape(self.name, inputs)


class _OfTwo(_Arithmetic):
    """Base of those of which the order matters."""

    def infer(self, *inputs: Shape) -> Shape:
        """Return the shape after stretching each size of one. There are two branches, unless it is called with a number."""
        if self.joins_branches and len(inputs) != 2:
            raise SpecError(codes.joins.TwoBranches(self.name, len(inputs)))
        return super().infer(*inputs)


_TWO = ((IMAGE, IMAGE), (IMAGE, (8, 1, 1)), ((1, 12, 10), (8, 12, 1)), (VECTOR, VECTOR))


class Sub(_OfTwo, name="sub"):
    """The first branch minus the second: `sub { x; gap }`. A size of 1 stretches. `sub(0.5)` subtracts a number."""

    aliases = ("subtract", "minus", "difference")
    sign = "free"
    glyph = "−"
    operator = "-"
    forms = "`sub(0.5)`"
    example = "sub { x; gap }"
    cases = (Case({}, _TWO), Case({"number": 0.5}, ANY_RANK))

    number: Number = Field(None, description="a number that is subtracted, in place of branches")

    def never_negative(self, inputs: bool) -> bool:
        """Return whether no input is, and a negative number or zero is subtracted."""
        return inputs and self.number is not None and self.number <= 0


def _not_zero(value: float | None) -> float | None:
    if value == 0:
        raise ValueError("division by zero")
    return value


class Div(_OfTwo, name="div"):
    """The first branch divided by the second: `div { x; length }`. A size of 1 stretches. `div(2)` divides by a number."""

    aliases = ("divide", "quotient", "true_divide")
    glyph = "÷"
    operator = "/"
    forms = "`div(2)`"
    example = "div { x; { norm(axis = 0, keep = true); add(1) } }"
    cases = (Case({}, _TWO), Case({"number": 3.0}, ANY_RANK))

    number: Annotated[float | None, Check(_not_zero), Aliases("value", "other", "scalar")] = Field(
        None, description="a number that it is divided by, in place of branches"
    )

    def never_negative(self, inputs: bool) -> bool:
        """Return whether no input is, nor the number."""
        return inputs and (self.number is None or self.number > 0)


class _Extreme(_Arithmetic):
    """Base of minimum and maximum, which are also taken along axes."""

    by_name = ("axis", "keep")
    not_in_figures = ("keep",)
    cases = (
        Case({}, ((IMAGE,), *_TWO, (IMAGE, IMAGE, (1, 12, 1)), (VECTOR,) * 4)),
        Case({"number": 0.0}, ANY_RANK),
        Case({"number": -0.5}, ANY_RANK),
        *CASES,
    )

    number: Number = Field(None, description="a bound, in place of branches")
    axis: Axes | None = Field(None, description="axis or list of axes along which it is taken: 0 is the channels, -1 the last")
    keep: Keep | None = Field(None, description="with `axis`: whether the axes stay, with a size of one")

    def validate(self) -> None:
        """Raise `ValueError` for a number and axes at once."""
        super().validate()
        if self.number is not None and (self.axis is not None or self.keep is not None):
            raise ValueError("it takes a number or `axis`, not both")
        if self.keep is not None and self.axis is None:
            raise ValueError("`keep` goes with `axis`")

    @property
    def saves_output(self) -> bool:  # type: ignore[override]
        """Return whether it is taken along axes: the gradient then compares the input with the result."""
        return self.axis is not None

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the number, or the axes counted from the front."""
        if self.axis is None:
            return {"number": self.number}
        return {"axis": counted_axes(self.name, self.axis, len(inputs[0])), "keep": bool(self.keep)}

    def infer(self, *inputs: Shape) -> Shape:
        """Return the common shape, or that without the axes."""
        if self.axis is None:
            return super().infer(*inputs)
        return reduced(inputs[0], counted_axes(self.name, self.axis, len(inputs[0])), keep=bool(self.keep))


class Min(_Extreme, name="min"):
    """The elementwise minimum of branches, `min { a; b }`, or with a number, `min(6)`, or along axes, `min(axis = -1)`.

    A size of 1 stretches.
    """

    aliases = ("minimum", "amin", "reduce_min")
    glyph = "min"
    forms = "`min(6)` or `min(axis = -1)`"
    example = "min { conv(8, 3); conv(8, 1) }"

    def never_negative(self, inputs: bool) -> bool:
        """Return whether no input is, nor the bound."""
        return inputs and (self.number is None or self.number >= 0)


class Max(_Extreme, name="max"):
    """The elementwise maximum of branches, `max { a; b }`, or with a number, `max(0)`, or along axes, `max(axis = -1)`.

    A size of 1 stretches. This is maxout for two convolutions. Along axes, equal maxima share the gradient.
    """

    aliases = ("maximum", "amax", "reduce_max", "maxout")
    glyph = "max"
    forms = "`max(0)` or `max(axis = -1)`"
    example = "max { conv(8, 3); conv(8, 1) }"

    def never_negative(self, inputs: bool) -> bool:
        """Return whether no input is, or the bound is not."""
        return inputs or (self.number is not None and self.number >= 0)
