"""From a network and its recipe to a run: what `Network.fit` and `archdsl train` share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import sqrt
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any

from archdsl import __version__
from archdsl.data.reading import AS_IT_IS, Reading
from archdsl.diagnostics import Diagnostic, Severity, SpecError, codes
from archdsl.extras import extra_needed
from archdsl.runs import RunFolder, Snapshot
from archdsl.runs.processes import check_started

if TYPE_CHECKING:
    from lightning.pytorch import Callback
    from torch import nn

    from archdsl.data import Opened
    from archdsl.network import Network
    from archdsl.recipe import Recipe
    from archdsl.starting_weights import Weights
    from archdsl.train import Experiment, Result
    from archdsl.train.dry_run import DryRun
    from archdsl.weights.report import WeightsReport


def require_trainable(network: Network) -> Recipe:
    """Return the recipe, or raise `SpecError` (E0806) if the network cannot be trained. Imports no PyTorch."""
    if network.recipe is None:
        raise SpecError(codes.training.NoRecipe(network.name))
    return network.recipe


def snapshot(network: Network) -> Snapshot:
    """What a run keeps of the network."""

    def draw(path: Path) -> None:
        network.write(path, picture(network, "svg"))

    return Snapshot(network.name, network.source(), network.files(), draw)


def picture(network: Network, format: str) -> bytes:
    """Return the diagram; raise `SpecError`, which a run turns into a warning."""
    drawn = network.drawing(format)
    if isinstance(drawn, Diagnostic):
        raise SpecError(drawn)
    return drawn


def fitting(network: Network, weights: Weights) -> list[Diagnostic]:
    """Return warnings about weights that fit as far as `partial` asks; raise `SpecError` for others. Imports no PyTorch for safetensors."""
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
    reading: Reading = AS_IT_IS,
    arguments: Mapping[str, Any],
    hardware: Mapping[str, Any] | None = None,
    weights: Weights | None = None,
    callbacks: Sequence[Callback] = (),
    warn: Callable[[Diagnostic], None] = lambda found: None,
    transferred: Callable[[WeightsReport], None] = lambda report: None,
    report: Callable[[Diagnostic], None] = lambda found: None,
) -> Result:
    """Train a network by its recipe in a folder that is open.

    `arguments` are recorded, and `hardware` are the fields of `archdsl.train.Hardware`. `weights` are loaded if the run starts anew.
    What happens is told by calls: `warn` of what is probably not meant, `transferred` of the weights, and `report` when another
    process of the run has died, before all of them end.
    Raise `SpecError` for everything that does not fit, and `archdsl.train.Interrupted` after Ctrl-C or SIGTERM.
    """
    recipe = require_trainable(network)
    _require_apart(network, recipe, folder.path)
    check_started(**{key: value for key, value in (hardware or {}).items() if key in ("devices", "nodes")})
    facts = {"archdsl": __version__, **arguments, **({"weights": weights.facts()} if weights is not None else {})}
    for found in folder.describe(facts):
        warn(found.with_severity(Severity.WARNING).with_notes(["the run goes on without a diagram"]))
    with extra_needed("train", "training"):
        from archdsl.train import Hardware, fit  # here: torch and Lightning take seconds to import
    module = _module(network, recipe, None if folder.resumed else weights, transferred)
    experiment = _experiment(network, recipe, module, (reading, opened), folder.weights())
    with network.at_keys():
        return fit(
            experiment, folder.path, resume=folder.resumed, hardware=Hardware(**(hardware or {})), callbacks=callbacks,
            warn=_warner(network, warn), report=report,
        )  # fmt: skip


def try_batch(
    network: Network,
    device: str,
    opened: Opened,
    weights: Weights | None = None,
    *,
    reading: Reading = AS_IT_IS,
    warn: Callable[[Diagnostic], None],
    transferred: Callable[[WeightsReport], None],
) -> DryRun:
    """Make one step with a copy of the network, and return what it took; nothing is written. Raise `SpecError` as `train` does."""
    recipe = require_trainable(network)
    with extra_needed("train", "training"):
        from archdsl.train.dry_run import dry_run  # here: torch and Lightning take seconds to import
    experiment = _experiment(network, recipe, _module(network, recipe, weights, transferred), (reading, opened), None)
    with network.at_keys():
        return dry_run(experiment, accelerator=device, warn=_warner(network, warn))


def _require_apart(network: Network, recipe: Recipe, folder: Path) -> None:
    """Raise `SpecError` (E0606) where the folder of the run is that of the data, whose classes its own folders would become."""
    path = recipe.data if isinstance(recipe.data, str) else getattr(recipe.data, "path", None)
    if path is not None and (network.data_folder / path).resolve() == folder.resolve():
        raise SpecError(codes.files.FolderOfData(str(folder)))


def _module(network: Network, recipe: Recipe, weights: Weights | None, transferred: Callable[[WeightsReport], None]) -> nn.Module:
    """The network, freshly initialized by the recipe's seed, then with the weights that it starts from."""
    import torch  # here: takes over a second to import

    torch.manual_seed(recipe.seed)
    module = network.build()
    if weights is not None:
        transferred(weights.load(network, module))
    return module


def _experiment(
    network: Network, recipe: Recipe, module: nn.Module, data: tuple[Reading, Opened], facts: dict[str, Any] | None
) -> Experiment:
    """What training must know; the facts are about the weights, for the run's record."""
    from archdsl.train import Experiment  # here: torch and Lightning take seconds to import

    graph = network.graph
    heads = {head.name: head.weight for head, _ in graph.heads}
    return Experiment(
        network.name, module, recipe, network.inputs(), heads, network.data_folder, graph.main.arguments, *data, network.check_shapes, facts,
        lambda: picture(network, "png"),
    )  # fmt: skip


def draw_batch(network: Network, reading: Reading, opened: Opened) -> tuple[bytes, str]:
    """Return a PNG of the first training batch as the network sees it, and what it shows. Raise `SpecError` as `train` does."""
    from archdsl.train.data import load  # here: torch takes over a second to import
    from archdsl.train.picture import draw_batch as draw

    with network.at_keys():
        return draw(load(require_trainable(network), network.data_folder, network.inputs(), reading, opened))


def _warner(network: Network, warn: Callable[[Diagnostic], None]) -> Callable[[Diagnostic], None]:
    return lambda found: warn(network.at_key(found).with_severity(Severity.WARNING))


def mean_and_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the mean, half of its 95 % confidence interval by Student's t, and the standard deviation of two values or more."""
    from scipy.stats import t  # here: takes a second to import

    deviation = stdev(values)
    return mean(values), float(t.ppf(0.975, len(values) - 1)) * deviation / sqrt(len(values)), deviation
