"""The ops: importing this package fills `Op.registry`."""

from archdsl.ops import convolution, join
from archdsl.ops.base import Category, Op

__all__ = ["Category", "Op", "convolution", "join"]
