"""`archdsl render --serve`: the page of a network on this machine, which follows the file.

The server answers two addresses, the page and the stream of changes, and reads no file by name. It takes requests for
`127.0.0.1` and `localhost` alone: another name that leads here may belong to a page of somebody else (DNS rebinding).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from threading import Condition, Thread
from typing import Any, Final
from urllib.parse import parse_qs

import click

from archdsl.addresses import STDIN, split_address
from archdsl.backends.diagram import Level
from archdsl.backends.viewer.page import as_json, empty_data, page_of, view_data
from archdsl.cli.console import print_diagnostics
from archdsl.cli.local_server import local_server
from archdsl.cli.watch import check_on_change
from archdsl.compiled import Compiled
from archdsl.diagnostics import Diagnostic, SpecError, render_text
from archdsl.source import SourceFile

_HEARTBEAT: Final = 10.0
"""Seconds after which a quiet stream gets a comment, by which the server notices that the reader has gone."""
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:"


class Shown:
    """What the page shows: a picture, the last that could be drawn, and the errors that the file has now. Safe for threads."""

    def __init__(self, name: str) -> None:
        self._changed = Condition()
        self._start = secrets.token_hex(8)
        self._number = 0
        self._drawn = False
        self._data = empty_data(name)
        self._errors = ""

    def update(self, compiled: Compiled, level: Level) -> list[Diagnostic]:
        """Show what became of the network: its picture, or else its errors above the last one. Return what was found."""
        found = list(compiled.diagnostics)
        data, drawn = None, False
        try:
            if compiled.graph is not None:
                data, drawn = view_data(compiled.graph, level), True
            elif compiled.partial is not None and not self._drawn:
                data = view_data(compiled.partial, level)
        except SpecError as error:
            found += error.diagnostics
        errors = render_text([diagnostic for diagnostic in found if diagnostic.is_error])
        with self._changed:
            if data is not None:
                self._data, self._drawn = data, drawn
            self._errors = errors
            self._number += 1
            self._changed.notify_all()
        return found

    @property
    def version(self) -> str:
        """What differs after each change, and after a new start of the server."""
        return f"{self._start}-{self._number}"

    def state(self) -> dict[str, Any]:
        """Return the picture with the errors."""
        with self._changed:
            return {**self._data, "errors": self._errors, "version": self.version}

    def after(self, version: str, seconds: float) -> dict[str, Any] | None:
        """Return the state as soon as it is not that of a version; None if it still is after so many seconds."""
        with self._changed:
            changed = self._changed.wait_for(lambda: self.version != version, seconds)
        return self.state() if changed else None


class _Handler(BaseHTTPRequestHandler):
    """Answers the page and the stream of changes."""

    def __init__(self, shown: Shown, *arguments: Any) -> None:
        self._shown = shown
        super().__init__(*arguments)

    def do_GET(self) -> None:
        """Answer a request."""
        host = (self.headers.get("Host") or "").partition(":")[0]
        path, _, query = self.path.partition("?")
        if host not in ("127.0.0.1", "localhost"):
            self.send_error(HTTPStatus.FORBIDDEN)
        elif path == "/":
            self._begin("text/html; charset=utf-8")
            self.wfile.write(page_of(self._shown.state(), live=True))
        elif path == "/changes":
            self._begin("text/event-stream; charset=utf-8")
            self._stream(parse_qs(query).get("seen", [""])[-1])
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def _begin(self, content: str) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", content)
        self.send_header("Content-Security-Policy", _POLICY)
        self.send_header("Cache-Control", "no-store")
        self.end_headers()

    def _stream(self, version: str) -> None:
        """Send each new state, until the reader goes: then writing raises `ConnectionError`, which the server expects."""
        while True:
            state = self._shown.after(version, _HEARTBEAT)
            version = version if state is None else str(state["version"])
            self.wfile.write(b": wait\n\n" if state is None else f"data: {as_json(state)}\n\n".encode())
            self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing of each request."""


def serve(address: str, compile_again: Callable[[], Compiled], level: Level, port: int) -> None:
    """Serve the page of a network until Ctrl-C, and compile it again after each change."""
    if split_address(address)[0] in ("-", STDIN):
        raise click.UsageError("--serve needs a file: standard input does not change")
    shown = Shown(address)

    def check() -> Iterable[SourceFile]:
        compiled = compile_again()
        print_diagnostics(shown.update(compiled, level))
        return compiled.sources

    with local_server(partial(_Handler, shown), port) as served:
        Thread(target=served.serve_forever, daemon=True).start()
        click.echo(f"http://127.0.0.1:{served.server_port}/")
        check_on_change(address, check, clear=False)
        served.shutdown()
