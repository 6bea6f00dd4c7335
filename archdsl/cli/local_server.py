"""Servers for this machine alone, of the commands that show a page."""

from __future__ import annotations

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import click


def local_server(handler: Callable[[Any, Any, Any], BaseHTTPRequestHandler], port: int) -> ThreadingHTTPServer:
    """Return a server that only this machine reaches; port 0 is any that is free. Raise `ClickException` if it is in use."""
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        raise click.ClickException(f"port {port} cannot be used: {error.strerror}; choose another with `--port`") from None
