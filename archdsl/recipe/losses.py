"""Losses: `loss = cross_entropy(label_smoothing = 0.1)`.

A loss says in which form it takes the labels; `archdsl.train.losses` computes it.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from archdsl.declared import Declared, Registry

ClassWeights = Annotated[
    tuple[Annotated[float, Field(ge=0)], ...] | Literal["balanced"] | None,
    Field(description="a factor for each class; `balanced`: examples / (classes * examples of the class), in the training set"),
]
Smoothing = Annotated[
    float,
    Field(ge=0, lt=1, description="share of the target that is spread evenly: Szegedy et al. 2015, arXiv:1512.00567, section 7"),
]
Scale = Annotated[
    Literal["none", "auto"],
    Field(
        description="`auto`: the network learns labels with mean 0 and standard deviation 1 over the training set; metrics are scaled back"
    ),
]


class Loss(Declared):
    """Base of every loss."""

    registry: ClassVar[Registry[Any]] = Registry("loss")
    wants: ClassVar[Literal["classes", "values", "probabilities"]]
    """Classes, of which one output can hold two if it wants probabilities; or any values."""

    applies: ClassVar[str | None] = None
    """The op that it applies to the outputs by itself, so that a network that ends in it has it twice."""

    @classmethod
    def parameters_in_order(cls) -> list[str]:
        """Return its own parameters before those that all losses of its kind have."""
        common = [name for base in (Classification, Regression) if issubclass(cls, base) for name in base.model_fields]
        return [name for name in cls.model_fields if name not in common] + common


class Classification(Loss):
    """Base of the losses for classes."""

    label_smoothing: Smoothing = 0.0
    weights: ClassWeights = None


class Regression(Loss):
    """Base of the losses for values."""

    wants = "values"
    target: ClassVar[str]
    """The function in PyTorch, called with output and labels."""
    scale: Scale = "none"


class CrossEntropy(Classification, name="cross_entropy"):
    """Cross-entropy of a softmax over the outputs."""

    aliases = (
        "ce",
        "cross_entropy_loss",
        "nll",
        "nll_loss",
        "softmax_cross_entropy",
        "categorical_crossentropy",
        "sparse_categorical_crossentropy",
    )
    wants = "classes"
    applies = "softmax"


class BinaryCrossEntropy(Classification, name="bce"):
    """Cross-entropy of a sigmoid on each output by itself; with one output, of two classes. `weights` multiply the positive term."""

    aliases = ("bce_loss", "bce_with_logits", "bce_with_logits_loss", "binary_crossentropy")
    wants = "probabilities"
    applies = "sigmoid"


class Dice(Classification, name="dice"):
    """One minus the Dice coefficient of the batch, averaged over the classes: Milletari et al. 2016, arXiv:1606.04797.

    2 sum(p t) / (sum(p) + sum(t)) for probabilities p of a softmax (a sigmoid for one output, or for several classes at once).
    """

    wants = "probabilities"
    applies = "softmax"
    smooth: float = Field(1.0, ge=0, description="added above and below the line, so that a class that is absent counts as found")


class Focal(Classification, name="focal"):
    """Cross-entropy with the weight (1 - p)^gamma, which lets easy examples count less: Lin et al. 2017, arXiv:1708.02002."""

    wants = "probabilities"
    applies = "softmax"
    gamma: float = Field(2.0, ge=0, description="how much less; 0 is cross-entropy")


class MeanSquaredError(Regression, name="mse"):
    """Mean squared difference."""

    aliases = ("l2_loss", "mse_loss", "mean_squared_error")
    target = "torch.nn.functional.mse_loss"


class MeanAbsoluteError(Regression, name="mae"):
    """Mean absolute difference."""

    aliases = ("l1_loss", "mean_absolute_error")
    target = "torch.nn.functional.l1_loss"


class Huber(Regression, name="huber"):
    """Squared near zero, absolute further out: Huber 1964."""

    aliases = ("smooth_l1", "smooth_l1_loss", "huber_loss")
    target = "torch.nn.functional.huber_loss"
    delta: float = Field(1.0, gt=0, description="where the one becomes the other")
