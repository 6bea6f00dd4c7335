"""Run Graphviz: the `dot` on the PATH, else the library in pygraphviz's wheels.

Either runs in a process of its own, with the text on its standard input, no shell and a time limit. What fails is told apart
by drawing two boxes the same way: only if that fails too is it the installation that is at fault.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from signal import Signals

from archdsl.diagnostics import SpecError, codes

TIMEOUT_S = 60
TWO_BOXES_TIMEOUT_S = 10
_TWO_BOXES = 'digraph { a [pos="0,50"]; b [pos="0,0"]; a -> b }'
_INSTALL = (
    "`pip install pygraphviz` brings a Graphviz with it, and so does your system's package `graphviz`; other formats need none"
)
_CHILD = """
import os, sys
import pygraphviz
graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
sys.stdout.buffer.write(graph.draw(format=sys.argv[2], prog=sys.argv[1]))
sys.stdout.buffer.flush()
os._exit(0)
"""

_Command = Callable[[str, str], Sequence[str]]
"""The command for a layout and an output."""


class _FailedError(Exception):
    """Graphviz wrote nothing; the message says why."""


def run_graphviz(text: str, layout: str, output: str) -> bytes:
    """Return Graphviz's output for DOT text. Raise `SpecError` E0901 without a usable Graphviz, E0907 if it refuses the text."""
    refused: list[str] = []
    unusable: list[str] = []
    for name, command in _installed():
        try:
            return _run(command(layout, output), text, TIMEOUT_S)
        except _FailedError as error:
            why = _why_unusable(command, layout, output)
            (unusable if why else refused).append(f"{name}: {why or error}")
    if refused:
        raise SpecError(codes.outputs.DrawingRefused("; ".join(refused)))
    reason = "; ".join(unusable) or "there is no `dot` on the PATH, and pygraphviz is not installed"
    raise SpecError(codes.outputs.NoGraphviz(output, reason, _INSTALL))


def _installed() -> list[tuple[str, _Command]]:
    found = shutil.which("dot")
    commands: list[tuple[str, _Command]] = []
    if found:
        commands.append(("dot", lambda layout, output: (found, f"-K{layout}", f"-T{output}")))
    if find_spec("pygraphviz") is not None:
        commands.append(("pygraphviz", lambda layout, output: (sys.executable, "-P", "-c", _CHILD, layout, output)))
    return commands


def _why_unusable(command: _Command, layout: str, output: str) -> str | None:
    """Return the reason why an installation cannot draw anything this way; None if it can."""
    try:
        _run(command(layout, output), _TWO_BOXES, TWO_BOXES_TIMEOUT_S)
    except _FailedError as error:
        try:
            _run(command("dot", "dot"), _TWO_BOXES, TWO_BOXES_TIMEOUT_S)
        except _FailedError as worse:
            return f"it cannot be used: {worse}"
        return f"it does not support {output}: {error}"
    return None


def _run(command: Sequence[str], text: str, seconds: float) -> bytes:
    try:
        done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise _FailedError(f"it did not end within {seconds} s") from None
    except OSError as error:
        raise _FailedError(error.strerror or str(error)) from None
    if done.returncode == 0 and done.stdout:
        return done.stdout
    raise _FailedError(_first_error(done.stderr) or _exit_reason(done.returncode))


def _first_error(stderr: bytes) -> str:
    """Return Graphviz's first error, else the last line of Python's traceback."""
    said, _, traceback = stderr.decode(errors="replace").partition("Traceback (most recent call last):")
    errors = [line.strip() for line in said.splitlines() if line.strip() and "warning" not in line.lower()]
    lines = errors[:1] or traceback.strip().splitlines()[-1:]
    return "".join(lines)[:200]


def _exit_reason(status: int) -> str:
    if status >= 0:
        return "it wrote nothing"
    try:
        return f"it was ended by {Signals(-status).name}"
    except ValueError:
        return f"it was ended by signal {-status}"
