"""`archdsl lint`: what the rules find in files."""

from __future__ import annotations

from typing import Any

import click

from archdsl.cli.arguments import LintCode, level_options, limit_option
from archdsl.cli.console import print_annotations, print_diagnostics
from archdsl.cli.fix import fix_network
from archdsl.cli.output import print_bytes, print_text
from archdsl.cli.spec_files import STDIN, SpecText, files_argument, read_specs
from archdsl.compiled import Checked
from archdsl.diagnostics import Diagnostic, Severity, as_data, json_text
from archdsl.driver import check_source
from archdsl.fixing import Fixed, fix_text
from archdsl.lints import Levels, only
from archdsl.session import Session


class _Selected(LintCode):
    """The code of a warning or note, or `E`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the code in capitals."""
        return str(value).upper()


@click.command(
    epilog="\b\nExamples:\n  archdsl lint\n  archdsl lint net.arch --fix\n  archdsl lint specs/ --select W0105\n"
    "  archdsl lint --allow N0302 --format github\n  archdsl lint . --format sarif > archdsl.sarif",
)
@files_argument
@click.option("--select", type=_Selected(), multiple=True, metavar="CODE",
              help="Report only CODE and errors; E for errors alone. May be repeated.")  # fmt: skip
@level_options
@click.option(
    "--fix",
    is_flag=True,
    help="Apply all certain fixes to the files; for standard input, write the fixed text to standard output.",
)
@click.option("--format", "form", type=click.Choice(["text", "json", "github", "sarif"]), default="text", show_default=True,
              help="Output format.")  # fmt: skip
@limit_option
@click.pass_context
def command(
    ctx: click.Context, files: tuple[str, ...], select: tuple[str, ...], levels: Levels, fix: bool, form: str, session: Session
) -> None:
    """Report warnings and notes about FILES.

    FILES are spec files, and folders with such files; default: the current folder. `-` is standard input. Each network of a file
    is checked, as `archdsl check FILE` does, but no table is shown. Errors are reported, too, since they hide other findings.

    The exit status is 1 if there is an error or a warning. Notes do not change it.
    """
    if fix and STDIN in files and (form != "text" or len(files) > 1):
        raise click.UsageError("--fix writes the text from standard input to standard output: leave out other files and --format")
    try:
        levels = only(select, levels) if select else levels
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    found = list[Diagnostic]()
    for spec in read_specs(files, session):
        result = _result(spec, levels, session, fix=fix)
        for sentence in result.sentences():
            click.echo(sentence, err=True)
        if result.text is not None:
            print_bytes(result.text.encode())
        found += levels.applied(result.checked.diagnostics)
    if form == "json":
        print_text(json_text({"diagnostics": [as_data(diagnostic) for diagnostic in found]}))
    elif form != "text":
        print_annotations(found, form)
    else:
        print_diagnostics(found)
    ctx.exit(0 if all(diagnostic.severity is Severity.NOTE for diagnostic in found) else 1)


def _result(spec: SpecText, levels: Levels, session: Session, *, fix: bool) -> Fixed:
    """Check a file, and fix it if that is wanted."""
    if isinstance(spec.source, Diagnostic):
        return Fixed(Checked([], [spec.source]))
    if not fix:
        return Fixed(check_source(spec.source, spec.path, session=session))
    if spec.path is None:
        return fix_text(spec.source, levels, session)
    return fix_network(str(spec.path), {}, session, levels)
