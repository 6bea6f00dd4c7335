"""`archdsl render`: diagrams."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click

from archdsl.backends.diagram import FORMATS, Detail
from archdsl.cli.arguments import NetworkCommand, network_arguments, require_network
from archdsl.cli.output import print_bytes
from archdsl.cli.size_option import size_option
from archdsl.input_sizes import InputSizes
from archdsl.session import Session


@click.command(
    cls=NetworkCommand,
    epilog="\b\nExamples:\n  archdsl render net.arch -o net.svg\n  archdsl render net.arch:resnet50 "
    "--set classes=10 -o resnet50.pdf\n  archdsl render net.arch -o - --format dot | dot -Tps > net.ps",
)
@network_arguments
@size_option
@click.option("-o", "--output", required=True, metavar="FILE", help="Output file; `-` is standard output.")
@click.option("--format", "form", type=click.Choice(FORMATS), help="Output format. [default: from the suffix of the file]")
@click.option("--detail", type=click.Choice(get_args(Detail)), default="blocks", show_default=True,
              help="blocks: fold repeated blocks, as figures in papers do; full: show every op.")  # fmt: skip
def command(
    address: str,
    settings: tuple[tuple[str, str], ...],
    session: Session,
    sizes: InputSizes,
    output: str,
    form: str | None,
    detail: Detail,
) -> None:
    """Draw NETWORK, with a frame around each block, shapes on the edges, and dashed auxiliary heads."""
    chosen = form or _format_of(output)
    network = require_network(address, settings, session, sizes)
    drawn = network.render(format=chosen, detail=detail)
    if output == "-":
        print_bytes(drawn)
    else:
        network.write(output, drawn)


def _format_of(output: str) -> str:
    suffix = Path(output).suffix.removeprefix(".").lower()
    if output == "-":
        raise click.UsageError("say what standard output shall be: --format svg")
    if suffix not in FORMATS:
        raise click.UsageError(f"the suffix of {output!r} says no format: name it .{', .'.join(FORMATS)}, or give --format")
    return suffix
