"""Optimizers: `optimizer = sgd(lr = 0.1, momentum = 0.9)`.

An optimizer names its class in PyTorch and the keyword arguments; `archdsl.train` looks the name up. All of
`torch.optim` is here, but for what `REFUSED` names. Weight decay acts on every parameter, as in PyTorch,
unless the recipe says `decay = weights`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Self

from pydantic import Field, model_validator

from archdsl.declared import Aliases, Declared, Registry

Rate = Annotated[
    float, Field(gt=0, description="learning rate at its highest; the schedule multiplies it"), Aliases("learning_rate")
]
Decay = Annotated[float, Field(ge=0, description="weight decay")]
Beta = Annotated[float, Field(ge=0, lt=1)]
Epsilon = Annotated[float, Field(gt=0, description="keeps the divisor away from zero"), Aliases("epsilon")]
Decoupled = Annotated[bool, Field(description="let weight decay act on the weights, not on the gradient, as in `adamw`")]

REFUSED: Final = {
    "lbfgs": "`lbfgs` evaluates the loss several times in a step, with fixed data; training in batches cannot do that: take `adam`",
    "sparseadam": "`sparse_adam` is for sparse gradients, which no op here makes: take `adam`",
    "muon": "`muon` takes matrices alone, and a network has biases, and convolutions of four axes: take `adamw`",
}
"""What else `torch.optim` has, in small letters without `_`, and why it cannot be used."""


class Optimizer(Declared):
    """Base of every optimizer."""

    registry: ClassVar[Registry[Any]] = Registry("optimizer")
    target: ClassVar[str]
    """The class in PyTorch, called with the parameters and `arguments()`."""

    fused: ClassVar[bool] = False
    """Whether PyTorch can do it in one pass over all weights, which saves a fifth of the loop's time on a CPU."""
    if TYPE_CHECKING:  # fields of every optimizer, each with its own default
        lr: float
        weight_decay: float

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments of `target`: the parameters, where two numbered ones are one pair in PyTorch."""
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
    momentum: Beta = Field(0.0, description="share of the last step that is kept")
    nesterov: bool = Field(False, description="look ahead by the momentum; needs `momentum`")
    weight_decay: Decay = 0.0
    dampening: float = Field(0.0, ge=0, le=1, description="share of the gradient that is left out of the momentum")

    @model_validator(mode="after")
    def _nesterov_has_momentum(self) -> Self:
        if self.nesterov and (self.momentum == 0 or self.dampening):
            raise ValueError("`nesterov = true` needs a momentum, such as `momentum = 0.9`, and no dampening")
        return self


class Adam(Optimizer, name="adam"):
    """Kingma & Ba 2015, arXiv:1412.6980; weight decay is added to the gradient."""

    target = "torch.optim.Adam"
    fused = True
    lr: Rate = 1e-3
    beta1: Beta = Field(0.9, description="memory of the mean gradient")
    beta2: Beta = Field(0.999, description="memory of the mean squared gradient")
    eps: Epsilon = 1e-8
    weight_decay: Decay = 0.0
    amsgrad: bool = Field(False, description="never let the divisor shrink: Reddi et al. 2018")


class AdamW(Adam, name="adamw"):
    """Loshchilov & Hutter 2019, arXiv:1711.05101: Adam whose weight decay acts on the weights, not the gradient."""

    target = "torch.optim.AdamW"
    weight_decay: Decay = 1e-2


class RmsProp(Optimizer, name="rmsprop"):
    """Tieleman & Hinton 2012, lecture 6.5: each step divided by a running root mean square of the gradient."""

    target = "torch.optim.RMSprop"
    lr: Rate = 1e-2
    alpha: Beta = Field(0.99, description="memory of the mean squared gradient")
    momentum: Beta = Field(0.0, description="share of the last step that is kept")
    eps: Epsilon = 1e-8
    weight_decay: Decay = 0.0
    centered: bool = Field(False, description="subtract the square of the mean gradient")


class NAdam(Optimizer, name="nadam"):
    """Dozat 2016: Adam with Nesterov's momentum."""

    target = "torch.optim.NAdam"
    lr: Rate = 2e-3
    beta1: Beta = Field(0.9, description="memory of the mean gradient")
    beta2: Beta = Field(0.999, description="memory of the mean squared gradient")
    eps: Epsilon = 1e-8
    weight_decay: Decay = 0.0
    momentum_decay: float = Field(4e-3, ge=0, description="how fast the momentum grows to `beta1`")
    decoupled_weight_decay: Decoupled = False


