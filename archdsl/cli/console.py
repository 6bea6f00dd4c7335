"""Output on a terminal: diagnostics, and whether to use colours."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import IO, Any

import click

from archdsl.cli.output import print_text
from archdsl.diagnostics import Diagnostic, SpecError, codes, render_github, render_text


def colorful(stream: IO[Any]) -> bool:
    """Return whether to use colours: on a terminal with colours, unless `NO_COLOR` is set (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def print_diagnostics(diagnostics: Iterable[Diagnostic]) -> None:
    """Print diagnostics to standard error."""
    text = render_text(diagnostics, color=colorful(sys.stderr))
    if text:
        click.echo(text, err=True, nl=False, color=True)


def print_annotations(diagnostics: Iterable[Diagnostic], form: str) -> None:
    """Print diagnostics to standard output for a program that shows them beside the text: as `github` or `sarif`."""
    if form == "github":
        print_text(render_github(diagnostics))
        return
    from archdsl import __version__
    from archdsl.diagnostics.sarif import render_sarif  # here: it reads the table of all codes

    print_text(render_sarif(diagnostics, __version__))


def report_failure(error: Exception) -> bool:
    """Print an error that the user can fix. Return whether it was one."""
    if isinstance(error, SpecError):
        print_diagnostics(error.diagnostics)
    elif isinstance(error, OSError):
        name = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else "a file"
        print_diagnostics([codes.files.CannotUse(name, str(error.strerror or error))])
    else:
        return False
    return True
