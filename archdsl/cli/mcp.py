"""`archdsl mcp`: the server of the Model Context Protocol."""

from __future__ import annotations

import click

from archdsl.optional_dependencies import extra_needed


@click.command(epilog="\b\nExamples:\n  archdsl mcp")
def command() -> None:
    """Serve a program that writes networks, such as an agent, through the Model Context Protocol on standard input and output.

    Its tools check and fix texts, count, draw, explain codes, and describe ops. No file is read but those that come with archdsl.
    """
    with extra_needed("mcp", "the server for agents"):
        from archdsl.mcp_server import create_server  # here: it needs the extra `mcp`
    create_server().run()
