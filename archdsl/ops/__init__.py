"""The ops: importing this package fills `Op.registry`."""

from archdsl.ops import activation, convolution, dense, join, normalization, pooling, rearrange, regularization, scale, split
from archdsl.ops.base import Category, Op

__all__ = [
    "Category",
    "Op",
    "activation",
    "convolution",
    "dense",
    "join",
    "normalization",
    "pooling",
    "rearrange",
    "regularization",
    "scale",
    "split",
]
