"""The ops: importing this package fills `Op.registry`."""

from archdsl.ops import (
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
    "positions",
    "product",
    "rearrange",
    "regularization",
    "scale",
    "tokens",
    "value",
    "windows",
]
