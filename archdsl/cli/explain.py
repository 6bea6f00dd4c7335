"""`archdsl explain`: explanations of error codes."""

from __future__ import annotations

import sys
from textwrap import fill, indent

import click

from archdsl.cli import completions
from archdsl.cli.console import colorful
from archdsl.cli.output import print_text
from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.codes.table import CODES
from archdsl.diagnostics.suggest import nearest
from archdsl.text_table import format_columns


@click.command(epilog="\b\nExamples:\n  archdsl explain E0301\n  archdsl explain")
@click.argument("code", required=False, shell_complete=completions.codes)
def command(code: str | None) -> None:
    """Explain the error or warning CODE with an example; without CODE, list all codes."""
    if code is None:
        print_text(format_columns([[entry.code, entry.title] for entry in CODES.values()], "<<"))
        return
    found = _meant(code)
    if not found:
        near = nearest(code, CODES)
        raise click.UsageError(f"no code {code!r}" + (f"; did you mean {near!r}?" if near else "; `archdsl explain` lists them"))
    print_text("\n".join(_page(entry, color=colorful(sys.stdout)) for entry in found))


def _meant(code: str) -> list[Code]:
    """Return the codes that a text stands for: `e301` is E0301, and `301` both E0301 and N0301."""
    letter, digits = code[:1].upper(), code[1:]
    if code.isdecimal():
        letter, digits = "", code
    if not digits.isdecimal() or len(digits) > 4:
        return [CODES[code.upper()]] if code.upper() in CODES else []
    return [entry for name, entry in CODES.items() if name.startswith(letter) and name[1:] == digits.zfill(4)]


def _page(entry: Code, *, color: bool) -> str:
    title = f"{entry.code}: {entry.title}"
    parts = [click.style(title, bold=True) if color else title, fill(entry.explanation, 88)]
    if entry.situation:
        parts.append(fill(f"For example: {entry.situation}", 88))
    for heading, text in (("Erroneous example:", entry.bad), ("Corrected:", entry.good)):
        if text:
            parts.append(f"{heading}\n\n{indent(text, '  ')}")
    return "\n\n".join(parts) + "\n"
