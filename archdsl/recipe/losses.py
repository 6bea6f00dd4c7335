"""Losses: `loss = cross_entropy(label_smoothing = 0.1)`.

A loss declares the form of the labels that it needs; `archdsl.train.losses` computes it.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from archdsl.fields import Field
from archdsl.registry import Registered, Registry

ClassWeights = Annotated[
    tuple[Annotated[float, Field(ge=0)], ...] | Literal["balanced"] | None,
    Field(
        description="a factor per class; `balanced`: examples / (classes * examples of the class), counted in the training set"
    ),
]
Smoothing = Annotated[
    float,
    Field(
        ge=0,
        lt=1,
        description=(
            "fraction of the target that is distributed evenly over the classes: Szegedy et al. 2015, arXiv:1512.00567, section 7"
        ),
    ),
]
Scale = Annotated[
    Literal["none", "auto"],
    Field(
        description=(
            "`auto`: standardize the labels to mean 0 and standard deviation 1 over the training set; metrics keep the units "
            "of the labels"
        )
    ),
]


class Loss(Registered):
    """Base of all losses."""

    registry: ClassVar[Registry[Any]] = Registry("loss")
    wants: ClassVar[Literal["classes", "values", "probabilities"]]
    """The form of the labels: classes, probabilities (a single output then stands for two classes), or values."""

    applies: ClassVar[str | None] = None
    """The activation that the loss applies itself; a network that ends in it would apply it twice."""

    @classmethod
    def parameters_in_order(cls) -> list[str]:
        """Return the loss's own parameters, then those that all losses of its kind share."""
        common = [name for base in (Classification, Regression) if issubclass(cls, base) for name in base.fields]
        return [name for name in cls.fields if name not in common] + common


class Classification(Loss):
    """Base of the classification losses."""

    label_smoothing: Smoothing = 0.0
    weights: ClassWeights = None


class Regression(Loss):
    """Base of the regression losses."""

    wants = "values"
    target: ClassVar[str]
    """Path of the PyTorch function; it is called with the outputs and the labels."""
    scale: Scale = "none"


class CrossEntropy(Classification, name="cross_entropy"):
    """Softmax cross-entropy."""

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
    """Binary cross-entropy with a sigmoid on each output, for several classes at once; a single output distinguishes two classes.

    `weights` multiply the positive term.
    """

    aliases = ("bce_loss", "bce_with_logits", "bce_with_logits_loss", "binary_crossentropy")
    wants = "probabilities"
    applies = "sigmoid"


class Dice(Classification, name="dice"):
    """One minus the Dice coefficient of the batch, averaged over the classes: Milletari et al. 2016, arXiv:1606.04797.

    The coefficient is 2 sum(p t) / (sum(p) + sum(t)), with probabilities p from a softmax. For a single output, and for several
    classes at once, they come from a sigmoid.
    """

    wants = "probabilities"
    applies = "softmax"
    smooth: float = Field(
        1.0, ge=0, description="added to numerator and denominator, so that an absent class has a coefficient of 1"
    )


class Focal(Classification, name="focal"):
    """Cross-entropy weighted by (1 - p)^gamma, which reduces the influence of easy examples.

    Lin et al. 2017, arXiv:1708.02002.
    """

    wants = "probabilities"
    applies = "softmax"
    gamma: float = Field(2.0, ge=0, description="focusing exponent; 0 is plain cross-entropy")


class MeanSquaredError(Regression, name="mse"):
    """Mean squared error."""

    aliases = ("l2_loss", "mse_loss", "mean_squared_error")
    target = "torch.nn.functional.mse_loss"


class MeanAbsoluteError(Regression, name="mae"):
    """Mean absolute error."""

    aliases = ("l1_loss", "mean_absolute_error")
    target = "torch.nn.functional.l1_loss"


class Huber(Regression, name="huber"):
    """Huber loss: squared error near zero, absolute error beyond `delta`: Huber 1964."""

    aliases = ("smooth_l1", "smooth_l1_loss", "huber_loss")
    target = "torch.nn.functional.huber_loss"
    delta: float = Field(1.0, gt=0, description="threshold between squared and absolute error")
