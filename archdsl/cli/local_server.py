"""Servers for this machine alone, of the commands that show a page."""

from __future__ import annotations

import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import click


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a reader that went away in the middle of an answer, as a browser does that loads a page again."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def local_server(handler: Callable[[Any, Any, Any], BaseHTTPRequestHandler], port: int) -> ThreadingHTTPServer:
    """Return a server that only this machine reaches; port 0 is any that is free. Raise `ClickException` if it is in use."""
    try:
        return _Server(("127.0.0.1", port), handler)
    except OSError as error:
        raise click.ClickException(f"port {port} cannot be used: {error.strerror}; choose another with `--port`") from None
