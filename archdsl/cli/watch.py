"""`archdsl check --watch` and `archdsl render --serve`: check again on change.

The files are asked for their times a few times a second. That needs no further package, and also works on network drives and in
containers, which report no changes. A network has few files.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final, TypeAlias

import click

from archdsl.addresses import STDIN, read_address, split_address
from archdsl.cli.model_source import refuse_model
from archdsl.diagnostics import printable
from archdsl.session import Session
from archdsl.source import SourceFile
from archdsl.syntax.parser import parse

_INTERVAL: Final = 0.3
"""Seconds between two looks at the files."""
_State: TypeAlias = "Mapping[Path, tuple[int, int, int] | None]"


def refuse_together(address: str, *, fix: bool, form: str) -> None:
    """Raise a usage error for addresses and options with which watching makes no sense."""
    refuse_model(address, "--watch")
    if split_address(address)[0] in ("-", STDIN):
        raise click.UsageError("--watch needs a file: standard input does not change")
    if fix:
        raise click.UsageError("--watch does not change files: leave out --fix")
    if form != "text":
        raise click.UsageError("--watch prints one result after the other: leave out --format")


def check_on_change(address: str, check: Callable[[], Iterable[SourceFile]], *, clear: bool = True) -> None:
    """Check, and again after each change, until Ctrl-C. `check` prints the result and returns the files that it read.

    With `clear`, the terminal is cleared before each result.
    """
    path = read_address(address, Session())[0]
    named = [path] if path is not None else []
    try:
        while True:
            before = _state(named)
            sources = list(check())
            watched = {*named, *(Path(source.name) for source in sources), *_imports(sources)}
            state = {**_state(watched), **before}
            click.echo(f"watching {_listed(named)}; press Ctrl-C to stop", err=True)
            changed = _wait(state)
            if clear:
                click.clear()
            click.echo(f"{time.strftime('%H:%M:%S')} {_listed(changed)} changed", err=True)
    except KeyboardInterrupt:
        click.echo("", err=True)


def _listed(paths: Iterable[Path]) -> str:
    return ", ".join(printable(str(path)) for path in sorted(paths))


def _imports(sources: Iterable[SourceFile]) -> list[Path]:
    """Return the files that are imported, whether they exist or not."""
    return [Path(source.name).parent / item.path for source in sources for item in parse(source)[0].imports]


def _wait(state: _State) -> list[Path]:
    """Return the files that change, as soon as one does and nothing has changed any more for a moment."""
    while (now := _state(state)) == state:
        time.sleep(_INTERVAL)
    while (later := _state(state)) != now:  # an editor may write a file in several steps
        time.sleep(_INTERVAL / 3)
        now = later
    return [path for path in state if now[path] != state[path]]


def _state(paths: Iterable[Path]) -> _State:
    return {path: _stamp(path) for path in paths}


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """Return what changes with a file; None if it cannot be read now, as while an editor replaces it."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
