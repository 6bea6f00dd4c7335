"""Activations in PyTorch."""

from __future__ import annotations

from archdsl.backends.torch.expressions import MISSING, Argument, Call, Target, functional, keyword, nn, torch
from archdsl.backends.torch.lowerings.base import Lowering, both, lower, lowers
from archdsl.ops import Op
from archdsl.ops.activation import (
    Act,
    Elu,
    Gelu,
    Hardsigmoid,
    Hardswish,
    LeakyRelu,
    LogSoftmax,
    Mish,
    PRelu,
    Relu,
    Relu6,
    Selu,
    Sigmoid,
    Silu,
    Softmax,
    Softplus,
    Tanh,
)
from archdsl.shapes import Shape

_NAMES: dict[type[Op], tuple[Target, Target]] = {
    Relu: (nn("ReLU"), functional("relu")),
    Relu6: (nn("ReLU6"), functional("relu6")),
    LeakyRelu: (nn("LeakyReLU"), functional("leaky_relu")),
    Elu: (nn("ELU"), functional("elu")),
    Selu: (nn("SELU"), functional("selu")),
    Gelu: (nn("GELU"), functional("gelu")),
    Silu: (nn("SiLU"), functional("silu")),
    Mish: (nn("Mish"), functional("mish")),
    Sigmoid: (nn("Sigmoid"), torch("sigmoid")),
    Tanh: (nn("Tanh"), torch("tanh")),
    Hardswish: (nn("Hardswish"), functional("hardswish")),
    Hardsigmoid: (nn("Hardsigmoid"), functional("hardsigmoid")),
    Softplus: (nn("Softplus"), functional("softplus")),
}
_RENAMED = {"slope": "negative_slope"}
"""Parameters that PyTorch names otherwise."""
_DEFAULTS = {"approximate": "none", "alpha": 1.0, "beta": 1.0, "threshold": 20.0}
"""What PyTorch takes for a parameter that is left out; `negative_slope` is always written."""


@lowers(*_NAMES)
def elementwise(op: Op, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return the module and the function of that name, in place if that is asked for and the gradient allows it."""
    arguments = [
        keyword(_RENAMED.get(name, name), "none" if value is None else value, name, _DEFAULTS.get(name, MISSING))
        for name, value in op.attributes(*inputs).items()
    ]
    overwrites: list[Argument] = [keyword("inplace", True)] if inplace and op.gradient_from_output else []
    return both(*_NAMES[type(op)], *arguments, *overwrites)


@lowers(PRelu)
def prelu(op: PRelu, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.nn.PReLU`."""
    given = op.attributes(*inputs)
    slopes = keyword("num_parameters", given["slopes"], "slopes", default=1)
    return Lowering(Call(nn("PReLU"), (slopes, keyword("init", given["init_value"], "init_value", default=0.25))))


@lowers(LogSoftmax)
def log_softmax(op: LogSoftmax, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.nn.LogSoftmax`; the batch axis comes before axis 0."""
    return both(nn("LogSoftmax"), functional("log_softmax"), keyword("dim", op.attributes(*inputs)["axis"] + 1, "axis"))


@lowers(Softmax)
def softmax(op: Softmax, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.nn.Softmax`; the batch axis comes before axis 0."""
    return both(nn("Softmax"), functional("softmax"), keyword("dim", op.attributes(*inputs)["axis"] + 1, "axis"))


@lowers(Act)
def act(op: Act, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return the lowering of the activation that it holds."""
    return lower(op.f, *inputs, inplace=inplace)
