"""The base class of ops: parameters, resolved attributes, shape rule, weights, buffers and cost.

How a target writes an op, for example as PyTorch code, belongs to the target. An op sees shapes only, channels first and
without the batch axis. Sizes may be symbolic, so shape rules use `+ - * //` alone and never branch on a spatial size unless
they ask `fixed` for it first. A rule that does not hold raises `Fault`; the elaborator adds the place.
"""

from collections.abc import Mapping
from enum import StrEnum
from math import gcd, isqrt, prod
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self

from pydantic import ConfigDict, Field, model_validator

from archdsl import limits
from archdsl.declared import Declared, Fault, Registry
from archdsl.initializers import Initializer
from archdsl.shapes import Dim, Shape, format_shape

PositiveInt = Annotated[int, Field(ge=1)]
NonNegativeInt = Annotated[int, Field(ge=0)]
PerAxis = PositiveInt | tuple[PositiveInt, ...]
"""One size for every spatial axis, or a list with a size for each."""
PadPerAxis = NonNegativeInt | tuple[NonNegativeInt, ...]
Probability = Annotated[float, Field(ge=0, le=1)]
PositiveFloat = Annotated[float, Field(gt=0)]


class Category(StrEnum):
    """What an op is for; diagrams colour by it and the reference groups by it."""

    CONVOLUTION = "convolution"
    DENSE = "dense"
    NORMALIZATION = "normalization"
    ACTIVATION = "activation"
    POOLING = "pooling"
    REGULARIZATION = "regularization"
    SHAPE = "shape"
    SCALE = "scale"
    JOIN = "join"
    INPUT = "input"


class Need(NamedTuple):
    """A size that must be at least so large, where a positive output size does not say so already.

    `message` is the whole error, as a user reads it where the size is known and too small. Where there are `others`,
    it is enough if one of them all is so large.
    """

    size: Dim
    least: int
    message: str
    others: Shape = ()
    help: str | None = None


