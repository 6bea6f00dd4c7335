"""Regularization: ops that act in training alone. In evaluation the output is the input itself, so nothing may overwrite it."""

from typing import Literal

from pydantic import Field

from archdsl.ops.base import Category, Op, Probability, channels_and_axes
from archdsl.shapes import Shape


class _Dropping(Op):
    """What these share: the shape stays, and the values average to what they were."""

    category = Category.REGULARIZATION
    sign = "kept"

    def infer(self, *inputs: Shape) -> Shape:
        """The input's shape."""
        return inputs[0]


class Dropout(_Dropping, name="dropout"):
    """Zeroes each number with probability `p`, and scales the others by `1 / (1 - p)` (Srivastava et al. 2014)."""

    example = "dropout(0.5)"

    p: Probability = Field(0.5, description="probability of a zero")


class Dropout2d(_Dropping, name="dropout2d"):
    """Zeroes each channel as a whole with probability `p` (Tompson et al. 2014, arXiv:1411.4280).

    It follows the rank of its input as the other ops do: `[C, L]` and `[C, D, H, W]` lose channels as well.
    """

    example = "dropout2d(0.2)"

    p: Probability = Field(0.5, description="probability that a channel is zero")

    def infer(self, *inputs: Shape) -> Shape:
        """The input's shape."""
        channels_and_axes(self.name, inputs[0])
        return inputs[0]


class DropPath(_Dropping, name="droppath"):
    """Stochastic depth: zeroes a whole branch with probability `p` (Huang et al. 2016, arXiv:1603.09382).

    What stays is scaled by `1 / (1 - p)`, as in torchvision, where the paper scales in evaluation by `1 - p`.
    """

    example = "droppath(0.2)"

    p: Probability = Field(description="probability that the branch is zero")
    mode: Literal["row", "batch"] = Field("row", description="`row` decides for each image, `batch` once for all")
