"""`archdsl sweep`: train members of a search space, and find the best."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import click

from archdsl.cli.arguments import NetworkCommand, device_option, network_arguments
from archdsl.cli.console import colorful, print_diagnostics
from archdsl.cli.output import print_text
from archdsl.cli.size_option import size_option, wrong_inputs_refused
from archdsl.diagnostics import json_text, printable
from archdsl.input_sizes import InputSizes
from archdsl.optional_dependencies import extra_needed
from archdsl.recipe.metrics import show_metric
from archdsl.session import Session
from archdsl.sweeps.options import PRUNERS, SAMPLERS, SweepOptions
from archdsl.sweeps.result import SweepResult
from archdsl.sweeps.search import Sweep
from archdsl.text_table import BOLD, DIM, Cell, format_columns

_EXAMPLES = """\b
Examples:
  archdsl sweep net.arch --trials 50
  archdsl sweep net.arch --trials 100 --jobs 2 -o runs/search
  archdsl sweep net.arch --sampler grid --pruner none --set train.epochs=5
  archdsl sweep net.arch --storage sweep.log --seed 3"""
_SHOWN = 10
"""Trials that the table at the end shows."""


@click.command(cls=NetworkCommand, epilog=_EXAMPLES)
@network_arguments
@size_option
@click.option("--trials", type=click.IntRange(min=1), default=20, show_default=True,
              help="Members to train in all, those of earlier calls and other processes included.")  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FOLDER",
              help="Folder of the search, with a run folder for each trial. [default: runs/NAME-sweep]")  # fmt: skip
@click.option("--storage", metavar="FILE|URL",
              help="Where trials are kept: SQLite (.db), a journal (.log), a database. [default: FOLDER/sweep.db]")  # fmt: skip
@click.option("--study", metavar="NAME", help="Name of the search in the storage. [default: that of the network]")
@click.option("--jobs", type=click.IntRange(min=1, max=64), default=1, show_default=True, help="Processes that train at once.")
@click.option("--sampler", type=click.Choice(SAMPLERS), default="tpe", show_default=True,
              help="How members are chosen; grid: all of them, in order.")  # fmt: skip
@click.option("--pruner", type=click.Choice(PRUNERS), default="median", show_default=True,
              help="How unpromising trials are stopped early.")  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Random seed of the sampler.")
@device_option("train on")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Output format.")
@click.pass_context
def command(
    ctx: click.Context,
    address: str,
    settings: tuple[tuple[str, str], ...],
    session: Session,
    sizes: InputSizes,
    output: Path | None,
    storage: str | None,
    study: str | None,
    jobs: int,
    trials: int,
    sampler: str,
    pruner: str,
    seed: int,
    device: str,
    form: str,
) -> None:
    """Train members of NETWORK's search space with Optuna, and print the best one as text.

    Combinations that are no members are never trained. Each trial is a normal run folder, which `archdsl runs` shows. The same
    command goes on with the search: trials that were interrupted are resumed, and further processes may join in.
    """
    options = SweepOptions(trials, output, storage, study, sampler, pruner, seed, device)  # type: ignore[arg-type]
    with wrong_inputs_refused():
        search = Sweep(
            address, dict(settings), options, session=session, sizes=sizes,
            say=lambda text: click.echo(printable(text), err=True), warn=lambda found: print_diagnostics([found]),
        )  # fmt: skip
    search.prepare()
    with extra_needed("train", "training"):
        from archdsl.train import Interrupted  # here: torch and Lightning take seconds to import
    line = _command_of_one(ctx, address, settings, sizes, session)
    others = [subprocess.Popen(line, stdout=subprocess.DEVNULL) for _ in range(jobs - 1)]
    try:
        search.train_all()
        failed = [process.wait() for process in others]
        if any(failed):
            click.echo(f"{sum(map(bool, failed))} of {jobs} processes failed", err=True)
        result = search.result()
    except Interrupted as stopped:
        for process in others:
            if stopped.exit_code == 128 + signal.SIGTERM:  # Ctrl-C reaches all processes of a terminal, SIGTERM one
                process.terminate()
            process.wait()
        click.echo(f"{str(stopped).partition(';')[0]}; the same command goes on with the search", err=True)
        ctx.exit(stopped.exit_code)
    finally:
        for process in others:
            if process.poll() is None:
                process.terminate()
    print_text(json_text(_data(result)) if form == "json" else _text(result))


def _command_of_one(
    ctx: click.Context, address: str, settings: tuple[tuple[str, str], ...], sizes: InputSizes, session: Session
) -> list[str]:
    """Return the command line of a further process, whose result nobody reads."""
    given = [word for name, value in settings for word in ("--set", f"{name}={value}")]
    given += [word for size in sizes for word in ("--size", str(size))]
    given += [word for name, number in session.limits.changes().items() for word in ("--limit", f"{name}={number}")]
    for name in ("trials", "output", "storage", "study", "sampler", "pruner", "seed", "device"):
        value = ctx.params[name]
        given += ["--" + name, str(value)] if value is not None else []
    return [sys.executable, "-m", "archdsl", "sweep", address, *given, "--format", "json"]


def _text(result: SweepResult) -> str:
    """Return the table of the best trials, and the best member."""
    better = sorted(
        (trial for trial in result.trials if trial.value is not None),
        key=lambda trial: (trial.number != result.best.number, trial.state != "complete", _cost(result, trial.value or 0.0)),
    )
    names = list(dict.fromkeys(name for trial in better for name in trial.settings))
    rows: list[list[Cell | str]] = [[Cell(title, BOLD) for title in ("trial", result.metric, "", *names)]]
    for trial in better[:_SHOWN]:
        state = "" if trial.state == "complete" else trial.state
        texts = [printable(trial.settings.get(name, "")) for name in names]
        rows.append([str(trial.number), show_metric(result.metric, trial.value or 0.0), Cell(state, DIM), *texts])
    counted = [
        f"{result.count(state)} {word}" for state, word in (("complete", "trained"), ("pruned", "pruned"), ("fail", "failed"))
    ]
    text = format_columns(rows, ">><" + "<" * len(names), color=colorful(sys.stdout)) + "\n"
    text += f"{', '.join(counted)}; {result.excluded:,} combinations were no members and not trained\n"
    text += f"best: trial {result.best.number} in {printable(str(result.best.folder))}\n{printable(result.alias)}\n"
    recipe = {name: value for name, value in result.best.settings.items() if name.startswith("train.")}
    return text + "".join(f"{printable(name)} = {printable(value)}\n" for name, value in recipe.items())


def _cost(result: SweepResult, value: float) -> float:
    from archdsl.recipe.metrics import METRICS

    return -value if METRICS[result.metric].higher else value


def _data(result: SweepResult) -> dict[str, object]:
    trials = [
        {"number": one.number, "state": one.state, "value": one.value, "settings": dict(one.settings), "folder": str(one.folder)}
        for one in result.trials
    ]
    best = next(one for one in trials if one["number"] == result.best.number)
    return {"metric": result.metric, "best": best, "alias": result.alias, "excluded": result.excluded, "trials": trials}
