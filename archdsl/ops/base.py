"""The base class of ops: parameters, resolved attributes, shape rule, weights, buffers and cost.

How a target writes an op, for example as PyTorch code, belongs to the target. An op sees shapes only, channels first and
without the batch axis. Sizes may be symbolic, so shape rules use `+ - * //` alone and never branch on a spatial size unless
they ask `fixed` for it first. A rule that does not hold raises `SpecError`; the elaborator adds the place.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from math import gcd, isqrt, prod
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, TypeAlias, TypeVar

from archdsl import limits
from archdsl.diagnostics import SpecError, codes
from archdsl.fields import Field
from archdsl.initializers import Initializer
from archdsl.ops.index import MODULES
from archdsl.registry import Aliases, Registered, Registry
from archdsl.shapes import Dim, Shape, Stretch

DType: TypeAlias = Literal["float", "int", "bool"]
"""What a tensor holds."""

T = TypeVar("T")

PositiveInt = Annotated[int, Field(ge=1)]
NonNegativeInt = Annotated[int, Field(ge=0)]
PerAxis = PositiveInt | tuple[PositiveInt, ...]
"""One size for every spatial axis, or a list with one per axis."""
PadPerAxis = NonNegativeInt | tuple[NonNegativeInt, ...]
Probability = Annotated[float, Field(ge=0, le=1)]
Out = Annotated[PositiveInt, Aliases("filters", "out_channels", "out_features", "units", "channels")]
Window = Annotated[PerAxis, Aliases("kernel", "kernel_size", "ksize", "pool_size", "size")]
Stride = Annotated[PerAxis, Aliases("strides")]
Padding = Annotated[PadPerAxis, Aliases("padding", "zero_pad", "zero_padding")]
Dilation = Annotated[PerAxis, Aliases("dilation_rate", "kernel_dilation", "rate", "atrous_rate")]
Groups = Annotated[PositiveInt, Aliases("num_groups")]
DropProbability = Annotated[Probability, Aliases("drop", "dropout_rate", "prob", "rate")]
PositiveFloat = Annotated[float, Field(gt=0)]


class Category(StrEnum):
    """The purpose of an op. Diagrams choose colours by it, and the reference its sections."""

    CONVOLUTION = "convolution"
    DENSE = "dense"
    NORMALIZATION = "normalization"
    ACTIVATION = "activation"
    POOLING = "pooling"
    REGULARIZATION = "regularization"
    SHAPE = "shape"
    SCALE = "scale"
    ATTENTION = "attention"
    ARITHMETIC = "arithmetic"
    REDUCTION = "reduction"
    VALUE = "value"
    JOIN = "join"
    INPUT = "input"


class Need(NamedTuple):
    """A lower bound on a size that does not follow from a positive output size.

    `message` is the error for a known size that is too small. With `others`, one of all these sizes has to be large enough.
    """

    size: Dim
    least: int
    message: str
    others: Shape = ()
    help: str | None = None


class Division(NamedTuple):
    """A size that a number must divide. `message` is the error for a known size that it does not divide."""

    size: Dim
    divisor: int
    message: str
    help: str | None = None


class Equality(NamedTuple):
    """Two sizes that must be equal, of the inputs at these positions, unless one that may `stretch` is one."""

    left: Dim
    right: Dim
    inputs: tuple[int, int]
    stretch: Stretch = None


VECTOR, LINE, IMAGE, VOLUME = (8,), (8, 12), (8, 12, 10), (8, 6, 8, 6)
SPATIAL = (LINE, IMAGE, VOLUME)
ANY_RANK = (VECTOR, *SPATIAL)


class Case(NamedTuple):
    """Arguments and inputs on which the contract tests compare an op with PyTorch.

    Each input is a shape, or a tuple of shapes for an op of several inputs. An op class among the arguments stands for the op
    with its defaults.
    """

    arguments: Mapping[str, Any]
    inputs: tuple[Shape | tuple[Shape, ...], ...]


class Op(Registered):
    """Base of every op."""

    registry: ClassVar[Registry[Any]] = Registry("op", MODULES)
    category: ClassVar[Category]
    arity: ClassVar[int | None] = 1
    """The number of inputs; None for any number. One with 0 makes a value of its own, also if operands give sizes for it."""
    keys_in_scope: ClassVar[tuple[str, ...]] = ()
    """The keys of an op whose tensors belong to the scope around it, whatever its label; the last is that of the op itself."""
    operands: ClassVar[tuple[str, ...]] = ()
    """Parameters that are values of the network, before the others: `crop_like(v)`."""
    optional_operands: ClassVar[tuple[str, ...]] = ()
    """Parameters that are values of the network and may be left out. The field `present` has those of a call, in this order."""
    about_operands: ClassVar[Mapping[str, str]] = {}
    """What each of these values is, for the reference."""
    sizes_by_name: ClassVar[bool] = False
    """Whether it takes sizes as arguments of any name, which its field `sizes` has. Inputs beyond the first give sizes alone."""
    by_name: ClassVar[tuple[str, ...]] = ()
    """Parameters that are given by name alone, such as an axis that frameworks count otherwise."""
    takes_x: ClassVar[bool] = True
    """Whether the first input is what flows. If not, all inputs are operands, as in `matmul(a, b)`; `param` has none."""
    tied: ClassVar[bool] = False
    """Whether it has the tensors of another op, whose module it applies."""
    sizes_only: ClassVar[bool] = False
    """Whether of other inputs than `data_of` only the sizes count: `crop_like(v)`."""
    broadcasts_batch: ClassVar[bool] = False
    """Whether an input with a batch axis of one, as of a `param`, goes with others without being expanded."""
    statement: ClassVar[bool] = False
    """Written as a statement with braces (`concat { ... }`), not called by name."""
    called: ClassVar[bool] = True
    """Whether a call by name is a stage. Some statements with braces are called, too: `max { a; b }` and `max(0)`."""
    nan_below_zero: ClassVar[bool] = False
    """Whether the result is NaN for a negative input, as that of a square root."""
    integers: ClassVar[Literal["refused", "required", "kept"]] = "refused"
    """Whether integers, such as tokens, are refused, required, or kept as they are; `kept` goes for bools, too."""
    saves_output: ClassVar[bool] = True
    """Whether the output must not be overwritten: autograd saves it for the backward pass, or it shares memory with the input."""
    sign: ClassVar[Literal["free", "kept", "positive"]] = "free"
    """The sign of the output: `positive` is never below zero, `kept` is not if no input is."""
    random_in_training: ClassVar[bool] = False
    """Draws random numbers in training, and never in evaluation."""
    channel_affine: ClassVar[bool] = False
    """Whether in evaluation it multiplies each channel by a stored number and adds one, as batch normalization does."""
    weight_layer: ClassVar[bool] = False
    """Whether it counts towards the depth, as in "ResNet-50": convolutions and dense layers do."""
    inner_layers: ClassVar[int] = 0
    """How many dense layers one after another are inside, which count towards the depth, too."""
    loose_axes: ClassVar[bool] = False
    """Whether stored weights fit that differ in axes of size one: `[C]` for `[C, 1, 1]`."""
    not_in_figures: ClassVar[tuple[str, ...]] = ()
    """Parameters that a figure omits, or shows otherwise: `out`, a window `k` and a `stride` have their own place in it."""
    glyph: ClassVar[str | None] = None
    """The sign for a join in a figure; without one it shows the name."""
    example: ClassVar[str]
    """A statement that uses the op on `example_input`. The reference shows it, and a test runs it."""
    example_input: ClassVar[str] = "[8, 32, 32]"
    cases: ClassVar[tuple[Case, ...]] = (Case({}, ANY_RANK),)

    @classmethod
    def call_order(cls) -> list[str]:
        """Return the names of the parameters in positional order, values of the network first."""
        return [*cls.operands, *cls.optional_operands, *cls.parameters_in_order()]

    def never_negative(self, inputs: bool) -> bool:
        """Return whether the output is never below zero, given whether the inputs never are."""
        return self.sign == "positive" or (self.sign == "kept" and inputs)

    def removes_channel_mean(self, *inputs: Shape) -> bool:
        """Return whether the op subtracts from each channel its own mean, which cancels a bias added before it."""
        return False

    @property
    def gradient_from_output(self) -> bool:
        """Return whether the gradient follows from the output alone, so that the op may overwrite its input."""
        return False

    def is_identity(self, *inputs: Shape) -> bool:
        """Return whether the op returns an input of this shape as it is, in training as well."""
        return False

    def in_evaluation(self) -> "Op | None":
        """Return an op for evaluation alone, without what only training needs; None if it would be the identity."""
        return self

    def absorbs_affine(self, side: Literal["before", "after"], *inputs: Shape) -> bool:
        """Return whether its weight and bias can contain a factor and a summand per channel of its input or output."""
        return False

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the parameters as numbers for these inputs, with the sizes that follow from the inputs.

        Nothing in it is `same`, `auto` or None where a number follows; windows, strides and padding have one number per axis.
        A target reads this, not the fields.
        """
        return {name: getattr(self, name) for name in type(self).fields if name != "init"}

    def data_of(self, inputs: Sequence[T]) -> Sequence[T]:
        """Return those of the inputs whose contents count, and not only the sizes."""
        return inputs[: len(inputs) - len(self.operands)] if self.sizes_only else inputs

    def result_dtype(self, *inputs: DType) -> DType:
        """Return what the result holds, as PyTorch promotes types. Raise `SpecError` E0308 for what the op cannot take."""
        kinds = set(self.data_of(inputs))
        if self.integers == "required" and kinds != {"int"}:
            raise SpecError(codes.shapes.IntegersRequired(self.name, "bools" if kinds == {"bool"} else "real numbers"))
        if self.integers != "kept" or not kinds:
            if "bool" in kinds:
                raise SpecError(codes.shapes.BoolsRefused(self.name))
            if self.integers == "refused" and "int" in kinds:
                raise SpecError(codes.shapes.IntegersRefused(self.name))
            return "float"
        return "float" if "float" in kinds else "int" if "int" in kinds else "bool"

    def result_dtypes(self, outputs: int, *inputs: DType) -> tuple[DType, ...]:
        """Return what each of so many outputs holds: by default all the same."""
        return (self.result_dtype(*inputs),) * outputs

    def infer(self, *inputs: Shape) -> Shape:
        """Return the output shape. Raise `SpecError` if the inputs do not fit."""
        raise NotImplementedError

    def output_shapes(self, *inputs: Shape) -> tuple[Shape, ...]:
        """Return the shape of each output: that of `infer`. An op of several outputs defines this, too."""
        return (self.infer(*inputs),)

    def outputs(self, *inputs: Shape) -> tuple[Shape, ...]:
        """Return the shapes from `output_shapes`. Raise `SpecError` if a size does not divide, or one exceeds a limit (E0502)."""
        shapes = self.output_shapes(*inputs)
        demand_divisible(self.divisions(*inputs))
        for shape in shapes:
            check_limits(f"`{self.name}` gives", shape)
        for tensor in self.parameters(*inputs).values():
            check_limits(f"`{self.name}` would learn", tensor)
        return shapes

    def needs(self, *inputs: Shape) -> list[Need]:
        """Return lower bounds of sizes. `infer` checks known sizes; for symbolic ones they become conditions."""
        return []

    def divisions(self, *inputs: Shape) -> list[Division]:
        """Return sizes with the numbers that must divide them. `outputs` checks known sizes; symbolic ones become conditions."""
        return []

    def equalities(self, *inputs: Shape) -> list[Equality]:
        """Return sizes of several inputs that must be equal. `infer` checks known ones; symbolic ones become conditions."""
        return []

    def parameters(self, *inputs: Shape) -> dict[str, tuple[int, ...]]:
        """Return the shape of each learned tensor, by its key below that of the op; `""` is the key of the op itself."""
        return {}

    def buffers(self, *inputs: Shape) -> dict[str, tuple[int, ...]]:
        """Return the shape of each buffer, by its key."""
        return {}

    def macs(self, output: Shape, *inputs: Shape) -> Dim:
        """Return the multiply-accumulates for one image: half the FLOPs that `torch.utils.flop_counter` counts."""
        return 0


