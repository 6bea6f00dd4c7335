"""Names in a recipe to what they mean in PyTorch: the loss, what it is compared with, what counts as right."""

from __future__ import annotations

import pkgutil

import torch
import torch.nn.functional as F
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.classification import BinaryAccuracy, MulticlassAccuracy

from archdsl.data import IGNORED
from archdsl.recipe import Loss


def loss_of(loss: Loss, output: Tensor, labels: Tensor) -> Tensor:
    """The loss of an output [batch, ...], in float32."""
    value = pkgutil.resolve_name(loss.target)(output.float(), wanted(loss, labels, output), **loss.arguments())
    assert isinstance(value, Tensor)
    return value


def wanted(loss: Loss, labels: Tensor, output: Tensor) -> Tensor:
    """The labels in the form that the loss takes."""
    if labels.is_floating_point():
        return labels.view(output.shape)
    if loss.wants == "classes":
        return labels
    if output.shape[1] == 1:
        return labels.unsqueeze(1).float()
    return F.one_hot(labels, output.shape[1]).movedim(-1, 1).float()


def accuracy_metric(classes: int | None, outputs: int) -> Metric | None:
    """The share of right answers; none where the labels are values."""
    if classes is None:
        return None
    return BinaryAccuracy(ignore_index=IGNORED) if outputs == 1 else MulticlassAccuracy(classes, average="micro", ignore_index=IGNORED)


def predicted(output: Tensor) -> Tensor:
    """The class that an output [batch, outputs, ...] stands for."""
    return (output[:, 0] > 0).long() if output.shape[1] == 1 else torch.argmax(output, 1)
