"""`archdsl lsp`: the language server."""

from __future__ import annotations

import os
import sys

import click

from archdsl.optional_dependencies import extra_needed


@click.command(epilog="\b\nExamples:\n  archdsl lsp")
@click.option("--stdio", is_flag=True, help="Use standard input and output. This is the only way; editors may ask for it.")
def command(stdio: bool) -> None:
    """Serve an editor through the Language Server Protocol, on standard input and output."""
    with extra_needed("lsp", "the language server"):
        from archdsl.lsp.server import create_server  # here: it needs the extra `lsp`
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as output:  # the server closes it
        create_server().start_io(sys.stdin.buffer, output)
