"""`archdsl diff`: the differences of networks."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import click

from archdsl.cli.arguments import Address, NetworkCommand, Setting, limit_option
from archdsl.cli.console import colorful, print_diagnostics
from archdsl.cli.output import print_bytes, print_text
from archdsl.cli.size_option import size_option, wrong_inputs_refused
from archdsl.diagnostics import SpecError, codes
from archdsl.differences.comparison import Comparison
from archdsl.differences.formats import FORMATS, SUFFIXES, Format, written
from archdsl.differences.versions import Setup, compare_revisions, compare_versions, version_at
from archdsl.file_io import is_same_file, write_file
from archdsl.input_sizes import InputSizes
from archdsl.session import Session

_STDIN: Final = "-"


@click.command(
    cls=NetworkCommand,
    epilog="\b\nExamples:\n  archdsl diff resnet50 resnext50_32x4d\n  archdsl diff old.arch new.arch\n"
    "  archdsl diff net.arch net.arch --set-after width=64\n  archdsl diff --git HEAD net.arch\n"
    "  archdsl diff --git main...HEAD --format markdown\n  archdsl diff resnet50 seresnet50 -o diff.html",
)
@click.argument("addresses", type=Address(), nargs=-1, metavar="[BEFORE AFTER | FILE]")
@click.option("--git", "revisions", metavar="REV",
              help="Compare FILE with its version in a revision; without FILE, all spec files that changed. REV1..REV2 compares "
                   "two revisions, and REV1...REV2 begins where the second left the first.")  # fmt: skip
@click.option("--set", "settings", type=Setting(), multiple=True, metavar="NAME=VALUE",
              help="Set a parameter of both networks. May be repeated.")  # fmt: skip
@click.option("--set-before", type=Setting(), multiple=True, metavar="NAME=VALUE", help="Set a parameter of BEFORE alone.")
@click.option("--set-after", type=Setting(), multiple=True, metavar="NAME=VALUE", help="Set a parameter of AFTER alone.")
@size_option
@limit_option
@click.option(
    "--format", "form", type=click.Choice(FORMATS), help="Output format. [default: from the suffix of the file, else text]"
)
@click.option("-o", "--output", default="-", metavar="FILE", help="Output file; `-` is standard output. [default: -]")
@click.option(
    "--exit-code", is_flag=True, help="Exit with 1 if there are differences, renamed keys included, and with 0 if there are none."
)
@click.pass_context
def command(
    ctx: click.Context,
    addresses: tuple[str, ...],
    revisions: str | None,
    settings: tuple[tuple[str, str], ...],
    set_before: tuple[tuple[str, str], ...],
    set_after: tuple[tuple[str, str], ...],
    sizes: InputSizes,
    session: Session,
    form: Format | None,
    output: str,
    exit_code: bool,
) -> None:
    """Compare two networks, or all networks of two files by name.

    It compares graphs and not texts: ops that were added, removed or changed, and in which blocks; how often blocks are
    repeated; the totals; and which stored weights still load. Labels, and how a text is divided into blocks, make no difference.
    """
    _refuse(ctx, addresses, revisions, (*set_before, *set_after))
    chosen = form or _format_of(output)
    setups = [Setup(dict((*settings, *own)), sizes, session.limits) for own in (set_before, set_after)]
    with wrong_inputs_refused():
        if revisions is not None:
            found = compare_revisions(revisions, addresses[0] if addresses else None, setups[0])
        else:
            before, after = [version_at(one, how, sys.stdin.buffer) for one, how in zip(addresses, setups, strict=True)]
            found = compare_versions(before, after)
    _write(found, chosen, output)
    print_diagnostics(error for failure in found.failed for error in failure.errors)
    ctx.exit(1 if found.failed or (exit_code and not found.is_identical) else 0)


def _refuse(ctx: click.Context, addresses: tuple[str, ...], revisions: str | None, own: tuple[object, ...]) -> None:
    """Raise `UsageError` for a wrong command line."""
    if revisions is None:
        if len(addresses) != 2:
            more = "; `--git REV FILE` compares a file with a revision" if len(addresses) == 1 else ""
            raise click.UsageError(f"name two networks or files{more}", ctx)
        if all(address.partition(":")[0] in (_STDIN, "/dev/stdin") for address in addresses):
            raise click.UsageError("only one of the networks can be on standard input", ctx)
    elif len(addresses) > 1:
        raise click.UsageError("--git takes one file, or none for all that changed", ctx)
    elif own:
        raise click.UsageError("--set-before and --set-after are for two networks, and not for --git: use --set", ctx)
    elif addresses and addresses[0].partition(":")[0] == _STDIN:
        raise click.UsageError("--git takes a file, and not standard input", ctx)


def _format_of(output: str) -> Format:
    suffix = Path(output).suffix.removeprefix(".").lower()
    if output == "-":
        return "text"
    if suffix not in SUFFIXES:
        raise click.UsageError(f"the suffix of {output!r} says no format: name it .{', .'.join(SUFFIXES)}, or give --format")
    return SUFFIXES[suffix]


def _write(found: Comparison, form: Format, output: str) -> None:
    if output == "-" and form == "text":
        print_text(found.text(color=colorful(sys.stdout)))
        return
    content = written(found, form)
    if output == "-":
        print_bytes(content)
        return
    for path in found.files:
        if is_same_file(Path(output), path):
            raise SpecError(codes.files.SourceOverwritten(output, path.stem))
    write_file(Path(output), content)
