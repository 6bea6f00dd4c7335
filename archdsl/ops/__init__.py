"""The ops: importing this package fills `Op.registry`."""

from archdsl.ops import (
    activation,
    attention,
    convolution,
    dense,
    join,
    normalization,
    pooling,
    product,
    rearrange,
    regularization,
    scale,
    tokens,
    value,
)
from archdsl.ops.base import Category, Op

__all__ = [
    "Category",
    "Op",
    "activation",
    "attention",
    "convolution",
    "dense",
    "join",
    "normalization",
    "pooling",
    "product",
    "rearrange",
    "regularization",
    "scale",
    "tokens",
    "value",
]
