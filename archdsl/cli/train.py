"""`archdsl train`: training runs."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archdsl.cli.arguments import NetworkCommand, device_option, network_arguments, require_network
from archdsl.cli.console import colorful, print_diagnostics
from archdsl.cli.output import print_text
from archdsl.cli.size_option import size_option
from archdsl.cli.weights_options import weights_options
from archdsl.data.read_options import ReadOptions
from archdsl.diagnostics import Diagnostic, SpecError, codes, printable
from archdsl.initial_weights import Weights, weights_of
from archdsl.input_sizes import InputSizes
from archdsl.limits import Limits
from archdsl.network import Network
from archdsl.optional_dependencies import extra_needed
from archdsl.recipe.metrics import show_metric
from archdsl.runs import RunFolder
from archdsl.runs.folder import newest_folder, next_folder
from archdsl.runs.ranks import announced_folder, rank, require_common_folder
from archdsl.session import Session
from archdsl.text_table import BOLD, Cell, format_columns
from archdsl.training import check_initial_weights, draw_batch, mean_and_interval, require_trainable, snapshot, train, try_batch

if TYPE_CHECKING:
    from archdsl.data import Opened
    from archdsl.data.read_options import ReadOptions
    from archdsl.train import Result

_EXAMPLES = """\b
Examples:
  archdsl train net.arch
  archdsl train net.arch --set train.epochs=5 --set width=32 -o runs/wide
  archdsl train net.arch --set width=32 -o runs/wide --resume
  archdsl train net.arch --set classes=5 --weights runs/net-1/weights.safetensors --weights-partial
  archdsl train net.arch --seeds 5 -o runs/five"""


@click.command(cls=NetworkCommand, epilog=_EXAMPLES)
@network_arguments
@size_option
@weights_options
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FOLDER",
              help="Run folder. [default: runs/NAME-N with the next free N]")  # fmt: skip
@click.option(
    "--resume",
    is_flag=True,
    help="Resume the run in the folder, or the last run of this network; start it if there is no checkpoint.",
)
@click.option("--seeds", type=click.IntRange(min=2), metavar="N",
              help="Train with N consecutive seeds; show the mean of the metrics with its 95 % confidence interval.")  # fmt: skip
@device_option("train on")
@click.option("--devices", type=click.IntRange(min=1), default=1, show_default=True,
              help="Number of devices per machine; each runs in its own process.")  # fmt: skip
@click.option(
    "--nodes", type=click.IntRange(min=1), default=1, show_default=True, help="Number of machines, under torchrun or SLURM."
)
@click.option("--dry-run", is_flag=True, help="Show the learning rates, and the loss and memory of one step; write nothing.")
@click.option("--skip-bad", is_flag=True, help="Decode all images before training, and skip unreadable ones.")
@click.option("--download", is_flag=True, help="Download the data set if it is not on this machine.")
@click.option("--show-batch", type=click.Path(path_type=Path), metavar="PNG",
              help="Write an image of the first training batch as the network sees it, and exit.")  # fmt: skip
@click.pass_context
def command(
    ctx: click.Context,
    address: str,
    settings: tuple[tuple[str, str], ...],
    session: Session,
    sizes: InputSizes,
    weights: Weights | None,
    output: Path | None,
    resume: bool,
    seeds: int | None,
    device: str,
    devices: int,
    nodes: int,
    dry_run: bool,
    skip_bad: bool,
    download: bool,
    show_batch: Path | None,
) -> None:
    """Train NETWORK with the recipe in its file, the `train` block.

    The run folder contains the spec, the emitted source, the diagram, metrics.csv, the checkpoints, the weights
    and the installed versions. A run that is resumed with --resume gives the same result as an uninterrupted one.
    """
    if show_batch is not None and show_batch.suffix.lower() != ".png":
        raise click.UsageError(f"--show-batch writes a PNG: name the file {show_batch.with_suffix('.png').name}")
    network = require_network(address, settings, session, sizes)
    recipe = require_trainable(network)
    reading = ReadOptions(skip_bad, download)
    opened = network.open_data(reading)
    if opened.source.left_out:
        click.echo(_left_out(opened.source.left_out), err=True)
    if show_batch is not None:
        _write_batch(network, show_batch, reading, opened)
        return
    weights = weights or weights_of(network)
    if weights is not None:
        check_initial_weights(network, weights)  # missing tensors of a partial match are reported when the file is loaded
    if dry_run:
        with extra_needed("train", "training"):
            tried = try_batch(
                network, device, opened, weights, reading=reading,
                warn=lambda found: print_diagnostics([found]), transferred=lambda report: click.echo(str(report), err=True),
            )  # fmt: skip
        print_text(str(tried))
        return
    hardware = {"accelerator": device, "devices": devices, "nodes": nodes}
    command = _Command(ctx, address, settings, sizes, session.limits, weights, hardware, reading, opened)
    if seeds is None:
        result = command.run(network, output, resume=resume)
        command.tell(_table(result, color=colorful(sys.stdout)))
        return
    require_common_folder(output)
    first = announced_folder()  # of the first process's first run
    folder = output or (first.parent if first else (newest_folder if resume else next_folder)(network.name))
    results = [
        command.run(network.with_seed(seed), folder / f"seed-{seed}", resume=resume)
        for seed in range(recipe.seed, recipe.seed + seeds)
    ]
    command.tell(_seeds_table(results, folder, color=colorful(sys.stdout)))


def _write_batch(network: Network, path: Path, reading: ReadOptions, opened: Opened) -> None:
    """Write a picture of the first training batch, and say what it shows."""
    with extra_needed("train", "showing a batch"):
        drawn, said = draw_batch(network, reading, opened)
    network.write(path, drawn)
    click.echo(printable(f"{said} in {path}"), err=True)


@dataclass(frozen=True)
class _Command:
    """The arguments of a run."""

    ctx: click.Context
    address: str
    settings: tuple[tuple[str, str], ...]
    sizes: InputSizes
    limits: Limits
    weights: Weights | None
    hardware: Mapping[str, Any]
    reading: ReadOptions
    opened: Opened

    def run(self, network: Network, output: Path | None, *, resume: bool) -> Result:
        """Train in a folder. Print errors together with the command that resumes the run."""
        facts: dict[str, Any] = {"address": self.address, **self.hardware}
        with RunFolder(output, snapshot(network), resume=resume) as folder:
            self._say(printable(f"training {network.name} in {folder.path}"))
            with extra_needed("train", "training"):
                from archdsl.train import Interrupted  # here: torch and Lightning take seconds to import
            try:
                result = train(
                    network, folder, self.opened, arguments=facts, hardware=self.hardware, reading=self.reading,
                    weights=self.weights, transferred=lambda report: self._say(str(report)),
                    warn=lambda found: print_diagnostics([found]),
                    report=lambda found: print_diagnostics([self._remedied(network.at_key(found), folder)]),
                )  # fmt: skip
            except SpecError as error:
                raise error.map(lambda found: self._remedied(found, folder)) from error
            except Interrupted as stopped:
                if not folder.begun:
                    raise
                self._say(f"{stopped}:\n  {self._resume_command(folder.path)}")
                self.ctx.exit(stopped.exit_code)
        if not result.new_epochs:
            self._say(f"nothing to resume: the run ended after epoch {result.epochs}")
        return result

    def _remedied(self, found: Diagnostic, folder: RunFolder) -> Diagnostic:
        """Add the command that resumes from the last checkpoint to a diagnostic, if resuming is a remedy."""
        if not isinstance(found, codes.training.RunStopped) or not folder.begun:
            return found
        resume = f"`{self._resume_command(folder.path)}`"
        return found.with_remedy(f"{found.help}; then continue: {resume}" if found.help else f"continue: {resume}")

    def _resume_command(self, folder: Path) -> str:
        given = [word for name, value in self.settings for word in ("--set", f"{name}={value}")]
        given += [word for size in self.sizes for word in ("--size", str(size))]
        given += [word for name, limit in self.limits.changes().items() for word in ("--limit", f"{name}={limit}")]
        options = {"--device": "accelerator", "--devices": "devices", "--nodes": "nodes"}
        chosen = [(name, self.hardware[field]) for name, field in options.items()]
        given += ["--skip-bad"] if self.reading.skip_bad else []
        given += [word for name, value in chosen if value not in ("auto", 1) for word in (name, str(value))]
        seeds = self.ctx.params.get("seeds")
        place = ["--seeds", str(seeds), "-o", str(folder.parent)] if seeds else ["-o", str(folder)]
        return shlex.join([*self.ctx.command_path.split(), self.address, *given, *place, "--resume"])

    def _say(self, text: str) -> None:
        if rank() == 0:
            click.echo(text, err=True)

    def tell(self, text: str) -> None:
        """Print a result, in the first process only."""
        if rank() == 0:
            print_text(text)


def _left_out(files: tuple[str, ...]) -> str:
    shown = ", ".join(files[:5]) + (", ..." if len(files) > 5 else "")
    return printable(f"skipped {len(files)} unreadable file{'s' if len(files) > 1 else ''}: {shown}")


def _table(result: Result, *, color: bool) -> str:
    names = list(result.rows[0].metrics)
    titles: list[Cell | str] = [Cell(title, BOLD) for title in ("", "examples", *names)]
    rows = [titles]
    for row in result.rows:
        rows.append([row.split, f"{row.examples:,}", *(show_metric(name, row.metrics[name]) for name in names)])
    best = f"best in epoch {result.best_epoch} ({result.best_metric} {show_metric(result.best_metric, result.best_value)})"
    epochs = f"{result.epochs} epoch{'s' if result.epochs != 1 else ''}"
    closing = (
        f"{epochs} in {result.seconds:.1f} s, {result.images_per_second:,.0f} images/s, "
        f"{best}\nresults in {printable(str(result.folder))}\n"
    )
    return format_columns(rows, "<" + ">" * (len(names) + 1), color=color) + "\n" + closing


def _seeds_table(results: list[Result], folder: Path, *, color: bool) -> str:
    names = list(results[0].rows[0].metrics)
    titles: list[Cell | str] = [Cell(title, BOLD) for title in ("", *names)]
    rows = [titles]
    for result in results:
        measured = result.rows[1].metrics
        rows.append([result.folder.name, *(show_metric(name, measured[name]) for name in names)])
    intervals = [mean_and_interval([result.rows[1].metrics[name] for result in results]) for name in names]
    for title, index in (("mean", 0), ("±", 1), ("standard deviation", 2)):
        rows.append([title, *(show_metric(name, interval[index]) for name, interval in zip(names, intervals, strict=True))])
    closing = (
        f"validation metrics of {len(results)} seeds; the mean lies within ± at 95 % confidence "
        f"(Student's t)\nresults in {printable(str(folder))}\n"
    )
    return format_columns(rows, "<" + ">" * len(names), color=color) + "\n" + closing
