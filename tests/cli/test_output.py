"""What `compile` and `render` write: whole, in the right place, or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from archdsl import SpecError, load

Cli = Callable[..., Result]


def test_compile_to_standard_output_and_to_a_file(cli: Cli, small: Path, tmp_path: Path) -> None:
    shown = cli("compile", small)
    assert shown.exit_code == 0 and shown.stderr == ""
    compile(shown.stdout, "model.py", "exec")
    assert cli("compile", small, "-o", "model.py").stdout == ""
    assert (tmp_path / "model.py").read_text() == shown.stdout


def test_compile_without_heads(cli: Cli, small: Path) -> None:
    assert "early" in cli("compile", small).stdout
    assert "early" not in cli("compile", small, "--no-aux").stdout


@pytest.mark.parametrize(
    ("name", "start"), [("net.svg", b"<"), ("net.PNG", b"\x89PNG"), ("net.pdf", b"%PDF"), ("net.dot", b"digraph")]
)
def test_render_by_suffix(cli: Cli, small: Path, tmp_path: Path, name: str, start: bytes) -> None:
    result = cli("render", small, "-o", name)
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / name).read_bytes().startswith(start)


def test_render_to_standard_output(cli: Cli, small: Path) -> None:
    assert cli("render", small, "-o", "-", "--format", "dot").stdout_bytes.startswith(b"digraph")
    assert cli("render", small, "-o", "-").exit_code == 2


def test_render_needs_a_format_and_a_place(cli: Cli, small: Path) -> None:
    assert cli("render", small, "-o", "net.jpg").exit_code == 2
    assert cli("render", small).exit_code == 2
    assert cli("render", small, "-o", "net.jpg", "--format", "dot").exit_code == 0


@pytest.mark.parametrize(
    ("place", "reason"), [("nowhere/model.py", "make the folder first"), (".", "name a file"), ("small.arch/x", "folders")]
)
def test_an_output_that_cannot_be_written(cli: Cli, small: Path, tmp_path: Path, place: str, reason: str) -> None:
    before = sorted(os.listdir(tmp_path))
    result = cli("compile", small, "-o", place)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "error[E0606]" in result.stderr and place in result.stderr and reason in result.stderr
    assert sorted(os.listdir(tmp_path)) == before


LONG = "n" * 300
PATHS = [
    ("compile", "{spec}", "-o", "loop"), ("compile", "{spec}", "-o", LONG), ("compile", "{spec}", "-o", "loop/model.py"),
    ("render", "{spec}", "-o", "loop", "--format", "dot"), ("render", "{spec}", "-o", f"{LONG}.dot"),
    ("new", LONG), ("new", "mine", "-o", LONG), ("new", "mine", "-o", "loop"), ("new", "loop"),
    ("train", "{spec}", "-o", LONG), ("train", "{spec}", "-o", "loop"), ("train", "{spec}", "-o", "loop/run"),
]  # fmt: skip


@pytest.mark.parametrize("arguments", PATHS)
def test_a_path_that_no_system_can_write(cli: Cli, small: Path, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    for name in ("loop", "loop.arch"):
        (tmp_path / name).symlink_to(name)
    result = cli(*(argument.format(spec=small) for argument in arguments))
    named = next(word for word in arguments if "loop" in word or LONG in word)
    assert (
        result.exit_code == 1 and "error[E0606]" in result.stderr and named[:200] in result.stderr and "help: " in result.stderr
    )
    assert "standard output" not in result.stderr
    assert sorted(os.listdir(tmp_path)) == ["loop", "loop.arch", "small.arch"]


@pytest.mark.parametrize(
    "arguments", [("check", LONG), ("check", f"{LONG}.arch"), ("check", "{spec}", "--weights", LONG), ("check", "loop.arch")]
)
def test_a_path_that_no_system_can_read(cli: Cli, small: Path, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "loop.arch").symlink_to("loop.arch")
    result = cli(*(argument.format(spec=small) for argument in arguments))
    assert result.exit_code == 1 and "error[E0601]" in result.stderr and arguments[-1][:200] in result.stderr


@pytest.mark.parametrize("place", [LONG, "loop", "a\0b", "nowhere/a.py"])
def test_in_python_too(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("loop").symlink_to("loop")
    network = load(small)
    for write in (lambda: network.write(place, "x"), lambda: network.render(place, format="dot")):
        with pytest.raises(SpecError, match="E0606"):
            write()
    with pytest.raises(SpecError, match="E0601"):
        network.check_weights(place)


@pytest.mark.parametrize("output", ["net.arch", "./net.arch", "link.svg", "parts/unit.arch"])
@pytest.mark.parametrize("command", [["compile"], ["render", "--format", "svg"]])
def test_a_file_that_the_network_is_read_from_is_not_replaced(cli: Cli, tmp_path: Path, command: list[str], output: str) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "unit.arch").write_text("block unit(width) { conv(width, 3) -> relu }")
    (tmp_path / "net.arch").write_text('import "parts/unit.arch" as parts\nnetwork net { input image [3, 8, 8]; parts.unit(4) }')
    (tmp_path / "link.svg").symlink_to("net.arch")
    before = {path: path.read_text() for path in tmp_path.rglob("*.arch")}
    result = cli(*command, "net.arch", "-o", output)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "error[E0606]" in result.stderr and f"{output} is a file that `net` is read from" in result.stderr
    assert {path: path.read_text() for path in tmp_path.rglob("*.arch")} == before


def test_warnings_do_not_keep_from_writing(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "net.arch").write_text("network net(unread = 1) { input image [3, 8, 8]; conv(3, 3) }")
    result = cli("compile", "net.arch", "-o", "model.py")
    assert result.exit_code == 0 and "warning[W0102]" in result.stderr and (tmp_path / "model.py").exists()


def test_nothing_is_written_where_there_are_errors(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "net.arch").write_text("network net { input image [3, 8, 8]; convv(3, 3) }")
    assert cli("compile", "net.arch", "-o", "model.py").exit_code == 1
    assert os.listdir(tmp_path) == ["net.arch"]
