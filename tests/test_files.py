"""Files are written whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from archdsl.diagnostics import SpecError
from archdsl.file_io import windows_refuses, write_file


def test_new_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_file(path, "é")
    assert path.read_bytes() == b"\xc3\xa9"
    path.chmod(0o640)
    write_file(path, b"two")
    assert path.read_bytes() == b"two" and path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["a.txt"]


def test_the_mask_holds(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_file(tmp_path / "a.txt", "")
    finally:
        os.umask(before)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o640


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("target")
    write_file(tmp_path / "link", "x")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "target").read_text() == "x"


def test_a_device_is_not_replaced() -> None:
    write_file(Path("/dev/null"), "x")
    assert not Path("/dev/null").is_file()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EIO])
def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    path = tmp_path / "a.txt"
    path.write_text("before")

    def fail(handle: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(SpecError) as caught:
        write_file(path, "after")
    assert (
        caught.value.diagnostic.code == "E0606" and str(path) in caught.value.diagnostic.message and caught.value.diagnostic.help
    )
    assert path.read_text() == "before" and os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("place", ["nowhere/a.txt", ".", "file/a.txt", "n" * 300, "loop", "loop/a.txt", "a\0b"])
def test_a_place_that_is_none(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(SpecError) as caught:
        write_file(tmp_path / place, "x")
    assert caught.value.diagnostic.code == "E0606" and caught.value.diagnostic.help
    assert sorted(os.listdir(tmp_path)) == ["file", "loop"] and (tmp_path / "loop").is_symlink()


@pytest.mark.parametrize(
    "name",
    ["CON", "nul", "com1.arch", "Lpt9.tar.gz", "aux .txt", "COM¹", "conin$", "a.", "a ", "a:b", "a?", "a|b", "a\x1f", "a\\b"],
)
def test_names_that_windows_cannot_keep(name: str) -> None:
    assert windows_refuses(name)


@pytest.mark.parametrize(
    "name", ["a", "a.b", ".hidden", "..", ".", "console", "com", "com10", "con-1", "a b", "é", "nul_net.arch"]
)
def test_names_that_windows_keeps(name: str) -> None:
    assert windows_refuses(name) is None
