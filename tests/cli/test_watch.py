"""`archdsl check --watch`, as a process."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from time import monotonic, sleep

import pytest
from click.testing import Result

RIGHT = 'import "parts.arch" as parts\nnetwork net {\n  input image [3, 8, 8]\n  parts.unit(8)\n}\n'
PARTS = "block unit(out) { conv(out, 3) -> relu }\n"


class _Watched:
    """A command that watches, with what it has printed so far."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-u", "-m", "archdsl", "check", "net.arch", "--watch"]
        self.process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.said = b""
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            for line in output:
                self.said += line

    def end(self) -> None:
        """End the process, if it runs, and read the rest."""
        self.process.kill()
        self.process.wait()
        self._reader.join()

    def expect(self, text: str) -> None:
        """Wait for a text, and forget everything up to it."""
        end = monotonic() + 120
        while text.encode() not in self.said:
            assert monotonic() < end and self.process.poll() is None, self.said
            sleep(0.05)
        self.said = self.said.partition(text.encode())[2]


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[_Watched]:
    (tmp_path / "net.arch").write_text(RIGHT)
    (tmp_path / "parts.arch").write_text(PARTS)
    running = _Watched(tmp_path)
    yield running
    running.end()


def test_changes(watched: _Watched, tmp_path: Path) -> None:
    """Changes of the file and of an import, which may be missing for a while; Ctrl-C ends it with 0."""
    waiting = "watching net.arch; press Ctrl-C to stop"
    watched.expect("conv")
    watched.expect(waiting)
    (tmp_path / "parts.arch").write_text(PARTS.replace("relu", "reluu"))
    watched.expect("parts.arch changed")
    watched.expect("error[E0201]")
    watched.expect(waiting)
    (tmp_path / "parts.arch").unlink()
    watched.expect("error[E06")
    watched.expect(waiting)
    (tmp_path / "parts.new").write_text(PARTS.replace("relu", "gelu"))
    (tmp_path / "parts.new").replace(tmp_path / "parts.arch")
    watched.expect("gelu")
    watched.expect(waiting)
    (tmp_path / "net.arch").write_text(RIGHT.replace("unit(8)", "unit(16)"))
    watched.expect("net.arch changed")
    watched.expect("[16, 8, 8]")
    watched.expect(waiting)
    watched.process.send_signal(signal.SIGINT)
    assert watched.process.wait(timeout=60) == 0


@pytest.mark.parametrize("arguments", [["-"], ["net.arch", "--fix"], ["net.arch", "--format", "json"]])
def test_what_does_not_go_together(cli: Callable[..., Result], arguments: list[str]) -> None:
    shown = cli("check", *arguments, "--watch", input="")
    assert shown.exit_code == 2 and "--watch" in shown.stderr
