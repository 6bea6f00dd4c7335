"""Standard output, and the error that is its own: others that the system reports are not taken for it."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click


class OutputError(Exception):
    """Standard output cannot be written; printed, it says why."""


@contextmanager
def writing_output() -> Iterator[None]:
    """Around every writing to standard output: raises `OutputError`, or `BrokenPipeError` where nobody reads on."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError("it is closed" if error.errno == errno.EBADF else error.strerror or str(error)) from error


def print_text(text: str) -> None:
    """Finished text on standard output; its colours, if any, were asked for."""
    with writing_output():
        click.echo(text, nl=not text.endswith("\n"), color=True)


def print_bytes(data: bytes) -> None:
    """Bytes on standard output."""
    with writing_output():
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
