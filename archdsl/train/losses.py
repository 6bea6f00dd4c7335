"""The loss of a batch, with class weights, ignored labels, soft targets and standardized labels."""

from __future__ import annotations

import math
import pkgutil
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archdsl.data import IGNORED
from archdsl.diagnostics import SpecError, codes
from archdsl.recipe import Loss
from archdsl.recipe.losses import BinaryCrossEntropy, Classification, CrossEntropy, Dice, Focal, Regression
from archdsl.recipe.metrics import Kind


class Criterion(nn.Module):
    """A loss of outputs [batch, ...] and labels in float32. It returns the mean, and the number of labels averaged.

    `class_weights` is a factor per class; `mean` and `deviation` are the statistics of standardized labels.
    If no label can be ignored, PyTorch computes the mean.
    """

    class_weights: Tensor | None
    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        loss: Loss,
        kind: Kind,
        *,
        class_weights: Tensor | None = None,
        scale: tuple[Tensor, Tensor] | None = None,
        ignores: bool = False,
    ) -> None:
        super().__init__()
        self.loss, self.kind, self.ignores, self.scaled = loss, kind, ignores, scale is not None
        mean, deviation = scale or (torch.zeros(()), torch.ones(()))
        self.register_buffer("class_weights", class_weights, persistent=False)
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("deviation", deviation, persistent=False)

    def forward(self, output: Tensor, labels: Tensor) -> tuple[Tensor, int | Tensor]:
        """Return the mean loss, and the number of labels that it averages."""
        output, count = output.float(), len(labels)
        if isinstance(self.loss, Regression):
            return self._regression(self.loss, output, labels), count
        assert isinstance(self.loss, Classification)
        if isinstance(self.loss, CrossEntropy):
            return self._cross_entropy(self.loss, output, labels)
        return self._probabilities(self.loss, output, labels)

    def scaled_back(self, output: Tensor) -> Tensor:
        """Return predictions in the units of the labels."""
        if isinstance(self.loss, Classification):
            return output.sigmoid()
        return output * self.deviation + self.mean if self.scaled else output

    def is_sigmoid(self, outputs: int) -> bool:
        """Return whether each output is a probability by itself, through a sigmoid; the others become one by a softmax."""
        if isinstance(self.loss, CrossEntropy):
            return False
        return isinstance(self.loss, BinaryCrossEntropy) or outputs == 1 or self.kind not in ("class", "mask")

    def probabilities(self, output: Tensor) -> Tensor:
        """Return the probability of each output; for values, the values in the units of the labels."""
        output = output.float()
        if isinstance(self.loss, Regression):
            return self.scaled_back(output)
        return output.sigmoid() if self.is_sigmoid(output.shape[1]) else output.softmax(1)

    def averaged(self, outputs: Sequence[Tensor]) -> Tensor:
        """Return one output for several: that of the mean probabilities, or the mean of values."""
        stacked = torch.stack([output.float() for output in outputs])
        if isinstance(self.loss, Regression):
            return stacked.mean(0)
        if self.is_sigmoid(stacked.shape[2]):
            return F.logsigmoid(stacked).logsumexp(0) - F.logsigmoid(-stacked).logsumexp(0)
        return stacked.log_softmax(2).logsumexp(0) - math.log(len(outputs))

    def as_data(self) -> dict[str, Any] | None:
        """Return the label statistics for environment.json; None if labels are not standardized."""
        return {"mean": self.mean.tolist(), "std": self.deviation.tolist()} if self.scaled else None

    def _regression(self, loss: Regression, output: Tensor, labels: Tensor) -> Tensor:
        wanted = self._target(labels, output)
        if self.scaled:
            wanted = (wanted - self.mean) / self.deviation
        arguments = {key: value for key, value in loss if key not in Regression.fields}
        value: Tensor = pkgutil.resolve_name(loss.target)(output, wanted, **arguments)
        return value

    def _cross_entropy(self, loss: CrossEntropy, output: Tensor, labels: Tensor) -> tuple[Tensor, int | Tensor]:
        options: dict[str, Any] = {"weight": self.class_weights, "label_smoothing": loss.label_smoothing}
        if not self.ignores or labels.is_floating_point():
            return F.cross_entropy(output, labels, **options), len(labels)
        kept = labels != IGNORED
        weight = kept.sum() if self.class_weights is None else self.class_weights[labels.where(kept, 0)].where(kept, 0.0).sum()
        total = F.cross_entropy(output, labels, **options, reduction="sum")
        return total / weight.clamp(min=torch.finfo(torch.float32).tiny), kept.sum()

    def _probabilities(self, loss: Classification, output: Tensor, labels: Tensor) -> tuple[Tensor, int | Tensor]:
        """Return `bce`, `dice` or `focal`, which compare each output with a target between zero and one."""
        kept = labels != IGNORED if self.ignores and not labels.is_floating_point() else None
        target = self._target(labels if kept is None else labels.where(kept, 0), output)
        mask = None if kept is None else kept.unsqueeze(1)
        count = len(labels) if kept is None else kept.sum()
        sigmoid = self.is_sigmoid(output.shape[1])
        smoothing = loss.label_smoothing
        if smoothing:
            target = target * (1 - smoothing) + smoothing / (2 if sigmoid else output.shape[1])
        weights = None if self.class_weights is None else self.class_weights.view(1, -1, *[1] * (output.ndim - 2))
        if isinstance(loss, Dice):
            return _dice(output, target, mask, self.class_weights, loss.smooth, sigmoid=sigmoid), count
        if isinstance(loss, Focal):
            return _focal(output, target, mask, weights, loss.gamma, sigmoid=sigmoid), count
        each = F.binary_cross_entropy_with_logits(
            output, target, pos_weight=None if weights is None else weights[0], reduction="none"
        )
        return _mean(each, mask), count

    def _target(self, labels: Tensor, output: Tensor) -> Tensor:
        if labels.is_floating_point():
            return (
                labels[:, 1:2]
                if output.shape[1] == 1 and labels.ndim == 2 and labels.shape[1] == 2
                else labels.view(output.shape)
            )
        if output.shape[1] == 1:
            return labels.unsqueeze(1).float()
        return F.one_hot(labels, output.shape[1]).movedim(-1, 1).float()


