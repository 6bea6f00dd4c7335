"""`archdsl check`: errors, or the layer table."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from archdsl.analysis import SymbolicSizes, Table, layer_table
from archdsl.analysis.table_data import row_data, totals_data
from archdsl.analysis.table_text import table_text
from archdsl.cli.arguments import NetworkCommand, level_options, network_arguments, read_network
from archdsl.cli.console import colorful, print_annotations, print_diagnostics
from archdsl.cli.model_source import imported_text
from archdsl.cli.output import print_bytes, print_text
from archdsl.cli.size_option import size_option, verdict_data, wrong_inputs_refused
from archdsl.cli.weights_options import weights_options
from archdsl.compiled import Checked, Compiled
from archdsl.diagnostics import Diagnostic, SpecError, as_data, json_text, printable
from archdsl.driver import check_address, check_source
from archdsl.input_sizes import InputSizes
from archdsl.lints import Levels
from archdsl.session import Session
from archdsl.text_table import BOLD, Cell, format_columns

if TYPE_CHECKING:
    from archdsl.fixing import Fixed
    from archdsl.initial_weights import Weights
    from archdsl.reports.columns import Columns as LayerColumns
    from archdsl.weights.report import WeightsReport


COLUMNS: Final = ("flops", "kept", "field", "jump", "start", "new-from", "variance")
"""The further columns of the layer table: those of `archdsl.reports.columns`, which is imported if one is asked for."""


class Columns(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions alone
    """Names of columns with commas between them."""

    name = "columns"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Split at commas. Fail for a name that is no column, or is there twice."""
        if isinstance(value, tuple):
            return value
        names = tuple([name.strip() for name in value.split(",")])
        for name in names:
            if name not in COLUMNS:
                self.fail(f"{name!r} is no column; there are {', '.join(COLUMNS)}", param, ctx)
        if len(set(names)) < len(names):
            self.fail(f"a column is there twice in {value!r}", param, ctx)
        return names


@click.command(
    cls=NetworkCommand,
    epilog="\b\nExamples:\n  archdsl check net.arch\n  archdsl check net.arch:resnet50 --set classes=10\n"
    "  archdsl check net.arch --fix\n  archdsl check net.arch --deny W0102 --allow N0302\n"
    "  archdsl check unet --size 1x512x512\n  archdsl check resnet50 --columns field,kept\n"
    "  archdsl check resnet50 --format json | jq .totals\n"
    "  archdsl check resnet50 --weights resnet50.safetensors\n  archdsl check net.arch --watch\n"
    "  cat net.arch | archdsl check -\n  archdsl check net.onnx\n  archdsl check torchvision.models:resnet50",
)
@network_arguments
@weights_options
@size_option
@level_options
@click.option(
    "--fix",
    is_flag=True,
    help="Apply all certain fixes to the file; for standard input, write the fixed text to standard output.",
)
@click.option("--columns", type=Columns(), metavar="NAME,...", default=(),
              help=f"Further columns of the layer table: {', '.join(COLUMNS)}. See `archdsl report`.")  # fmt: skip
@click.option("--watch", is_flag=True, help="Check again whenever the file or one of its imports changes, until Ctrl-C.")
@click.option("--format", "form", type=click.Choice(["text", "json", "github", "sarif"]), default="text", show_default=True,
              help="Output format. text: errors on standard error, the table on standard output; json: "
                  "both; github: errors as annotations; sarif: errors as SARIF 2.1.0.")  # fmt: skip
@click.pass_context
def command(ctx: click.Context, /, watch: bool, **options: Any) -> None:
    """Check NETWORK for errors; if there are none, show its layers.

    All networks of a file are checked, and each claim of an alias, unless NETWORK names one of them.

    The layer table lists the name, op, output shape, number of parameters and multiply-accumulates (MACs) per
    example of each layer. Consecutive equal blocks are listed once, with their number; if only their drop rates
    differ, the table shows the range. For symbolic input sizes the table shows formulas; the sizes for which the
    network is valid, and the reason for each condition, are listed below it. For a file with several networks
    there is a table of the networks instead, a line for each.
    """
    if not watch:
        ctx.exit(0 if _check(**options)[0] else 1)
    from archdsl.cli.watch import check_on_change, refuse_together  # here: most checks end

    refuse_together(options["address"], fix=options["fix"], form=options["form"])
    check_on_change(options["address"], lambda: _check(**options)[1].sources)


def _check(
    *,
    address: str,
    settings: tuple[tuple[str, str], ...],
    session: Session,
    sizes: InputSizes,
    weights: Weights | None,
    levels: Levels,
    fix: bool,
    form: str,
    columns: tuple[str, ...],
) -> tuple[bool, Checked]:
    """Check what an address means once, and print the result. Return whether there are no errors."""
    with wrong_inputs_refused():
        fixed = _fixed(address, settings, session, sizes, levels, form) if fix else None
    checked = _checked(address, settings, session, sizes, one=weights is not None) if fixed is None else fixed.checked
    diagnostics = levels.applied(checked.diagnostics)
    wrong = any(diagnostic.is_error for diagnostic in diagnostics)
    if columns and (len(checked.networks) > 1 or form in ("github", "sarif")):
        raise click.UsageError("--columns are those of the table of one network, FILE:NETWORK, in --format text or json")
    if len(checked.networks) > 1:
        _show_several(checked, diagnostics, levels, form, fixed)
        return not wrong, checked
    network = checked.networks[0][1] if checked.networks and not wrong else None
    report = _fit(weights, network) if weights is not None and network is not None else None
    unfit = weights.finding(report) if weights is not None and report is not None else None
    found = diagnostics + ([unfit] if unfit is not None else [])
    if form == "json":
        print_text(json_text({**_data(found, network, report, columns), **_fixed_data(fixed)}))
    elif form != "text":
        print_annotations(found, form)
    else:
        print_diagnostics(found)
        if fixed is not None and fixed.text is not None:
            print_bytes(fixed.text.encode())
        elif network is not None:
            table = _table(network)
            further = _columns(network, table, columns)
            titles, texts = (further.titles, further.texts) if further is not None else ((), [])
            shown = table_text(table, color=colorful(sys.stdout), titles=titles, columns=texts)
            print_text(shown + "".join(f"\n{line}" for line in network.sizes.sentences()))
        if report is not None and report.ok:
            print_text(str(report))
    return network is not None and not any(diagnostic.is_error for diagnostic in found), checked


