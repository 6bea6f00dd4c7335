"""Open the data to evaluate a trained network on, and compare it with the data that it was trained with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Final

from archdsl.data import IGNORED, Labels, Opened, ReadOptions, open_data
from archdsl.data.sources import Part
from archdsl.diagnostics import SpecError, codes
from archdsl.inference.preparation import InputPreparation
from archdsl.inference.storage import Storage
from archdsl.recipe import Dataset, Recipe
from archdsl.train.checks import check_sizes
from archdsl.train.data import Data, Split, load

ALL: Final = "all"
"""The name of examples that are not split."""
_WORDS: Final = {
    "class": "classes", "mask": "masks", "multilabel": "several classes at once", "value": "values", "map": "maps of values",
}  # fmt: skip


@dataclass(frozen=True)
class EvaluationData:
    """A data set that fits a trained network."""

    recipe: Recipe
    opened: Opened
    root: Path
    data: Data
    unsplit: bool
    """Whether the data set has no splits, so that all examples are evaluated."""

    @property
    def splits(self) -> dict[str, Split]:
        """The splits by name, as in results.json; `all` if there are none."""
        names = [ALL] if self.unsplit else ["training", "validation", *([] if self.data.test is None else ["test"])]
        return {name: self.split_of(self.data, name) for name in names}

    def split_of(self, data: Data, name: str) -> Split:
        """Return a split of this data, or of the same data with other transforms."""
        found = data.train if name == "training" else data.test if name == "test" else data.held_out
        assert found is not None
        return found

    def chosen(self, split: str | None) -> tuple[str, Split]:
        """Return a split with its name; without one, the test set, or else the validation set.

        Raise `SpecError` E1004 if there is none of that name.
        """
        splits = self.splits
        name = split or list(splits)[-1]
        if name not in splits:
            raise SpecError(codes.inference.NoSuchSplit(name, tuple(splits)))
        return name, splits[name]

    def viewed(self, recipe: Recipe) -> Data:
        """Return the same data with other transforms."""
        return load(recipe, self.root, self.data.inputs, found=self.opened)


def open_evaluation_data(
    preparation: InputPreparation, dataset: Dataset | str, root: Path, reading: ReadOptions, *, whole: bool
) -> EvaluationData:  # fmt: skip
    """Open a data set. With `whole`, one without splits is evaluated as a whole; otherwise it is split as in training.

    Raise `SpecError`: E0802 it cannot be read; E0803 its shapes differ; E1002 its values have another scale; E1003 its labels are
    others.
    """
    recipe = preparation.recipe.replace(data=dataset, augment=(), sampler="shuffle")
    ignore = getattr(recipe.loss, "ignore", None)
    opened = open_data(recipe, root, preparation.inputs, reading, ignore=ignore, whole=whole, names=preparation.classes)
    opened = replace(opened, labels=_matched(preparation.labels, opened.labels))
    data = load(recipe, root, preparation.inputs, reading, opened)
    found = Storage.from_data(data.storage())
    for given in preparation.inputs:
        preparation.storage.check(given.name, found.of(given.name), image=given.image)
    check_sizes(data, preparation.check_shapes)
    unsplit = whole and _same_examples(opened.source.train, opened.source.held_out)
    return EvaluationData(recipe, opened, root, data, unsplit)


def _same_examples(one: Part, other: Part) -> bool:
    """Return whether two splits are the same examples."""
    rows = getattr(one, "rows", None)
    return one is other or (rows is not None and rows is getattr(other, "rows", None))


def _matched(wanted: Labels, found: Labels) -> Labels:
    """Return the labels of the data under the names of the network. Raise `SpecError` E1003 if they are others."""
    floats = ("value", "multilabel", "map")
    if wanted.kind != found.kind and not (wanted.kind in floats and found.kind in floats):
        raise SpecError(codes.inference.OtherKind(_WORDS[found.kind], _WORDS[wanted.kind]))
    if wanted.kind in ("value", "multilabel") and prod(wanted.shape) != prod(found.shape):
        raise SpecError(codes.inference.OtherKind(f"{prod(found.shape)} per example", f"{prod(wanted.shape)} per example"))
    if wanted.classes is not None:
        _require_classes(wanted, found)
    return replace(wanted, shape=found.shape, frequencies=found.frequencies)


def _require_classes(wanted: Labels, found: Labels) -> None:
    names = wanted.names or tuple(map(str, range(wanted.count)))  # folders `0`, `1`, `10`, ... would be numbered otherwise
    for number, (name, own) in enumerate(zip(found.names or (), names, strict=False)):
        if name != own:
            raise SpecError(codes.inference.ClassOrder(number, name, own))
    kept = [value for value in found.values if value not in (IGNORED, wanted.ignore)]
    highest = max(kept, default=0)
    if highest >= wanted.count:
        raise SpecError(codes.inference.ClassBeyond(highest, wanted.count))
