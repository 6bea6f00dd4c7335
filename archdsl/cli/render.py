"""`archdsl render`: diagrams."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import click

from archdsl.backends.diagram import FORMATS, SUFFIXES, Direction, Level, PresetName, ThemeName, render
from archdsl.cli.arguments import NetworkCommand, network_arguments, read_network
from archdsl.cli.console import print_diagnostics
from archdsl.cli.output import print_bytes
from archdsl.cli.size_option import size_option
from archdsl.compiled import Compiled
from archdsl.diagnostics import SpecError, codes, render_text
from archdsl.file_io import is_same_file, write_file
from archdsl.input_sizes import InputSizes
from archdsl.session import Session

_FORMATS = (*FORMATS, "html")
_PORT = 8000


class LevelType(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions alone
    """`blocks`, `full` or a number."""

    name = "level"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Level:
        """Return the level."""
        if value in ("blocks", "full"):
            return "full" if value == "full" else "blocks"
        if isinstance(value, int):
            return value
        if not value.isascii() or not value.isdigit() or len(value) > 3:
            self.fail(f"{value!r} is not `blocks`, `full` or a number of levels, as in 1", param, ctx)
        return int(value)


@click.command(
    cls=NetworkCommand,
    epilog="\b\nExamples:\n  archdsl render net.arch -o net.svg\n  archdsl render net.arch:resnet50 "
    "--set classes=10 -o resnet50.pdf --preset column\n  archdsl render net.arch -o - --format dot | dot -Tps > net.ps\n"
    "  archdsl render resnet50 -o resnet50.html\n  archdsl render net.arch --serve",
)
@network_arguments
@size_option
@click.option("-o", "--output", metavar="FILE", help="Output file; `-` is standard output.")
@click.option("--format", "form", type=click.Choice(_FORMATS), help="Output format. [default: from the suffix of the file]")
@click.option("--level", type=LevelType(), default="blocks", show_default=True, metavar="LEVEL",
              help="blocks: fold repeated blocks, as figures in papers do; full: show every op; 0, 1, ...: open so many blocks "
                   "inside each other, and draw those within as boxes. An interactive page can unfold these.")  # fmt: skip
@click.option("--direction", type=click.Choice(get_args(Direction)), help="Where the network flows. [default: down; right for "
              "slides]")  # fmt: skip
@click.option("--preset", type=click.Choice(get_args(PresetName)), help="Size: a column of 3.5 inches, a page of 6.5 by 9 "
              "inches, both without a heading, or a slide. [default: as large as needed]")  # fmt: skip
@click.option("--theme", type=click.Choice(get_args(ThemeName)), default="light", show_default=True,
              help="Colors, which differ for color-blind readers and in grey, too; print has greys only.")  # fmt: skip
@click.option("--bands", is_flag=True, help="Put a background behind each resolution.")
@click.option("--partial", is_flag=True, help="Draw a network with an error as far as it is known, with the error in red. The "
              "exit status is still 1.")  # fmt: skip
@click.option("--serve", "served", is_flag=True, help="Serve an interactive page on this machine, which follows the file.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port of --serve; 0: any that is free. [default: 8000]")
def command(
    address: str,
    settings: tuple[tuple[str, str], ...],
    session: Session,
    sizes: InputSizes,
    output: str | None,
    form: str | None,
    partial: bool,
    served: bool,
    port: int | None,
    **options: Any,
) -> None:
    """Draw NETWORK, with a frame around each block, shapes on the edges, and dashed auxiliary heads.

    `html` is an interactive page, one file for a browser: frames unfold, beside a table of the layers.
    """
    if served:
        if output is not None or form is not None:
            raise click.UsageError("--serve writes no file: leave out -o and --format")
        from archdsl.cli.serve import serve  # here: files need no server

        serve(address, lambda: read_network(address, settings, session, sizes), _level(options), _PORT if port is None else port)
        return
    if port is not None:
        raise click.UsageError("--port is for --serve")
    if output is None:
        raise click.UsageError("name the file to write: -o net.svg, or give --serve")
    chosen = form or _format_of(output)
    compiled = read_network(address, settings, session, sizes)
    graph = compiled.graph if compiled.graph is not None or not partial else compiled.partial
    if graph is None:
        raise SpecError(*compiled.diagnostics)
    if compiled.ok:
        print_diagnostics(compiled.diagnostics)
    if chosen == "html":
        from archdsl.backends.viewer.page import viewer_page  # here: pictures need no page

        errors = "" if compiled.ok else render_text(compiled.diagnostics)
        drawn = viewer_page(graph, _level(options), errors=errors)
    else:
        drawn = render(graph, chosen, **options)  # type: ignore[arg-type]
    if output == "-":
        print_bytes(drawn)
    else:
        _write(compiled, output, drawn)
    compiled.require()


_PICTURES_ONLY = {"direction": None, "preset": None, "theme": "light", "bands": False}


def _level(options: dict[str, Any]) -> Level:
    """Return the level of an interactive page. Raise a usage error for options of pictures."""
    given = [f"--{name}" for name, default in _PICTURES_ONLY.items() if options[name] != default]
    if given:
        raise click.UsageError(f"{given[0]} is for pictures: an interactive page unfolds, and is light or dark as its reader is")
    level: Level = options["level"]
    return level


def _write(compiled: Compiled, output: str, content: bytes) -> None:
    """Write the file, unless the network was read from it."""
    read = [*([compiled.path] if compiled.path is not None else []), *(Path(source.name) for source in compiled.sources[1:])]
    if any(is_same_file(Path(output), file) for file in read):
        raise SpecError(codes.files.SourceOverwritten(output, Path(address_name(compiled)).stem))
    write_file(Path(output), content)


def address_name(compiled: Compiled) -> str:
    """Return the name of what was drawn."""
    graph = compiled.graph or compiled.partial
    return graph.name if graph is not None else ""


def _format_of(output: str) -> str:
    suffix = Path(output).suffix.removeprefix(".").lower()
    if output == "-":
        raise click.UsageError("say what standard output shall be: --format svg")
    if suffix == "html":
        return suffix
    if suffix not in SUFFIXES:
        names = ", .".join((*SUFFIXES, "html"))
        raise click.UsageError(f"the suffix of {output!r} says no format: name it .{names}, or give --format")
    return SUFFIXES[suffix]
