"""`archdsl predict`: predictions for images."""

from __future__ import annotations

import csv
import io
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archdsl.cli.arguments import NetworkCommand, device_option, network_arguments
from archdsl.cli.console import colorful
from archdsl.cli.output import print_text
from archdsl.cli.size_option import size_option
from archdsl.cli.trained_option import require_weights, run_at
from archdsl.diagnostics import SpecError, codes, json_text, printable
from archdsl.file_io import cannot_write, write_file
from archdsl.input_sizes import InputSizes
from archdsl.optional_dependencies import extra_needed
from archdsl.session import Session
from archdsl.text_table import Cell, format_columns

if TYPE_CHECKING:
    from archdsl.inference.predict import Prediction

_EXAMPLES = """\b
Examples:
  archdsl predict runs/first photo.jpg
  archdsl predict runs/first photographs --top 1 --format csv
  curl -s https://example.org/photo.jpg | archdsl predict runs/first -
  archdsl predict runs/street photographs -o masks
  archdsl predict net.arch --weights net.safetensors photo.jpg"""


@click.command(cls=NetworkCommand, epilog=_EXAMPLES)
@network_arguments
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@size_option
@click.option("--weights", metavar="last|best|FILE", help="Weights to predict with; for a network, a file. [default: last]")
@click.option("--top", type=click.IntRange(min=1), default=5, show_default=True, metavar="N", help="Number of classes to show.")
@device_option("predict on")
@click.option("--format", "form", type=click.Choice(["text", "json", "csv"]), default="text", show_default=True,
              help="Output format.")  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FOLDER",
              help="For outputs per pixel: write the mask of each image as a PNG, or its values as .npy.")  # fmt: skip
def command(
    address: str,
    settings: tuple[tuple[str, str], ...],
    session: Session,
    sizes: InputSizes,
    images: tuple[str, ...],
    weights: str | None,
    top: int,
    device: str,
    form: str,
    output: Path | None,
) -> None:
    """Predict the classes of each IMAGE with the run in a folder, or with NETWORK and a file of weights.

    An IMAGE is a file, a folder of images, or `-` for an image on standard input. Images are prepared as in the validation of
    training.
    """
    found = run_at(address, settings, sizes)
    if address == "-" and "-" in images:
        raise click.UsageError("standard input is the network, and cannot be an image, too")
    with extra_needed("train", "predicting"):
        if found is not None:
            trained = found.trained(weights or "last")
        else:
            trained = require_weights(address, settings, session, sizes, weights, None)
        task = trained.preparation.task
        if output is not None and task not in ("mask", "map"):
            raise SpecError(codes.inference.NoMasks(task))
        named = list(_named(images))
        predictions = trained.predictions(trained.examples(named), top=top, device=device)
        if output is None:
            print_text(_shown([(one, None) for one in predictions], form))
        else:
            print_text(_shown(list(_written(output, [one.name for one in named], predictions)), form))
            click.echo(printable(f"results in {output}"), err=True)


def _named(images: Sequence[str]) -> Iterable[Any]:
    """Yield each image with what it is called: files, those in folders, and standard input."""
    from archdsl.inference.examples import Named, files_below  # here: torch takes over a second to import

    for image in images:
        if image == "-":
            yield Named("-", sys.stdin.buffer.read())
        elif os.path.isdir(image):
            yield from (Named(str(path), str(path)) for path in files_below(Path(image)))
        else:
            yield Named(image, image)


def _written(folder: Path, names: Sequence[str], predictions: Iterable[Prediction]) -> Iterable[tuple[Prediction, Path]]:
    """Write the pixels of each prediction into a folder; yield it with the path of its file."""
    from archdsl.inference.pictures import encode_pixels

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error
    sources = {Path(name).resolve() for name in names}
    taken: set[str] = set()
    for one in predictions:
        content, suffix = encode_pixels(one.pixels)
        stem = base = "stdin" if one.name == "-" else Path(one.name).stem
        number = 1
        while stem in taken:  # images of one name, in several folders
            number += 1
            stem = f"{base}-{number}"
        taken.add(stem)
        path = folder / f"{stem}{suffix}"
        if path.resolve() in sources:
            raise SpecError(codes.files.FileExists(str(path)))
        write_file(path, content)
        yield one, path


def _shown(rows: Sequence[tuple[Prediction, Path | None]], form: str) -> str:
    if form == "json":
        return json_text([{**one.as_data(), **({} if path is None else {"file": str(path)})} for one, path in rows])
    return _csv(rows) if form == "csv" else _text(rows)


def _text(rows: Sequence[tuple[Prediction, Path | None]]) -> str:
    lines: list[list[Cell | str]] = []
    for one, path in rows:
        classes = [f"{printable(name)} {chance:.2%}" for name, chance in one.classes]
        values = [f"{value:.6g}" for value in one.values]
        lines.append([printable(one.name), *classes, *values, *([] if path is None else [printable(str(path))])])
    width = max(map(len, lines), default=0)
    padded: list[list[Cell | str]] = [[*line, *[""] * (width - len(line))] for line in lines]
    return format_columns(padded, "<" * width, color=colorful(sys.stdout))


def _csv(rows: Sequence[tuple[Prediction, Path | None]]) -> str:
    """Return a row for each image and class, or for each image and its values; with the file of its pixels, if there is one."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    files = ["file"] if any(path is not None for _, path in rows) else []
    values = max((len(one.values) for one, _ in rows), default=0)
    pixels = any(one.pixels is not None for one, _ in rows)
    if values:
        writer.writerow(["image", *(f"value_{number}" for number in range(values)), *files])
    elif any(one.classes for one, _ in rows):
        writer.writerow(["image", "rank", "class", "fraction" if pixels else "probability", *files])
    else:  # a map of pixels
        writer.writerow(["image", *files])
    for one, path in rows:
        file = [str(path)] if files else []
        if one.classes:
            writer.writerows([one.name, rank, name, chance, *file] for rank, (name, chance) in enumerate(one.classes, 1))
        else:
            writer.writerow([one.name, *one.values, *file])
    return written.getvalue()