class WeightedOp(Op):
    """Base of ops with a weight. They take `init`, the rule that initializes it."""

    kind_of: ClassVar[str | None] = None
    """The op whose rule in `init { ... }` also holds for this one, unless this one has a rule itself."""
    vector: ClassVar[bool] = False
    """Whether the weight has one axis, which rules for matrices cannot initialize."""
    init: Initializer | None = Field(None, description="initialization of the weight; overrides the network's `init`")

    @classmethod
    def check_rule(cls, rule: Initializer) -> None:
        """Raise `ValueError` if a rule cannot initialize the weight."""
        if cls.vector and rule.matrix:
            raise ValueError(f"`{rule.name}` needs a weight with two axes or more; the weight of `{cls.name}` has one")

    def validate(self) -> None:
        """Raise `ValueError` if the parameters do not fit each other."""
        super().validate()
        if self.init is not None:
            self.check_rule(self.init)

    @classmethod
    def parameters_in_order(cls) -> list[str]:
        """Return the parameter names in positional order: `init` comes last."""
        return [*(name for name in cls.fields if name != "init"), "init"]


def per_axis(value: int | tuple[int, ...], axes: int, argument: str) -> tuple[int, ...]:
    """Return one number per spatial axis. Raise `SpecError` if a list has another length."""
    if isinstance(value, int):
        return (value,) * axes
    if len(value) != axes:
        raise SpecError(codes.ranges.AxisCount(argument, len(value), axes))
    return value


