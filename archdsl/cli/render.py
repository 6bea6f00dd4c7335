"""`archdsl render`: diagrams."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click

from archdsl.backends.diagram import FORMATS, Detail
from archdsl.cli.arguments import NetworkCommand, network_arguments, read_network, require_network
from archdsl.cli.output import print_bytes
from archdsl.cli.size_option import size_option
from archdsl.input_sizes import InputSizes
from archdsl.session import Session

_FORMATS = (*FORMATS, "html")
_PORT = 8000


@click.command(
    cls=NetworkCommand,
    epilog="\b\nExamples:\n  archdsl render net.arch -o net.svg\n  archdsl render net.arch:resnet50 "
    "--set classes=10 -o resnet50.pdf\n  archdsl render net.arch -o - --format dot | dot -Tps > net.ps\n"
    "  archdsl render resnet50 -o resnet50.html\n  archdsl render net.arch --serve",
)
@network_arguments
@size_option
@click.option("-o", "--output", metavar="FILE", help="Output file; `-` is standard output.")
@click.option("--format", "form", type=click.Choice(_FORMATS), help="Output format. [default: from the suffix of the file]")
@click.option("--detail", type=click.Choice(get_args(Detail)), default="blocks", show_default=True,
              help="blocks: fold repeated blocks, as figures in papers do; full: show every op.")  # fmt: skip
@click.option("--serve", "served", is_flag=True, help="Serve an interactive page on this machine, which follows the file.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port of --serve; 0: any that is free. [default: 8000]")
def command(
    address: str,
    settings: tuple[tuple[str, str], ...],
    session: Session,
    sizes: InputSizes,
    output: str | None,
    form: str | None,
    detail: Detail,
    served: bool,
    port: int | None,
) -> None:
    """Draw NETWORK, with a frame around each block, shapes on the edges, and dashed auxiliary heads.

    `html` is an interactive page, one file for a browser: frames unfold, beside a table of the layers.
    """
    if served:
        if output is not None or form is not None:
            raise click.UsageError("--serve writes no file: leave out -o and --format")
        from archdsl.cli.serve import serve  # here: files need no server

        serve(address, lambda: read_network(address, settings, session, sizes), detail, _PORT if port is None else port)
        return
    if port is not None:
        raise click.UsageError("--port is for --serve")
    if output is None:
        raise click.UsageError("name the file to write: -o net.svg, or give --serve")
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
    if suffix not in _FORMATS:
        raise click.UsageError(f"the suffix of {output!r} says no format: name it .{', .'.join(_FORMATS)}, or give --format")
    return suffix
