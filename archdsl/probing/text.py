"""Probes as text: a table by depth, and the rows of a CSV file."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from typing import Any, Final

from archdsl.diagnostics import printable
from archdsl.probing.measurements import Layer, PathLengths, Probe, Stage
from archdsl.text_table import BOLD, DIM, Cell, format_columns

_COLUMNS: Final[dict[str, Callable[[Stage], float | None]]] = {
    "mean": lambda stage: stage.end.mean,
    "std": lambda stage: stage.end.std,
    "in evaluation": lambda stage: stage.end.evaluation_std,
    "gradient": lambda stage: stage.end.gradient,
    "of weights": lambda stage: stage.weight_gradient,
    "correlation": lambda stage: stage.end.correlation,
    "dead": lambda stage: stage.dead,
    "always": lambda stage: stage.always_active,
    "batch std": lambda stage: stage.batch_std,
    "running std": lambda stage: stage.running_std,
    "drift": lambda stage: stage.drift,
}
"""The titles of the columns, and what is in them."""
_SHARES: Final = ("dead", "always")


def probe_text(found: Probe, *, color: bool = False) -> str:
    """Return the table of a probe by depth, with what precedes and follows it."""
    head = f"{printable(found.label)}: {found.batch} {found.inputs}, seed {found.seed}, objective {_number(found.objective)}"
    rows: list[list[Cell | str]] = [[Cell(title, BOLD) for title in ("depth", "layer", "", *_COLUMNS)]]
    rows += [_row(stage) for stage in found.stages]
    used = [place for place in range(len(rows[0])) if any(_text(row[place]) for row in rows[1:])]
    table = format_columns(
        [[row[place] for place in used] for row in rows],
        "".join("<" if place in (1, 2) else ">" for place in used), color=color,
    )  # fmt: skip
    parts = [f"{head}\n\n{table}"]
    if found.paths is not None:
        parts.append(_paths(found.paths, color=color))
    parts += [f"{note}\n" for note in found.notes]
    return "\n".join(parts)


def _row(stage: Stage) -> list[Cell | str]:
    end = stage.end
    return [
        str(end.depth), end.name, Cell(end.op, DIM),
        *(_share(column(stage)) if title in _SHARES else _number(column(stage)) for title, column in _COLUMNS.items()),
    ]  # fmt: skip


def _text(cell: Cell | str) -> str:
    return cell.text if isinstance(cell, Cell) else cell


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if value == 0 or 0.01 <= abs(value) < 1000 else f"{value:.2e}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def _paths(paths: PathLengths, *, color: bool) -> str:
    rows: list[list[Cell | str]] = [[Cell(title, BOLD) for title in ("path length", "paths", "norm of one", "of the gradient")]]
    shown = [length for length, share in enumerate(paths.shares) if share >= _LEAST_SHARE]
    for length in shown:
        rows.append([str(length), _percent(paths.paths[length]), _number(paths.norms[length]), _share(paths.shares[length])])
    return format_columns(rows, ">>>>", color=color) + path_sentence(paths)


_LEAST_SHARE: Final = 0.001
"""Path lengths with less of the gradient are not in the table."""


def path_sentence(paths: PathLengths) -> str:
    """Return in words through which paths most of the gradient comes."""
    if not any(paths.shares):
        return f"no gradient reaches the first of the {paths.blocks} residual blocks\n"
    low, high = paths.range_of(0.9)
    count = f"{paths.blocks} residual block{'s' if paths.blocks > 1 else ''}"
    return (
        f"{count}: paths of {low} to {high} of them, {_percent(paths.share_of_paths(low, high))} of all paths, "
        f"carry {sum(paths.shares[low : high + 1]):.0%} of the gradient; mean length {paths.mean_length:.1f}\n"
    )


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.01 else f"{100 * share:.2g}%"


def csv_text(found: Sequence[Probe]) -> str:
    """Return all layers of some probes as CSV, a row each; what a layer does not have is empty."""
    written = io.StringIO()
    names = [field.name for field in fields(Layer)]
    writer = csv.DictWriter(written, ["probe", "network", "steps", *names], lineterminator="\n")
    writer.writeheader()
    for one in found:
        for layer in one.layers:
            row: dict[str, Any] = {"probe": one.label, "network": one.network, "steps": one.steps, **asdict(layer)}
            writer.writerow(row)
    return written.getvalue()