def compact(sizes: tuple[int, ...]) -> int | tuple[int, ...]:
    """Return one number if all axes agree, else all of them."""
    return sizes[0] if len(set(sizes)) == 1 else sizes


def channels_and_axes(name: str, shape: Shape, axes: tuple[int, ...] = (1, 2, 3)) -> tuple[int, Shape]:
    """Return the number of channels and the spatial sizes. Raise `SpecError` for another rank."""
    if len(shape) - 1 not in axes:
        forms = {0: "[C]", 1: "[C, L]", 2: "[C, H, W]", 3: "[C, D, H, W]"}
        raise SpecError(codes.shapes.WrongRank(name, " or ".join(forms[n] for n in axes), shape))
    return fixed_channels(name, shape[0]), shape[1:]


def fixed_channels(name: str, size: Dim) -> int:
    """Return the number of channels. Raise `SpecError` if it is symbolic."""
    return fixed(
        name, size, "the number of channels", "channels come first, and only later sizes can be symbolic: `input image [3, H, W]`"
    )


def fixed(name: str, size: Dim, what: str, help: str | None = None) -> int:
    """Return a size as a number. Raise `SpecError` if it is symbolic; without `help`, the remedy is to declare the size."""
    if isinstance(size, int):
        return size
    raise SpecError(codes.symbolic_sizes.SymbolicSizeRefused(name, what, size, help))


