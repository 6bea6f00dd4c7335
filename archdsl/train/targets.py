"""Derive the criterion from the labels of a data set and the loss of a recipe."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from archdsl.recipe import Loss
from archdsl.recipe.losses import BinaryCrossEntropy, Classification, Regression
from archdsl.recipe.metrics import Kind
from archdsl.train.data import Data
from archdsl.train.losses import Criterion, class_weights


def label_kind(data: Data, loss: Loss) -> Kind:
    """Return the kind of labels for a loss: floats of 0 or 1 are values for `mse`, and several classes at once for `bce`."""
    kind = data.labels.kind
    if kind in ("class", "mask"):
        return kind
    if isinstance(loss, Classification):
        if data.labels.soft and not isinstance(loss, BinaryCrossEntropy):
            return "class"
        return "multilabel" if data.labels.yes_or_no else "map" if kind == "map" else "value"
    return "value" if kind == "multilabel" else kind


def criterion_of(loss: Loss, data: Data, outputs: int) -> Criterion:
    """Return the criterion for a loss, with class weights and label statistics of the training set."""
    kind = label_kind(data, loss)
    scaled = isinstance(loss, Regression) and loss.scale == "auto" and kind in ("value", "map")
    scale = label_statistics(data) if scaled else None
    frequencies = list(data.labels.frequencies)
    examples = sum(frequencies)
    if kind == "multilabel" or (kind == "class" and not frequencies):
        labels = _tensor(data).reshape(len(data.train), -1)
        frequencies, examples = labels.sum(0).long().tolist(), len(labels)
    weights = class_weights(loss, kind, outputs, frequencies, examples)
    return Criterion(loss, kind, class_weights=weights, scale=scale, ignores=kind == "mask" or data.labels.ignore is not None)


def label_statistics(data: Data) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of the training labels: per value for vectors, over all pixels for maps."""
    labels = _tensor(data).double()
    axes = 0 if labels.ndim == 2 else tuple(range(labels.ndim))
    deviation, mean = torch.std_mean(labels, axes, correction=0)
    return mean.float(), torch.where(deviation > 0, deviation, 1.0).float()


def _tensor(data: Data) -> Tensor:
    return torch.as_tensor(np.asarray(data.train.labels))
