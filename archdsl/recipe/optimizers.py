"""Optimizers: `optimizer = sgd(lr = 0.1, momentum = 0.9)`.

An optimizer names its class in PyTorch and its keyword arguments; `archdsl.train` resolves the name. This module covers
all of `torch.optim` except the optimizers in `REFUSED`. Weight decay applies to every parameter, as in PyTorch,
unless the recipe sets `decay = weights`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final

from archdsl.fields import Field
from archdsl.registry import Aliases, Registered, Registry

Rate = Annotated[
    float, Field(gt=0, description="peak learning rate; the schedule multiplies it by a factor"), Aliases("learning_rate")
]
Decay = Annotated[float, Field(ge=0, description="weight decay")]
Beta = Annotated[float, Field(ge=0, lt=1)]
Epsilon = Annotated[float, Field(gt=0, description="added to the denominator for numerical stability"), Aliases("epsilon")]
Decoupled = Annotated[bool, Field(description="apply weight decay to the weights instead of the gradient, as in `adamw`")]

REFUSED: Final = {
    "lbfgs": "`lbfgs` evaluates the loss several times in a step, with fixed data; training in batches cannot do "
    "that: take `adam`",
    "sparseadam": "`sparse_adam` is for sparse gradients, which no op here makes: take `adam`",
    "muon": "`muon` takes matrices alone, and a network has biases, and convolutions of four axes: take `adamw`",
}
"""The optimizers of `torch.optim` that are not supported, in lower case without `_`, each with the reason."""


class Optimizer(Registered):
    """Base of all optimizers."""

    registry: ClassVar[Registry[Any]] = Registry("optimizer")
    target: ClassVar[str]
    """Path of the PyTorch class; it is called with the parameters and `arguments()`."""

    fused: ClassVar[bool] = False
    """Whether PyTorch has a fused implementation, which saves a fifth of the training time on a CPU."""
    if TYPE_CHECKING:  # fields of every optimizer, each with its own default
        lr: float
        weight_decay: float

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments of `target`. Numbered parameters, such as `beta1` and `beta2`, are pairs in PyTorch."""
        given = dict(self)
        for pair in ("beta", "eta"):
            if f"{pair}1" in given:
                given[f"{pair}s"] = (given.pop(f"{pair}1"), given.pop(f"{pair}2"))
        return given


class Sgd(Optimizer, name="sgd"):
    """Stochastic gradient descent; momentum as in Sutskever et al. 2013."""

    target = "torch.optim.SGD"
    fused = True
    lr: Rate = 0.1
    momentum: Beta = Field(0.0, description="momentum factor")
    nesterov: bool = Field(False, description="use Nesterov momentum; needs `momentum`")
    weight_decay: Decay = 0.0
    dampening: float = Field(0.0, ge=0, le=1, description="dampening of the momentum")

    def validate(self) -> None:
        """Raise `ValueError` if the parameters do not fit each other."""
        super().validate()
        if self.nesterov and (self.momentum == 0 or self.dampening):
            raise ValueError("`nesterov = true` needs a momentum, such as `momentum = 0.9`, and no dampening")


class Adam(Optimizer, name="adam"):
    """Adam: Kingma & Ba 2015, arXiv:1412.6980. Weight decay is added to the gradient."""

    target = "torch.optim.Adam"
    fused = True
    lr: Rate = 1e-3
    beta1: Beta = Field(0.9, description="decay rate of the running mean of the gradient")
    beta2: Beta = Field(0.999, description="decay rate of the running mean of the squared gradient")
    eps: Epsilon = 1e-8
    weight_decay: Decay = 0.0
    amsgrad: bool = Field(False, description="use the AMSGrad variant: Reddi et al. 2018")


class AdamW(Adam, name="adamw"):
    """Adam with decoupled weight decay, which applies to the weights instead of the gradient.

    Loshchilov & Hutter 2019, arXiv:1711.05101.
    """

    target = "torch.optim.AdamW"
    weight_decay: Decay = 1e-2


class RmsProp(Optimizer, name="rmsprop"):
    """RMSprop, which divides the gradient by a running root mean square: Tieleman & Hinton 2012, lecture 6.5."""

    target = "torch.optim.RMSprop"
    lr: Rate = 1e-2
    alpha: Beta = Field(0.99, description="decay rate of the running mean of the squared gradient")
    momentum: Beta = Field(0.0, description="momentum factor")
    eps: Epsilon = 1e-8
    weight_decay: Decay = 0.0
    centered: bool = Field(False, description="normalize by an estimate of the variance of the gradient")


