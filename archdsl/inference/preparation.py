"""The preparation of a trained network: from files and arrays to its inputs, exactly as in the validation of its run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, Self

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from archdsl.data import Input, Labels
from archdsl.data.augmentation_check import moves_with
from archdsl.diagnostics import Diagnostic, SpecError, codes
from archdsl.inference.storage import Storage
from archdsl.recipe import Recipe, Transform
from archdsl.recipe.metrics import Kind
from archdsl.train.data import Data
from archdsl.train.losses import Criterion
from archdsl.train.normalize import PREPARATION, Normalizer
from archdsl.train.prepare import Plan, Preparation, scaled, transformed
from archdsl.train.targets import criterion_of

CheckShapes = Callable[[Sequence[tuple[int, ...]]], Diagnostic | None]
_MUST_AGREE = ("transform", "normalize", "loss", "ignore")
"""The keys of a recipe that decide what the network expects, and what its outputs mean."""


class InputPreparation:
    """What a trained network expects, and what its outputs mean.

    `Run.preparation` returns it. It reads images and arrays with the code of validation, and with the statistics of the run.
    """

    def __init__(
        self, recipe: Recipe, inputs: Sequence[Input], shapes: Sequence[tuple[int, ...]], labels: Labels, outputs: int,
        normalizers: Sequence[Normalizer | None], criterion: Criterion, storage: Storage, check_shapes: CheckShapes | None = None,
    ) -> None:  # fmt: skip
        self.recipe = recipe
        self.inputs = tuple(inputs)
        self.shapes = tuple(shapes)
        """The shape of one example of each input, in validation."""
        self.labels = labels
        self.outputs = outputs
        """The number of outputs: of classes, or of values."""
        self.normalizers = tuple(normalizers)
        """The normalization of each input; None for inputs that are not normalized."""
        self.criterion = criterion
        self.storage = storage
        """How the training examples were stored: as image files, or as arrays with a range of values."""
        self.check_shapes = check_shapes
        """For symbolic sizes: return the error for inputs of these shapes; None if they are valid."""

    @classmethod
    def of_run(
        cls, folder: Path, environment: Mapping[str, Any] | None, recipe: Recipe, inputs: Sequence[Input],
        check_shapes: CheckShapes | None = None,
    ) -> Self:  # fmt: skip
        """Return the preparation of a run from its environment.json. Raise `SpecError` E1001 if it lacks something."""
        if environment is None:
            raise SpecError(codes.inference.MissingFact(str(folder), "how inputs are prepared: it has no environment.json"))
        _require_same_recipe(folder, environment, recipe)
        try:
            record, task = environment["normalization"], environment["task"]
            labels, kind = Labels.from_data(task["labels"]), task["kind"]
            shapes = [tuple(map(int, shape)) for shape in record["shapes"]]
            storage = Storage.from_data(record["storage"])
            numbers = record["each"] if len(inputs) > 1 else {inputs[0].name: record}
            normalizers = [
                Normalizer.from_data(_statistics(numbers[given.name]), shape, _large(folder, number))
                for number, (given, shape) in enumerate(zip(inputs, shapes, strict=True))
            ]
            scale, weights = environment["label_scale"], task["class_weights"]
            criterion = Criterion(
                recipe.loss, kind, class_weights=None if weights is None else _float32(weights),
                scale=None if scale is None else (_float32(scale["mean"]), _float32(scale["std"])),
                ignores=kind == "mask" or labels.ignore is not None,
            )  # fmt: skip
            return cls(recipe, inputs, shapes, labels, int(task["outputs"]), normalizers, criterion, storage, check_shapes)
        except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            missing = f"`{error.args[0]}` in environment.json" if isinstance(error, KeyError) else f"its preparation: {error}"
            raise SpecError(codes.inference.MissingFact(str(folder), missing)) from error

    @classmethod
    def of_data(cls, data: Data, outputs: int, check_shapes: CheckShapes | None = None) -> Self:
        """Return the preparation of a recipe, with the statistics of its training set."""
        made = data.preparation(data.recipe)
        normalizers = [one if isinstance(one, Normalizer) else None for one in made.normalizers]
        criterion = criterion_of(data.recipe.loss, data, outputs)
        storage = Storage.from_data(data.storage())
        return cls(data.recipe, data.inputs, data.shapes, data.labels, outputs, normalizers, criterion, storage, check_shapes)

    @property
    def task(self) -> Kind:
        """The kind of labels: `class`, `mask` (a class per pixel), `multilabel`, `value`, or `map` (a value per pixel)."""
        return self.criterion.kind

    @property
    def classes(self) -> tuple[str, ...] | None:
        """The names of the classes in the order of the outputs; None if the data has no names for them."""
        return self.labels.names

    @property
    def image(self) -> int | None:
        """The number of the first input that is an image; None if there is none."""
        return next((number for number, given in enumerate(self.inputs) if given.image), None)

    def require_shapes(self, shapes: Sequence[tuple[int, ...]]) -> None:
        """Raise `SpecError` for examples of sizes that do not suit a network with symbolic sizes."""
        found = self.check_shapes(shapes) if self.check_shapes is not None else None
        if found is not None:
            raise SpecError(found)

    def for_data(self, data: Data) -> Preparation:
        """Return the module that prepares batches of a data set, with the statistics of this preparation."""
        return data.preparation(data.recipe, deepcopy(self.normalizers))

    def for_batches(self, *, transform: bool) -> Preparation:
        """Return the module that prepares batches of examples. Without `transform`, images have their final size already."""
        image = self.image
        moves = image is not None and moves_with(self.labels, self.shapes[image])
        own = self.recipe.transform if transform else ()
        record = {"inputs": [given.name for given in self.inputs]}
        plan = Plan(image, own, own, (), moves, record)
        return Preparation(plan, self.labels, deepcopy(self.normalizers), [not given.real for given in self.inputs])

    def module(self, *, transform: bool = True) -> InputModule:
        """Return a module to put in front of the network, for export: batches of raw inputs to prepared ones.

        Without `transform`, the images have the size of the network already, and are only scaled and normalized. That is exact,
        and so are the transforms of a run that was trained with arrays. A run that was trained with image files resized
        them with Pillow, which rounds to bytes; here PyTorch resizes floats with the same filter.
        """
        return InputModule(self, transform=transform)


class InputModule(nn.Module):
    """Prepare batches of raw inputs for a network: bytes or floats from 0 to 1, [batch, channels, height, width] for images.

    It returns the prepared input, or a tuple if there are several. `transforms` apply to the image input; the buffers of
    `normalizers` hold the statistics.
    """

    def __init__(self, preparation: InputPreparation, *, transform: bool) -> None:
        super().__init__()
        self.transforms: tuple[Transform, ...] = preparation.recipe.transform if transform else ()
        self.image = preparation.image
        self.real = tuple(given.real for given in preparation.inputs)
        own = deepcopy(preparation.normalizers)  # a module of its own, which may go to another device
        self.normalizers = nn.ModuleList(one if one is not None else nn.Identity() for one in own)

    def forward(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Return the prepared inputs."""
        made = []
        for number, (given, normalizer) in enumerate(zip(inputs, self.normalizers, strict=True)):
            value = scaled(given) if self.real[number] else given
            if number == self.image:
                value, _ = transformed(self.transforms, value, None)
            made.append(normalizer(value) if self.real[number] else value)
        return made[0] if len(made) == 1 else tuple(made)


