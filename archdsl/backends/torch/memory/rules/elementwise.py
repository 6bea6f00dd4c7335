"""The memory of activations, of functions of single numbers, and of random masks."""

from __future__ import annotations

from typing import Final

from archdsl.backends.torch.memory import aten
from archdsl.backends.torch.memory.rules.base import Applied, allocates, applied
from archdsl.backends.torch.memory.tensors import FLOAT, Tensor, empty
from archdsl.shapes import Shape

_KEEPS_COPY: Final = frozenset({"relu6"})
"""Functions that keep a copy of their input if they overwrite it."""
_FROM_INPUT: Final = (
    "gelu", "silu", "softplus", "hardswish", "hardsigmoid", "relu6", "leaky_relu", "elu", "selu", "log",
)  # fmt: skip
_FROM_OUTPUT: Final = ("sigmoid", "tanh", "relu", "exp")


def _overwritten(at: Applied) -> Tensor | None:
    if not (at.in_place and at.op.gradient_from_output):
        return None
    return aten.overwritten_from_copy(at.x) if at.op.name in _KEEPS_COPY else aten.overwritten(at.x)


@allocates(*_FROM_OUTPUT)
def from_output(at: Applied) -> Tensor:
    """Return a function whose gradient follows from its output."""
    return _overwritten(at) or aten.from_output(at.x)


@allocates(*_FROM_INPUT)
def from_input(at: Applied) -> Tensor:
    """Return a function whose gradient follows from its input."""
    return _overwritten(at) or aten.from_input(at.x)


@allocates("softmax", "log_softmax")
def softmax(at: Applied) -> Tensor:
    """Return `F.softmax` or `F.log_softmax`."""
    return aten.softmax(at.x)


@allocates("act")
def act(at: Applied) -> list[Tensor]:
    """Return the activation that it holds."""
    return applied(at._replace(op=at.op.f))


@allocates("prelu")
def prelu(at: Applied) -> Tensor:
    """Return `torch.nn.PReLU`, whose slopes are viewed with the axes of the input."""
    (slopes,) = at.stored.values()
    return aten.prelu(at.x, aten.viewed(slopes, (1, slopes.shape[0], *[1] * at.rank)))


@allocates("sqrt", "abs", "sin")
def with_one_temporary(at: Applied) -> Tensor:
    """Return a function whose gradient is a product or quotient with another function."""
    return aten.from_output(at.x, 1) if at.op.name == "sqrt" else aten.from_input(at.x, 1)


@allocates("cos", "pow")
def with_two_temporaries(at: Applied) -> Tensor:
    """Return a function whose gradient is a product with one of two steps."""
    return aten.from_input(at.x, 2)


@allocates("mish")
def mish(at: Applied) -> Tensor:
    """Return `mish`, whose gradient is computed in steps on all devices but CPU and CUDA (`math_mish_backward`)."""
    return aten.from_input(at.x, 7)


@allocates("clamp")
def clamp(at: Applied) -> Tensor:
    """Return `torch.clamp`."""
    return aten.clamped(at.x, (at.op.low is not None) + (at.op.high is not None))


@allocates("real")
def real(at: Applied) -> Tensor:
    """Return the input itself, or integers as real numbers."""
    return at.x if at.x.item == FLOAT else empty(at.meter, at.x.shape)


@allocates("scale")
def scale(at: Applied) -> Tensor:
    """Return a product with a number."""
    return aten.by_number(at.x)


@allocates("layer_scale")
def layer_scale(at: Applied) -> Tensor:
    """Return a product with a parameter, which is viewed if there are axes behind its own."""
    (factors,) = at.stored.values()
    behind = at.given["behind"]
    if at.op.flat and behind:
        factors = aten.viewed(factors, (factors.shape[0], *[1] * behind))
    return aten.multiply(at.x, factors)


@allocates("dropout", "dropout2d")
def dropout(at: Applied) -> Tensor:
    """Return a product with a mask for each number or channel; with one zero if everything is dropped."""
    if not at.training or at.op.p == 0:
        return at.x
    wide: Shape = at.x.shape if at.op.name == "dropout" else (*at.x.shape[:2], *[1] * at.rank)
    return aten.dropped(at.x, () if at.op.p == 1 else wide)


@allocates("droppath")
def drop_path(at: Applied) -> Tensor:
    """Return the runtime's `stochastic_depth`."""
    if not at.training or at.op.p == 0:
        return at.x
    rows = at.x.shape[0] if at.op.mode == "row" else 1
    kept = empty(at.meter, (rows, *[1] * len(at.plain[0])))
    made = aten.multiply(at.x, aten.by_number(kept) if at.op.p < 1 else kept)
    del kept  # a variable of that function, which lasts until it returns
    return made
