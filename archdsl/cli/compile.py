"""`archdsl compile`: the emitted source."""

from __future__ import annotations

import click

from archdsl.cli.arguments import NetworkCommand, network_arguments, require_network
from archdsl.cli.output import print_text


@click.command(
    cls=NetworkCommand,
    epilog="\b\nExamples:\n  archdsl compile net.arch -o model.py\n  archdsl compile resnet50 --set classes=10 | less\n  archdsl compile googlenet --no-aux -o googlenet.py",
)
@network_arguments
@click.option("-o", "--output", default="-", metavar="FILE", help="Output file; `-` is standard output. [default: -]")
@click.option("--no-aux", is_flag=True, help="Omit the auxiliary heads, which are used only in training.")
def command(address: str, settings: tuple[tuple[str, str], ...], output: str, no_aux: bool) -> None:
    """Compile NETWORK to Python source that depends only on torch."""
    network = require_network(address, settings)
    source = network.source(aux=not no_aux)
    if output == "-":
        print_text(source)
    else:
        network.write(output, source)
