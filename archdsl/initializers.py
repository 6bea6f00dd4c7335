"""Weight initializations: `init { conv = he(mode = "fan_out") }` and an op's own `init = ...`.

Each is one class whose lowering is a function of `torch.nn.init`, called on the weight; biases become zero, as in the papers.
"""

from math import erf, sqrt
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from archdsl.declared import Declared, Registry


class Initializer(Declared):
    """Base of every initialization; `function` and `arguments` say how PyTorch writes it."""

    registry: ClassVar[Registry[Any]] = Registry("initializer")
    function: ClassVar[str]
    matrix: ClassVar[bool] = False
    """Needs a weight of two axes or more, as convolutions and dense layers have."""

    def arguments(self) -> dict[str, Any]:
        """Keyword arguments of the `torch.nn.init` function."""
        return {}


class He(Initializer, name="he"):
    """He et al. 2015, arXiv:1502.01852: keeps the variance through rectifiers."""

    aliases = ("kaiming", "kaiming_normal", "kaiming_uniform", "he_normal", "he_uniform")
    matrix = True

    mode: Literal["fan_in", "fan_out"] = Field("fan_in", description="which variance is kept: forward or backward")
    nonlinearity: Literal["relu", "leaky_relu", "linear"] = Field("relu", description="what follows the layer")
    slope: float = Field(0.0, ge=0, description="negative slope of `leaky_relu`")
    distribution: Literal["normal", "uniform"] = Field("normal", description="where the values are drawn from")

    @model_validator(mode="after")
    def _check_slope(self) -> Self:
        if "slope" in self.model_fields_set and self.nonlinearity != "leaky_relu":
            raise ValueError(f"`slope` is that of `nonlinearity = leaky_relu`, and `nonlinearity` is {self.nonlinearity}")
        return self

    @property
    def function(self) -> str:  # type: ignore[override]
        """The name in `torch.nn.init`."""
        return f"kaiming_{self.distribution}_"

    def arguments(self) -> dict[str, Any]:
        """`a` is the negative slope, read for `leaky_relu` alone."""
        slope = {"a": self.slope} if self.nonlinearity == "leaky_relu" else {}
        return {**slope, "mode": self.mode, "nonlinearity": self.nonlinearity}


class Xavier(Initializer, name="xavier"):
    """Glorot & Bengio 2010: keeps the variance through linear and tanh layers, both ways."""

    aliases = ("glorot", "glorot_normal", "glorot_uniform", "xavier_normal", "xavier_uniform")
    matrix = True

    gain: float = Field(1.0, gt=0, description="factor on the standard deviation")
    distribution: Literal["normal", "uniform"] = Field("uniform", description="where the values are drawn from")

    @property
    def function(self) -> str:  # type: ignore[override]
        """The name in `torch.nn.init`."""
        return f"xavier_{self.distribution}_"

    def arguments(self) -> dict[str, Any]:
        """`gain`."""
        return {"gain": self.gain}


class Normal(Initializer, name="normal"):
    """A normal distribution."""

    function = "normal_"
    std: float = Field(1.0, ge=0, description="standard deviation")
    mean: float = Field(0.0, description="mean")

    def arguments(self) -> dict[str, Any]:
        """`mean` and `std`."""
        return {"mean": self.mean, "std": self.std}


class TruncatedNormal(Initializer, name="trunc_normal"):
    """A normal distribution cut off at `low` and `high`."""

    function = "trunc_normal_"
    std: float = Field(1.0, gt=0, description="standard deviation before the cut")
    mean: float = Field(0.0, description="mean before the cut")
    low: float = Field(-2.0, description="least value")
    high: float = Field(2.0, description="greatest value")

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"`low` must be less than `high`, and they are {self.low} and {self.high}")
        return self

    @model_validator(mode="after")
    def _check_draws(self) -> Self:
        """PyTorch draws until every number lies between the bounds, so that a fair share of the draws must.

        It draws from the whole distribution where more than 0.3 of that lies between them, and from `[low, high]`
        otherwise, where at least 0.07 of the draws are kept by what is asked here. Numbers are 32 bits wide.
        """
        mean, std, low, high = self.mean, self.std, self.low, self.high
        if mean < low - 2 * std or mean > high + 2 * std:
            raise ValueError(
                f"`low` to `high` must come within 2 `std` of `mean`, and {low} to {high} does not, for {mean} and {std}"
            )
        inside = (erf((high - mean) / std / sqrt(2)) - erf((low - mean) / std / sqrt(2))) / 2
        if inside <= 0.3 and high - low > 6 * std:
            raise ValueError(
                f"`low` to `high` holds {inside:.0%} of the distribution and is more than 6 `std` wide; bring the far bound closer to `mean`"
            )
        least = max(1e-30, 1e-6 * abs(mean))
        if std < least:
            raise ValueError(f"`std` must be at least {least:.3g} for a `mean` of {mean}, and is {std}")
        return self

    def arguments(self) -> dict[str, Any]:
        """`a` and `b` are the bounds."""
        return {"mean": self.mean, "std": self.std, "a": self.low, "b": self.high}


class Uniform(Initializer, name="uniform"):
    """A uniform distribution."""

    function = "uniform_"
    low: float = Field(0.0, description="least value")
    high: float = Field(1.0, description="greatest value")

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"`low` must be at most `high`, and they are {self.low} and {self.high}")
        return self

    def arguments(self) -> dict[str, Any]:
        """`a` and `b` are the bounds."""
        return {"a": self.low, "b": self.high}


class Orthogonal(Initializer, name="orthogonal"):
    """Saxe et al. 2013, arXiv:1312.6120: an orthogonal matrix, so that norms are kept."""

    function = "orthogonal_"
    matrix = True
    gain: float = Field(1.0, gt=0, description="factor on the matrix")

    def arguments(self) -> dict[str, Any]:
        """`gain`."""
        return {"gain": self.gain}


class Constant(Initializer, name="constant"):
    """One value everywhere."""

    function = "constant_"
    value: float = Field(description="the value")

    def arguments(self) -> dict[str, Any]:
        """`val`."""
        return {"val": self.value}


class Ones(Initializer, name="ones"):
    """One everywhere: a normalization that starts as the identity."""

    function = "ones_"


class Zeros(Initializer, name="zeros"):
    """Zero everywhere: a residual branch whose last normalization starts so begins as nothing."""

    function = "zeros_"
