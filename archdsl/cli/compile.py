"""`archdsl compile`: the emitted source."""

from __future__ import annotations

import click

from archdsl.cli.arguments import NetworkCommand, network_arguments, require_network
from archdsl.cli.output import print_text
from archdsl.session import Session


@click.command(
    cls=NetworkCommand,
    epilog="\b\nExamples:\n  archdsl compile net.arch -o model.py\n  archdsl compile resnet50 --set classes=10 | less\n  archdsl compile googlenet --no-aux -o googlenet.py",
)
@network_arguments
@click.option("-o", "--output", default="-", metavar="FILE", help="Where to write; standard output where it is not said, or `-`.")
@click.option("--no-aux", is_flag=True, help="Leave out the auxiliary heads, which run in training alone.")
@click.option("--no-inplace", is_flag=True, help="Write activations as modules that overwrite nothing, as hooks need it.")
def command(
    address: str, settings: tuple[tuple[str, str], ...], session: Session, output: str, no_aux: bool, no_inplace: bool
) -> None:
    """Write NETWORK as Python source that imports torch alone."""
    network = require_network(address, settings, session)
    source = network.source(aux=not no_aux, inplace=not no_inplace)
    if output == "-":
        print_text(source)
    else:
        network.write(output, source)
