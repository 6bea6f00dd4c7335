"""Build the PyTorch module of a network, plain or optimized for inference, and load weights into it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from archdsl.diagnostics import SpecError
from archdsl.ir import Graph, state
from archdsl.optional_dependencies import extra_needed
from archdsl.weights import Channels, MatchBy
from archdsl.weights.report import WeightsReport, report_on
from archdsl.weights.stored import StoredWeights
from archdsl.weights.weight_files import file_kind, read_header

if TYPE_CHECKING:
    import torch
    from torch import nn

    from archdsl.backends.torch.weights import Tensors
    from archdsl.network import Network
    from archdsl.weights.match import Shape

Source: TypeAlias = "str | os.PathLike[str] | Mapping[str, torch.Tensor]"
"""A file of weights, or a `state_dict`."""


class Matching(NamedTuple):
    """How to match stored weights to a network: see `Network.load_weights`."""

    partial: bool = False
    without_heads: bool = False
    by: MatchBy = "name"
    prefix: str | None = None
    channels: Channels | None = None

    def report(self, graph: Graph, stored: StoredWeights, wanted: Mapping[str, Shape] | None = None) -> WeightsReport:
        """Return the report on weights for a graph. `wanted` replaces the keys and shapes of the graph."""
        return report_on(
            graph, stored, wanted=wanted, by=self.by, without_heads=self.without_heads, prefix=self.prefix, channels=self.channels
        )

    def report_for(self, graph: Graph, tensors: Tensors, module: nn.Module) -> WeightsReport:
        """Return the report on loading tensors into the module of a graph."""
        from archdsl.backends.torch.weights import counting_spoiled  # here: torch takes over a second to import

        shapes = {key: tuple(value.shape) for key, value in module.state_dict().items()}
        return self.report(graph, counting_spoiled(tensors, module), shapes)

    def required(self, report: WeightsReport) -> WeightsReport:
        """Return the report. Raise `SpecError` E0905 if the weights do not fit well enough."""
        if not report.ok and (report.fit.useless or not self.partial):
            raise SpecError(report.diagnostic())
        return report


def build_module(network: Network, weights: Source | None, optimize: bool, form: Mapping[str, Any]) -> nn.Module:
    """Build the module of a network: see `Network.build`, which has the keys of `form` as arguments."""
    with extra_needed("train", "building a module"):
        from archdsl.backends.torch.fold_weights import fold_weights
        from archdsl.backends.torch.instantiate import build  # here: torch takes over a second to import

    graph = network.optimized_graph if optimize else network.graph
    plain = build(network.graph, form["device"], aux=form["aux"]) if optimize and weights is None else None
    module = build(graph, **form)
    if plain is not None:  # the weights that it would have without `optimize`
        module.load_state_dict(fold_weights(graph, plain.state_dict(), form["dtype"]))
    if weights is not None:
        load_weights(network, module, weights, Matching())
    return module


def load_weights(network: Network, module: nn.Module, source: Source, how: Matching) -> WeightsReport:
    """Load weights into a module of a network: see `Network.load_weights`."""
    with extra_needed("train", "loading weights"):
        from archdsl.backends.torch.weights import move, read  # here: torch takes over a second to import

    tensors = read(source if isinstance(source, Mapping) else Path(source))
    optimized = _is_optimized(network, module)
    report = how.report_for(network.optimized_graph if optimized else network.graph, tensors, module)
    if optimized and not report.ok:
        staged = _staged(network, tensors, how)
        plain = how.report_for(network.graph, tensors, staged)
        if len(plain.problems) < len(report.problems):
            return _load_folded(network, module, tensors, staged, how.required(plain))
    report = how.required(report)
    return replace(report, done=True, converted=move(module, tensors, report.fit))


def check_weights(network: Network, source: Source, how: Matching) -> WeightsReport:
    """Return a report on how weights match a network: see `Network.check_weights`."""
    if not isinstance(source, Mapping) and file_kind(Path(source)) == "safetensors":
        return how.report(network.graph, read_header(Path(source)))
    with extra_needed("train", "reading weights that are not safetensors"):
        from archdsl.backends.torch.weights import read  # here: torch takes over a second to import
    return how.report(network.graph, read(source if isinstance(source, Mapping) else Path(source)).stored)


def optimized_weights(network: Network, source: Source, how: Matching) -> dict[str, torch.Tensor]:
    """Return the weights of an optimized module from those of a plain one: see `Network.optimized_weights`."""
    with extra_needed("train", "loading weights"):
        from archdsl.backends.torch.fold_weights import fold_weights
        from archdsl.backends.torch.weights import move, read  # here: torch takes over a second to import

    tensors = read(source if isinstance(source, Mapping) else Path(source))
    staged = _staged(network, tensors, how)
    move(staged, tensors, how.required(how.report_for(network.graph, tensors, staged)).fit)
    return fold_weights(network.optimized_graph, staged.state_dict())


def _load_folded(
    network: Network, module: nn.Module, tensors: Tensors, staged: nn.Module, report: WeightsReport
) -> WeightsReport:
    """Load tensors of the plain network into an optimized module, through a plain one."""
    import torch

    from archdsl.backends.torch.fold_weights import fold_weights
    from archdsl.backends.torch.weights import move, read

    graph = network.optimized_graph
    converted = move(staged, tensors, report.fit)
    weights = fold_weights(graph, staged.state_dict(), torch.float64)
    if weights:  # there is none if no result needs a layer with weights
        folded, strict = read(weights), Matching()
        folded = folded._replace(stored=replace(folded.stored, name=tensors.stored.name))
        move(module, folded, strict.required(strict.report_for(graph, folded, module)).fit)
    count = len(graph.folded)
    note = (f"normalization folded into {count:,} layer{'' if count == 1 else 's'}",) if count else ()
    return replace(report, done=True, converted=converted + note)


def _staged(network: Network, tensors: Tensors, how: Matching) -> nn.Module:
    """Return a plain module for tensors that are folded next; on the meta device unless some keep their initialization."""
    import torch

    from archdsl.backends.torch.instantiate import build

    wide = any(entry.dtype == "float64" for entry in tensors.stored.entries.values())
    return build(network.graph, "cpu" if how.partial else "meta", aux=False, dtype=torch.float64 if wide else None)


def _is_optimized(network: Network, module: nn.Module) -> bool:
    """Return whether a module has the keys of the optimized network, and the plain one has others."""
    keys = module.state_dict().keys()
    return keys != state(network.graph).keys() and keys == state(network.optimized_graph).keys()
