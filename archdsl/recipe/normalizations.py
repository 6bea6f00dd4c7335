"""Normalizations: `normalize = imagenet`, the last step before the network."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from archdsl.declared import Declared, Registry


class Normalization(Declared):
    """Base of every normalization; `archdsl.train.normalize` computes them."""

    registry: ClassVar[Registry[Any]] = Registry("normalization")


class OfData(Normalization, name="data"):
    """Subtract each channel's mean over the training set and divide by its standard deviation."""


class ImageNet(Normalization, name="imagenet"):
    """The mean and deviation of ImageNet's channels, which most pretrained networks expect: [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]."""


class Fixed(Normalization, name="fixed"):
    """Subtract given means and divide by given deviations, of values between 0 and 1 for images."""

    mean: tuple[float, ...] = Field(description="of each channel, or one number for all")
    std: tuple[float, ...] = Field(description="of each channel, or one number for all")

    @model_validator(mode="after")
    def _can_be_divided_by(self) -> Self:
        if not self.mean or not self.std:
            raise ValueError("`mean` and `std` need a number for each channel, such as `mean = [0.5, 0.5, 0.5]`")
        if not all(value > 0 for value in self.std):
            raise ValueError("the values of `std` must be more than 0")
        return self


class Pca(Normalization, name="pca"):
    """Rotate onto the principal components, U^T (x - mean), where the covariance is U diag(v) U^T: Pearson 1901."""

    over: Literal["channels", "values"] = Field("channels", description="the channels of each pixel, or all values of an example")


class Whiten(Normalization, name="whiten"):
    """Remove all correlations: zca is U diag(v + eps)^(-1/2) U^T (x - mean): Bell & Sejnowski 1997; pca leaves out the first U."""

    method: Literal["zca", "pca"] = Field(
        "zca", description="zca stays as near to the input as it can; pca gives principal components"
    )
    over: Literal["channels", "values"] = Field("values", description="the channels of each pixel, or all values of an example")
    eps: float = Field(1e-3, gt=0, description="added to the variances v, so that noise is not amplified")
