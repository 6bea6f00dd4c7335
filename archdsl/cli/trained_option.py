"""The trained network of a command: a run, or a network with a file of weights."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from archdsl.cli.arguments import read_network, require_network
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
        require_network(address, settings, session, sizes)  # an address that is wrong is the first mistake
        raise click.UsageError(f"{address} is no run: say which weights, --weights FILE")
    described = data is None or _has_recipe(address, settings, session, sizes)
    if not described and data is not None:
        described = "train.normalize" in dict(settings)
        written = data if Dataset.registry.get(data.partition("(")[0].strip()) is not None else json.dumps(data)
        settings = (*settings, ("train.data", written))
    return with_weights(require_network(address, settings, session, sizes), weights, described=described)


def _has_recipe(address: str, settings: tuple[tuple[str, str], ...], session: Session, sizes: InputSizes) -> bool:
    """Return whether the file of a network has a recipe, or settings make one. Standard input is read once, and must."""
    own = tuple([setting for setting in settings if not setting[0].startswith("train.")])
    return address == "-" or "train.data" in dict(settings) or read_network(address, own, session, sizes).recipe is not None
