"""`archdsl new`: a new spec file."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click

from archdsl.cli.arguments import Address, limit_option
from archdsl.cli.output import print_text
from archdsl.diagnostics import printable
from archdsl.file_io import windows_refuses
from archdsl.new_spec import copy_of, template, write_new
from archdsl.session import Session


@click.command(
    epilog="\b\nExamples:\n  archdsl new mynet\n  archdsl new mynet --from resnet50\n  archdsl new "
    "wide --from net.arch:small -o experiments",
)
@click.argument("name", metavar="NAME")
@click.option(
    "--from",
    "address",
    type=Address(),
    metavar="NETWORK",
    help="Network to copy: one that comes with archdsl, or FILE[:NETWORK]. [default: a small template]",
)
@limit_option
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path(), metavar="FOLDER",
              help="Output folder. [default: the current folder]")  # fmt: skip
def command(name: str, address: str | None, session: Session, output: Path) -> None:
    """Write NAME.arch, to edit: a copy of a network and all that it draws on, or a small commented one.

    Existing files are never overwritten.
    """
    if re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) is None:
        raise click.UsageError(f"{name!r} cannot name a network: a to z, digits and _ make a name, and no digit comes first")
    reserved = windows_refuses(f"{name}.arch")
    if reserved is not None:
        raise click.UsageError(f"{name!r} cannot name a file: {reserved}; choose another, such as {name}_net")
    files = copy_of(address, name, sys.stdin.buffer, session) if address is not None else template(name, session)
    for path in write_new(files, output):
        print_text(printable(str(path)))