class NAdam(Optimizer, name="nadam"):
    """Adam with Nesterov momentum: Dozat 2016."""

    target = "torch.optim.NAdam"
    lr: Rate = 2e-3
    beta1: Beta = Field(0.9, description="decay rate of the running mean of the gradient")
    beta2: Beta = Field(0.999, description="decay rate of the running mean of the squared gradient")
    eps: Epsilon = 1e-8
    weight_decay: Decay = 0.0
    momentum_decay: float = Field(4e-3, ge=0, description="decay of the momentum schedule")
    decoupled_weight_decay: Decoupled = False


class RAdam(Optimizer, name="radam"):
    """Rectified Adam, which warms up by itself: Liu et al. 2020, arXiv:1908.03265."""

    target = "torch.optim.RAdam"
    lr: Rate = 1e-3
    beta1: Beta = Field(0.9, description="decay rate of the running mean of the gradient")
    beta2: Beta = Field(0.999, description="decay rate of the running mean of the squared gradient")
    eps: Epsilon = 1e-8
    weight_decay: Decay = 0.0
    decoupled_weight_decay: Decoupled = False


class Adamax(Optimizer, name="adamax"):
    """Adam with the infinity norm in place of the root mean square: Kingma & Ba 2015, section 7.1."""

    target = "torch.optim.Adamax"
    lr: Rate = 2e-3
    beta1: Beta = Field(0.9, description="decay rate of the running mean of the gradient")
    beta2: Beta = Field(0.999, description="decay rate of the running maximum of the gradient")
    eps: Epsilon = 1e-8
    weight_decay: Decay = 0.0


class Adagrad(Optimizer, name="adagrad"):
    """Adagrad, which divides the gradient by the root of the sum of all squared gradients so far: Duchi et al. 2011."""

    target = "torch.optim.Adagrad"
    lr: Rate = 1e-2
    lr_decay: float = Field(0.0, ge=0, description="decay of the learning rate per step, in addition to the schedule")
    weight_decay: Decay = 0.0
    initial_accumulator_value: float = Field(0.0, ge=0, description="initial value of the sum")
    eps: Epsilon = 1e-10


class Adadelta(Optimizer, name="adadelta"):
    """Adadelta, whose steps have the units of the weights: Zeiler 2012, arXiv:1212.5701."""

    target = "torch.optim.Adadelta"
    lr: Rate = 1.0
    rho: Beta = Field(0.9, description="decay rate of the running averages of squared gradients and squared steps")
    eps: Epsilon = 1e-6
    weight_decay: Decay = 0.0


class Adafactor(Optimizer, name="adafactor"):
    """Adafactor, which saves memory by keeping the squared gradients as row and column statistics.

    Shazeer & Stern 2018, arXiv:1804.04235.
    """

    target = "torch.optim.Adafactor"
    lr: Rate = 1e-2
    beta2_decay: float = Field(-0.8, le=0, description="exponent of the decay rate of squared gradients, 1 - step^beta2_decay")
    eps: Epsilon = Field(1e-3, description="lower bound of the step size relative to the weights")
    d: float = Field(1.0, ge=1, description="clipping threshold of the root mean square of an update")
    weight_decay: Decay = 0.0

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments of `target`, where `eps` is a pair; PyTorch chooses the first by the dtype."""
        return {**dict(self), "eps": (None, self.eps)}


class Asgd(Optimizer, name="asgd"):
    """Averaged stochastic gradient descent; PyTorch keeps the averages next to the weights: Polyak & Juditsky 1992."""

    target = "torch.optim.ASGD"
    lr: Rate = 1e-2
    lambd: float = Field(1e-4, ge=0, description="decay term of the learning rate")
    alpha: float = Field(0.75, ge=0, description="power of the decay of the learning rate")
    t0: float = Field(1e6, ge=0, description="step at which averaging starts")
    weight_decay: Decay = 0.0


class Rprop(Optimizer, name="rprop"):
    """Rprop, whose steps depend only on the sign of the gradient; for full-batch training: Riedmiller & Braun 1993."""

    target = "torch.optim.Rprop"
    lr: Rate = 1e-2
    eta1: float = Field(0.5, gt=0, lt=1, description="factor on the step size when the sign of the gradient changes")
    eta2: float = Field(1.2, gt=1, description="factor on the step size when the sign stays the same")
    weight_decay: ClassVar[float] = 0.0  # type: ignore[misc]  # PyTorch has none here