def _mean(each: Tensor, mask: Tensor | None) -> Tensor:
    """Return the mean over the labels that are not ignored; zero if all are ignored."""
    if mask is None:
        return each.mean()
    return (each * mask).sum() / (mask.expand_as(each).sum()).clamp(min=1)


def _dice(output: Tensor, target: Tensor, mask: Tensor | None, weights: Tensor | None, smooth: float, *, sigmoid: bool) -> Tensor:
    """Return the Dice loss: sums over examples and pixels, then the mean over classes."""
    share = output.sigmoid() if sigmoid else output.softmax(1)
    if mask is not None:
        share, target = share * mask, target * mask
    axes = [axis for axis in range(output.ndim) if axis != 1]
    common, both = (share * target).sum(axes), (share + target).sum(axes)
    losses = 1 - (2 * common + smooth) / (both + smooth).clamp(min=torch.finfo(torch.float32).tiny)
    return losses.mean() if weights is None else (losses * weights).sum() / weights.sum()


def _focal(output: Tensor, target: Tensor, mask: Tensor | None, weights: Tensor | None, gamma: float, *, sigmoid: bool) -> Tensor:
    """Return the focal loss, normalized like weighted cross-entropy by the sum of the weights of the targets."""
    if sigmoid:
        share = output.sigmoid()
        right = target * (1 - share).clamp(min=1e-12) ** gamma * -F.logsigmoid(output)
        wrong = (1 - target) * share.clamp(min=1e-12) ** gamma * -F.logsigmoid(-output)
        return _mean(right * (1 if weights is None else weights) + wrong, mask)
    log = output.log_softmax(1)
    each = target * (1 - log.exp()).clamp(min=1e-12) ** gamma * -log
    if weights is not None:
        each, target = each * weights, target * weights
    kept = torch.ones_like(target[:, :1]) if mask is None else mask
    return (each * kept).sum() / (target * kept).sum().clamp(min=torch.finfo(torch.float32).tiny)


def predicted(output: Tensor) -> Tensor:
    """Return the predicted classes of outputs [batch, outputs, ...]."""
    return (output[:, 0] > 0).long() if output.shape[1] == 1 else torch.argmax(output, 1)


def class_weights(loss: Loss, kind: Kind, outputs: int, frequencies: Sequence[int], examples: int) -> Tensor | None:
    """Return the class weights of a loss as a tensor; None if it has none.

    `frequencies` counts the training examples (for masks, pixels) of each class, and `examples` all of them.
    """
    if not isinstance(loss, Classification) or loss.weights is None:
        return None
    one_output = outputs == 1 and kind != "multilabel"
    if loss.weights != "balanced":
        given = torch.tensor(loss.weights)
        expected = 1 if one_output else outputs
        if len(given) != expected:
            raise SpecError(codes.recipe.LossWeights(loss.name, len(given), expected, one_output))
        return given
    counts = torch.tensor(frequencies, dtype=torch.float64).clamp(min=1)
    if one_output or isinstance(loss, BinaryCrossEntropy) or kind == "multilabel":
        ratio = (examples / counts - 1).float()  # the ratio of negative to positive labels
        return ratio[1:] if one_output else ratio
    return (examples / (len(counts) * counts)).float()