class Op(Declared):
    """Base of every op."""

    model_config = ConfigDict(allow_inf_nan=False)
    registry: ClassVar[Registry[Any]] = Registry("op")
    category: ClassVar[Category]
    arity: ClassVar[int | None] = 1
    """How many values it takes; none for any number of at least one."""
    operands: ClassVar[tuple[str, ...]] = ()
    """Parameters that are values of the network, given before the others: `crop_like(v)`."""
    statement: ClassVar[bool] = False
    """Written as a statement with braces (`concat { ... }`), not called by name."""
    integers: ClassVar[Literal["refused", "required", "kept"]] = "refused"
    """What happens to a tensor of integers, such as tokens."""
    saves_output: ClassVar[bool] = True
    """Nothing may overwrite the output: autograd keeps it for the backward pass, or it shares memory with the input."""
    sign: ClassVar[Literal["free", "kept", "positive"]] = "free"
    """Of the result: `positive` is never below zero, `kept` is not where no input is."""
    weight_layer: ClassVar[bool] = False
    """Counts towards a network's depth, as in "ResNet-50": convolutions and dense layers do."""
    example: ClassVar[str]
    """A statement that uses it, on `example_input`; the reference shows it and a test runs it."""
    example_input: ClassVar[str] = "[8, 32, 32]"

    def never_negative(self, inputs: bool) -> bool:
        """Whether the result is never below zero, given whether the inputs never are."""
        return self.sign == "positive" or (self.sign == "kept" and inputs)

    @property
    def own_shift(self) -> bool:
        """A normalization with a learned shift, after which a bias would be redundant."""
        return False

    @property
    def gradient_from_output(self) -> bool:
        """Whether the gradient can be computed from the output alone, so that the op may overwrite its input."""
        return False

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the parameters as numbers for these inputs, with the sizes that follow from the inputs.

        Nothing in it is `same`, `auto` or None where a number follows; windows, strides and padding have one number per axis.
        A target reads this, not the fields.
        """
        return {name: getattr(self, name) for name in type(self).model_fields if name != "init"}

    def infer(self, *inputs: Shape) -> Shape:
        """Return the output shape. Raise `Fault` if the inputs do not fit."""
        raise NotImplementedError

    def output(self, *inputs: Shape) -> Shape:
        """What `infer` gives. Raises `Fault` E0502 where that or a learned tensor is over a limit."""
        shape = self.infer(*inputs)
        check_limits(f"`{self.name}` gives", shape)
        for tensor in self.parameters(*inputs).values():
            check_limits(f"`{self.name}` would learn", tensor)
        return shape

    def needs(self, *inputs: Shape) -> list[Need]:
        """Sizes that must be at least so large; `infer` checks the known ones, the open ones are conditions."""
        return []

    def parameters(self, *inputs: Shape) -> dict[str, tuple[int, ...]]:
        """Shape of each learned tensor, by its key below the op's own; `""` is the op's key itself."""
        return {}

    def buffers(self, *inputs: Shape) -> dict[str, tuple[int, ...]]:
        """Shape of each tensor of state that is not learned, by its key."""
        return {}

    def macs(self, output: Shape, *inputs: Shape) -> Dim:
        """Multiply-accumulates for one image: convolutions and matrix products only.

        The same rule as `torch.utils.flop_counter`, halved.
        """
        return 0


class WeightedOp(Op):
    """Base of ops that have a weight and take `init`, the rule that fills it."""

    kind_of: ClassVar[str | None] = None
    """The op whose rule in a network's `init { ... }` holds for this one too, unless it has its own."""
    vector: ClassVar[bool] = False
    """The weight has one axis, which rules for matrices cannot fill."""
    init: Initializer | None = Field(None, description="how the weight starts; wins over the network's `init`")

    @classmethod
    def check_rule(cls, rule: Initializer) -> None:
        """Raise `ValueError` where a rule cannot fill the weight."""
        if cls.vector and rule.matrix:
            raise ValueError(f"`{rule.name}` needs a weight of two axes or more, and that of `{cls.name}` has one")

    @model_validator(mode="after")
    def _check_own_rule(self) -> Self:
        if self.init is not None:
            self.check_rule(self.init)
        return self

    @classmethod
    def parameters_in_order(cls) -> list[str]:
        """`init` comes last by position."""
        return [*(name for name in cls.model_fields if name != "init"), "init"]


def per_axis(value: int | tuple[int, ...], axes: int, argument: str) -> tuple[int, ...]:
    """One number for each spatial axis; `Fault` where a list has another length."""
    if isinstance(value, int):
        return (value,) * axes
    if len(value) != axes:
        raise Fault(
            "E0402",
            f"`{argument}` lists {len(value)} sizes, and the input has {axes} spatial {'axis' if axes == 1 else 'axes'}",
            argument=argument,
        )
    return value


def compact(sizes: tuple[int, ...]) -> int | tuple[int, ...]:
    """The short form in source: one number where all axes agree."""
    return sizes[0] if len(set(sizes)) == 1 else sizes


def channels_and_axes(name: str, shape: Shape, axes: tuple[int, ...] = (1, 2, 3)) -> tuple[int, Shape]:
    """Channels, as a fixed number, and spatial sizes of an input; `Fault` on another rank."""
    if len(shape) - 1 not in axes:
        forms = {0: "[C]", 1: "[C, L]", 2: "[C, H, W]", 3: "[C, D, H, W]"}
        raise Fault(
            "E0305",
            f"`{name}` takes {' or '.join(forms[n] for n in axes)}, and gets {format_shape(shape)}",
            help="`flatten` makes a vector of features, `reshape` another arrangement"
            if len(shape) > 1
            else f"it stands before `flatten`; or give the vector axes: `reshape([1, {format_shape(shape)[1:-1]}])`",
        )
    return fixed_channels(name, shape[0]), shape[1:]


def fixed_channels(name: str, size: Dim) -> int:
    """The number of channels; `Fault` where it is open."""
    return fixed(
        name,
        size,
        "the number of channels",
        "channels come first, and only the sizes after them can be open: `input image [3, H, W]`",
    )


