"""Probe a network: build it, train it for some steps if wanted, and measure it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from archdsl.data import DEFAULT_OPTIONS, ReadOptions
from archdsl.diagnostics import Diagnostic
from archdsl.network import Network
from archdsl.probing.measure import line_through, measure
from archdsl.probing.measurements import Probe
from archdsl.probing.path_lengths import path_lengths
from archdsl.probing.subject import Subject, generated, of_data, require_sizes
from archdsl.training import experiment_of, require_trainable

if TYPE_CHECKING:
    from archdsl.initial_weights import Weights


@dataclass(frozen=True)
class Options:
    """How to probe. With `data`, the inputs are training examples of the recipe; with `train`, too.

    `points` is the number of inputs on the line along which gradients are compared; `samples` that of the random paths of each
    length; 0 omits them. `train` is the number of optimizer steps after which the network is probed once more.
    """

    batch: int = 32
    seed: int | None = None
    data: bool = False
    train: int = 0
    points: int = 64
    samples: int = 16


def probe(
    network: Network,
    options: Options | None = None,
    *,
    label: str | None = None,
    weights: Weights | None = None,
    reading: ReadOptions = DEFAULT_OPTIONS,
    warn: Callable[[Diagnostic], None] = lambda found: None,
) -> list[Probe]:
    """Measure a network at initialization, and once more after `options.train` steps of its recipe.

    Without data, inputs are generated. `label` names the network in tables and pictures. `weights` replace the initialization.
    The seed is that of the recipe, or 0, unless the options have one. Raise `SpecError`: E0312 for symbolic sizes without data,
    E0806 without a recipe for data or training, and as `Network.fit` does.
    """
    given = options or Options()
    network = network if given.seed is None else network.with_seed(given.seed)
    seed = given.seed if given.seed is not None else network.recipe.seed if network.recipe is not None else 0
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        subjects = (
            _trained(network, given, weights, reading, warn)
            if given.data or given.train
            else [_untrained(network, given, weights, seed)]
        )
        return [_measured(subject, given, label or network.name, network.name) for subject in subjects]


def _untrained(network: Network, options: Options, weights: Weights | None, seed: int) -> Subject:
    require_sizes(list(network.sizes.work))
    module = network.build(inplace=False, check_sizes=False)
    if weights is not None:
        weights.load(network, module)
    return generated(module, network.graph, options.batch, seed)


def _trained(
    network: Network, options: Options, weights: Weights | None, reading: ReadOptions, warn: Callable[[Diagnostic], None]
) -> list[Subject]:
    """Return the network on data: as it starts, and after the steps of training, if there are any."""
    from archdsl.train.steps import opened_data, take_steps

    recipe = require_trainable(network)
    opened = network.open_data(reading)
    module = network.build(inplace=False, check_sizes=False)
    if weights is not None:
        weights.load(network, module)
    experiment = experiment_of(network, recipe, module, (reading, opened), None)
    with network.at_keys():
        data, outputs = opened_data(experiment)
        first = of_data(copy.deepcopy(experiment.module), network.graph, experiment, data, outputs, options.batch)
        if not options.train:
            return [first]
        take_steps(experiment, data, outputs, options.train, warn)
        later = of_data(experiment.module, network.graph, experiment, data, outputs, options.batch)
    return [first, Subject(**{**vars(later), "steps": options.train})]


def _measured(subject: Subject, options: Options, label: str, network: str) -> Probe:
    torch.manual_seed(subject.seed)
    notes = []
    line = line_through(subject, options.points) if options.points else None
    if options.points and line is None:
        notes.append("no correlation of gradients: no input is real, so that there is nothing between two inputs")
    found = measure(subject, line)
    if line is not None and found.correlations is None:
        notes.append("no correlation of gradients with respect to the input: they are zero")
    if not found.layers:
        notes.append("no table: nothing has weights, normalizes, activates or joins")
    paths = path_lengths(subject, found.still, options.samples) if options.samples else None
    if options.samples and paths is None:
        notes.append("no path lengths: there are no residual blocks")
    return Probe(
        f"{label}, step {subject.steps}" if subject.steps else label,
        network, subject.about, subject.batch, subject.seed, subject.steps, found.objective, found.layers,
        found.correlations, paths, notes,
    )  # fmt: skip
