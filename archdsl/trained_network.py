"""A network with trained weights and the preparation of its inputs: to evaluate it, and to predict with it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.data.read_options import ReadOptions
from archdsl.diagnostics import SpecError, codes
from archdsl.driver import compile_text
from archdsl.network import Network
from archdsl.optional_dependencies import extra_needed
from archdsl.recipe import Dataset, Recipe
from archdsl.recipe.datasets import ImageFolder
from archdsl.recipe.normalizations import OfData, Pca, Whiten
from archdsl.training import require_trainable

if TYPE_CHECKING:
    from torch import nn

    from archdsl.inference.evaluate import Evaluation
    from archdsl.inference.examples import Examples
    from archdsl.inference.predict import Prediction
    from archdsl.inference.preparation import InputPreparation
    from archdsl.inference.views import Averaging

_CARRIER = "network carrier { input row [1]; linear(1) }\ntrain { data = digits; loss = mse }"
"""A text whose `data` is set from outside, to read a data set in the syntax of a recipe."""


class TrainedNetwork:
    """A network whose weights are trained, without auxiliary heads, and its data.

    `Run.trained` returns it for a run, and `with_weights` for a network with a file of weights.
    """

    def __init__(
        self, network: Network, preparation: InputPreparation, module: nn.Module, root: Path, reading: ReadOptions
    ) -> None:
        self.network, self.preparation, self.module = network, preparation, module
        self._root, self._reading = root, reading

    def evaluate(
        self,
        *,
        split: str | None = None,
        data: str | os.PathLike[str] | None = None,
        tta: Averaging | None = None,
        ensemble: Sequence[nn.Module] = (),
        device: str = "auto",
        worst: int = 5,
    ) -> Evaluation:
        """Return all metrics on a split, with the results of each class and the examples with the largest losses.

        `split` is `training`, `validation` or `test`; default: the test set, else the validation set. `data` is another data
        set: a folder, a `.npz` file, or a data set as in a recipe; without splits, all its examples are used. `tta` averages
        the predictions for several views of an image, and `ensemble` those of several modules of this network; the result has
        the scores of the single and of the averaged predictions. `worst` is the number of examples with the largest losses.

        Raise `SpecError`: E0802 and E0803 for data that cannot be read or has other shapes, E1002 for another scale, E1003 for
        other labels, and E1004 for a split or an averaging that does not apply.
        """
        from archdsl.inference.evaluate import Averaged, evaluate  # here: torch takes over a second to import
        from archdsl.inference.evaluation_data import open_evaluation_data

        recipe = self.preparation.recipe
        dataset, root = (recipe.data, self._root) if data is None else (dataset_of(data, recipe), Path())
        with self.network.at_keys():
            source = open_evaluation_data(self.preparation, dataset, root, self._reading, whole=data is not None)
        return evaluate(
            self.network.name, self.module, self.preparation, source, split=split, average=Averaged(tta, ensemble),
            device=device, worst=worst,
        )  # fmt: skip

    def predict(self, *sources: Any, top: int = 5, device: str = "auto") -> list[Prediction]:
        """Return the prediction for each example, prepared as in validation.

        An example is the path of an image, the bytes of one, an image of Pillow, or an array as in a `.npz` file of examples:
        [channels, height, width], or a batch of these; for several inputs, a tuple of arrays. `top` is the number of classes.

        Raise `SpecError` E0802 for files that are no images, and E1002 for examples that the network does not take.
        """
        return list(self.predictions(self.examples(sources), top=top, device=device))

    def examples(self, sources: Sequence[Any]) -> Examples:
        """Return examples for `predictions`. Raise `SpecError` as `predict` does, before anything is computed."""
        from archdsl.inference.examples import check_readable, examples_of  # here: torch takes over a second to import

        made = examples_of(self.preparation, sources)
        if isinstance(made, list):
            check_readable(self.preparation, made)
        return made

    def predictions(self, examples: Examples, *, top: int = 5, device: str = "auto") -> Iterator[Prediction]:
        """Yield the prediction for each example."""
        from archdsl.inference.predict import predict  # here: torch takes over a second to import

        return predict(self.module, self.preparation, examples, top=top, device=device)


def with_weights(
    network: Network, weights: str | os.PathLike[str], /, *, described: bool = True, reading: ReadOptions | None = None
) -> TrainedNetwork:
    """Return a network with a file of weights; its recipe says how inputs are prepared, with the statistics of its data.

    Not `described` is a network whose recipe says nothing but the data to evaluate on: its statistics are not those of training.
    Raise `SpecError`: E0806 without a recipe, E0905 for weights of another network, E1004 if the weights were trained with
    other inputs, and others as `Network.open_data` does.
    """
    recipe, reading = require_trainable(network), reading or ReadOptions()
    if not described and isinstance(recipe.normalize, OfData | Pca | Whiten):
        raise SpecError(codes.inference.StatisticsUnknown(network.name))
    path = Path(weights)
    module = network.build(weights=path, aux=False).eval()
    with extra_needed("train", "preparing inputs"):
        from archdsl.inference.preparation import InputPreparation  # here: torch takes over a second to import
        from archdsl.train.checks import check
        from archdsl.train.data import load
    require_same_training(path, recipe)
    opened = network.open_data(reading)
    with network.at_keys():
        data = load(recipe, network.data_folder, network.inputs(), reading, opened)
        outputs = check(module, (), recipe, data, network.graph.main.arguments)
        preparation = InputPreparation.of_data(data, outputs, network.check_shapes)
    return TrainedNetwork(network, preparation, module, network.data_folder, reading)


def require_same_training(path: Path, recipe: Recipe) -> None:
    """Raise `SpecError` E1004 for weights of archdsl that were trained with other inputs than the recipe says."""
    trained = _trained_recipe(path)
    if trained is None:
        return
    now = recipe.as_data()
    keys = ["transform", "normalize", *(["data"] if isinstance(recipe.normalize, OfData | Pca | Whiten) else [])]
    for key in keys:
        if key in trained and repr(trained[key]) != repr(now[key]):
            raise SpecError(codes.inference.OtherTraining(str(path), key, _shown(trained[key]), _shown(now[key])))


def _shown(value: Any) -> str:
    return f"[{', '.join(map(str, value))}]" if isinstance(value, list) else str(value)


def _trained_recipe(path: Path) -> dict[str, Any] | None:
    """Return the recipe in the metadata of a file of weights; None if it has none."""
    from safetensors import SafetensorError, safe_open  # here: only weights need it

    try:
        with safe_open(path, "pt") as file:
            facts = json.loads((file.metadata() or {}).get("archdsl", "null"))
    except (SafetensorError, OSError, ValueError):
        return None
    found = facts.get("recipe") if isinstance(facts, dict) else None
    return found if isinstance(found, dict) else None


def dataset_of(text: str | os.PathLike[str], recipe: Recipe) -> Dataset | str:
    """Return the data set that a user names: a path, or a data set in the syntax of a recipe.

    A folder replaces the path of the recipe's own `imagefolder(...)`, whose other parameters stay. Raise `SpecError` for a data
    set with wrong parameters.
    """
    written = os.fspath(text)
    called = Dataset.registry.get(written.partition("(")[0].strip()) is not None
    if not isinstance(text, str) or not called:
        folder = os.path.isdir(written) and isinstance(recipe.data, ImageFolder)
        return recipe.data.replace(path=written) if folder and isinstance(recipe.data, ImageFolder) else written
    compiled = compile_text(_CARRIER, settings={"train.data": written})
    compiled.require()
    assert compiled.recipe is not None
    return compiled.recipe.data
