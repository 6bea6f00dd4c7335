"""`archdsl playground`, with a folder in place of the built page."""

from __future__ import annotations

import socket
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from archdsl.cli import playground


def test_files_have_the_types_that_browsers_demand(tmp_path: Path) -> None:
    for name in ("index.html", "worker.mjs", "python.wasm"):
        (tmp_path / name).write_text("x")
    with playground.server(tmp_path, 0) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        types = {}
        for name in ("", "worker.mjs", "python.wasm"):
            with urllib.request.urlopen(f"http://127.0.0.1:{served.server_port}/{name}") as answer:
                types[name] = answer.headers["content-type"]
        served.shutdown()
    assert types == {"": "text/html", "worker.mjs": "text/javascript", "python.wasm": "application/wasm"}


def test_a_page_that_is_not_built(cli: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playground, "resource_folder", lambda name: tmp_path)
    result = cli("playground")
    assert result.exit_code == 1 and "make playground" in result.stderr


def test_a_port_in_use(cli: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "index.html").write_text("x")
    monkeypatch.setattr(playground, "resource_folder", lambda name: tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = cli("playground", "--port", str(taken.getsockname()[1]))
    assert result.exit_code == 1 and "choose another" in result.stderr
