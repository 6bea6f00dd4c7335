"""The lowering of each op to PyTorch, a module per family. Importing this package registers every lowering."""

from archdsl.backends.torch.lowerings import (
    activation,
    attention,
    convolution,
    dense,
    join,
    normalization,
    pooling,
    positions,
    product,
    rearrange,
    regularization,
    scale,
    tokens,
    value,
    windows,
)
from archdsl.backends.torch.lowerings.base import Lowering, has_lowering, lower

__all__ = [
    "Lowering",
    "activation",
    "attention",
    "convolution",
    "dense",
    "has_lowering",
    "join",
    "lower",
    "normalization",
    "pooling",
    "positions",
    "product",
    "rearrange",
    "regularization",
    "scale",
    "tokens",
    "value",
    "windows",
]
