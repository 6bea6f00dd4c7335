"""Activations: elementwise functions, and softmax. The shape stays.

The gradients of `relu`, `relu6`, `leaky_relu`, `elu` and `selu` follow from the output, so these may overwrite their input.
They then save the output, as does every op that saves it anyway.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from archdsl.fields import Check, Field
from archdsl.ops.base import ANY_RANK, Case, Category, Op, PositiveFloat, fixed_channels, normal_axis
from archdsl.shapes import Dim, Shape


class _Activation(Op):
    """An elementwise function."""

    category = Category.ACTIVATION

    def infer(self, *inputs: Shape) -> Shape:
        """Return the shape of the input."""
        return inputs[0]


class _FromOutput(_Activation):
    """An activation whose gradient can be computed from its output."""

    @property
    def gradient_from_output(self) -> bool:
        """Return whether it can with these parameters."""
        return True


class Relu(_FromOutput, name="relu"):
    """`max(0, x)` (Nair & Hinton 2010)."""

    example = "relu"
    sign = "positive"


class Relu6(_FromOutput, name="relu6"):
    """`min(max(0, x), 6)` (Howard et al. 2017, arXiv:1704.04861)."""

    example = "relu6"
    sign = "positive"


class LeakyRelu(_FromOutput, name="leaky_relu"):
    """`x` above zero, `slope * x` below (Maas et al. 2013)."""

    aliases = ("lrelu",)
    example = "leaky_relu(0.1)"
    cases = (Case({}, ANY_RANK), Case({"slope": 0.3}, ANY_RANK), Case({"slope": -0.3}, ANY_RANK))

    slope: float = Field(0.01, description="slope below zero")

    @property
    def gradient_from_output(self) -> bool:
        """Return whether the sign of the output is that of the input: the slope is not negative."""
        return self.slope >= 0


class PRelu(_Activation, name="prelu"):
    """A leaky rectifier with a learned slope, shared or per channel (He et al. 2015, arXiv:1502.01852)."""

    saves_output = False
    example = "prelu"
    cases = (Case({}, ANY_RANK), Case({"per_channel": True, "init_value": 0.1}, ANY_RANK))

    init_value: float = Field(0.25, description="initial slope")
    per_channel: bool = Field(False, description="one slope per channel")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the number of slopes and their initial value."""
        return {"slopes": self._slopes(inputs[0]), "init_value": self.init_value}

    def infer(self, *inputs: Shape) -> Shape:
        """Return the shape of the input."""
        self._slopes(inputs[0])
        return inputs[0]

    def parameters(self, *inputs: Shape) -> dict[str, tuple[int, ...]]:
        """Return the slopes."""
        return {"weight": (self._slopes(inputs[0]),)}

    def _slopes(self, shape: Shape) -> int:
        return fixed_channels(self.name, shape[0]) if self.per_channel else 1


class Elu(_FromOutput, name="elu"):
    """`x` above zero, `alpha * (exp(x) - 1)` below (Clevert et al. 2015, arXiv:1511.07289)."""

    example = "elu"
    cases = (Case({}, ANY_RANK), Case({"alpha": 0.5}, ANY_RANK), Case({"alpha": -0.5}, ANY_RANK))

    alpha: float = Field(1.0, description="negated limit for large negative `x`")

    @property
    def gradient_from_output(self) -> bool:
        """Return whether the sign of the output is that of the input: `alpha` is not negative."""
        return self.alpha >= 0


class Selu(_FromOutput, name="selu"):
    """The scaled ELU that keeps mean and variance (Klambauer et al. 2017, arXiv:1706.02515)."""

    example = "selu"


class Gelu(_Activation, name="gelu"):
    """`x` times the standard normal CDF of `x` (Hendrycks & Gimpel 2016, arXiv:1606.08415)."""

    saves_output = False
    example = "gelu"
    cases = (Case({}, ANY_RANK), Case({"approximate": "tanh"}, ANY_RANK))

    approximate: Literal["tanh"] | None = Field(None, description="`tanh` uses the approximation in section 2 of the paper")


