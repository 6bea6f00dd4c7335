"""`archdsl evaluate`: the metrics of a trained network."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archdsl.cli.arguments import NetworkCommand, device_option, network_arguments
from archdsl.cli.console import colorful
from archdsl.cli.output import print_text
from archdsl.cli.size_option import size_option
from archdsl.cli.trained_option import require_weights, run_at
from archdsl.diagnostics import SpecError, json_text, printable
from archdsl.file_io import cannot_write, write_file
from archdsl.input_sizes import InputSizes
from archdsl.optional_dependencies import extra_needed
from archdsl.recipe.metrics import METRICS, show_metric
from archdsl.session import Session
from archdsl.text_table import BOLD, DIM, Cell, format_columns

if TYPE_CHECKING:
    from archdsl.inference.evaluate import Evaluation
    from archdsl.inference.scores import Scores

_MOST_CLASSES = 20
"""Up to this many classes, all are shown."""
_MOST_COLUMNS = 12
"""Up to this many classes, the confusion matrix is shown."""

_EXAMPLES = """\b
Examples:
  archdsl evaluate runs/first
  archdsl evaluate runs/first --weights best --split test -o report
  archdsl evaluate runs/flowers --data more_flowers --tta ten_crop
  archdsl evaluate runs/kept --ensemble 5
  archdsl evaluate net.arch --weights net.safetensors --format json"""


@click.command(cls=NetworkCommand, epilog=_EXAMPLES)
@network_arguments
@size_option
@click.option("--weights", metavar="last|best|FILE", help="Weights to evaluate; for a network, a file. [default: last]")
@click.option("--split", type=click.Choice(["training", "validation", "test"]),
              help="Examples to evaluate. [default: test if there is a test set, else validation]")  # fmt: skip
@click.option("--data", metavar="PATH", help="Another data set: a folder, a .npz file, or a data set as in a recipe.")
@click.option("--skip-bad", is_flag=True, help="Decode all images first, and skip unreadable ones.")
@click.option("--tta", type=click.Choice(["flip", "ten_crop", "multi_scale"]),
              help="Average the predictions for several views of each image.")  # fmt: skip
@click.option("--ensemble", type=click.IntRange(min=2), metavar="N",
              help="Average the predictions of the N best epochs; `keep` in the recipe retains them.")  # fmt: skip
@click.option("--worst", type=click.IntRange(min=0), default=5, show_default=True, metavar="N",
              help="Show the N examples with the largest losses.")  # fmt: skip
@device_option("evaluate on")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Output format.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FOLDER",
              help="Write evaluation.json, and for classes confusion.csv and confusion.svg.")  # fmt: skip
def command(
    address: str,
    settings: tuple[tuple[str, str], ...],
    session: Session,
    sizes: InputSizes,
    weights: str | None,
    split: str | None,
    data: str | None,
    skip_bad: bool,
    tta: Any,
    ensemble: int | None,
    worst: int,
    device: str,
    form: str,
    output: Path | None,
) -> None:
    """Evaluate the run in a folder, or NETWORK with a file of weights.

    Inputs are prepared, and metrics computed, as in the validation of training. --tta and --ensemble show the single and the
    averaged result.
    """
    found = run_at(address, settings, sizes)
    with extra_needed("train", "evaluating a network"):
        if found is not None:
            if output is not None:
                _require_drawing(found.preparation.task)
            evaluation = found.evaluate(
                split, data=data, weights=weights or "last", tta=tta, ensemble=ensemble, device=device, worst=worst,
                skip_bad=skip_bad,
            )  # fmt: skip
        else:
            if ensemble is not None:
                raise click.UsageError("--ensemble needs a run, which has kept the weights of several epochs")
            trained = require_weights(address, settings, session, sizes, weights, data)
            if output is not None:
                _require_drawing(trained.preparation.task)
            evaluation = trained.evaluate(split=split, data=data, tta=tta, device=device, worst=worst, skip_bad=skip_bad)
    if output is not None:
        _write(output, evaluation)
    print_text(json_text(evaluation.as_data()) if form == "json" else _text(evaluation, color=colorful(sys.stdout)))
    if output is not None:
        click.echo(printable(f"results in {output}"), err=True)


def _require_drawing(task: str) -> None:
    """Raise `SpecError` E0608 if a confusion matrix will be drawn, and matplotlib is not installed."""
    from archdsl.inference.pictures import require_matplotlib  # here: torch takes over a second to import
    from archdsl.train.metrics import CONFUSED

    if task in CONFUSED:
        require_matplotlib()


def _write(folder: Path, evaluation: Evaluation) -> None:
    """Write the files of an evaluation. Everything is made before the first is written."""
    from archdsl.inference.pictures import draw_confusion

    scores = evaluation.averaged or evaluation.scores
    files: dict[str, str | bytes] = {"evaluation.json": json_text(evaluation.as_data()) + "\n"}
    if scores.confusion:
        names = [str(one["name"]) for one in scores.per_class]
        rows = io.StringIO()
        writer = csv.writer(rows, lineterminator="\n")
        writer.writerow(["true \\ predicted", *names])
        writer.writerows([name, *row] for name, row in zip(names, scores.confusion, strict=True))
        files |= {"confusion.csv": rows.getvalue(), "confusion.svg": draw_confusion(scores.confusion, names)}
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error
    try:
        for name, content in files.items():
            write_file(folder / name, content)
    except SpecError:
        if made:
            with suppress(OSError):  # keep a folder with files
                folder.rmdir()
        raise


def _text(evaluation: Evaluation, *, color: bool) -> str:
    single, averaged = evaluation.scores, evaluation.averaged
    parts = [_metrics(evaluation, color=color), _classes(averaged or single, color=color)]
    parts += [_confusion(averaged or single, color=color), _worst(averaged or single, color=color)]
    return "\n".join(part for part in parts if part)


def _metrics(evaluation: Evaluation, *, color: bool) -> str:
    names = list(evaluation.scores.metrics)
    rows: list[list[Cell | str]] = [[Cell(title, BOLD) for title in ("", "examples", *names)]]
    both = [
        (evaluation.split, evaluation.scores),
        *([] if evaluation.averaged is None else [(evaluation.averaging, evaluation.averaged)]),
    ]
    for title, scores in both:
        rows.append([str(title), f"{evaluation.examples:,}", *(show_metric(name, scores.metrics[name]) for name in names)])
    return format_columns(rows, "<" + ">" * (len(names) + 1), color=color)


def _classes(scores: Scores, *, color: bool) -> str:
    if not scores.per_class:
        return ""
    names = [name for name in scores.per_class[0] if name not in ("name", "examples")]
    shown: Sequence[Any] = scores.per_class
    note = ""
    if len(shown) > _MOST_CLASSES:
        key = "f1" if "f1" in names else "rmse"
        sign = 1 if key == "f1" else -1
        shown = sorted(shown, key=lambda one: (one[key] != one[key], sign * one[key]))[:_MOST_CLASSES]  # without a value last
        note = f"the {_MOST_CLASSES} worst of {len(scores.per_class)} by {key}; --format json has all\n"
    title = "value" if "rmse" in names else "class"
    rows: list[list[Cell | str]] = [[Cell(text, BOLD) for text in (title, "examples", *names)]]
    for one in shown:
        rows.append([printable(one["name"]), f"{one['examples']:,}", *(_number(name, one[name]) for name in names)])
    return format_columns(rows, "<" + ">" * (len(names) + 1), color=color) + note


def _number(name: str, value: float) -> str:
    """Format a metric of a class; nothing without a value, as of a class without examples."""
    return "" if value != value else show_metric(name, value) if name in METRICS else f"{value:.4g}"


def _confusion(scores: Scores, *, color: bool) -> str:
    """Return the confusion matrix: a row for each class, a column for each predicted class."""
    if not 0 < len(scores.confusion) <= _MOST_COLUMNS:
        return ""
    names = [printable(str(one["name"])) for one in scores.per_class]
    rows: list[list[Cell | str]] = [[Cell("true \\ predicted", BOLD), *(Cell(name, BOLD) for name in names)]]
    for number, (name, counts) in enumerate(zip(names, scores.confusion, strict=True)):
        cells = [Cell(f"{count:,}", () if at == number or count else DIM) for at, count in enumerate(counts)]
        rows.append([name, *cells])
    return format_columns(rows, "<" + ">" * len(names), color=color)


def _worst(scores: Scores, *, color: bool) -> str:
    if not scores.worst:
        return ""
    rows: list[list[Cell | str]] = [[Cell(title, BOLD) for title in ("largest losses", "loss", "label", "prediction", "")]]
    for one in scores.worst:
        chance = "" if one.probability is None else f"{one.probability:.2%}"
        rows.append([printable(one.name), f"{one.loss:.4g}", printable(one.label), printable(one.prediction), chance])
    return format_columns(rows, "<><<>", color=color)
