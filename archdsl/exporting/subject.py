"""What is exported: a network with its weights, and for a run the preparation of its inputs, its classes and its data."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from archdsl import __version__
from archdsl.data.read_options import DEFAULT_OPTIONS, ReadOptions
from archdsl.diagnostics import SpecError, codes
from archdsl.exporting.format import Precision, Runner
from archdsl.exporting.interface import Interface, interface_of
from archdsl.exporting.program import DTYPES, Deployed, Program, flat
from archdsl.exporting.samples import points
from archdsl.trained_network import require_same_training

if TYPE_CHECKING:
    from archdsl.exporting.examples import Examples
    from archdsl.inference.preparation import InputPreparation
    from archdsl.network import Network
    from archdsl.trained import Run

WeightsSource = str | os.PathLike[str] | Mapping[str, Tensor]
SEED = 0
"""The random seed of weights that are initialized for an export without weights."""


@dataclass(frozen=True)
class Subject:
    """A network with its weights. `weights` says where they come from: a `file`, or the `seed` of fresh ones."""

    network: Network
    state: Mapping[str, Tensor]
    weights: Mapping[str, Any]
    interface: Interface
    run: Path | None = None
    classes: tuple[str, ...] | None = None
    data_root: Path | None = None
    preparation: InputPreparation | None = None
    """What the run expects, which other data must match."""
    reading: ReadOptions = DEFAULT_OPTIONS
    """How the run read its data."""

    @property
    def spec_sha256(self) -> str:
        """The hash of the spec, with its imports, settings and sizes."""
        return spec_hash(self.network.name, self.network.files(), self.network.origin())

    @property
    def data_folder(self) -> Path:
        """The folder for relative paths of data."""
        return self.data_root if self.data_root is not None else self.network.data_folder

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the outputs; the result is called `main`."""
        return tuple(result.name for result in self.network.graph.results if result.kind != "head")

    def deployed(self, precision: Precision, *, fold: bool, checked: bool = True) -> Deployed:
        """Return the module that is exported."""
        checked = checked and self.interface.graph is self.network.graph
        module = self.network.build(aux=False, check_sizes=checked, optimize=fold, weights=self.state).eval()
        for (
            parameter
        ) in module.parameters():  # formats choose their own layout; with channels_last, PyTorch excludes a batch of 1
            parameter.data = parameter.data.contiguous()
        return self._deployed(module, DTYPES.get(precision, torch.float32))

    def reference(self) -> Deployed:
        """Return the module in float64 with which exports are compared: the plain network, without folding."""
        module = self.network.build(aux=False, dtype=torch.float64)
        module.load_state_dict(self.state)  # without a note that they are converted
        return self._deployed(module.eval(), torch.float64)

    def _deployed(self, module: nn.Module, dtype: torch.dtype) -> Deployed:
        names = [str(value) for value in self.network.graph.inputs]
        return Deployed(module, names, self.interface.preparation, dtype).eval().requires_grad_(False)

    @cached_property
    def weights_sha256(self) -> str:
        """The hash of the weights."""
        return state_hash(self.state)

    def runner(self) -> Runner:
        """Return the plain module in float32."""
        module = self.deployed("fp32", fold=False)
        return lambda inputs: list(flat(module(*inputs)))

    def program(self, precision: Precision, *, fold: bool, examples: Examples | None = None) -> Program:
        """Return what a format writes. `int8` needs examples: raise `SpecError` E1101 without."""
        graph, sizes = self.interface.graph, self.interface.sizes
        tried = points(graph, sizes)
        usual = next((point for point in tried if point.reason == "usual"), tried[-1])
        samples = self.interface.samples(usual._replace(batch=2).shapes(graph), 0)
        calibration = None if examples is None else examples.calibration
        if precision == "int8" and calibration is None:
            raise SpecError(codes.exporting.NoCalibration(self.network.name))
        return Program(
            graph, self.network.graph, self.outputs, samples, precision, self.metadata(precision),
            lambda checked: self.deployed(precision, fold=fold, checked=checked), [point.shapes(graph) for point in tried],
            calibration if precision == "int8" else None,
        )  # fmt: skip

    def metadata(self, precision: Precision) -> dict[str, str]:
        """Return what is stored in the file: the classes, and from what it was made."""
        found = {
            "version": __version__,
            "network": self.network.name,
            "spec_sha256": self.spec_sha256,
            "weights_sha256": self.weights_sha256,
            "precision": precision,
            "inputs": json.dumps({str(value): list(map(str, ("batch", *value.shape))) for value in self.interface.graph.inputs}),
            "outputs": json.dumps(self.outputs),
            "sizes": "\n".join(sentence.partition(":\n")[0] for sentence in self.interface.sizes.sentences()),
        }
        found |= {"run": str(self.run)} if self.run is not None else {}
        found |= {"classes": json.dumps(self.classes, ensure_ascii=False)} if self.classes is not None else {}
        return {f"archdsl.{key}": value for key, value in found.items()}


def subject_of(network: Network, weights: WeightsSource | None) -> Subject:
    """Return a network with weights from a file or a `state_dict`; with fresh ones of a fixed seed if there are none.

    Raise `SpecError` as `Network.load_weights` does.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        module = network.build(aux=False, weights=weights)
    facts: dict[str, Any] = {"seed": SEED} if weights is None else {}
    facts |= {"file": os.path.abspath(weights)} if isinstance(weights, str | os.PathLike) else {}
    return Subject(network, module.state_dict(), facts, interface_of(network, None))


def subject_of_run(run: Run, weights: str | os.PathLike[str]) -> Subject:
    """Return the network of a run with its weights, `last`, `best` or a file, the preparation of its inputs and its classes.

    Raise `SpecError` as `Run.preparation` and `Network.load_weights` do, and E1004 for weights of another training.
    """
    network = run.network()
    path = run.weights(weights) if weights in ("last", "best") else Path(weights)  # type: ignore[arg-type]
    found = subject_of(network, path)
    require_same_training(path, run.preparation.recipe)
    root = run.record.facts.get("data_folder")
    return replace(
        found, interface=interface_of(network, run.preparation), run=run.folder.absolute(), classes=run.classes,
        data_root=Path(root) if isinstance(root, str) else Path(), preparation=run.preparation, reading=run.reading,
    )  # fmt: skip


def state_hash(state: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of tensors: of their names, types, shapes and values, wherever they are stored."""
    digest = hashlib.sha256()
    for key, value in sorted(state.items()):
        digest.update(f"{key} {value.dtype} {list(value.shape)}\n".encode())
        digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def spec_hash(name: str, files: Mapping[str, str], origin: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a network's files, settings and sizes."""
    text = json.dumps([name, dict(files), dict(origin)], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
