"""`archdsl runs`: a table of runs, their differences, and their learning curves."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from archdsl.cli.console import colorful, print_diagnostics
from archdsl.cli.output import print_text
from archdsl.diagnostics import Diagnostic, Severity, SpecError, codes, json_text, printable
from archdsl.file_io import write_file
from archdsl.recipe.metrics import METRICS, show_metric
from archdsl.runs.curves import FORMATS, draw_curves, format_of
from archdsl.runs.differences import spec_changes, varying
from archdsl.runs.folder import RUNS
from archdsl.runs.record import RunRecord, read_run, run_folders
from archdsl.text_table import BOLD, DIM, Cell, format_columns
from archdsl.trained import Run

_MOST_LINES = 12
"""The most lines of a spec that are shown of each side."""


class _Counts(NamedTuple):
    """The parameters and MACs of a network; None if its spec has errors now."""

    params: int | None
    macs: int | None


_EXAMPLES = """\b
Examples:
  archdsl runs
  archdsl runs runs/five
  archdsl runs runs/net-1 runs/net-2 --plot curves.svg
  archdsl runs --format json | jq '.[].metrics'"""


@click.command(epilog=_EXAMPLES)
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path), metavar="[FOLDER]...")
@click.option("--plot", type=click.Path(path_type=Path), metavar="FILE",
              help="Draw the learning curves of all these runs: svg, png or pdf.")  # fmt: skip
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Output format.")
def command(folders: tuple[Path, ...], plot: Path | None, form: str) -> None:
    """List the runs at or below each FOLDER, by default in runs/.

    The last column has what is not the same in all runs of a network: its parameters, and keys of the recipe. For two runs,
    the lines of the spec that differ follow.
    """
    if plot is not None and format_of(plot) is None:
        raise click.UsageError(f"--plot writes {', '.join(FORMATS)}: name the file {plot.with_suffix('.svg').name}")
    records = _records(folders or (RUNS,))
    begun = [record for record in records if record.history]
    if plot is not None and not begun:
        raise SpecError(codes.files.NothingToPlot([str(record.folder) for record in records]))
    if form == "json":
        print_text(json_text([_data(record, counts) for record, counts in zip(records, _all_counts(records), strict=True)]))
    else:
        print_text(_table(records) + (_spec_differences(*records) if len(records) == 2 else ""))
    if plot is not None:
        write_file(plot, draw_curves(begun, _names(begun), str(format_of(plot))))
        click.echo(printable(f"curves in {plot}"), err=True)


def _records(folders: Sequence[Path]) -> list[RunRecord]:
    """Return the records of all runs, and print what is wrong with the others. Raise `SpecError` if there is none."""
    found: list[RunRecord] = []
    wrong: list[Diagnostic] = []
    for folder in folders:
        inside = list(run_folders(folder))
        for path in inside or [folder]:
            try:
                found.append(read_run(path))
            except SpecError as error:
                wrong += error.diagnostics
    if not found:
        raise SpecError(*wrong)
    print_diagnostics([one.with_severity(Severity.WARNING) for one in wrong])
    return found


def _all_counts(records: Sequence[RunRecord]) -> list[_Counts]:
    """Return the counts of each network; equal ones are loaded once."""
    known: dict[str, _Counts] = {}
    found = []
    for record in records:
        key = repr((record.network, record.facts.get("settings"), record.facts.get("sizes"), record.spec))
        if key not in known:
            known[key] = _counts(record)
        found.append(known[key])
    return found


def _counts(record: RunRecord) -> _Counts:
    try:
        table = Run(record).network().table()
    except SpecError:  # written for another version; the run is listed all the same
        return _Counts(None, None)
    return _Counts(table.params, table.macs if isinstance(table.macs, int) else None)


def _best(record: RunRecord) -> tuple[str, float, int] | None:
    """Return the metric that chose the best weights, its best value, and the epoch; None before the first epoch."""
    if not record.history:
        return None
    wanted = (record.results or {}).get("best_metric")
    named = wanted if isinstance(wanted, str) else next((name for name in record.metrics if name != "loss"), "loss")
    rows = [(row[f"val_{named}"], row["epoch"]) for row in record.history if row.get(f"val_{named}") is not None]
    if not rows or named not in METRICS:
        return None
    value, epoch = (max if METRICS[named].higher else min)(rows, key=lambda row: row[0] or 0.0)
    return named, float(value or 0.0), int(epoch or 0)


def _table(records: Sequence[RunRecord]) -> str:
    titles = ("run", "network", "params", "MACs", "epochs", "val loss", "best", "", "time", "", "differs in")
    rows: list[list[Cell | str]] = [[Cell(title, BOLD) for title in titles]]
    for record, counts, own in zip(records, _all_counts(records), varying(records), strict=True):
        best, loss = _best(record), record.metrics.get("loss")
        rows.append([
            printable(str(record.folder)), printable(record.network), _number(counts.params), _number(counts.macs),
            str(len(record.history) or ""), "" if loss is None else show_metric("loss", loss),
            "" if best is None else show_metric(best[0], best[1]), "" if best is None else f"{best[0]}, epoch {best[2]}",
            _duration(record.seconds), Cell("" if record.status == "finished" else str(record.status), DIM),
            Cell(printable(", ".join(f"{key} = {value}" for key, value in own.items())), DIM),
        ])  # fmt: skip
    return format_columns(rows, "<<>>>>><><<", color=colorful(sys.stdout))


def _spec_differences(one: RunRecord, other: RunRecord) -> str:
    """Return the lines of the specs of two runs that differ, in words."""
    changes = spec_changes(one, other)
    if not changes:
        return "\nthe specs are the same\n"
    text = "\n"
    for file, removed, added in changes:
        text += f"{printable(file)} differs:\n"
        for sign, lines in (("-", removed), ("+", added)):
            text += "".join(f"  {sign} {printable(line)}\n" for line in lines[:_MOST_LINES])
            left = len(lines) - _MOST_LINES
            text += f"  {sign} and {left:,} more line{'s' if left > 1 else ''}\n" if left > 0 else ""
    return text


def _data(record: RunRecord, counts: _Counts) -> dict[str, Any]:
    best = _best(record)
    return {
        "folder": str(record.folder),
        "network": record.network,
        "status": str(record.status),
        "params": counts.params,
        "macs": counts.macs,
        "epochs": len(record.history),
        "metrics": dict(record.metrics),
        "best": None if best is None else {"metric": best[0], "value": best[1], "epoch": best[2]},
        "seconds": record.seconds,
        "settings": record.facts.get("settings", {}),
        "recipe": dict(record.recipe),
    }


def _names(records: Sequence[RunRecord]) -> list[str]:
    """Return the last part of each folder, or the whole folders if two are alike."""
    names = [record.folder.name for record in records]
    return names if len(set(names)) == len(names) else [str(record.folder) for record in records]


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _duration(seconds: float) -> str:
    if not seconds:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    return f"{seconds:.1f} s" if seconds < 100 else f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