def window_count(size: Dim, kernel: int, stride: int, before: int, after: int, dilation: int = 1, *, ceil: bool = False) -> Dim:
    """Return how many windows fit a size, as in `torch.nn.Conv2d` and `torch.nn.MaxPool2d`; less than one if none does.

    `ceil` rounds up and then drops a last window that would start in the padding at the end. With `extent` the reach
    of a window, such a window starts `extent - after` or more past the last one that fits, so that rounding up by at
    most that much, less one, never makes it: one formula for fixed and symbolic sizes.
    """
    extent = dilation * (kernel - 1) + 1
    rounding = min(stride, extent - after) - 1 if ceil else 0
    grows = before + after - extent + rounding
    return (size + grows) // stride + 1 if stride > 1 else size + (grows + 1)


def window_output(
    name: str, size: Dim, kernel: int, stride: int, before: int, after: int, dilation: int = 1, *, ceil: bool = False
) -> Dim:
    """Return the output size of a sliding window. Raise `SpecError` E0304 if no window fits."""
    out = window_count(size, kernel, stride, before, after, dilation, ceil=ceil)
    if isinstance(out, int) and out < 1:
        extent = dilation * (kernel - 1) + 1
        padded = size + before + after if before + after else None
        raise SpecError(codes.shapes.WindowTooLarge(name, extent, size, padded))
    return out


def check_groups(name: str, groups: int, *sides: tuple[int, str]) -> None:
    """Raise `SpecError` E0306 if the groups of an op do not divide a number of channels. Each side is a number and its name."""
    for number, what in sides:
        if number % groups:
            common = gcd(*[channels for channels, _ in sides])
            divisors = [pair for n in range(1, isqrt(common) + 1) if common % n == 0 for pair in (n, common // n)]
            fitting = max(divisor for divisor in divisors if divisor < groups)
            raise SpecError(codes.shapes.GroupsDoNotDivide(name, groups, number, what, fitting))


def check_limits(what: str, shape: Shape) -> None:
    """Raise `SpecError` E0502 if a size, or the number of elements, is larger than PyTorch can handle."""
    known = [size for size in shape if isinstance(size, int)]
    if len(shape) >= limits.AXES:
        raise SpecError(codes.limits.TensorTooLarge(what, shape, "axes", limits.AXES))
    if max(known, default=0) > limits.SIZE:
        raise SpecError(codes.limits.TensorTooLarge(what, shape, "size", limits.SIZE))
    if prod(known) > limits.ELEMENTS:
        raise SpecError(codes.limits.TensorTooLarge(what, shape, "elements", limits.ELEMENTS))


def demand(needs: list[Need]) -> None:
    """Raise `SpecError` E0304 for the first known size that is too small."""
    for need in needs:
        if all(isinstance(size, int) and size < need.least for size in (need.size, *need.others)):
            raise SpecError(codes.shapes.SizeTooSmall(need.message, need.help))


def demand_divisible(divisions: list[Division]) -> None:
    """Raise `SpecError` E0306 for the first known size that its number does not divide."""
    for division in divisions:
        if isinstance(division.size, int) and division.size % division.divisor:
            raise SpecError(codes.shapes.NotDivisible(division.message, division.help))


def normal_axis(name: str, axis: int, rank: int, argument: str = "axis") -> int:
    """Return an axis counted from the front. Raise `SpecError` if there is no such axis."""
    if not -rank <= axis < rank:
        raise SpecError(codes.ranges.NoSuchAxis(name, argument, axis, rank))
    return axis % rank


def elements(shapes: dict[str, tuple[int, ...]]) -> int:
    """Return the number of elements of some tensors."""
    return sum(prod(shape) for shape in shapes.values())
