"""The lowering of each op to PyTorch, a module per family. Importing this package registers every lowering."""

from archdsl.backends.torch.lowerings import (
    activation,
    convolution,
    dense,
    join,
    normalization,
    pooling,
    rearrange,
    regularization,
    scale,
    split,
)
from archdsl.backends.torch.lowerings.base import Lowering, has_lowering, lower

__all__ = [
    "Lowering",
    "activation",
    "convolution",
    "dense",
    "has_lowering",
    "join",
    "lower",
    "normalization",
    "pooling",
    "rearrange",
    "regularization",
    "scale",
    "split",
]
