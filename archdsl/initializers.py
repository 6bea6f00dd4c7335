"""Initializers of weights: `init { conv = he(mode = "fan_out") }`, and the parameter `init` of an op.

Each class corresponds to a function of `torch.nn.init`, which is called on the weight. Biases become zero, as in the papers.
"""

from math import erf, sqrt
from typing import Any, ClassVar, Literal

from archdsl.fields import Field
from archdsl.registry import Registered, Registry


class Initializer(Registered):
    """Base of all initializers; `function` and `arguments` define the call in PyTorch."""

    registry: ClassVar[Registry[Any]] = Registry("initializer")
    function: ClassVar[str]
    matrix: ClassVar[bool] = False
    """Whether the initializer needs a weight with at least two axes, like those of convolutions and dense layers."""

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments of the function in `torch.nn.init`."""
        return {}


class He(Initializer, name="he"):
    """He (Kaiming) initialization, which preserves the variance through rectifiers: He et al. 2015, arXiv:1502.01852."""

    aliases = ("kaiming", "kaiming_normal", "kaiming_uniform", "he_normal", "he_uniform")
    matrix = True

    mode: Literal["fan_in", "fan_out"] = Field(
        "fan_in", description="preserve the variance in the forward pass (`fan_in`) or the backward pass (`fan_out`)"
    )
    nonlinearity: Literal["relu", "leaky_relu", "linear"] = Field("relu", description="activation after the layer")
    slope: float = Field(0.0, ge=0, description="negative slope of `leaky_relu`")
    distribution: Literal["normal", "uniform"] = Field("normal", description="distribution of the values")

    def validate(self) -> None:
        """Raise `ValueError` if the parameters do not fit each other."""
        super().validate()
        if "slope" in self.given and self.nonlinearity != "leaky_relu":
            raise ValueError(f"`slope` is that of `nonlinearity = leaky_relu`, and `nonlinearity` is {self.nonlinearity}")

    @property
    def function(self) -> str:  # type: ignore[override]
        """The name of the function in `torch.nn.init`."""
        return f"kaiming_{self.distribution}_"

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments; `a` is the negative slope of `leaky_relu`."""
        slope = {"a": self.slope} if self.nonlinearity == "leaky_relu" else {}
        return {**slope, "mode": self.mode, "nonlinearity": self.nonlinearity}


class Xavier(Initializer, name="xavier"):
    """Xavier (Glorot) initialization, which preserves the variance through linear and tanh layers, forward and backward.

    Glorot & Bengio 2010.
    """

    aliases = ("glorot", "glorot_normal", "glorot_uniform", "xavier_normal", "xavier_uniform")
    matrix = True

    gain: float = Field(1.0, gt=0, description="factor on the standard deviation")
    distribution: Literal["normal", "uniform"] = Field("uniform", description="distribution of the values")

    @property
    def function(self) -> str:  # type: ignore[override]
        """The name of the function in `torch.nn.init`."""
        return f"xavier_{self.distribution}_"

    def arguments(self) -> dict[str, Any]:
        """Return `gain`."""
        return {"gain": self.gain}


class Normal(Initializer, name="normal"):
    """Draw from a normal distribution."""

    function = "normal_"
    std: float = Field(1.0, gt=0, description="standard deviation")
    mean: float = Field(0.0, description="mean")

    def arguments(self) -> dict[str, Any]:
        """Return `mean` and `std`."""
        return {"mean": self.mean, "std": self.std}


class TruncatedNormal(Initializer, name="trunc_normal"):
    """Draw from a normal distribution truncated to the range from `low` to `high`."""

    function = "trunc_normal_"
    std: float = Field(1.0, gt=0, description="standard deviation before truncation")
    mean: float = Field(0.0, description="mean before truncation")
    low: float = Field(-2.0, description="minimum")
    high: float = Field(2.0, description="maximum")

    def validate(self) -> None:
        """Raise `ValueError` if the parameters do not fit each other."""
        super().validate()
        if self.low >= self.high:
            raise ValueError(f"`low` must be less than `high`, and they are {self.low} and {self.high}")
        self._validate_draws()

    def _validate_draws(self) -> None:
        """Reject bounds for which PyTorch would draw too often: it redraws until every number lies between the bounds.

        PyTorch draws from the whole distribution if more than 0.3 of it lies between the bounds, else uniformly from
        `[low, high]`; these checks ensure that at least 0.07 of the draws are accepted. Numbers have 32 bits.
        """
        mean, std, low, high = self.mean, self.std, self.low, self.high
        if mean < low - 2 * std or mean > high + 2 * std:
            raise ValueError(
                f"`low` to `high` must come within 2 `std` of `mean`, and {low} to {high} does not, for {mean} and {std}"
            )
        inside = (erf((high - mean) / std / sqrt(2)) - erf((low - mean) / std / sqrt(2))) / 2
        if inside <= 0.3 and high - low > 6 * std:
            raise ValueError(
                f"`low` to `high` holds {inside:.0%} of the distribution and is more than 6 `std` wide; "
                "bring the far bound closer to `mean`"
            )
        least = max(1e-30, 1e-6 * abs(mean))
        if std < least:
            raise ValueError(f"`std` must be at least {least:.3g} for a `mean` of {mean}, and is {std}")

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments; `a` and `b` are the bounds."""
        return {"mean": self.mean, "std": self.std, "a": self.low, "b": self.high}


class Uniform(Initializer, name="uniform"):
    """Draw from a uniform distribution."""

    function = "uniform_"
    low: float = Field(0.0, description="minimum")
    high: float = Field(1.0, description="maximum")

    def validate(self) -> None:
        """Raise `ValueError` if the parameters do not fit each other."""
        super().validate()
        if self.low > self.high:
            raise ValueError(f"`low` must be at most `high`, and they are {self.low} and {self.high}")

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments; `a` and `b` are the bounds."""
        return {"a": self.low, "b": self.high}


class Orthogonal(Initializer, name="orthogonal"):
    """Fill with a random orthogonal matrix, which preserves norms: Saxe et al. 2013, arXiv:1312.6120."""

    function = "orthogonal_"
    matrix = True
    gain: float = Field(1.0, gt=0, description="factor on the matrix")

    def arguments(self) -> dict[str, Any]:
        """Return `gain`."""
        return {"gain": self.gain}


class Constant(Initializer, name="constant"):
    """Fill with a constant."""

    function = "constant_"
    value: float = Field(description="the value")

    def arguments(self) -> dict[str, Any]:
        """Return `val`."""
        return {"val": self.value}


class Ones(Initializer, name="ones"):
    """Fill with ones, so that a normalization starts without scaling."""

    function = "ones_"


class Zeros(Initializer, name="zeros"):
    """Fill with zeros. With this in its last normalization, a residual branch initially contributes nothing."""

    function = "zeros_"
