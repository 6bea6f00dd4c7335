"""Examples of a data set as an exported file takes them: for the calibration of int8, and to compare predictions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from archdsl.data import DEFAULT_OPTIONS, IGNORED, open_data
from archdsl.exporting.format import Runner
from archdsl.exporting.interface import Raw, as_stored
from archdsl.exporting.program import flat
from archdsl.inference.evaluation_data import open_evaluation_data
from archdsl.train.batches import Batch, Order
from archdsl.train.data import Data, load
from archdsl.train.losses import predicted
from archdsl.training import require_trainable

if TYPE_CHECKING:
    from archdsl.exporting.subject import Subject

_CALIBRATION = 256
"""The number of examples for calibration."""
_COMPARED = 1000
"""The most examples of the validation set whose predictions are compared, which are spread over it evenly."""
_BATCH = 64


class Example(NamedTuple):
    """Inputs of a file, in batches of one or more, and their labels."""

    inputs: tuple[Tensor, ...]
    labels: Tensor


class Examples:
    """The training and the validation set of a network, as its exported file takes them.

    If the file prepares its inputs, they are as stored, which is `raw`, and images have their own sizes. Otherwise the recipe
    prepares them.
    """

    def __init__(self, data: Data, *, raw: tuple[Raw, ...], single: bool, about: dict[str, Any]) -> None:
        self._data, self._raw, self._batch = data, raw, 1 if single else _BATCH
        self._prepare = None if raw else data.preparation(data.recipe)
        self._about = about
        self.classes, self._ignore = data.labels.kind == "class", data.labels.ignore

    def as_data(self) -> dict[str, Any]:
        """Return what they are, for the certificate."""
        return self._about

    def _batches(self, split: Any, most: int) -> Iterator[Example]:
        order = torch.arange(0, len(split), max(1, -(-len(split) // most)))
        orders = (Order(part, torch.zeros_like(part)) for part in torch.split(order, self._batch))
        for batch in split.batches(orders, training=False):
            yield self._prepared(batch)

    def _prepared(self, batch: Batch) -> Example:
        if self._prepare is None:
            return Example(tuple(map(as_stored, batch.inputs, self._raw)), batch.labels)
        return Example(*self._prepare(batch, training=False))

    def calibration(self) -> list[tuple[Tensor, ...]]:
        """Return inputs from the training set."""
        return [example.inputs for example in self._batches(self._data.train, _CALIBRATION)]

    def top1(self, run: Runner, reference: nn.Module, bound: float) -> dict[str, float] | None:
        """Return how often the file and the network in float64 predict the same class; None without classes or labels.

        `ties` are predictions that differ between classes which the network tells apart by less than the bound allows: twice the
        bound, as a fraction of the largest output. Examples whose label is ignored do not count.
        """
        if not self.classes:
            return None
        same = ties = right = expected = count = 0
        with torch.no_grad():
            for inputs, labels in self._batches(self._data.held_out, _COMPARED):
                kept = (labels != IGNORED) & (labels != (IGNORED if self._ignore is None else self._ignore))
                exact = flat(reference(*inputs))[0]
                one, other = predicted(run(inputs)[0]), predicted(exact)
                near = _gap(exact, one, other) <= 2 * bound * exact.abs().max()
                one, other, near = one[kept], other[kept], near[kept]
                same += int((one == other).sum())
                ties += int(((one != other) & near).sum())
                right += int((one == labels[kept]).sum())
                expected += int((other == labels[kept]).sum())
                count += int(kept.sum())
        return None if not count else {
            "examples": count, "agreement": same / count, "ties": ties, "accuracy": right / count,
            "accuracy_float64": expected / count, "lost_points": 100 * (expected - right) / count,
        }  # fmt: skip


def _gap(output: Tensor, one: Tensor, other: Tensor) -> Tensor:
    """Return by how much the outputs of two classes differ; of one output, its distance from where the class changes."""
    if output.shape[1] == 1:
        return output[:, 0].abs()
    return (output.gather(1, other[:, None]) - output.gather(1, one[:, None]))[:, 0]


def examples_of(subject: Subject, path: str | os.PathLike[str] | None = None) -> Examples:
    """Return the data of the recipe, or at a path.

    Raise `SpecError` E0806 without a recipe, and else as `Network.open_data`; for a run also E1002 for values of another scale,
    and E1003 for other labels.
    """
    network, preparation, reading = subject.network, subject.preparation, subject.reading
    recipe, root, raw = require_trainable(network), subject.data_folder, subject.interface.raw
    about = {"data": str(recipe.data), "path": None}
    if path is not None:
        recipe, root, reading = recipe.replace(data=str(Path(path).absolute())), Path(), DEFAULT_OPTIONS
        about = {"data": str(path), "path": str(Path(path).absolute())}
    with network.at_keys():
        if preparation is not None:
            opened = open_evaluation_data(preparation, recipe.data, root, reading, whole=False).opened
        else:
            opened = open_data(recipe, root, network.inputs(), reading, ignore=getattr(recipe.loss, "ignore", None))
        data = load(recipe.replace(transform=(), augment=()) if raw else recipe, root, network.inputs(), reading, opened)
    return Examples(data, raw=raw, single=bool(raw) and bool(recipe.transform), about=about)
