"""The ops: importing this package fills `Op.registry`."""

from archdsl.ops import (
    activation,
    arithmetic,
    convolution,
    dense,
    elementwise,
    join,
    normalization,
    pooling,
    product,
    rearrange,
    reduction,
    regularization,
    scale,
    split,
    value,
)
from archdsl.ops.base import Category, Op

__all__ = [
    "Category",
    "Op",
    "activation",
    "arithmetic",
    "convolution",
    "dense",
    "elementwise",
    "join",
    "normalization",
    "pooling",
    "product",
    "rearrange",
    "reduction",
    "regularization",
    "scale",
    "split",
    "value",
]
