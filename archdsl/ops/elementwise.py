"""Elementwise functions that are no activations: powers, logarithms and the like. The shape stays."""

from typing import Annotated

from archdsl.fields import Field
from archdsl.ops.base import ANY_RANK, Case, Category, DType, Op
from archdsl.registry import Aliases
from archdsl.shapes import Shape


class _Elementwise(Op):
    """A function of each number."""

    category = Category.ARITHMETIC
    saves_output = False

    def infer(self, *inputs: Shape) -> Shape:
        """Return the shape of the input."""
        return inputs[0]


class Pow(_Elementwise, name="pow"):
    """`x ^ exponent`: `pow(2)` squares, `pow(-1)` is `1 / x`. NaN for a negative number if the exponent is no integer."""

    aliases = ("power", "square", "reciprocal", "rsqrt")
    example = "pow(2)"
    cases = (Case({"exponent": 2}, ANY_RANK), Case({"exponent": -1}, ANY_RANK), Case({"exponent": 3.0}, ANY_RANK))

    exponent: float = Field(description="the exponent")

    def never_negative(self, inputs: bool) -> bool:
        """Return whether the exponent is even, or no input is negative."""
        return inputs or self.exponent % 2 == 0

    @property
    def nan_below_zero(self) -> bool:  # type: ignore[override]
        """Return whether the exponent is no integer."""
        return not self.exponent.is_integer()


class Sqrt(_Elementwise, name="sqrt"):
    """The square root; NaN for a negative number, and without a gradient at zero."""

    saves_output = True
    sign = "positive"
    example = "relu; add(0.001); sqrt"
    nan_below_zero = True


class Exp(_Elementwise, name="exp"):
    """The exponential function."""

    saves_output = True
    sign = "positive"
    example = "exp"


class Log(_Elementwise, name="log"):
    """The natural logarithm; NaN for a negative number."""

    aliases = ("natural_log", "logarithm")
    example = "relu; add(1); log"
    nan_below_zero = True


class Abs(_Elementwise, name="abs"):
    """The absolute value."""

    aliases = ("absolute",)
    sign = "positive"
    example = "abs"


class Clamp(_Elementwise, name="clamp"):
    """The nearest number between two bounds: `clamp(-1, 1)`, `clamp(low = 0)`."""

    aliases = ("clip", "hardtanh", "clip_by_value")
    example = "clamp(-1, 1)"
    cases = (Case({"low": -1, "high": 1}, ANY_RANK), Case({"low": 0.5}, ANY_RANK), Case({"high": 0.5}, ANY_RANK))

    low: Annotated[float | None, Aliases("min_val", "minimum", "min")] = Field(None, description="the least number")
    high: Annotated[float | None, Aliases("max_val", "maximum", "max")] = Field(None, description="the greatest number")

    def validate(self) -> None:
        """Raise `ValueError` if there is no bound, or they are in the wrong order."""
        super().validate()
        if self.low is None and self.high is None:
            raise ValueError("`low`, `high` or both are needed")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"`low` must be at most `high`, and they are {self.low:g} and {self.high:g}")

    def never_negative(self, inputs: bool) -> bool:
        """Return whether neither bound makes a number negative, and no input is or the lower bound removes it."""
        return (self.high is None or self.high >= 0) and (inputs or (self.low is not None and self.low >= 0))


class Sin(_Elementwise, name="sin"):
    """The sine, as in encodings of positions."""

    aliases = ("sine",)
    example = "sin"


class Cos(_Elementwise, name="cos"):
    """The cosine, as in encodings of positions."""

    example = "cos"


class Real(_Elementwise, name="real"):
    """Integers or bools as real numbers, such as the number of a time step, or a mask to be summed.

    They get the type of the module's parameters, also after `module.half()`. Tokens are names rather than numbers: `embedding`.
    """

    aliases = ("cast", "float", "astype", "to")
    saves_output = True
    integers = "kept"
    sign = "kept"
    example = "real"
    example_input = ": int [32]"
    cases = (Case({}, ANY_RANK),)

    def result_dtype(self, *inputs: DType) -> DType:
        """Return that the result is real."""
        return "float"
