"""`archdsl train`: a run folder, from a spec and its recipe."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archdsl.cli.arguments import NetworkCommand, limits_of, network_arguments, require_network
from archdsl.cli.console import colorful, print_diagnostics, print_text
from archdsl.cli.weights import Weights, weights_options
from archdsl.columns import BOLD, Cell, columns
from archdsl.declared import Fault
from archdsl.diagnostics import SpecError
from archdsl.extras import extra_needed
from archdsl.network import Network
from archdsl.recipe.metrics import show_metric
from archdsl.runs import RunFolder
from archdsl.runs.processes import rank
from archdsl.training import require_trainable, snapshot, train

if TYPE_CHECKING:
    from torch import nn

    from archdsl.train import Result



@click.command(
    cls=NetworkCommand,
    epilog="\b\nExamples:\n  archdsl train net.arch\n  archdsl train net.arch --set train.epochs=5 --set width=32 -o runs/wide\n  archdsl train net.arch --set width=32 -o runs/wide --resume\n  archdsl train net.arch --set classes=5 --weights runs/net-1/weights.safetensors --weights-partial",
)
@network_arguments
@weights_options
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FOLDER",
              help="The run's folder; runs/NAME-N where it is not said, with the next free number.")  # fmt: skip
@click.option("--resume", is_flag=True, help="Go on with the run in the folder, or with the last run of this network.")
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda", "mps"]), default="auto", show_default=True, help="Where to train."
)
@click.option("--devices", type=click.IntRange(min=1), default=1, show_default=True,
              help="Devices on each machine; a process trains on each of them.")  # fmt: skip
@click.option("--nodes", type=click.IntRange(min=1), default=1, show_default=True, help="Machines, under torchrun or SLURM.")
@click.option("--strategy", type=click.Choice(["auto", "ddp", "fsdp"]), default="auto", show_default=True,
              help="How devices share the work: ddp copies the network to each, fsdp shards it (CUDA).")  # fmt: skip
@click.pass_context
def command(
    ctx: click.Context,
    address: str,
    settings: tuple[tuple[str, str], ...],
    weights: Weights | None,
    output: Path | None,
    resume: bool,
    device: str,
    devices: int,
    nodes: int,
    strategy: str,
) -> None:
    """Train NETWORK by the `train` block of its file.

    The folder gets the spec as used, the emitted source, the diagram, metrics.csv, checkpoints, the weights
    and what was installed. A stopped run goes on with --resume as if it had never stopped.
    """
    if weights is not None and resume:
        raise click.UsageError("--resume goes on with the run's own weights: leave out --weights")
    network = require_network(address, settings)
    require_trainable(network)
    if weights is not None:
        _require_fit(network, weights)
    hardware = {"accelerator": device, "devices": devices, "nodes": nodes, "strategy": strategy}
    given = _words(ctx, settings, hardware)
    with RunFolder(output, snapshot(network), resume=resume) as folder:
        facts: dict[str, Any] = {"address": address, "settings": dict(settings), "limits": limits_of(ctx), "device": device}
        facts |= {"weights": weights.facts()} if weights is not None else {}
        if rank() == 0:
            click.echo(f"training {network.name} in {folder.path}", err=True)
        with extra_needed("train", "training"):
            from archdsl.train import Interrupted  # here: torch and Lightning take seconds to import
        try:
            result = train(
                network, folder, arguments=facts, hardware=hardware,
                initialize=None if weights is None else partial(_load, network, weights),
                warn=lambda found: print_diagnostics([found]),
                report=lambda fault: _report_death(fault, network, folder, _resume_command(ctx, address, given, folder.path)),
            )  # fmt: skip
        except SpecError as error:
            [found, *others] = error.diagnostics
            if found.code in ("E0807", "E0902") and folder.begun:
                found = found._replace(help=f"{found.help}; then continue: `{_resume_command(ctx, address, given, folder.path)}`")
            raise SpecError([found, *others]) from error
        except Interrupted as stopped:
            if not folder.begun:
                raise
            click.echo(f"{stopped}:\n  {_resume_command(ctx, address, given, folder.path)}", err=True)
            ctx.exit(stopped.exit_code)
    if rank() > 0:
        return  # the first process reports
    if not result.new_epochs:
        click.echo(f"nothing was left to do: the run had ended after epoch {result.epochs}", err=True)
    print_text(_table(result, color=colorful(sys.stdout)))


def _require_fit(network: Network, weights: Weights) -> None:
    """Raise `SpecError` where weights do not fit, before a folder is made; as far as they do, say what is left out."""
    report = weights.check(network)
    finding = weights.finding(report)
    if finding is None:
        return
    if not weights.accepted(report):
        raise SpecError([finding])
    print_diagnostics([finding])


def _load(network: Network, weights: Weights, module: nn.Module) -> None:
    report = network.load_weights(module, weights.path, partial=weights.partial, without_heads=weights.without_heads, by=weights.by)
    if report.ok:
        click.echo(str(report), err=True)


def _report_death(fault: Fault, network: Network, folder: RunFolder, command: str) -> None:
    found = network.diagnostic(fault)
    print_diagnostics([found._replace(help=f"continue from the last checkpoint: `{command}`") if folder.begun else found])


def _words(ctx: click.Context, settings: tuple[tuple[str, str], ...], hardware: Mapping[str, Any]) -> list[str]:
    """Return the options that a resumed run must be given again."""
    given = [word for name, value in settings for word in ("--set", f"{name}={value}")]
    given += [word for name, limit in limits_of(ctx).items() for word in ("--limit", f"{name}={limit}")]
    options = {"--device": hardware["accelerator"], "--devices": hardware["devices"], "--nodes": hardware["nodes"], "--strategy": hardware["strategy"]}
    return given + [word for name, value in options.items() if value not in ("auto", 1) for word in (name, str(value))]


def _resume_command(ctx: click.Context, address: str, given: list[str], folder: Path) -> str:
    return shlex.join([*ctx.command_path.split(), address, *given, "-o", str(folder), "--resume"])


def _table(result: Result, *, color: bool) -> str:
    names = list(result.rows[0].metrics)
    titles: list[Cell | str] = [Cell(title, BOLD) for title in ("", "examples", *names)]
    rows = [titles]
    for row in result.rows:
        rows.append([row.split, f"{row.examples:,}", *(show_metric(name, row.metrics[name]) for name in names)])
    best = f"best in epoch {result.best_epoch} ({result.best_metric} {show_metric(result.best_metric, result.best_value)})"
    epochs = f"{result.epochs} epoch{'s' if result.epochs != 1 else ''}"
    closing = f"{epochs} in {result.seconds:.1f} s, {result.images_per_second:,.0f} images/s, {best}\neverything is in {result.folder}\n"
    return columns(rows, "<" + ">" * (len(names) + 1), color=color) + "\n" + closing
