"""Spec files of a revision, which Git reads. Nothing in the repository is changed, and no file is written."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from archdsl.diagnostics import Diagnostic, SpecError, codes
from archdsl.elaborate import decode_source
from archdsl.source import SourceFile

_SUFFIX: Final = ".arch"
_LINK: Final = "120000"
"""The mode of symbolic links."""
_SHORT: Final = 10
"""Characters of a commit that has no other name."""


class Repository:
    """The Git repository around a folder. Raise `SpecError` E0609 if there is none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        run = self._run("rev-parse", "--show-toplevel")
        if run.returncode:
            raise SpecError(codes.revisions.NoRepository(str(folder), _reason(run.stderr)))
        self.root = Path(os.path.realpath(os.fsdecode(run.stdout.rstrip(b"\n"))))

    def revision(self, name: str) -> Revision:
        """Return a revision by the name of a commit, a branch or a tag. Raise `SpecError` E0609 if there is none."""
        run = self._run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        if run.returncode:
            raise SpecError(codes.revisions.NoSuchRevision(name))
        return Revision(self, name, run.stdout.decode().strip())

    def merge_base(self, one: Revision, other: Revision) -> Revision:
        """Return the last common revision of two. Raise `SpecError` E0609 if they have none."""
        run = self._run("merge-base", one.commit, other.commit)
        if run.returncode:
            raise SpecError(codes.revisions.NoSuchRevision(f"{one.name}...{other.name}"))
        commit = run.stdout.decode().split()[0]
        return Revision(self, commit[:_SHORT], commit)

    def revisions(self, range: str) -> tuple[Revision, Revision | None]:
        """Return the revisions of `REV`, `REV1..REV2` or `REV1...REV2`; None for the files as they are.

        As in Git, `...` begins at the merge base, and a side that is left out is `HEAD`.
        """
        for dots in ("...", ".."):
            before, found, after = range.partition(dots)
            if found:
                old, new = (self.revision(name or "HEAD") for name in (before, after))
                return (self.merge_base(old, new) if dots == "..." else old), new
        return self.revision(range), None

    def relative(self, path: Path) -> str:
        """Return a path as Git names it. Raise `SpecError` E0609 if it is outside of the repository."""
        real = Path(os.path.realpath(path))
        if not real.is_relative_to(self.root):
            raise SpecError(codes.revisions.NoRepository(str(path), f"it is outside of {self.root}"))
        return real.relative_to(self.root).as_posix()

    def present(self) -> set[str]:
        """Return the spec files in the working folder: those that Git tracks, and new ones that it does not ignore. No links."""
        listed = self._names("ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", f":(top,glob)**/*{_SUFFIX}")
        return {name for name in listed if (path := self.root / name).is_file() and not path.is_symlink()}

    def output(self, *arguments: str) -> bytes | None:
        """Return what Git prints; None if it fails."""
        run = self._run(*arguments)
        return None if run.returncode else run.stdout

    def _names(self, *arguments: str) -> list[str]:
        run = _git(self.root, arguments)
        return [os.fsdecode(name) for name in run.stdout.split(b"\0") if name]

    def names(self, commit: str) -> set[str]:
        """Return the spec files of a commit. Symbolic links are none: Git stores the name of another file for them."""
        entries = [entry.split("\t", 1) for entry in self._names("ls-tree", "-r", "-z", commit)]
        return {name for mode, name in entries if name.endswith(_SUFFIX) and not mode.startswith(_LINK)}

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        return _git(self._folder, arguments)


class Revision(Mapping[Path, str]):
    """A commit. As a mapping it has the texts of its files by their real paths, for a `Session` whose imports read them.

    A file of the repository that the commit does not have raises `SpecError` E0609, so that no import reads the working file.
    """

    def __init__(self, repository: Repository, name: str, commit: str) -> None:
        self._repository = repository
        self.name = name
        self.commit = commit

    def names(self) -> set[str]:
        """Return its spec files."""
        return self._repository.names(self.commit)

    def source(self, name: str) -> SourceFile | Diagnostic:
        """Return a file, or what keeps it from being read."""
        data = self._repository.output("cat-file", "blob", f"{self.commit}:{name}")
        return decode_source(data, f"{self.name}:{name}") if data is not None else codes.revisions.NotInRevision(name, self.name)

    def __getitem__(self, path: Path) -> str:
        if not path.is_relative_to(self._repository.root):
            raise KeyError(path)
        found = self.source(path.relative_to(self._repository.root).as_posix())
        if isinstance(found, Diagnostic):
            raise SpecError(found)
        return found.text

    def __iter__(self) -> Iterator[Path]:
        return (self._repository.root / name for name in self.names())

    def __len__(self) -> int:
        return len(self.names())


def _git(folder: Path, arguments: tuple[str, ...]) -> subprocess.CompletedProcess[bytes]:
    """Run Git in a folder. Raise `SpecError` E0609 if it cannot be started, and E0601 for a folder that does not exist."""
    try:
        return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=False, stdin=subprocess.DEVNULL)
    except OSError as error:
        if not folder.is_dir():
            raise SpecError(codes.files.CannotRead(str(folder), "there is no such folder")) from None
        raise SpecError(codes.revisions.NoGit(error.strerror or str(error))) from None


def _reason(message: bytes) -> str:
    """Return the first line of what Git says, without its prefix."""
    lines = message.decode(errors="replace").strip().splitlines()
    return lines[0].removeprefix("fatal: ") if lines else "Git gives no reason"
