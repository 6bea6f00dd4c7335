"""Activations: elementwise functions, and softmax. The shape stays.

PyTorch can overwrite the input of `relu`, `relu6`, `leaky_relu`, `elu` and `selu`, since their gradients
follow from the output; these then keep the output, and so does whatever keeps it anyway.
"""

from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from archdsl.ops.base import Call, Category, Lowering, Op, PositiveFloat, both_forms, fixed_channels, normal_axis
from archdsl.shapes import Dim, Shape


class _Activation(Op):
    """An elementwise function; `module` and `function` are its names in PyTorch."""

    category = Category.ACTIVATION
    module: ClassVar[str]
    function: ClassVar[str]

    def infer(self, *inputs: Shape) -> Shape:
        """The input's shape."""
        return inputs[0]

    def options(self) -> dict[str, Any]:
        """PyTorch's keyword arguments: the parameters that differ from their default, which is PyTorch's too."""
        return {key: getattr(self, key) for key, field in type(self).model_fields.items() if getattr(self, key) != field.default}

    def lower(self, *inputs: Shape, inplace: bool = False) -> Lowering:
        """The module and the function of that name."""
        return both_forms(self.module, self.function, **self.options())


class _Overwriting(_Activation):
    """An activation that can be computed in place."""

    def overwrites(self) -> bool:
        """Whether the gradient follows from the output, with these parameters."""
        return True

    def lower(self, *inputs: Shape, inplace: bool = False) -> Lowering:
        """The module and the function of that name, in place where that is asked and possible."""
        options = self.options() | ({"inplace": True} if inplace and self.overwrites() else {})
        return both_forms(self.module, self.function, **options)


class Relu(_Overwriting, name="relu"):
    """`max(0, x)` (Nair & Hinton 2010)."""

    module, function = "nn.ReLU", "F.relu"
    example = "relu"
    sign = "positive"


class Relu6(_Overwriting, name="relu6"):
    """`min(max(0, x), 6)` (Howard et al. 2017, arXiv:1704.04861)."""

    module, function = "nn.ReLU6", "F.relu6"
    example = "relu6"
    sign = "positive"


class LeakyRelu(_Overwriting, name="leaky_relu"):
    """`x` above zero, `slope * x` below (Maas et al. 2013)."""

    module, function = "nn.LeakyReLU", "F.leaky_relu"
    example = "leaky_relu(0.1)"

    slope: float = Field(0.01, description="slope below zero")

    def options(self) -> dict[str, Any]:
        """`negative_slope`."""
        return {"negative_slope": self.slope}

    def overwrites(self) -> bool:
        """The output's sign tells the input's unless the slope is negative."""
        return self.slope >= 0


class PRelu(_Activation, name="prelu"):
    """A leaky rectifier with a learned slope, one or one for each channel (He et al. 2015, arXiv:1502.01852)."""

    saves_output = False
    example = "prelu"

    init_value: float = Field(0.25, description="the slope at the start")
    per_channel: bool = Field(False, description="a slope for each channel")

    def infer(self, *inputs: Shape) -> Shape:
        """The input's shape."""
        self._slopes(inputs[0])
        return inputs[0]

    def parameters(self, *inputs: Shape) -> dict[str, tuple[int, ...]]:
        """The slopes."""
        return {"weight": (self._slopes(inputs[0]),)}

    def lower(self, *inputs: Shape, inplace: bool = False) -> Lowering:
        """`torch.nn.PReLU`."""
        options: dict[str, Any] = {"num_parameters": self._slopes(inputs[0])} if self.per_channel else {}
        options |= {"init": self.init_value} if self.init_value != 0.25 else {}
        return Lowering(Call("nn.PReLU", (), tuple(options.items())))

    def _slopes(self, shape: Shape) -> int:
        return fixed_channels(self.name, shape[0]) if self.per_channel else 1


class Elu(_Overwriting, name="elu"):
    """`x` above zero, `alpha * (exp(x) - 1)` below (Clevert et al. 2015, arXiv:1511.07289)."""

    module, function = "nn.ELU", "F.elu"
    example = "elu"

    alpha: float = Field(1.0, description="the limit below zero, negated")

    def overwrites(self) -> bool:
        """The output's sign tells the input's unless `alpha` is negative."""
        return self.alpha >= 0


class Selu(_Overwriting, name="selu"):
    """The scaled ELU that keeps mean and variance (Klambauer et al. 2017, arXiv:1706.02515)."""

    module, function = "nn.SELU", "F.selu"
    example = "selu"


