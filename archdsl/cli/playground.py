"""`archdsl playground`: serve the page that runs the compiler in a browser."""

from __future__ import annotations

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import click

from archdsl.cli.local_server import local_server
from archdsl.resources import resource_folder


class _Handler(SimpleHTTPRequestHandler):
    """Serves files with the types that browsers demand of modules and of WebAssembly, whatever the system says of them."""

    extensions_map = {  # noqa: RUF012 -- as in the class above
        **SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
        ".whl": "application/octet-stream",
    }

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing of each request."""


def server(folder: Path, port: int) -> ThreadingHTTPServer:
    """Return a server of a folder for this machine alone; port 0 is any that is free."""
    return local_server(partial(_Handler, directory=str(folder)), port)


@click.command(epilog="\b\nExamples:\n  archdsl playground\n  archdsl playground --port 9000")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port; 0: any that is free.")
def command(port: int) -> None:
    """Serve the playground on this machine: an editor with shapes, errors, diagrams and PyTorch source, in a browser.

    The compiler runs in the page itself. Ctrl-C ends the server.
    """
    folder = resource_folder("playground") / "dist"
    if not (folder / "index.html").is_file():
        raise click.ClickException("the playground is not built; run `make playground` in a checkout of archdsl")
    with server(folder, port) as served:
        click.echo(f"http://127.0.0.1:{served.server_port}/ (Ctrl-C ends it)")
        served.serve_forever()