class RAdam(Optimizer, name="radam"):
    """Liu et al. 2020, arXiv:1908.03265: Adam that warms up by itself."""

    target = "torch.optim.RAdam"
    lr: Rate = 1e-3
    beta1: Beta = Field(0.9, description="memory of the mean gradient")
    beta2: Beta = Field(0.999, description="memory of the mean squared gradient")
    eps: Epsilon = 1e-8
    weight_decay: Decay = 0.0
    decoupled_weight_decay: Decoupled = False


class Adamax(Optimizer, name="adamax"):
    """Kingma & Ba 2015, section 7.1: Adam by the greatest gradient in place of the mean square."""

    target = "torch.optim.Adamax"
    lr: Rate = 2e-3
    beta1: Beta = Field(0.9, description="memory of the mean gradient")
    beta2: Beta = Field(0.999, description="memory of the greatest gradient")
    eps: Epsilon = 1e-8
    weight_decay: Decay = 0.0


class Adagrad(Optimizer, name="adagrad"):
    """Duchi et al. 2011: each step divided by the root of the sum of all squared gradients."""

    target = "torch.optim.Adagrad"
    lr: Rate = 1e-2
    lr_decay: float = Field(0.0, ge=0, description="how fast the rate falls with the steps, besides the schedule")
    weight_decay: Decay = 0.0
    initial_accumulator_value: float = Field(0.0, ge=0, description="what the sum starts from")
    eps: Epsilon = 1e-10


class Adadelta(Optimizer, name="adadelta"):
    """Zeiler 2012, arXiv:1212.5701: steps in the units of the weights."""

    target = "torch.optim.Adadelta"
    lr: Rate = 1.0
    rho: Beta = Field(0.9, description="memory of squared gradients and steps")
    eps: Epsilon = 1e-6
    weight_decay: Decay = 0.0


class Adafactor(Optimizer, name="adafactor"):
    """Shazeer & Stern 2018, arXiv:1804.04235: squared gradients kept by rows and columns, which takes little memory."""

    target = "torch.optim.Adafactor"
    lr: Rate = 1e-2
    beta2_decay: float = Field(-0.8, le=0, description="how the memory of squared gradients grows: 1 - step^beta2_decay")
    eps: Epsilon = Field(1e-3, description="the smallest scale of a step, relative to the weights")
    d: float = Field(1.0, ge=1, description="the greatest root mean square of a step")
    weight_decay: Decay = 0.0

    def arguments(self) -> dict[str, Any]:
        """Return PyTorch's, where `eps` is a pair, of which the first is by the kind of number."""
        return {**dict(self), "eps": (None, self.eps)}


class Asgd(Optimizer, name="asgd"):
    """Polyak & Juditsky 1992: stochastic gradient descent, whose averages PyTorch keeps beside the weights."""

    target = "torch.optim.ASGD"
    lr: Rate = 1e-2
    lambd: float = Field(1e-4, ge=0, description="decay of the steps")
    alpha: float = Field(0.75, ge=0, description="power of that decay")
    t0: float = Field(1e6, ge=0, description="step at which averaging starts")
    weight_decay: Decay = 0.0


class Rprop(Optimizer, name="rprop"):
    """Riedmiller & Braun 1993: steps by the sign of the gradient; for batches that hold the whole training set."""

    target = "torch.optim.Rprop"
    lr: Rate = 1e-2
    eta1: float = Field(0.5, gt=0, lt=1, description="factor on the step when the sign changes")
    eta2: float = Field(1.2, gt=1, description="factor on the step when it does not")
    weight_decay: ClassVar[float] = 0.0  # type: ignore[misc]  # PyTorch has none here