def fixed(name: str, size: Dim, what: str, help: str = "`gap` and `avgpool_to` give a fixed size for any input size") -> int:
    """A size that has to be a known number; `Fault` where it is open."""
    if isinstance(size, int):
        return size
    raise Fault(
        "E0307",
        f"`{name}` needs {what} as a fixed number, and it is {size}, which the input leaves open",
        help=help,
    )


def window_count(size: Dim, kernel: int, stride: int, before: int, after: int, dilation: int = 1, *, ceil: bool = False) -> Dim:
    """How many windows PyTorch slides over a size (`torch.nn.Conv2d`, `torch.nn.MaxPool2d`); less than one where none fits.

    `ceil` rounds up and then drops a last window that would start in the padding at the end. With `extent` the reach
    of a window, such a window starts `extent - after` or more past the last one that fits, so that rounding up by at
    most that much, less one, never makes it: one formula for fixed and open sizes.
    """
    extent = dilation * (kernel - 1) + 1
    rounding = min(stride, extent - after) - 1 if ceil else 0
    grows = before + after - extent + rounding
    return (size + grows) // stride + 1 if stride > 1 else size + (grows + 1)


def window_output(
    name: str, size: Dim, kernel: int, stride: int, before: int, after: int, dilation: int = 1, *, ceil: bool = False
) -> Dim:
    """Output size of a sliding window. Raises `Fault` E0304 where nothing is left."""
    out = window_count(size, kernel, stride, before, after, dilation, ceil=ceil)
    if isinstance(out, int) and out < 1:
        extent = dilation * (kernel - 1) + 1
        padded = f" (padded to {size + before + after})" if before + after else ""
        raise Fault(
            "E0304",
            f"`{name}` leaves nothing: a window of {extent} does not fit into a size of {size}{padded}",
            help="make the input larger, or the window, the stride or the number of poolings before it smaller",
        )
    return out


def check_groups(name: str, groups: int, *sides: tuple[int, str]) -> None:
    """Raise `Fault` E0306 where the groups of an op do not divide some number of channels, each with what to call it."""
    for number, what in sides:
        if number % groups:
            common = gcd(*[channels for channels, _ in sides])
            divisors = [pair for n in range(1, isqrt(common) + 1) if common % n == 0 for pair in (n, common // n)]
            fitting = max(divisor for divisor in divisors if divisor < groups)
            message = f"`groups` of `{name}` must divide its channels: {groups} does not divide {number} {what}"
            raise Fault("E0306", message, argument="groups", help=f"the largest number below it that does is {fitting}")


def check_limits(what: str, shape: Shape) -> None:
    """Raise `Fault` E0502 where a shape has a size, or as many numbers, as PyTorch cannot count with."""
    known = [size for size in shape if isinstance(size, int)]
    message = None
    if len(shape) >= limits.AXES:
        raise Fault(
            "E0502", f"{what} a shape of {len(shape):,} axes, and a tensor has at most {limits.AXES}, with that of the batch"
        )
    if max(known, default=0) > limits.SIZE:
        message = f"{what} {format_shape(shape)}, and a size is at most {limits.SIZE:,}"
    elif prod(known) > limits.ELEMENTS:
        message = f"{what} {format_shape(shape)}, and a tensor has at most {limits.ELEMENTS:,} numbers"
    if message is not None:
        raise Fault("E0502", message, help="is a size larger than meant?")


def demand(needs: list[Need]) -> None:
    """Raise `Fault` E0304 for the first known size that is too small."""
    for need in needs:
        if all(isinstance(size, int) and size < need.least for size in (need.size, *need.others)):
            raise Fault("E0304", need.message, help=need.help)


def normal_axis(name: str, axis: int, rank: int, argument: str = "axis") -> int:
    """An axis counted from the front; `Fault` where there is none such."""
    if not -rank <= axis < rank:
        bounds = f"between {-rank} and {rank - 1}"
        raise Fault("E0402", f"`{argument}` of `{name}` must lie {bounds} here, and is {axis}", argument=argument)
    return axis % rank


def elements(shapes: dict[str, tuple[int, ...]]) -> int:
    """How many numbers a set of tensors holds."""
    return sum(prod(shape) for shape in shapes.values())
