"""`archdsl report`: what a network costs, what it sees, and why its depth works."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import click

from archdsl.cli.arguments import NetworkCommand, network_arguments, require_network
from archdsl.cli.console import colorful
from archdsl.cli.output import print_text
from archdsl.cli.size_option import size_option
from archdsl.input_sizes import InputSizes
from archdsl.session import Session

_FORMATS: Final = ("text", "md", "html", "json")
_SUFFIXES: Final = {"txt": "text", "md": "md", "markdown": "md", "html": "html", "htm": "html", "json": "json"}


@click.command(
    cls=NetworkCommand,
    epilog="\b\nExamples:\n  archdsl report resnet50\n  archdsl report net.arch:small -o report.html\n"
    "  archdsl report unet --size 1x256x256 --batch 8\n  archdsl report resnet50 --format json | jq .memory.training",
)
@network_arguments
@size_option
@click.option("-o", "--output", metavar="FILE", help="Output file; its suffix is the format. [default: standard output]")
@click.option(
    "--format", "form", type=click.Choice(_FORMATS), help="Output format. [default: from the suffix of the file, or text]"
)
@click.option("--batch", type=click.IntRange(min=2), default=32, show_default=True, metavar="N",
              help="Examples in a batch of a training step, whose memory is reported.")  # fmt: skip
def command(
    address: str,
    settings: tuple[tuple[str, str], ...],
    session: Session,
    sizes: InputSizes,
    output: str | None,
    form: str | None,
    batch: int,
) -> None:
    """Report on NETWORK: cost, memory, receptive field, paths, variance, and savings of its layers.

    All numbers follow from the network itself, without PyTorch: parameters, MACs and FLOPs, memory of inference and of a
    training step, receptive fields and the layers that see nothing new, rows that strides drop, the number of paths
    by length, the variance of activations at initialization, and what bottlenecks and factorized windows save.
    See https://github.com/archdsl/archdsl/blob/main/docs/reports.md for their sources.
    """
    chosen = form or _format_of(output)
    network = require_network(address, settings, session, sizes)
    with session.collector_paused():
        made = network.report(batch=batch)
        text = made.text(color=colorful(sys.stdout)) if chosen == "text" and output is None else made.written(chosen)
    if output is None or output == "-":
        print_text(text)
    else:
        network.write(output, text)


def _format_of(output: str | None) -> str:
    if output is None or output == "-":
        return "text"
    suffix = Path(output).suffix.removeprefix(".").lower()
    if suffix not in _SUFFIXES:
        raise click.UsageError(f"the suffix of {output!r} says no format: name it .{', .'.join(_SUFFIXES)}, or give --format")
    return _SUFFIXES[suffix]
