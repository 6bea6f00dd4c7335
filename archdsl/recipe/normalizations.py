"""Normalization of inputs: `normalize = imagenet`."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from archdsl.fields import Field
from archdsl.registry import Registered, Registry


class Normalization(Registered):
    """Base of all normalizations; `archdsl.train.normalize` computes them."""

    registry: ClassVar[Registry[Any]] = Registry("normalization")


class OfData(Normalization, name="data"):
    """Subtract each channel's mean over the training set and divide by its standard deviation."""


class ImageNet(Normalization, name="imagenet"):
    """Normalize with the statistics of ImageNet, as most pretrained networks expect.

    The means are [0.485, 0.456, 0.406], and the standard deviations [0.229, 0.224, 0.225].
    """


class Fixed(Normalization, name="fixed"):
    """Subtract given means and divide by given standard deviations; for images, of pixel values between 0 and 1."""

    mean: tuple[float, ...] = Field(description="mean of each channel, or one number for all")
    std: tuple[float, ...] = Field(description="standard deviation of each channel, or one number for all")

    def validate(self) -> None:
        """Raise `ValueError` if the parameters do not fit each other."""
        super().validate()
        if not self.mean or not self.std:
            raise ValueError("`mean` and `std` need a number for each channel, such as `mean = [0.5, 0.5, 0.5]`")
        if not all(value > 0 for value in self.std):
            raise ValueError("the values of `std` must be more than 0")


class Pca(Normalization, name="pca"):
    """Project onto the principal components, U^T (x - mean), where the covariance is U diag(v) U^T: Pearson 1901."""

    over: Literal["channels", "values"] = Field(
        "channels", description="decorrelate the channels of each pixel, or all values of an example"
    )


class Whiten(Normalization, name="whiten"):
    """Remove all correlations and scale to unit variance. `zca` is U diag(v + eps)^(-1/2) U^T (x - mean).

    Bell & Sejnowski 1997; `pca` omits the first U.
    """

    method: Literal["zca", "pca"] = Field(
        "zca", description="`zca` stays as close to the input as possible; `pca` gives scaled principal components"
    )
    over: Literal["channels", "values"] = Field(
        "values", description="decorrelate the channels of each pixel, or all values of an example"
    )
    eps: float = Field(1e-3, gt=0, description="added to the variances v to avoid amplifying noise")