class Silu(_Activation, name="silu"):
    """`x * sigmoid(x)`, also called swish (Elfwing et al. 2017, arXiv:1702.03118)."""

    aliases = ("swish",)
    saves_output = False
    example = "silu"


class Mish(_Activation, name="mish"):
    """`x * tanh(softplus(x))` (Misra 2019, arXiv:1908.08681)."""

    saves_output = False
    example = "mish"


class Sigmoid(_Activation, name="sigmoid"):
    """`1 / (1 + exp(-x))`."""

    example = "sigmoid"
    sign = "positive"


class Tanh(_Activation, name="tanh"):
    """The hyperbolic tangent."""

    example = "tanh"


class _AlongAxis(_Activation):
    """A function of all values along an axis."""

    not_in_figures = ("axis",)
    cases = (Case({}, ANY_RANK), Case({"axis": -1}, ANY_RANK))

    axis: int = Field(0, description="the axis that is normalized: 0 is the channels, -1 the last")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the axis, counted from the front."""
        return {"axis": normal_axis(self.name, self.axis, len(inputs[0]))}

    def infer(self, *inputs: Shape) -> Shape:
        """Return the shape of the input."""
        normal_axis(self.name, self.axis, len(inputs[0]))
        return inputs[0]


class Softmax(_AlongAxis, name="softmax"):
    """Exponentials, normalized to sum to one along an axis."""

    example = "softmax"
    sign = "positive"


class LogSoftmax(_AlongAxis, name="log_softmax"):
    """The logarithm of `softmax`, computed without overflow."""

    example = "log_softmax"


class Hardswish(_Activation, name="hardswish"):
    """`x * relu6(x + 3) / 6` (Howard et al. 2019, arXiv:1905.02244)."""

    saves_output = False
    example = "hardswish"


class Hardsigmoid(_Activation, name="hardsigmoid"):
    """`relu6(x + 3) / 6` (Howard et al. 2019, arXiv:1905.02244)."""

    saves_output = False
    example = "hardsigmoid"
    sign = "positive"


class Softplus(_Activation, name="softplus"):
    """`log(1 + exp(beta * x)) / beta`, a smooth rectifier; `x` itself above the threshold."""

    saves_output = False
    example = "softplus"
    cases = (Case({}, ANY_RANK), Case({"beta": 2.0, "threshold": 1.0}, ANY_RANK))

    beta: PositiveFloat = Field(1.0, description="sharpness of the bend")
    threshold: float = Field(20.0, description="the output is `x` if `beta * x` is above this")

    def never_negative(self, inputs: bool) -> bool:
        """Return true if the identity takes over at a positive input; the logarithm is positive everywhere."""
        return inputs or self.threshold >= 0


def _activation(f: Op) -> Op:
    if f.category is not Category.ACTIVATION:
        raise ValueError(f"`{f.name}` is not an activation; an op in a parameter can be a stage itself")
    return f


class Act(Op, name="act"):
    """Applies an activation that is given as a value, such as the parameter of a block."""

    aliases = ("activation",)
    category = Category.ACTIVATION
    example = "act(leaky_relu(0.1))"
    cases = (Case({"f": PRelu}, ANY_RANK), Case({"f": Relu}, ANY_RANK))

    f: Annotated[Op, Check(_activation)] = Field(description="the activation, with its parameters")

    def never_negative(self, inputs: bool) -> bool:
        """Return the answer of the activation."""
        return self.f.never_negative(inputs)

    def infer(self, *inputs: Shape) -> Shape:
        """Return the answer of the activation."""
        return self.f.infer(*inputs)

    def parameters(self, *inputs: Shape) -> dict[str, tuple[int, ...]]:
        """Return the answer of the activation."""
        return self.f.parameters(*inputs)

    def macs(self, output: Shape, *inputs: Shape) -> Dim:
        """Return the answer of the activation."""
        return self.f.macs(output, *inputs)
