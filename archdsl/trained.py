"""Finished and unfinished runs, from Python: `archdsl.run("runs/net-1")`."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from archdsl.data.read_options import ReadOptions
from archdsl.diagnostics import Diagnostic, SpecError, codes
from archdsl.driver import compile_source
from archdsl.elaborate import read_source
from archdsl.input_sizes import parse_sizes
from archdsl.limits import limits_from
from archdsl.network import Network
from archdsl.optional_dependencies import extra_needed
from archdsl.recipe import Dataset
from archdsl.recipe.metrics import METRICS, best_metric
from archdsl.runs.kept import kept_files
from archdsl.runs.record import RunRecord, read_run, run_folders
from archdsl.session import Session
from archdsl.trained_network import TrainedNetwork, require_same_training
from archdsl.training import require_trainable

if TYPE_CHECKING:
    from torch import nn

    from archdsl.exporting.certificate import Certificate
    from archdsl.exporting.format import Precision
    from archdsl.inference.evaluate import Evaluation
    from archdsl.inference.predict import Prediction
    from archdsl.inference.preparation import InputPreparation
    from archdsl.inference.views import Averaging

Which = Literal["last", "best"]
"""The weights of a run: those of the end, or of the epoch with the best validation metric."""


class Run:
    """A run folder. Its `record` has the facts, the history and the results; the network is loaded from the copy of its spec."""

    def __init__(self, record: RunRecord) -> None:
        self.record = record
        self._network: Network | None = None
        self._preparation: InputPreparation | None = None

    @property
    def folder(self) -> Path:
        """The folder of the run."""
        return self.record.folder

    def network(self) -> Network:
        """Return the network that was trained, from the copy of its spec in the folder. Raise `SpecError` if it has errors."""
        if self._network is None:
            self._network = _network(self.record)
        return self._network

    def weights(self, which: Which = "last") -> Path:
        """Return the file of the weights. Raise `SpecError` E0601 if the run has none yet."""
        path = self.folder / {"last": "weights.safetensors", "best": "best.safetensors"}[which]
        if not path.is_file():
            raise SpecError(codes.files.NoWeights(str(self.folder), path.name, str(self.record.status)))
        return path

    @property
    def preparation(self) -> InputPreparation:
        """The preparation of inputs in the run's validation: transforms, normalization, classes, and the kind of labels.

        Raise `SpecError` E1001 if the run does not record it, as those of earlier versions, and E0608 without PyTorch.
        """
        if self._preparation is None:
            with extra_needed("train", "preparing inputs"):
                from archdsl.inference.preparation import InputPreparation  # here: torch takes over a second to import
            network = self.network()
            self._preparation = InputPreparation.of_run(
                self.folder, self.record.environment, require_trainable(network), network.inputs(), network.check_shapes
            )
        return self._preparation

    @property
    def classes(self) -> tuple[str, ...] | None:
        """The names of the classes in the order of the outputs; None if there are none, or the run has not begun."""
        names = (self.record.environment or {}).get("normalization", {}).get("classes")
        return None if names is None else tuple(names)

    @property
    def reading(self) -> ReadOptions:
        """How the run read its data: whether it skipped unreadable images."""
        return ReadOptions(skip_bad=bool(self.record.facts.get("skip_bad")))

    def build(self, which: Which = "last", **options: Any) -> nn.Module:
        """Return the trained module, in evaluation mode. `options` are those of `Network.build`.

        Inputs must be prepared as in training: `preparation.module()` does that, and `predict` and `evaluate` do it themselves.
        """
        return self.network().build(weights=self.weights(which), **options).eval()

    def trained(self, weights: str | os.PathLike[str] = "last") -> TrainedNetwork:
        """Return the network with its weights, `last`, `best` or a file, and its preparation, to evaluate and predict with.

        Raise `SpecError`: E0601 if the run has no weights yet, E0905 for those of another network, E1001 if the run does not
        record how inputs are prepared.
        """
        preparation, path = self.preparation, self._file(weights)
        module = self.network().build(weights=path, aux=False).eval()
        require_same_training(path, preparation.recipe)
        return TrainedNetwork(self.network(), preparation, module, self._data_folder(), self.reading)

    def evaluate(
        self,
        split: str | None = None,
        *,
        data: str | os.PathLike[str] | None = None,
        weights: str | os.PathLike[str] = "last",
        tta: Averaging | None = None,
        ensemble: int | None = None,
        device: str = "auto",
        worst: int = 5,
        skip_bad: bool = False,
    ) -> Evaluation:
        """Return the metrics on a split, as `archdsl evaluate` shows them. They equal those of results.json for `last`.

        `ensemble` averages the predictions of that many of the best epochs, which `keep` in the recipe retains; the other
        arguments and errors are those of `TrainedNetwork.evaluate`. Raise `SpecError` E1004 if the run kept fewer epochs.
        """
        members = [] if ensemble is None else self.best_epochs(ensemble)
        if data is None and "data_folder" not in self.record.facts and _relative(self.preparation.recipe.data):
            advice = "say where it is: --data PATH"
            raise SpecError(codes.inference.MissingFact(str(self.folder), "the folder of its data", advice))
        trained = self.trained(weights)
        modules = [self.network().build(weights=path, aux=False).eval() for path in members]
        try:
            return trained.evaluate(
                split=split, data=data, tta=tta, ensemble=modules, device=device, worst=worst, skip_bad=skip_bad
            )
        except SpecError as error:
            if data is None and isinstance(error.diagnostic, codes.data.MissingData):  # it was moved since
                raise error.map(lambda found: found.with_remedy("say where it is now: --data PATH")) from error
            raise

    def predict(
        self, *sources: Any, weights: str | os.PathLike[str] = "last", top: int = 5, device: str = "auto"
    ) -> list[Prediction]:
        """Return the prediction for each image or array, prepared as in validation. See `TrainedNetwork.predict`."""
        return self.trained(weights).predict(*sources, top=top, device=device)

    def best_epochs(self, count: int) -> list[Path]:
        """Return the weights of the best epochs by the metric of the run, the best first.

        Raise `SpecError` E1004 if the run kept fewer, and `ValueError` for a count below 1.
        """
        if count < 1:
            raise ValueError(f"the number of epochs is at least 1, not {count}")
        kept = kept_files(self.folder)
        if len(kept) < count:
            raise SpecError(codes.inference.TooFewKept(str(self.folder), count, len(kept)))
        name = best_metric(self.preparation.recipe, self.preparation.task)
        rows = {row.get("epoch"): row for row in self.record.history}

        def merit(epoch: int) -> tuple[float, float]:
            row = rows.get(epoch, {})
            value, loss = row.get(f"val_{name}"), row.get("val_loss")
            return (
                -math.inf if value is None else value if METRICS[name].higher else -value,
                -math.inf if loss is None else -loss,
            )

        return [path for _, path in sorted(kept, key=lambda one: merit(one[0]), reverse=True)[:count]]

    def _file(self, weights: str | os.PathLike[str]) -> Path:
        return self.weights(weights) if weights in ("last", "best") else Path(weights)  # type: ignore[arg-type]

    def _data_folder(self) -> Path:
        """Return the folder for relative paths of data; the current folder if an earlier version did not record it."""
        found = self.record.facts.get("data_folder")
        if not isinstance(found, str):
            return Path()
        return Path(found).relative_to(Path.cwd()) if Path(found).is_relative_to(Path.cwd()) else Path(found)

    def export(
        self,
        path: str | os.PathLike[str],
        *,
        to: str | None = None,
        weights: Which | str | os.PathLike[str] = "last",
        precision: Precision = "fp32",
        fold: bool = True,
        data: str | os.PathLike[str] | None = None,
    ) -> Certificate:
        """Write the trained network with the preparation of its inputs as a file for another runtime, and return its certificate.

        Predictions on the validation set are compared, if its data is there; `data` is another place for it. The other
        arguments and errors are those of `Network.export`. Raise `SpecError` E0601 if the run has no weights yet, and E1001 if it
        does not record how inputs are prepared.
        """
        with extra_needed("train", "exporting a network"):
            from archdsl.exporting.subject import subject_of_run  # here: torch takes over a second to import
        from archdsl.exporting.write import export_with_data

        return export_with_data(subject_of_run(self, weights), path, to, precision=precision, fold=fold, data=data)

    def __repr__(self) -> str:
        record = self.record
        return f"<archdsl run {record.folder}: {record.network}, {record.status}, {len(record.history)} epochs>"


def run(folder: str | os.PathLike[str], /) -> Run:
    """Return the run in a folder. Raise `SpecError`: E0601 if it holds none, E0903 if a file of it is damaged."""
    return Run(read_run(Path(folder)))


def list_runs(folder: str | os.PathLike[str] = "runs", /) -> list[Run]:
    """Return the runs at or below a folder. Raise `SpecError` as `run` does."""
    return [run(found) for found in run_folders(Path(folder))]


def _relative(data: Dataset | str) -> bool:
    """Return whether data is at a path that is relative to a folder."""
    path = data if isinstance(data, str) else getattr(data, "path", None)
    return path is not None and not os.path.isabs(path)


def _network(record: RunRecord) -> Network:
    facts = record.facts
    try:
        session = Session(limits_from(_strings(facts, "limits", int)))
        sizes = tuple([size for text in facts.get("sizes", []) for size in parse_sizes(text)])
    except (TypeError, ValueError) as error:
        raise SpecError(codes.outputs.DamagedRun(str(record.folder / "run.json"), str(error))) from error
    name = facts.get("file")
    files = sorted((record.folder / "spec").glob("*.arch"))
    path = record.folder / "spec" / name if isinstance(name, str) else next(iter(files), None)  # earlier versions name none
    if path is None:
        raise SpecError(codes.outputs.DamagedRun(str(record.folder / "spec"), "it has no spec"))
    source = read_source(path, limits=session.limits)
    if isinstance(source, Diagnostic):
        raise SpecError(source)
    settings = _strings(facts, "settings", str)
    return Network(compile_source(source, path, record.network, settings, session=session, sizes=sizes))


def _strings(facts: Mapping[str, Any], key: str, kind: type) -> dict[str, Any]:
    found = facts.get(key, {})
    if not isinstance(found, dict) or not all(isinstance(value, kind) for value in found.values()):
        raise SpecError(codes.outputs.DamagedRun("run.json", f"its `{key}` are no settings"))
    return found