class Gelu(_Activation, name="gelu"):
    """`x` times the normal distribution function of `x` (Hendrycks & Gimpel 2016, arXiv:1606.08415)."""

    saves_output = False
    module, function = "nn.GELU", "F.gelu"
    example = "gelu"

    approximate: Literal["tanh"] | None = Field(None, description="`tanh` for the approximation of section 2 of the paper")


class Silu(_Activation, name="silu"):
    """`x * sigmoid(x)`, also called swish (Elfwing et al. 2017, arXiv:1702.03118)."""

    saves_output = False
    module, function = "nn.SiLU", "F.silu"
    example = "silu"


class Mish(_Activation, name="mish"):
    """`x * tanh(softplus(x))` (Misra 2019, arXiv:1908.08681)."""

    saves_output = False
    module, function = "nn.Mish", "F.mish"
    example = "mish"


class Sigmoid(_Activation, name="sigmoid"):
    """`1 / (1 + exp(-x))`."""

    module, function = "nn.Sigmoid", "torch.sigmoid"
    example = "sigmoid"
    sign = "positive"


class Tanh(_Activation, name="tanh"):
    """The hyperbolic tangent."""

    module, function = "nn.Tanh", "torch.tanh"
    example = "tanh"


class Softmax(_Activation, name="softmax"):
    """Exponentials, scaled to sum to one along an axis."""

    example = "softmax"
    sign = "positive"

    axis: int = Field(0, description="the axis that sums to one: 0 is the channels, -1 the last")

    def infer(self, *inputs: Shape) -> Shape:
        """The input's shape."""
        normal_axis(self.name, self.axis, len(inputs[0]))
        return inputs[0]

    def lower(self, *inputs: Shape, inplace: bool = False) -> Lowering:
        """`torch.nn.Softmax`; the batch comes before axis 0."""
        return both_forms("nn.Softmax", "F.softmax", dim=normal_axis(self.name, self.axis, len(inputs[0])) + 1)


class Hardswish(_Activation, name="hardswish"):
    """`x * relu6(x + 3) / 6` (Howard et al. 2019, arXiv:1905.02244)."""

    saves_output = False
    module, function = "nn.Hardswish", "F.hardswish"
    example = "hardswish"


class Hardsigmoid(_Activation, name="hardsigmoid"):
    """`relu6(x + 3) / 6` (Howard et al. 2019, arXiv:1905.02244)."""

    saves_output = False
    module, function = "nn.Hardsigmoid", "F.hardsigmoid"
    example = "hardsigmoid"
    sign = "positive"


class Softplus(_Activation, name="softplus"):
    """`log(1 + exp(beta * x)) / beta`, a smooth rectifier; the line itself above the threshold."""

    saves_output = False
    module, function = "nn.Softplus", "F.softplus"
    example = "softplus"

    beta: PositiveFloat = Field(1.0, description="how sharp the bend is")
    threshold: float = Field(20.0, description="where `beta * x` is above this, the output is `x`")

    def never_negative(self, inputs: bool) -> bool:
        """The logarithm is positive; the line is where it begins above zero."""
        return inputs or self.threshold >= 0


class Act(Op, name="act"):
    """The activation that is given: `act(f)`, where a block takes its activation as a parameter."""

    category = Category.ACTIVATION
    example = "act(leaky_relu(0.1))"

    f: Op = Field(description="an activation, with its parameters")

    @field_validator("f")
    @classmethod
    def _check_activation(cls, f: Op) -> Op:
        if f.category is not Category.ACTIVATION:
            raise ValueError(f"`{f.name}` is no activation; an op that a parameter holds is a stage by itself")
        return f

    def never_negative(self, inputs: bool) -> bool:
        """As the activation's."""
        return self.f.never_negative(inputs)

    def infer(self, *inputs: Shape) -> Shape:
        """As the activation's."""
        return self.f.infer(*inputs)

    def parameters(self, *inputs: Shape) -> dict[str, tuple[int, ...]]:
        """As the activation's."""
        return self.f.parameters(*inputs)

    def macs(self, output: Shape, *inputs: Shape) -> Dim:
        """As the activation's."""
        return self.f.macs(output, *inputs)

    def lower(self, *inputs: Shape, inplace: bool = False) -> Lowering:
        """As the activation's."""
        return self.f.lower(*inputs, inplace=inplace)