def _statistics(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the statistics in the record of one input."""
    return {key: record[key] for key in ("mean", "std", "matrix") if key in record}


def _float32(values: Any) -> Tensor:
    return torch.tensor(values, dtype=torch.float32)


def _large(folder: Path, number: int) -> dict[str, Tensor]:
    """Return the tensors of one input in preparation.safetensors; none without the file."""
    path, start = folder / PREPARATION, f"normalizers.{number}."
    if not path.is_file():
        return {}
    try:
        found = safetensors.torch.load_file(path)
    except (SafetensorError, OSError) as error:
        raise SpecError(codes.outputs.DamagedRun(str(path), str(error))) from error
    return {key.removeprefix(start): value for key, value in found.items() if key.startswith(start)}


def _require_same_recipe(folder: Path, environment: Mapping[str, Any], recipe: Recipe) -> None:
    """Raise `SpecError` E1001 if the spec of the run prepares inputs otherwise than the run did."""
    trained, now = environment.get("recipe"), recipe.as_data()
    if not isinstance(trained, Mapping):
        raise SpecError(codes.inference.MissingFact(str(folder), "`recipe` in environment.json"))
    for key in _MUST_AGREE:
        if repr(trained.get(key)) != repr(now[key]):
            raise SpecError(codes.inference.OtherRecipe(str(folder), key, str(trained.get(key)), str(now[key])))
