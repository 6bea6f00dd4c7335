"""What is exported: a network with its weights, and for a run the preparation of its inputs, its classes and its data."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from archdsl import __version__
from archdsl.exporting.format import Precision
from archdsl.exporting.program import DTYPES, Deployed

if TYPE_CHECKING:
    from archdsl.network import Network

WeightsSource = str | os.PathLike[str] | Mapping[str, Tensor]
SEED = 0
"""The random seed of weights that are initialized for an export without weights."""


@dataclass(frozen=True)
class Subject:
    """A network with its weights. `weights` says where they come from: a `file`, or the `seed` of fresh ones."""

    network: Network
    state: Mapping[str, Tensor]
    weights: Mapping[str, Any]
    run: Path | None = None
    preparation: nn.Module | None = None
    classes: tuple[str, ...] | None = None

    @property
    def spec_sha256(self) -> str:
        """The hash of the spec, with its imports, settings and sizes."""
        return spec_hash(self.network.name, self.network.files(), self.network.origin())

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the outputs; the result is called `main`."""
        return tuple(result.name for result in self.network.graph.results if result.kind != "head")

    def deployed(self, precision: Precision, *, fold: bool, checked: bool = True) -> Deployed:
        """Return the module that is exported."""
        module = self.network.build(aux=False, check_sizes=checked, weights=self.state).eval()
        return self._deployed(module, DTYPES.get(precision, torch.float32))

    def reference(self) -> Deployed:
        """Return the module in float64 with which exports are compared: the plain network, without folding."""
        module = self.network.build(aux=False, dtype=torch.float64)
        module.load_state_dict(self.state)  # without a note that they are converted
        return self._deployed(module.eval(), torch.float64)

    def _deployed(self, module: nn.Module, dtype: torch.dtype) -> Deployed:
        names = [str(value) for value in self.network.graph.inputs]
        return Deployed(module, names, self.preparation, dtype).eval().requires_grad_(False)

    def metadata(self, precision: Precision) -> dict[str, str]:
        """Return what is stored in the file: the classes, and from what it was made."""
        found = {
            "version": __version__,
            "network": self.network.name,
            "spec_sha256": self.spec_sha256,
            "weights_sha256": state_hash(self.state),
            "precision": precision,
            "inputs": json.dumps({str(value): list(map(str, ("batch", *value.shape))) for value in self.network.graph.inputs}),
            "outputs": json.dumps(self.outputs),
            "sizes": "\n".join(sentence.partition(":\n")[0] for sentence in self.network.sizes.sentences()),
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
    return Subject(network, module.state_dict(), facts)


def state_hash(state: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of tensors: of their names, types, shapes and values, wherever they are stored."""
    digest = hashlib.sha256()
    for key, value in sorted(state.items()):
        digest.update(f"{key} {value.dtype} {list(value.shape)}\n".encode())
        digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


def spec_hash(name: str, files: Mapping[str, str], origin: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a network's files, settings and sizes."""
    text = json.dumps([name, dict(files), dict(origin)], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
