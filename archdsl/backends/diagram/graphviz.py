"""Running Graphviz: the `dot` on the PATH, else the library that pygraphviz's wheels carry.

Either runs in a process of its own, with the text on its standard input, no shell and a time limit.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec

from archdsl.declared import Fault

TIMEOUT_S = 120
_HELP = (
    "`pip install pygraphviz` brings a Graphviz with it, and so does your system's package `graphviz`; `dot` output needs none"
)
_CHILD = """
import os, sys
import pygraphviz
graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
sys.stdout.buffer.write(graph.draw(format=sys.argv[2], prog=sys.argv[1]))
sys.stdout.buffer.flush()
os._exit(0)
"""


def run_graphviz(text: str, layout: str, output: str) -> bytes:
    """What Graphviz makes of DOT text. Raises `Fault` (E0901) where there is none that can."""
    failures = []
    for command in _commands(layout, output):
        try:
            done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired:
            raise Fault(
                "E0901", f"Graphviz did not end within {TIMEOUT_S} s", help="draw a smaller network, or a part of it"
            ) from None
        except OSError as error:
            failures.append(f"{os.path.basename(command[0])}: {error.strerror}")
            continue
        if done.returncode == 0 and done.stdout:
            return done.stdout
        failures.append(f"{os.path.basename(command[0])}: {_last_line(done.stderr)}")
    reason = "; ".join(failures) or "there is no `dot` on the PATH, and pygraphviz is not installed"
    raise Fault("E0901", f"no Graphviz that can write {output}: {reason}", help=_HELP)


def _commands(layout: str, output: str) -> list[Sequence[str]]:
    found = shutil.which("dot")
    commands: list[Sequence[str]] = [(found, f"-K{layout}", f"-T{output}")] if found else []
    if find_spec("pygraphviz") is not None:
        commands.append((sys.executable, "-P", "-c", _CHILD, layout, output))
    return commands


def _last_line(stderr: bytes) -> str:
    lines = stderr.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it wrote nothing"
