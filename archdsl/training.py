"""Train a network with its recipe: the code that `Network.fit` and `archdsl train` share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import sqrt
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any

from archdsl import __version__
from archdsl.data.read_options import DEFAULT_OPTIONS, ReadOptions
from archdsl.diagnostics import Diagnostic, Severity, SpecError, codes
from archdsl.optional_dependencies import extra_needed
from archdsl.runs import RunFolder, Snapshot
from archdsl.runs.ranks import check_started

if TYPE_CHECKING:
    from lightning.pytorch import Callback
    from torch import nn

    from archdsl.data import Opened
    from archdsl.initial_weights import Weights
    from archdsl.network import Network
    from archdsl.recipe import Recipe
    from archdsl.train import Experiment, Result
    from archdsl.train.dry_run import DryRun
    from archdsl.train.recorder import StopWhen
    from archdsl.weights.report import WeightsReport


def require_trainable(network: Network) -> Recipe:
    """Return the recipe of a network. Raise `SpecError` (E0806) if it has none. This does not import PyTorch."""
    if network.recipe is None:
        raise SpecError(codes.training.NoRecipe(network.name))
    return network.recipe


def snapshot(network: Network) -> Snapshot:
    """Return the description of the network for a run folder."""

    def draw(path: Path) -> None:
        network.write(path, picture(network, "svg"))

    return Snapshot(network.name, network.source(), network.files(), draw, network.origin())


def picture(network: Network, format: str) -> bytes:
    """Return the diagram. Raise `SpecError`, which a run reports as a warning, if it cannot be drawn."""
    drawn = network.drawing(format)
    if isinstance(drawn, Diagnostic):
        raise SpecError(drawn)
    return drawn


def check_initial_weights(network: Network, weights: Weights) -> list[Diagnostic]:
    """Return warnings about weights that fit partially, if `partial` allows that. Raise `SpecError` for other mismatches."""
    report = weights.check(network)
    finding = weights.finding(report)
    if finding is None:
        return []
    if not weights.accepted(report):
        raise SpecError(finding)
    return [finding]


def train(
    network: Network,
    folder: RunFolder,
    opened: Opened,
    *,
    reading: ReadOptions = DEFAULT_OPTIONS,
    arguments: Mapping[str, Any],
    hardware: Mapping[str, Any] | None = None,
    weights: Weights | None = None,
    callbacks: Sequence[Callback] = (),
    warn: Callable[[Diagnostic], None] = lambda found: None,
    transferred: Callable[[WeightsReport], None] = lambda report: None,
    report: Callable[[Diagnostic], None] = lambda found: None,
    stop_when: StopWhen | None = None,
) -> Result:
    """Train a network with its recipe, in an open run folder.

    `arguments` are recorded in the folder; `hardware` are the fields of `archdsl.train.Hardware`. `weights` are loaded unless the
    run is resumed. `warn` receives warnings, `transferred` the report on the loaded weights, and `report` is called when
    another process of the run has died, before all of them end. `stop_when` ends the run after an epoch.

    Raise `SpecError` for mismatches, and `archdsl.train.Interrupted` after Ctrl-C or SIGTERM.
    """
    recipe = require_trainable(network)
    _require_apart(network, recipe, folder.path)
    check_started(**{key: value for key, value in (hardware or {}).items() if key in ("devices", "nodes")})
    read = {"data_folder": str(network.data_folder.resolve()), "skip_bad": reading.skip_bad}
    facts = {"archdsl": __version__, **arguments, **read, **({"weights": weights.facts()} if weights is not None else {})}
    for found in folder.describe(facts):
        warn(found.with_severity(Severity.WARNING).with_notes(["the run goes on without a diagram"]))
    with extra_needed("train", "training"):
        from archdsl.train import Hardware, fit  # here: torch and Lightning take seconds to import
    module = _module(network, recipe, None if folder.resumed else weights, transferred)
    experiment = experiment_of(network, recipe, module, (reading, opened), folder.weights())
    with network.at_keys():
        return fit(
            experiment, folder.path, resume=folder.resumed, hardware=Hardware(**(hardware or {})), callbacks=callbacks,
            warn=_warner(network, warn), report=report, stop_when=stop_when,
        )  # fmt: skip


def try_batch(
    network: Network,
    device: str,
    opened: Opened,
    weights: Weights | None = None,
    *,
    reading: ReadOptions = DEFAULT_OPTIONS,
    warn: Callable[[Diagnostic], None],
    transferred: Callable[[WeightsReport], None],
) -> DryRun:
    """Return the result of a dry run, which makes one step with a copy of the network. Raise `SpecError` as `train` does."""
    recipe = require_trainable(network)
    with extra_needed("train", "training"):
        from archdsl.train.dry_run import dry_run  # here: torch and Lightning take seconds to import
    experiment = experiment_of(network, recipe, _module(network, recipe, weights, transferred), (reading, opened), None)
    with network.at_keys():
        return dry_run(experiment, accelerator=device, warn=_warner(network, warn))


def _require_apart(network: Network, recipe: Recipe, folder: Path) -> None:
    """Raise `SpecError` (E0606) if the run folder is the folder of the data, whose subfolders are classes."""
    path = recipe.data if isinstance(recipe.data, str) else getattr(recipe.data, "path", None)
    if path is not None and (network.data_folder / path).resolve() == folder.resolve():
        raise SpecError(codes.files.FolderOfData(str(folder)))


def _module(network: Network, recipe: Recipe, weights: Weights | None, transferred: Callable[[WeightsReport], None]) -> nn.Module:
    """Build the module, initialized with the seed of the recipe, and load its initial weights."""
    import torch  # here: takes over a second to import

    torch.manual_seed(recipe.seed)
    module = network.build()
    if weights is not None:
        transferred(weights.load(network, module))
    return module


def experiment_of(
    network: Network, recipe: Recipe, module: nn.Module, data: tuple[ReadOptions, Opened], facts: dict[str, Any] | None
) -> Experiment:
    """Return the experiment; `facts` describe the initial weights, for environment.json."""
    from archdsl.train import Experiment  # here: torch and Lightning take seconds to import

    graph = network.graph
    heads = {head.name: head.weight for head, _ in graph.heads}
    return Experiment(
        network.name, module, recipe, network.inputs(), heads, network.data_folder, graph.main.arguments, *data,
        network.check_shapes, facts, lambda: picture(network, "png"),
    )  # fmt: skip


def draw_batch(network: Network, reading: ReadOptions, opened: Opened) -> tuple[bytes, str]:
    """Return a PNG of the first training batch as the network sees it, and its description. Raise `SpecError` as `train` does."""
    from archdsl.train.batch_image import draw_batch as draw
    from archdsl.train.data import load  # here: torch takes over a second to import

    with network.at_keys():
        return draw(load(require_trainable(network), network.data_folder, network.inputs(), reading, opened))


def _warner(network: Network, warn: Callable[[Diagnostic], None]) -> Callable[[Diagnostic], None]:
    def report(found: Diagnostic) -> None:
        placed = network.at_key(found).with_severity(Severity.WARNING)
        if not network.is_suppressed(placed):
            warn(placed)

    return report


def mean_and_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the mean, half the width of its 95 % confidence interval (Student's t), and the standard deviation."""
    from scipy.stats import t  # here: takes a second to import

    deviation = stdev(values)
    return mean(values), float(t.ppf(0.975, len(values) - 1)) * deviation / sqrt(len(values)), deviation
