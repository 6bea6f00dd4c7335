"""`archdsl probe`: activations and gradients by depth."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archdsl.cli.arguments import Address, NetworkCommand, Setting, limit_option, require_network
from archdsl.cli.console import colorful, print_diagnostics
from archdsl.cli.output import print_text
from archdsl.cli.size_option import size_option
from archdsl.cli.weights_options import weights_options
from archdsl.data.read_options import ReadOptions
from archdsl.diagnostics import json_text, printable
from archdsl.input_sizes import InputSizes
from archdsl.optional_dependencies import extra_needed
from archdsl.recipe import Dataset
from archdsl.session import Session

if TYPE_CHECKING:
    from archdsl.initial_weights import Weights
    from archdsl.network import Network
    from archdsl.probing import Probe

_PICTURES = ("svg", "png", "pdf")
_FILES = (*_PICTURES, "json", "csv")
_EXAMPLES = """\b
Examples:
  archdsl probe resnet20
  archdsl probe plain20 plain56 resnet56 -o depth.svg
  archdsl probe net.arch --vary norm=bn --vary "norm=gn(8)" -o norms.svg
  archdsl probe net.arch --data digits --train 100 -o digits.svg -o digits.csv"""


@click.command(cls=NetworkCommand, epilog=_EXAMPLES)
@click.argument("addresses", type=Address(), metavar="NETWORK...", nargs=-1, required=True)
@click.option("--set", "settings", type=Setting(), multiple=True, metavar="NAME=VALUE",
              help="Set a parameter of all networks, or a key of their recipes. May be repeated.")  # fmt: skip
@click.option("--vary", type=Setting(), multiple=True, metavar="NAME=VALUE",
              help="Probe each network once with this setting, beside the others. May be repeated.")  # fmt: skip
@limit_option
@size_option
@weights_options
@click.option("--data", metavar="PATH",
              help="Take examples of a data set: a folder, a .npz file, or as in a recipe. [default: random inputs]")  # fmt: skip
@click.option("--train", type=click.IntRange(min=1), metavar="STEPS",
              help="Probe before and after STEPS optimizer steps of the recipe, on its training examples.")  # fmt: skip
@click.option("--batch", type=click.IntRange(min=2), default=32, show_default=True, metavar="N", help="Number of examples.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), metavar="N",
              help="Random seed of weights and inputs. [default: that of the recipe, or 0]")  # fmt: skip
@click.option("--points", type=click.IntRange(min=3), default=64, show_default=True, metavar="N",
              help="Inputs on the line between two examples, whose gradients are compared.")  # fmt: skip
@click.option("--samples", type=click.IntRange(min=1), default=16, show_default=True, metavar="N",
              help="Random paths of each length through the residual blocks.")  # fmt: skip
@click.option("--skip-bad", is_flag=True, help="Decode all images first, and skip unreadable ones.")
@click.option("--download", is_flag=True, help="Download the data set if it is not on this machine.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Output format.")
@click.option("-o", "--output", "outputs", type=click.Path(path_type=Path), multiple=True, metavar="FILE",
              help="Write a picture (svg, png, pdf), or all measurements (json, csv). May be repeated.")  # fmt: skip
def command(
    addresses: tuple[str, ...],
    settings: tuple[tuple[str, str], ...],
    vary: tuple[tuple[str, str], ...],
    session: Session,
    sizes: InputSizes,
    weights: Weights | None,
    data: str | None,
    train: int | None,
    skip_bad: bool,
    download: bool,
    form: str,
    outputs: tuple[Path, ...],
    **options: Any,
) -> None:
    """Measure activations and gradients of each NETWORK by depth, and compare networks in one picture.

    The table has a row for each depth: mean and standard deviation of the activations, norms of gradients, shares of dead and of
    always active units, the correlation of gradients for neighbouring inputs, statistics of batch normalization, and the
    share of the gradient by path length. All of it follows from the seed.
    """
    for path in outputs:
        if path.suffix.lower().removeprefix(".") not in _FILES:
            raise click.UsageError(f"-o writes {', '.join(_FILES)}: name the file {path.with_suffix('.svg').name}")
    if "-" in addresses and len(addresses) + len(vary) > 1:
        raise click.UsageError("standard input is read once: probe it alone")
    networks = _networks(addresses, settings, vary, data, session, sizes)
    for path in outputs:
        for network, _ in networks:
            network.check_output(path)
    if any(path.suffix.lower().removeprefix(".") in _PICTURES for path in outputs):
        with extra_needed("plot", "drawing a probe"):
            import matplotlib  # noqa: F401  # here: an optional dependency, missed before anything is measured
    with extra_needed("train", "probing a network"):
        from archdsl.probing import Options, probe  # here: torch takes over a second to import

    chosen = Options(data=data is not None, train=train or 0, **options)
    found: list[Probe] = []
    for network, label in networks:
        found += probe(
            network, chosen, label=label, weights=weights, reading=ReadOptions(skip_bad, download),
            warn=lambda one: print_diagnostics([one]),
        )  # fmt: skip
    _write(outputs, found, networks[0][0])
    print_text(_text(found, form))
    for path in outputs:
        click.echo(printable(f"written to {path}"), err=True)


def _networks(
    addresses: Sequence[str], settings: tuple[tuple[str, str], ...], vary: Sequence[tuple[str, str]], data: str | None,
    session: Session, sizes: InputSizes,
) -> list[tuple[Network, str]]:  # fmt: skip
    """Return every network with each of its settings, and its label."""
    if data is not None:
        written = data if Dataset.registry.get(data.partition("(")[0].strip()) is not None else json.dumps(data)
        settings = (*settings, ("train.data", written))
    found = []
    for address in addresses:
        for number in range(max(1, len(vary))):
            varied = vary[number : number + 1]
            network = require_network(address, (*settings, *varied), session, sizes)
            found.append((network, ", ".join([network.name, *map("=".join, varied)])))
    return found


def _write(outputs: Sequence[Path], found: Sequence[Probe], network: Network) -> None:
    """Write all files. Everything is made before the first is written."""
    made = []
    for path in outputs:
        suffix = path.suffix.lower().removeprefix(".")
        if suffix in _PICTURES:
            from archdsl.probing.picture import draw_probes

            made.append((path, draw_probes(found, suffix)))
        else:
            from archdsl.probing.text import csv_text

            text = csv_text(found) if suffix == "csv" else json_text([one.as_data() for one in found]) + "\n"
            made.append((path, text.encode()))
    for path, content in made:
        network.write(path, content)


def _text(found: Sequence[Probe], form: str) -> str:
    if form == "json":
        return json_text([one.as_data() for one in found])
    from archdsl.probing.text import probe_text

    return "\n".join(probe_text(one, color=colorful(sys.stdout)) for one in found)
