"""`archdsl fmt`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Cli = Callable[..., Result]

UGLY = "network net {\n  input image [3,8,8]\n conv(8)->relu # é\n}\n"
NEAT = "network net {\n  input image [3, 8, 8]\n  conv(8) -> relu  # é\n}\n"
WRONG = "network net {\n  input image [3,8,8\n}\n"


def test_files_and_folders(cli: Cli) -> None:
    Path("sub/.hidden").mkdir(parents=True)
    for name in ("net.arch", "sub/inner.arch", "sub/.hidden/not.arch", ".not.arch", "sub/notes.txt"):
        Path(name).write_text(UGLY)
    Path("neat.arch").write_text(NEAT)
    shown = cli("fmt")
    assert (shown.exit_code, shown.stdout, shown.stderr) == (0, "net.arch\nsub/inner.arch\n", "")
    assert Path("net.arch").read_text() == Path("sub/inner.arch").read_text() == NEAT
    assert Path("sub/.hidden/not.arch").read_text() == Path(".not.arch").read_text() == UGLY
    assert cli("fmt", ".", "net.arch").stdout == ""
    assert cli("fmt", "sub/notes.txt").stdout == "sub/notes.txt\n"
    assert cli("fmt", "sub/.hidden").stdout == "sub/.hidden/not.arch\n"


def test_check_and_diff_change_nothing(cli: Cli) -> None:
    Path("net.arch").write_text(UGLY)
    Path("neat.arch").write_text(NEAT)
    shown = cli("fmt", "--check", "neat.arch", "net.arch")
    assert (shown.exit_code, shown.stdout) == (1, "net.arch\n")
    assert cli("fmt", "--check", "neat.arch").exit_code == 0
    shown = cli("fmt", "--diff", "net.arch", "neat.arch")
    assert shown.exit_code == 0 and "-  input image [3,8,8]\n" in shown.stdout and "+  input image [3, 8, 8]\n" in shown.stdout
    assert shown.stdout.startswith("--- net.arch\n+++ net.arch (formatted)\n@@")
    both = cli("fmt", "--diff", "--check", "net.arch")
    assert both.exit_code == 1 and both.stdout == shown.stdout + "net.arch\n"
    assert Path("net.arch").read_text() == UGLY


def test_standard_input(cli: Cli) -> None:
    assert cli("fmt", "-", input=UGLY).stdout == NEAT
    assert cli("fmt", "-", input=NEAT).stdout == NEAT
    shown = cli("fmt", "--check", "-", input=UGLY)
    assert (shown.exit_code, shown.stdout) == (1, "<stdin>\n")
    shown = cli("fmt", "-", input=WRONG)
    assert shown.exit_code == 1 and shown.stdout == "" and "<stdin>:2:15" in shown.stderr


def test_a_file_with_errors_is_left_alone(cli: Cli) -> None:
    Path("a.arch").write_text(WRONG)
    Path("b.arch").write_text(UGLY)
    Path("c.arch").write_bytes(b"\xff\xfe")
    Path("empty.arch").touch()
    shown = cli("fmt")
    assert (shown.exit_code, shown.stdout) == (1, "b.arch\n")
    assert "error[E0102]" in shown.stderr and "c.arch" in shown.stderr and "empty.arch" in shown.stderr
    assert Path("a.arch").read_text() == WRONG and Path("b.arch").read_text() == NEAT
    assert cli("fmt", "nowhere.arch").exit_code == 1
    Path("none").mkdir()
    shown = cli("fmt", "none")
    assert (shown.exit_code, shown.stderr) == (0, "no .arch files in none\n")


def test_a_range(cli: Cli) -> None:
    Path("net.arch").write_text(UGLY)
    assert cli("fmt", "--range", "3:3", "net.arch").stdout == "net.arch\n"
    assert Path("net.arch").read_text() == UGLY.replace(" conv(8)->relu # é", "  conv(8) -> relu  # é")
    assert cli("fmt", "--range", "1:2", "-", input=UGLY).stdout == UGLY.replace("[3,8,8]", "[3, 8, 8]")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--range", "3", "net.arch"], "'3' is not LINE:LINE"),
        (["--range", "3:2", "net.arch"], "'3:2' is not LINE:LINE"),
        (["--range", "0:2", "net.arch"], "'0:2' is not LINE:LINE"),
        (["--range", "5:6", "net.arch"], "net.arch has 4 lines"),
        (["--range", "1:2", "net.arch", "-"], "the lines of one file"),
    ],
)
def test_wrong_ranges(cli: Cli, arguments: list[str], said: str) -> None:
    Path("net.arch").write_text(UGLY)
    shown = cli("fmt", *arguments, input=UGLY)
    assert shown.exit_code == 2 and said in shown.stderr and Path("net.arch").read_text() == UGLY


def test_bytes(cli: Cli) -> None:
    """Line ends and the byte order mark stay."""
    Path("net.arch").write_bytes(b"\xef\xbb\xbf" + UGLY.replace("\n", "\r\n").encode())
    assert cli("fmt", "net.arch").stdout == "net.arch\n"
    assert Path("net.arch").read_bytes() == b"\xef\xbb\xbf" + NEAT.replace("\n", "\r\n").encode()
    assert cli("fmt", "net.arch").stdout == ""
    data = UGLY.replace("\n", "\r\n").encode()
    assert cli("fmt", "-", input=data).stdout_bytes == NEAT.replace("\n", "\r\n").encode()


def test_links_and_modes(cli: Cli) -> None:
    Path("real.arch").write_text(UGLY)
    Path("real.arch").chmod(0o640)
    os.symlink("real.arch", "link.arch")
    assert cli("fmt", "link.arch").exit_code == 0
    assert Path("link.arch").is_symlink() and Path("real.arch").read_text() == NEAT
    assert Path("real.arch").stat().st_mode & 0o777 == 0o640
