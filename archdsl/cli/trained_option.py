"""The trained network of a command: a run, or a network with a file of weights."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from archdsl.cli.arguments import require_network
from archdsl.input_sizes import InputSizes
from archdsl.recipe import Dataset
from archdsl.session import Session
from archdsl.trained import Run, run
from archdsl.trained_network import TrainedNetwork, with_weights

STATES = ("last", "best")


def run_at(address: str, settings: tuple[tuple[str, str], ...], sizes: InputSizes) -> Run | None:
    """Return the run at an address that is a folder; None for a network. A run takes no settings."""
    if not os.path.isdir(address):
        return None
    if settings or sizes:
        raise click.UsageError("a run has its own settings: leave out --set and --size")
    return run(Path(address))


def require_weights(
    address: str,
    settings: tuple[tuple[str, str], ...],
    session: Session,
    sizes: InputSizes,
    weights: str | None,
    data: str | None,
) -> TrainedNetwork:
    """Return a network with the weights of `--weights`. A network without a recipe gets one for `--data`."""
    if weights is None or (weights in STATES and not os.path.exists(weights)):
        raise click.UsageError(f"{address} is no run: say which weights, --weights FILE")
    network, described = require_network(address, settings, session, sizes), True
    if network.recipe is None and data is not None:
        described = "train.normalize" in dict(settings)
        written = data if Dataset.registry.get(data.partition("(")[0].strip()) is not None else json.dumps(data)
        network = require_network(address, (*settings, ("train.data", written)), session, sizes)
    return with_weights(network, weights, described=described)
