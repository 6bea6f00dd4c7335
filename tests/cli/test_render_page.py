"""`archdsl render` with a page: as a file, and served."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from archdsl.cli.local_server import local_server
from archdsl.cli.serve import Shown, _Handler
from archdsl.driver import compile_text

RIGHT = "network net {\n  input image [3, 8, 8]\n  stem: conv(8, 3)\n}\n"
WRONG = RIGHT.replace("conv", "konv")


@pytest.fixture
def served() -> Iterator[tuple[Shown, ThreadingHTTPServer]]:
    shown = Shown("net.arch")
    with local_server(partial(_Handler, shown), 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield shown, server
        server.shutdown()


def ask(server: ThreadingHTTPServer, path: str, host: str | None = None) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    connection.request("GET", path, headers={"Host": host} if host else {})
    return connection.getresponse()


def next_state(stream: http.client.HTTPResponse) -> Any:
    while True:
        line = stream.readline()
        if line.startswith(b"data: "):
            return json.loads(line[6:])


def test_a_file(cli: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "net.arch").write_text(RIGHT)
    assert cli("render", "net.arch", "-o", "net.html").exit_code == 0
    page = (tmp_path / "net.html").read_bytes()
    assert page.startswith(b"<!DOCTYPE html>") and b"EventSource" not in page
    assert cli("render", "net.arch", "-o", "-", "--format", "html").stdout_bytes == page
    assert cli("compile", "net.arch", "-o", "other.html").exit_code == 0
    assert (tmp_path / "other.html").read_bytes() == page


def test_a_network_with_errors_writes_no_file(cli: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "net.arch").write_text(WRONG)
    result = cli("render", "net.arch", "-o", "net.html")
    assert result.exit_code == 1 and "E0201" in result.stderr and not (tmp_path / "net.html").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["net.arch"], "-o net.svg"),
        (["net.arch", "-o", "net.svg", "--port", "1"], "--port is for --serve"),
        (["net.arch", "--serve", "-o", "net.html"], "--serve writes no file"),
        (["net.arch", "--serve", "--format", "html"], "--serve writes no file"),
        (["-", "--serve"], "--serve needs a file"),
    ],
)
def test_what_does_not_go_together(cli: Callable[..., Result], arguments: list[str], said: str) -> None:
    result = cli("render", *arguments, input="")
    assert result.exit_code == 2 and said in result.stderr


def test_the_server_answers_two_addresses_of_its_own_name(served: tuple[Shown, ThreadingHTTPServer]) -> None:
    shown, server = served
    shown.update(compile_text(RIGHT), "blocks")
    answer = ask(server, "/")
    assert answer.status == 200 and b"EventSource" in answer.read()
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert server.server_address[0] == "127.0.0.1"
    for path in ("/net.arch", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "//[bad", "/changes/x"):
        assert ask(server, path).status == 404
    assert ask(server, "/", "localhost").status == 200, "browsers name no port if it is 80"
    for host in ("evil.example", f"evil.example:{server.server_port}", "127.0.0.1.evil.example:80"):
        assert ask(server, "/", host).status == 403


def test_a_reader_that_goes_away_is_no_error(
    served: tuple[Shown, ThreadingHTTPServer], capsys: pytest.CaptureFixture[str]
) -> None:
    shown, server = served
    shown.update(compile_text(RIGHT), "blocks")
    for path in ("/", "/changes?seen=none"):
        with socket.create_connection(("127.0.0.1", server.server_port)) as reader:
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closing resets the connection
            reader.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert ask(server, "/").status == 200
    shown.update(compile_text(WRONG), "blocks")
    time.sleep(0.2)
    assert capsys.readouterr().err == ""


def test_changes_are_sent_and_errors_keep_the_picture(served: tuple[Shown, ThreadingHTTPServer]) -> None:
    shown, server = served
    shown.update(compile_text(RIGHT), "blocks")
    stream = ask(server, "/changes?seen=none")
    first = next_state(stream)
    assert first["name"] == "net" and not first["errors"]
    shown.update(compile_text(WRONG), "blocks")
    second = next_state(stream)
    assert "E0201" in second["errors"] and second["scenes"] == first["scenes"]
    shown.update(compile_text(RIGHT.replace("8, 3", "4, 3")), "blocks")
    third = next_state(stream)
    assert not third["errors"] and third["scenes"] != first["scenes"]
    assert len({first["version"], second["version"], third["version"]}) == 3
    assert shown.after(third["version"], 0.01) is None
    stream.close()


def test_the_first_picture_of_a_network_with_errors_is_what_is_known(served: tuple[Shown, ThreadingHTTPServer]) -> None:
    shown, _ = served
    assert shown.state()["scenes"][-1]["parts"] == []
    shown.update(compile_text(WRONG), "blocks")
    assert shown.state()["name"] == "net" and shown.state()["errors"]


def test_the_command_follows_the_file_until_it_is_ended(tmp_path: Path) -> None:
    (tmp_path / "net.arch").write_text(RIGHT)
    command = [sys.executable, "-u", "-m", "archdsl", "render", "net.arch", "--serve", "--port", "0"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    address = process.stdout.readline().decode().strip()
    assert address.startswith("http://127.0.0.1:")
    assert b"watching net.arch" in process.stderr.readline()
    connection = http.client.HTTPConnection(address.removeprefix("http://").rstrip("/"), timeout=60)
    connection.request("GET", "/changes?seen=none")
    stream = connection.getresponse()
    assert next_state(stream)["facts"][0] == "input 3×8×8"
    (tmp_path / "net.arch").write_text(RIGHT.replace("[3, 8, 8]", "[3, 16, 16]"))
    assert next_state(stream)["facts"][0] == "input 3×16×16"
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0
    process.stdout.close()
    process.stderr.close()
    connection.close()
