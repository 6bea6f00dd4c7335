"""The command as a process: what it imports, how it ends, and what a shell sees of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SPEC = Path(__file__).parents[2] / "specs" / "lenet.arch"
Process = Callable[..., subprocess.CompletedProcess[str]]
HEAVY = {"lark", "torch", "lightning", "sklearn", "numpy", "networkx", "rich", "pygraphviz", "torchmetrics", "scipy", "tqdm"}


@pytest.mark.parametrize(
    ("arguments", "more"),
    [
        (["--help"], {"archdsl.driver", "pydantic"}),
        (["--version"], {"archdsl.driver", "pydantic"}),
        (["check", "resnet50"], {"archdsl.backends", "archdsl.elaborate.symbols", "archdsl.recipe", "importlib.metadata"}),
        (["check", "nowhere.arch"], {"archdsl.backends"}),
        (["fmt", "--check", str(SPEC)], {"archdsl.backends", "pydantic"}),
        (["lint", str(SPEC)], {"archdsl.backends", "archdsl.formatting"}),
        (["train", "resnet50"], set()),
        (["compile", "resnet50"], {"archdsl.backends.diagram"}),
        (["ops"], {"archdsl.backends"}),
        (["specs"], {"archdsl.backends"}),
        (["explain", "E0301"], {"archdsl.driver"}),
        (["render", "resnet50", "-o", "-", "--format", "dot"], set()),
    ],
)
def test_what_a_quick_command_imports(tmp_path: Path, arguments: list[str], more: set[str]) -> None:
    code = "import sys; from archdsl.cli import main; main(sys.argv[1:]); print(*sys.modules, file=open('modules', 'w'))"
    subprocess.run([sys.executable, "-c", code, *arguments], cwd=tmp_path, capture_output=True, check=True, timeout=300)
    imported = set((tmp_path / "modules").read_text().split())
    heavy = HEAVY - {"networkx"} if arguments[0] == "render" else HEAVY
    assert not imported & (heavy | more)


def test_importing_archdsl_imports_nothing_else(tmp_path: Path) -> None:
    code = "import archdsl, sys; print([name for name in sys.modules if name.startswith(('archdsl.', 'pydantic', 'lark'))])"
    shown = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=True, text=True)
    assert shown.stdout == "['archdsl.lazy_exports']\n"  # which imports nothing


def test_exit_codes(process: Process, small: Path) -> None:
    assert process("check", small).returncode == 0
    assert process("check", "nowhere.arch").returncode == 1
    assert process("check").returncode == 2
    assert process("--help").returncode == 0


def test_a_reader_that_stops_reading(process: Process, tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        shown = process("check", "resnet152", capture_output=False, stdout=write, stderr=subprocess.PIPE)
    finally:
        os.close(write)
    assert (shown.returncode, shown.stderr) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk(process: Process, small: Path) -> None:
    with open("/dev/full", "w") as full:
        shown = process("compile", small, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert shown.returncode == 1
    assert shown.stderr.startswith("error[E0606]: standard output cannot be written: No space left")


@pytest.mark.parametrize(
    ("arguments", "closed", "status", "said"),
    [
        ("check -", "<&-", 1, "error[E0601]: cannot read <stdin>: it is closed"),
        ("check small.arch", ">&-", 1, "error[E0606]: standard output cannot be written: it is closed"),
        ("render small.arch -o - --format dot", ">&-", 1, "error[E0606]: standard output cannot be written: it is closed"),
        ("--version", ">&-", 1, "error[E0606]: standard output cannot be written: it is closed"),
        ("ops --help", ">&-", 1, "error[E0606]: standard output cannot be written: it is closed"),
        ("--help", ">&-", 1, "error[E0606]: standard output cannot be written: it is closed"),
        ("compile small.arch -o model.py", ">&-", 0, ""),
        ("check nowhere.arch", ">&-", 1, "error[E0601]"),
        ("check small.arch", "2>&-", 0, ""),
        ("check nowhere.arch", "2>&-", 1, ""),
        ("check small.arch", "<&- 2>&-", 0, ""),
    ],
)
def test_a_closed_stream(process: Process, small: Path, arguments: str, closed: str, status: int, said: str) -> None:
    command = ["sh", "-c", f'exec "$0" -m archdsl {arguments} {closed}', sys.executable]
    shown = subprocess.run(command, cwd=small.parent, capture_output=True, text=True, timeout=300)
    assert shown.returncode == status
    assert shown.stderr.startswith(said) and "Traceback" not in shown.stderr and bool(shown.stderr) is bool(said)


def test_no_colours_without_a_terminal(process: Process, small: Path) -> None:
    shown = process("check", small)
    assert "\x1b" not in shown.stdout + shown.stderr


@pytest.mark.parametrize(("no_color", "colored"), [("", True), ("1", False)])
def test_colours_on_a_terminal(tmp_path: Path, small: Path, no_color: str, colored: bool) -> None:
    pty = pytest.importorskip("pty")
    master, slave = pty.openpty()
    environment = dict(os.environ) | {"TERM": "xterm", "NO_COLOR": no_color}
    command = [sys.executable, "-m", "archdsl", "check", str(small)]
    with subprocess.Popen(command, stdout=slave, stderr=slave, env=environment) as running:
        os.close(slave)
        shown = b""
        while chunk := _read(master):
            shown += chunk
        assert running.wait(60) == 0
    os.close(master)
    assert (b"\x1b[1m" in shown) is colored and b"params" in shown


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux's word for the end of a terminal
        return b""


def test_a_terminal_without_the_characters(process: Process, small: Path) -> None:
    shown = process("check", small, env=dict(os.environ) | {"PYTHONIOENCODING": "cp437"})
    assert shown.returncode == 0 and "\\xd73" in shown.stdout