def _checked(address: str, settings: tuple[tuple[str, str], ...], session: Session, sizes: InputSizes, *, one: bool) -> Checked:
    """Check what an address means: all networks of a file, or `one`, which weights are for."""
    if one:
        compiled = read_network(address, settings, session, sizes)
        networks = [(compiled.graph.name, compiled)] if compiled.graph is not None else []
        return Checked(networks, compiled.diagnostics, compiled.sources)
    with wrong_inputs_refused():
        try:
            source = imported_text(address, sizes)
        except SpecError as error:
            return Checked([], list(error.diagnostics))
        if source is not None:
            return check_source(source, None, None, dict(settings), session=session, sizes=sizes)
        return check_address(address, dict(settings), sys.stdin.buffer, session=session, sizes=sizes)


def _show_several(checked: Checked, found: list[Diagnostic], levels: Levels, form: str, fixed: Fixed | None) -> None:
    """Print what was found in a file with several networks, and a line for each."""
    lines = [_Line.of(name, compiled, levels) for name, compiled in checked.networks]
    if form == "json":
        listed = {"diagnostics": [as_data(diagnostic) for diagnostic in found], "networks": [line.data() for line in lines]}
        print_text(json_text({**listed, **_fixed_data(fixed)}))
    elif form != "text":
        print_annotations(found, form)
    else:
        print_diagnostics(found)
        if fixed is not None and fixed.text is not None:
            print_bytes(fixed.text.encode())
        else:
            titles: list[Cell | str] = [Cell(title, BOLD) for title in ("network", "params", "MACs", "")]
            rows = [titles, *(line.cells() for line in lines)]
            print_text(format_columns(rows, "<>><", color=colorful(sys.stdout)))


class _Line(NamedTuple):
    """A network among several: its totals and valid sizes, unless it has errors."""

    name: str
    errors: int
    totals: dict[str, Any] | None
    sizes: SymbolicSizes

    @classmethod
    def of(cls, name: str, compiled: Compiled, levels: Levels) -> _Line:
        """Return the line of a network."""
        errors = sum(diagnostic.is_error for diagnostic in levels.applied(compiled.diagnostics))
        sound = compiled.graph is not None and not errors
        return cls(name, errors, totals_data(_table(compiled)) if sound else None, compiled.sizes)

    def cells(self) -> list[Cell | str]:
        """Return the line of the table."""
        if self.totals is None:
            return [printable(self.name), "", "", Cell(f"{self.errors} error{'s' if self.errors != 1 else ''}", _WRONG)]
        macs = self.totals["macs"]
        shown = f"{macs:,}" if isinstance(macs, int) else "symbolic" if macs is None else macs
        return [printable(self.name), f"{self.totals['params']:,}", shown, "ok"]

    def data(self) -> dict[str, Any]:
        """Return the line as data."""
        sizes = verdict_data(self.sizes) if self.totals is not None else []
        return {"network": self.name, "ok": self.totals is not None, "errors": self.errors, "totals": self.totals, "sizes": sizes}


_WRONG: Final = (("fg", "red"),)


def _fixed(
    address: str, settings: tuple[tuple[str, str], ...], session: Session, sizes: InputSizes, levels: Levels, form: str
) -> Fixed:
    """Fix the file, and say what was changed."""
    from archdsl.cli.fix import fix_network, refuse_together  # here: most checks change nothing

    refuse_together(address, form)
    fixed = fix_network(address, dict(settings), session, levels, sizes)
    for sentence in fixed.sentences():
        click.echo(sentence, err=True)
    return fixed


def _fixed_data(fixed: Fixed | None) -> dict[str, Any]:
    return {"fixed": [as_data(one) for one in fixed.applied]} if fixed is not None else {}


def _table(compiled: Compiled) -> Table:
    return layer_table(compiled.require(), compiled.recipe)


def _columns(network: Compiled, table: Table, names: tuple[str, ...]) -> LayerColumns | None:
    """Return further columns of the layer table; None if none are asked for."""
    if not names:
        return None
    from archdsl.reports.columns import columns  # here: most tables have none

    return columns(network.require(), table, names)


def _fit(weights: Weights, compiled: Compiled) -> WeightsReport:
    from archdsl.network import Network  # here: most checks look at the graph alone

    return weights.check(Network(compiled))


def _data(
    found: list[Diagnostic], network: Compiled | None, report: WeightsReport | None, names: tuple[str, ...]
) -> dict[str, Any]:
    table = _table(network) if network is not None else None
    further = _columns(network, table, names) if network is not None and table is not None else None
    values = further.values if further is not None else [{}] * (len(table.rows) if table is not None else 0)
    weights = {"weights": report.as_data()} if report is not None else {}
    return {
        "diagnostics": [as_data(diagnostic) for diagnostic in found],
        "network": network.require().name if network is not None else None,
        "table": [row_data(row) | more for row, more in zip(table.rows, values, strict=True)] if table is not None else [],
        "totals": totals_data(table) if table is not None else None,
        "sizes": verdict_data(network.sizes) if network is not None else [],
        **weights,
    }
