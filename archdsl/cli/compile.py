"""`archdsl compile`: the source that a target writes."""

from __future__ import annotations

from pathlib import Path

import click

from archdsl.cli.arguments import NetworkCommand, network_arguments, require_network
from archdsl.cli.output import print_bytes
from archdsl.targets import DEFAULT, name_for, names


@click.command(
    cls=NetworkCommand,
    epilog="\b\nExamples:\n  archdsl compile net.arch -o model.py\n  archdsl compile resnet50 --set classes=10 | less\n"
    "  archdsl compile googlenet --no-aux -o googlenet.py",
)
@network_arguments
@click.option("-o", "--output", default="-", metavar="FILE", help="File to write. Default: `-`, standard output.")
@click.option("--target", type=click.Choice(names()), help=f"What to write. Default: by the suffix of FILE, else {DEFAULT}.")
@click.option("--no-aux", is_flag=True, help="Omit the auxiliary heads, which run only in training.")
def command(address: str, settings: tuple[tuple[str, str], ...], output: str, target: str | None, no_aux: bool) -> None:
    """Compile NETWORK, by default to Python source that imports PyTorch alone."""
    suffix = Path(output).suffix.removeprefix(".").lower()
    chosen = target or (name_for(suffix) if suffix else None) or DEFAULT
    network = require_network(address, settings)
    content = network.compile(chosen, suffix, aux=not no_aux)
    if output == "-":
        print_bytes(content)
    else:
        network.write(output, content)
