"""Standard output. Its errors have their own class, to tell them from other system errors."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click


class OutputError(Exception):
    """Standard output cannot be written; the message is the reason."""


@contextmanager
def writing_output() -> Iterator[None]:
    """Raise `OutputError` if standard output cannot be written, or `BrokenPipeError` if its reader has gone."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError("it is closed" if error.errno == errno.EBADF else error.strerror or str(error)) from error


def print_text(text: str) -> None:
    """Print text, which may contain colours, to standard output."""
    with writing_output():
        click.echo(text, nl=not text.endswith("\n"), color=True)


def print_bytes(data: bytes) -> None:
    """Write bytes to standard output."""
    with writing_output():
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
