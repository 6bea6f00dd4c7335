"""Optimizers: `optimizer = sgd(lr = 0.1, momentum = 0.9)`.

An optimizer names its class in PyTorch and the keyword arguments; `archdsl.train` looks the name up.
Weight decay acts on every parameter, as in PyTorch.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from archdsl.declared import Declared, Registry

Rate = Annotated[float, Field(gt=0, description="learning rate at its highest; the schedule multiplies it")]
Decay = Annotated[float, Field(ge=0, description="weight decay")]
Beta = Annotated[float, Field(ge=0, lt=1)]
Epsilon = Annotated[float, Field(gt=0, description="keeps the divisor away from zero")]


class Optimizer(Declared):
    """Base of every optimizer."""

    registry: ClassVar[Registry[Any]] = Registry("optimizer")
    target: ClassVar[str]
    """The class in PyTorch, called with the parameters and `arguments()`."""

    def arguments(self) -> dict[str, Any]:
        """Keyword arguments of `target`."""
        return dict(self)


class Sgd(Optimizer, name="sgd"):
    """Stochastic gradient descent; momentum as in Sutskever et al. 2013."""

    target = "torch.optim.SGD"
    lr: Rate = 0.1
    momentum: Beta = Field(0.0, description="share of the last step that is kept")
    nesterov: bool = Field(False, description="look ahead by the momentum; needs `momentum`")
    weight_decay: Decay = 0.0

    def arguments(self) -> dict[str, Any]:
        """Fused: one pass over all weights, a fifth of the loop's time on a CPU."""
        return {**dict(self), "fused": True}

    @model_validator(mode="after")
    def _nesterov_has_momentum(self) -> Self:
        if self.nesterov and self.momentum == 0:
            raise ValueError("`nesterov = true` needs a momentum, such as `momentum = 0.9`")
        return self


class Adam(Optimizer, name="adam"):
    """Kingma & Ba 2015, arXiv:1412.6980; weight decay is added to the gradient."""

    target = "torch.optim.Adam"
    lr: Rate = 1e-3
    beta1: Beta = Field(0.9, description="memory of the mean gradient")
    beta2: Beta = Field(0.999, description="memory of the mean squared gradient")
    eps: Epsilon = 1e-8
    weight_decay: Decay = 0.0

    def arguments(self) -> dict[str, Any]:
        """Both betas in one tuple."""
        betas = (self.beta1, self.beta2)
        return {"lr": self.lr, "betas": betas, "eps": self.eps, "weight_decay": self.weight_decay, "fused": True}


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
