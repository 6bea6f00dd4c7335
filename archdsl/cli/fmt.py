"""`archdsl fmt`: specs in the one style."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path
from typing import Any, Final

import click

from archdsl.cli.arguments import limit_option
from archdsl.cli.console import colorful, print_diagnostics
from archdsl.cli.output import print_bytes, print_text
from archdsl.cli.spec_files import SpecText, files_argument, read_specs
from archdsl.diagnostics import Diagnostic, SpecError, printable
from archdsl.file_io import write_file
from archdsl.formatting import format_lines, format_source
from archdsl.session import Session
from archdsl.syntax.parser import parse

BOM: Final = b"\xef\xbb\xbf"
_DIFF_COLORS: Final = {"+": "green", "-": "red", "@": "cyan"}


class _Lines(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions alone
    """`LINE:LINE`, the first and the last line, from 1."""

    name = "lines"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Split at the colon."""
        if isinstance(value, tuple):
            return value
        first, _, last = value.partition(":")
        if not (first.isdecimal() and last.isdecimal() and 1 <= int(first) <= int(last)):
            self.fail(f"{value!r} is not LINE:LINE, as in 3:8: two lines, counted from 1", param, ctx)
        return int(first), int(last)


@click.command(
    epilog="\b\nExamples:\n  archdsl fmt net.arch\n  archdsl fmt --check specs/\n  archdsl fmt --diff net.arch\n"
    "  archdsl fmt --range 10:20 net.arch\n  cat net.arch | archdsl fmt -",
)
@files_argument
@click.option(
    "--check", is_flag=True, help="Change nothing; list the files that would change. The exit status is 1 if there are any."
)
@click.option("--diff", is_flag=True, help="Change nothing; show what would change.")
@click.option("--range", "lines", type=_Lines(), metavar="LINE:LINE", help="Format these lines of one file alone.")
@limit_option
@click.pass_context
def command(
    ctx: click.Context, files: tuple[str, ...], check: bool, diff: bool, lines: tuple[int, int] | None, session: Session
) -> None:
    """Format FILES in the one style, and list those that were changed.

    FILES are spec files, and folders with such files; default: the current folder. `-` is standard input, whose formatted text
    goes to standard output. The style has no options. A file with syntax errors is left as it is.
    """
    specs = read_specs(files, session)
    if lines is not None and len(specs) != 1:
        raise click.UsageError("--range is about the lines of one file")
    failed = changed = False
    for spec in specs:
        formatted = _formatted(spec, lines, session)
        if not isinstance(formatted, str):
            print_diagnostics(formatted)
            failed = True
            continue
        try:
            changed |= _show(spec, formatted, check=check, diff=diff)
        except SpecError as error:
            print_diagnostics(error.diagnostics)
            failed = True
    ctx.exit(1 if failed or (check and changed) else 0)


def _formatted(spec: SpecText, lines: tuple[int, int] | None, session: Session) -> str | list[Diagnostic]:
    """Return the formatted text of a spec, or what keeps it from being formatted."""
    source = spec.source
    if isinstance(source, Diagnostic):
        return [source]
    count = len(source.text.splitlines())
    if lines is not None and lines[0] > max(count, 1):
        raise click.UsageError(f"--range {lines[0]}:{lines[1]}: {source.name} has {count} lines")
    file, errors = parse(source, session.limits)
    if errors:
        return errors
    with session.collector_paused():
        return format_source(file, session.limits) if lines is None else format_lines(file, lines, session.limits)


def _show(spec: SpecText, formatted: str, *, check: bool, diff: bool) -> bool:
    """Write a formatted text, or show what would change. Return whether it differs from the text."""
    source = spec.source
    assert not isinstance(source, Diagnostic)
    changed = formatted != source.text
    if diff and changed:
        print_text(_difference(source.name, source.text, formatted, color=colorful(sys.stdout)))
    if check and changed:
        print_text(printable(source.name))
    if check or diff:
        return changed
    if spec.path is None:
        print_bytes(formatted.encode())
    elif changed:
        _replace(spec.path, formatted)
        print_text(printable(source.name))
    return changed


def _replace(path: Path, text: str) -> None:
    """Replace the text of a file. A byte order mark stays."""
    with path.open("rb") as file:
        mark = BOM if file.read(len(BOM)) == BOM else b""
    write_file(path, mark + text.encode())


def _difference(name: str, old: str, new: str, *, color: bool) -> str:
    """Return the difference of two texts as `diff -u` writes it."""
    name = printable(name)
    found = difflib.unified_diff(old.split("\n"), new.split("\n"), name, f"{name} (formatted)", lineterm="")
    lines = [line[:1] + printable(line[1:].removesuffix("\r")) for line in found]
    if color:
        lines = [click.style(line, fg=_DIFF_COLORS.get(line[:1])) for line in lines]
    return "\n".join(lines) + "\n"
