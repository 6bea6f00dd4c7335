"""The argument FILES: spec files, and folders with such files."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import click
from click.shell_completion import CompletionItem

from archdsl.addresses import read_address
from archdsl.cli import completions
from archdsl.diagnostics import Diagnostic
from archdsl.elaborate import read_source
from archdsl.session import Session
from archdsl.source import SourceFile

F = TypeVar("F", bound=Callable[..., Any])
STDIN: Final = "-"
_SUFFIX: Final = ".arch"


class _SpecPath(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions alone
    """A file, a folder, or `-`; completes spec files and folders."""

    name = "path"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the spec files that match, and let the shell complete folders."""
        return completions.files(incomplete)


class SpecText(NamedTuple):
    """A spec that was read, with its path; None for standard input."""

    path: Path | None
    source: SourceFile | Diagnostic


def files_argument(command: F) -> F:
    """Add the argument FILES to a command."""
    return click.argument("files", type=_SpecPath(), nargs=-1, metavar="[FILES]")(command)


def read_specs(files: Iterable[str], session: Session) -> list[SpecText]:
    """Read the files, and all spec files in the folders; without any, in the current folder. `-` is standard input.

    Hidden files and folders are left out. Tell on standard error of a folder without spec files.
    """
    found: dict[str, Path | None] = {}
    for name in files or (os.curdir,):
        if name == STDIN:
            found[name] = None
        elif os.path.isdir(name):
            within = _spec_files(name)
            if not within:
                click.echo(f"no {_SUFFIX} files in {'the current folder' if name == os.curdir else name}", err=True)
            found |= {str(path): path for path in within}
        else:
            found[str(Path(name))] = Path(name)
    return [SpecText(path, _read(path, session)) for path in found.values()]


def _read(path: Path | None, session: Session) -> SourceFile | Diagnostic:
    if path is None:
        return read_address(STDIN, session, sys.stdin.buffer)[2]
    return read_source(path, limits=session.limits)


def _spec_files(folder: str) -> list[Path]:
    """Return the spec files in a folder and those below it, in order."""
    found = list[Path]()
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(place, name) for name in names if name.endswith(_SUFFIX) and not name.startswith(".")]
    return sorted(found)
