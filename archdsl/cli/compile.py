"""`archdsl compile`: the source that a target writes."""

from __future__ import annotations

from pathlib import Path

import click

from archdsl import targets
from archdsl.cli.arguments import NetworkCommand, network_arguments, require_network
from archdsl.cli.output import print_bytes
from archdsl.cli.size_option import size_option
from archdsl.input_sizes import InputSizes
from archdsl.session import Session


@click.command(
    cls=NetworkCommand,
    epilog="\b\nExamples:\n  archdsl compile net.arch -o model.py\n  archdsl compile resnet50 --set classes=10 | less\n"
    "  archdsl compile googlenet --no-aux -o googlenet.py\n  archdsl compile resnet50 --size 3x160x160 -o small.py",
)
@network_arguments
@size_option
@click.option("-o", "--output", default="-", metavar="FILE", help="Output file; `-` is standard output. [default: -]")
@click.option(
    "--target",
    type=click.Choice(targets.names()),
    help=f"Output format. [default: from the suffix of the file, else {targets.DEFAULT}]",
)
@click.option("--no-aux", is_flag=True, help="Omit the auxiliary heads, which are used only in training.")
@click.option("--optimize", is_flag=True, help="For inference: fold batch norm, and omit heads and whatever only training needs.")
@click.option("--no-inplace", is_flag=True, help="Emit activations as modules that do not operate in place, so that hooks work.")
def command(
    address: str,
    settings: tuple[tuple[str, str], ...],
    session: Session,
    sizes: InputSizes,
    output: str,
    target: str | None,
    no_aux: bool,
    no_inplace: bool,
    optimize: bool,
) -> None:
    """Compile NETWORK, by default to Python source that depends only on torch."""
    suffix = Path(output).suffix.removeprefix(".").lower()
    chosen = target or (targets.name_for(suffix) if suffix else None) or targets.DEFAULT
    options = targets.Options(aux=not no_aux, inplace=not no_inplace)
    if (unknown := targets.target(chosen).unknown(options)) is not None:
        raise click.UsageError(f"the target {chosen} takes no --no-{unknown}")
    network = require_network(address, settings, session, sizes)
    content = network.compile(chosen, suffix, **options._asdict(), optimize=optimize)
    if output == "-":
        print_bytes(content)
    else:
        network.write(output, content)
