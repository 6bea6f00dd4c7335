"""Regularization: ops that act only in training. In evaluation the output is the input itself, so nothing may overwrite it."""

from typing import Literal

from archdsl.fields import Field
from archdsl.ops.base import ANY_RANK, SPATIAL, Case, Category, DropProbability, Op, channels_and_axes
from archdsl.shapes import Shape


class _Dropping(Op):
    """Base of ops that drop values: the shape and the expected values stay."""

    category = Category.REGULARIZATION
    sign = "kept"
    random_in_training = True

    def in_evaluation(self) -> None:
        """Return None: in evaluation the output is the input."""

    def infer(self, *inputs: Shape) -> Shape:
        """Return the shape of the input."""
        return inputs[0]


class Dropout(_Dropping, name="dropout"):
    """Sets each value to zero with probability `p` and scales the others by `1 / (1 - p)` (Srivastava et al. 2014)."""

    example = "dropout(0.5)"
    cases = (Case({}, ANY_RANK), Case({"p": 0}, ANY_RANK), Case({"p": 1.0}, ANY_RANK))

    p: DropProbability = Field(0.5, description="probability of a zero")


class Dropout2d(_Dropping, name="dropout2d"):
    """Sets each channel to zero with probability `p` (Tompson et al. 2014, arXiv:1411.4280).

    Like other ops, it follows the rank of its input: it also takes `[C, L]` and `[C, D, H, W]`.
    """

    aliases = ("spatial_dropout",)
    example = "dropout2d(0.2)"
    cases = (Case({}, SPATIAL), Case({"p": 1.0}, SPATIAL))

    p: DropProbability = Field(0.5, description="probability that a channel is zero")

    def infer(self, *inputs: Shape) -> Shape:
        """Return the shape of the input."""
        channels_and_axes(self.name, inputs[0])
        return inputs[0]


class DropPath(_Dropping, name="droppath"):
    """Stochastic depth: sets a branch to zero with probability `p` (Huang et al. 2016, arXiv:1603.09382).

    Otherwise the branch is scaled by `1 / (1 - p)`, as in torchvision; the paper scales by `1 - p` in evaluation instead.
    """

    aliases = ("stochastic_depth",)
    not_in_figures = ("mode",)
    example = "droppath(0.2)"
    cases = (Case({"p": 0.3}, ANY_RANK), Case({"p": 1.0, "mode": "batch"}, ANY_RANK), Case({"p": 0.0}, ANY_RANK))

    p: DropProbability = Field(description="probability that the branch is zero")
    mode: Literal["row", "batch"] = Field("row", description="`row` decides per image, `batch` once per batch")
