"""Compute the statistics of a training set, and normalize inputs with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self

import torch
from torch import Tensor, nn

from archdsl.diagnostics import SpecError, codes
from archdsl.recipe import Normalization
from archdsl.recipe.normalizations import Fixed, ImageNet, OfData, Pca, Whiten

_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_MOST_VALUES = 4096
"""The maximum number of values per example for a covariance; larger ones would need more than a gigabyte, and hours."""
PREPARATION = "preparation.safetensors"
"""The file in a run folder for matrices that are too large for JSON."""
_SHOWN = 64
"""Matrices with at most this many rows are written as JSON."""


class Normalizer(nn.Module):
    """Normalize one input: (x - mean) / std per channel, or matrix (x - mean)."""

    mean: Tensor
    deviation: Tensor | None
    matrix: Tensor | None

    def __init__(self, mean: Tensor, deviation: Tensor | None = None, matrix: Tensor | None = None) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)
        self.register_buffer("matrix", matrix)

    def forward(self, given: Tensor) -> Tensor:
        """Return the normalized input."""
        if self.deviation is not None:
            return (given - self.mean) / self.deviation
        centered = given - self.mean
        assert self.matrix is not None
        if self.matrix.shape[0] == given.shape[1] and given.ndim > 2:
            return torch.einsum("ij,nj...->ni...", self.matrix, centered)
        return (centered.flatten(1) @ self.matrix.T).view(given.shape)

    @property
    def large(self) -> bool:
        """Whether the matrix is too large for JSON."""
        return self.matrix is not None and len(self.matrix) > _SHOWN

    def as_data(self) -> dict[str, Any]:
        """Return the statistics for environment.json."""
        data: dict[str, Any] = {"mean": self.mean.flatten().tolist()}
        if self.deviation is not None:
            data["std"] = self.deviation.flatten().tolist()
        if self.matrix is not None:
            data["matrix"] = self.matrix.tolist() if not self.large else f"in {PREPARATION}"
        return data

    @classmethod
    def from_data(cls, data: Mapping[str, Any], shape: tuple[int, ...], tensors: Mapping[str, Tensor]) -> Self | None:
        """Return the normalizer of `as_data`, for inputs of a shape; None if the input was not normalized.

        `tensors` are those of preparation.safetensors for this input. Raise `LookupError`, `TypeError` or `ValueError` if
        something is missing. Equal to the original in every bit: JSON keeps float32 exactly.
        """
        if not data:
            return None
        given = data.get("matrix")
        matrix = None if given is None else tensors["matrix"] if isinstance(given, str) else _float32(given)
        mean = _float32(data["mean"])
        everything = matrix is not None and len(shape) > 1 and mean.numel() != shape[0]
        own = shape if everything else (-1, *[1] * (len(shape) - 1))
        deviation = _float32(data["std"]).view(own) if matrix is None else None
        return cls(mean.view(own), deviation, matrix)


def _float32(values: Any) -> Tensor:
    return torch.tensor(values, dtype=torch.float32)


def normalizer(how: Normalization | None, shape: tuple[int, ...], batches: Callable[[], Iterable[Tensor]]) -> Normalizer | None:
    """Return the normalizer for inputs of a shape; None without normalization. Raise `SpecError` E0801 if it does not apply.

    `batches` yields training examples as floats, for the statistics.
    """
    if how is None:
        return None
    axes = [1] * (len(shape) - 1)
    if isinstance(how, ImageNet):
        if len(shape) != 3 or shape[0] != 3:
            raise SpecError(codes.recipe.NotImageNet(shape))
        mean, deviation = (torch.tensor(values).view(-1, *axes) for values in _IMAGENET)
        return Normalizer(mean, deviation)
    if isinstance(how, Fixed):
        for values in (how.mean, how.std):
            if len(values) not in (1, shape[0]):
                raise SpecError(codes.recipe.StatisticsPerChannel(len(values), shape[0]))
        mean, deviation = (torch.tensor(values).expand(shape[0]).clone().view(-1, *axes) for values in (how.mean, how.std))
        return Normalizer(mean, deviation)
    if isinstance(how, OfData):
        mean, variance = _moments(batches())
        deviation = variance.sqrt()
        return Normalizer(mean.float().view(-1, *axes), torch.where(deviation > 0, deviation, 1.0).float().view(-1, *axes))
    assert isinstance(how, Pca | Whiten)
    return _decorrelating(how, shape, batches())


def _moments(batches: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
    """Return mean and variance of each channel in float64, combined batch by batch: Chan, Golub & LeVeque 1979."""
    count, mean, squares = 0, torch.zeros(()), torch.zeros(())
    for batch in batches:
        values = batch.double().movedim(1, 0).flatten(1)
        more, own_mean = values.shape[1], values.mean(1)
        own = (values - own_mean[:, None]).square().sum(1)
        difference = own_mean - mean
        squares = squares + own + difference.square() * (count * more / (count + more))
        mean = mean + difference * (more / (count + more))
        count += more
    return mean, squares / max(1, count - 1)


def _decorrelating(how: Pca | Whiten, shape: tuple[int, ...], batches: Iterable[Tensor]) -> Normalizer:
    """Return the normalizer of `pca` or `whiten`, from the eigenvectors of the covariance."""
    everything = how.over == "values" and len(shape) > 1
    size = torch.Size(shape).numel() if everything else shape[0]
    if size > _MOST_VALUES:
        raise SpecError(codes.recipe.TooManyToDecorrelate(how.name, size, _MOST_VALUES))
    count, total, products = 0, torch.zeros(size, dtype=torch.float64), torch.zeros(size, size, dtype=torch.float64)
    for batch in batches:
        values = batch.double().flatten(1) if everything else batch.double().movedim(1, -1).reshape(-1, size)
        count, total, products = count + len(values), total + values.sum(0), products + values.T @ values
    mean = total / count
    variances, vectors = torch.linalg.eigh((products / count - torch.outer(mean, mean)) * (count / max(1, count - 1)))
    variances, vectors = variances.flip(0).clamp(min=0), vectors.flip(1)
    vectors = vectors * torch.where(
        vectors.sum(0) < 0, -1.0, 1.0
    )  # the sign of an eigenvector is arbitrary; fix it, so that runs are reproducible
    matrix = vectors.T
    if isinstance(how, Whiten):
        matrix = matrix / (variances + how.eps).sqrt()[:, None]
        matrix = vectors @ matrix if how.method == "zca" else matrix
    return Normalizer(mean.float().view(shape if everything else (-1, *[1] * (len(shape) - 1))), None, matrix.float())
