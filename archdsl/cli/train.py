"""`archdsl train`: a run folder, from a spec and its recipe."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archdsl.cli.arguments import NetworkCommand, limits_of, network_arguments, require_network
from archdsl.cli.console import colorful, print_diagnostics, print_text
from archdsl.cli.run_folder import RunFolder
from archdsl.cli.weights import Weights, weights_options
from archdsl.columns import BOLD, Cell, columns
from archdsl.declared import Fault
from archdsl.diagnostics import Diagnostic, SpecError
from archdsl.driver import split_address
from archdsl.extras import extra_needed
from archdsl.network import Network

if TYPE_CHECKING:
    from archdsl.data import Opened, Reading
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
@click.option("--skip-bad", is_flag=True, help="Decode all images once, and leave out those that cannot be read.")
@click.option("--download", is_flag=True, help="Download a data set that is not on this machine.")
@click.option("--show-batch", type=click.Path(path_type=Path), metavar="PNG",
              help="Write a picture of the first training batch, as the network will see it, and stop.")  # fmt: skip
@click.pass_context
def command(
    ctx: click.Context,
    address: str,
    settings: tuple[tuple[str, str], ...],
    weights: Weights | None,
    output: Path | None,
    resume: bool,
    device: str,
    skip_bad: bool,
    download: bool,
    show_batch: Path | None,
) -> None:
    """Train NETWORK by the `train` block of its file.

    The folder gets the spec as used, the emitted source, the diagram, metrics.csv, checkpoints, the weights
    and what was installed. A stopped run goes on with --resume as if it had never stopped.
    """
    if weights is not None and resume:
        raise click.UsageError("--resume goes on with the run's own weights: leave out --weights")
    network = require_network(address, settings)
    _trainable(network, address)
    from archdsl.data import Reading  # here: numpy, which a command line that is wrong does not need

    reading = Reading(skip_bad, download)
    opened = network.open_data(reading)
    if opened.source.left_out:
        click.echo(_left_out(opened.source.left_out), err=True)
    if show_batch is not None:
        _show_batch(network, reading, opened, show_batch)
        return
    if weights is not None:
        _require_fit(network, weights)
    with RunFolder(output, network, resume=resume) as folder:
        facts: dict[str, Any] = {"address": address, "settings": dict(settings), "limits": limits_of(ctx), "device": device}
        folder.describe(facts | ({"weights": weights.facts()} if weights is not None else {}))
        with extra_needed("train", "training"):
            # Read when torch is imported. Threads that wait by spinning stand in each other's way where other programs
            # run too: training the digits beside two of them takes 7 times as long.
            os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
            from archdsl.train import Interrupted  # here: torch and Lightning take seconds to import
        click.echo(f"training {network.name} in {folder.path}", err=True)
        try:
            result = _fit(network, folder, weights, device, reading, opened)
        except Fault as fault:
            found = network.diagnostic(fault)
            if fault.code == "E0902" and folder.begun:
                found = found._replace(help=f"{found.help}, then go on: `{_resume_command(ctx, address, settings, device, folder.path)}`")
            raise SpecError([found]) from fault
        except Interrupted as stopped:
            if not folder.begun:
                raise
            click.echo(f"{stopped}:\n  {_resume_command(ctx, address, settings, device, folder.path)}", err=True)
            ctx.exit(stopped.exit_code)
    if not result.new_epochs:
        click.echo(f"nothing was left to do: the run had ended after epoch {result.epochs}", err=True)
    print_text(_table(result, color=colorful(sys.stdout)))


def _trainable(network: Network, address: str) -> None:
    """Raise `SpecError` where a network cannot be trained, before anything slow is imported."""

    file = split_address(address)[0]
    if network.recipe is None:
        help = "add one: `train { data = digits; epochs = 10 }`, or --set train.data=digits"
        raise SpecError([Diagnostic("E0806", f"{file} has no recipe", help=help)])


def _left_out(files: tuple[str, ...]) -> str:
    shown = ", ".join(files[:5]) + (", ..." if len(files) > 5 else "")
    return f"left out {len(files)} file{'s' if len(files) > 1 else ''} that cannot be read: {shown}"


def _show_batch(network: Network, reading: Reading, opened: Opened, path: Path) -> None:
    with extra_needed("train", "showing a batch"):
        from archdsl.train.data import load  # here: torch takes over a second to import
        from archdsl.train.picture import draw_batch
    recipe = network.recipe
    assert recipe is not None
    try:
        drawn, said = draw_batch(load(recipe, network.data_folder, network.inputs(), reading, opened))
    except Fault as fault:
        raise SpecError([network.diagnostic(fault)]) from fault
    network.write(path, drawn)
    click.echo(f"{said} in {path}", err=True)


def _require_fit(network: Network, weights: Weights) -> None:
    """Raise `SpecError` where weights do not fit, before a folder is made; as far as they do, say what is left out."""
    report = weights.check(network)
    finding = weights.finding(report)
    if finding is None:
        return
    if not weights.accepted(report):
        raise SpecError([finding])
    print_diagnostics([finding])


def _fit(network: Network, folder: RunFolder, weights: Weights | None, device: str, reading: Reading, opened: Opened) -> Result:
    import torch  # here, as above

    from archdsl.train import Experiment, fit

    graph, recipe = network.graph, network.recipe
    assert recipe is not None
    torch.manual_seed(recipe.seed)
    module = network.build()
    if weights is not None:
        report = network.load_weights(
            module, weights.path, partial=weights.partial, without_heads=weights.without_heads, by=weights.by
        )
        if report.ok:
            click.echo(str(report), err=True)
    experiment = Experiment(
        network.name, module, recipe, network.inputs(), {head.name: head.weight for head in graph.heads}, network.data_folder,
        graph.root.arguments, reading, opened, network.check_shapes, folder.weights(),
    )  # fmt: skip
    return fit(experiment, folder.path, resume=folder.resume, accelerator=device)


def _resume_command(ctx: click.Context, address: str, settings: tuple[tuple[str, str], ...], device: str, folder: Path) -> str:
    given = [word for name, value in settings for word in ("--set", f"{name}={value}")]
    given += [word for name, limit in limits_of(ctx).items() for word in ("--limit", f"{name}={limit}")]
    given += ["--device", device] if device != "auto" else []
    return shlex.join([*ctx.command_path.split(), address, *given, "-o", str(folder), "--resume"])


def _table(result: Result, *, color: bool) -> str:
    titles: list[Cell | str] = [Cell(title, BOLD) for title in ("", "examples", "loss", "accuracy")]
    rows = [titles]
    for row in result.rows:
        rows.append([row.split, f"{row.examples:,}", f"{row.loss:.4f}", "" if row.accuracy is None else f"{row.accuracy:.2%}"])
    best = f", best in epoch {result.best_epoch}" + (f" ({result.best_accuracy:.2%})" if result.best_accuracy is not None else "")
    epochs = f"{result.epochs} epoch{'s' if result.epochs != 1 else ''}"
    closing = f"{epochs} in {result.seconds:.1f} s, {result.images_per_second:,.0f} images/s{best}\neverything is in {result.folder}\n"
    return columns(rows, "<>>>", color=color) + "\n" + closing
