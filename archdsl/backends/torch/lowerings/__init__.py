"""The lowering of each op to PyTorch, a module per family. Importing this package registers every lowering."""

from archdsl.backends.torch.lowerings import (
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
from archdsl.backends.torch.lowerings.base import Lowering, has_lowering, lower

__all__ = [
    "Lowering",
    "activation",
    "arithmetic",
    "convolution",
    "dense",
    "elementwise",
    "has_lowering",
    "join",
    "lower",
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
