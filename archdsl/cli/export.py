"""`archdsl export`: networks as files for other runtimes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from archdsl.cli.arguments import NetworkCommand, network_arguments, require_network
from archdsl.cli.console import print_diagnostics
from archdsl.cli.output import print_text
from archdsl.cli.size_option import size_option
from archdsl.diagnostics import printable
from archdsl.exporting import format as formats
from archdsl.exporting.format import Precision
from archdsl.input_sizes import InputSizes
from archdsl.optional_dependencies import extra_needed
from archdsl.runs.record import FACTS
from archdsl.session import Session

if TYPE_CHECKING:
    from archdsl.exporting.certificate import Certificate
    from archdsl.exporting.subject import Subject

_EXAMPLES = """\b
Examples:
  archdsl export runs/net-1 -o net.onnx
  archdsl export runs/net-1 -o net.pt2 --precision int8
  archdsl export resnet50 --weights resnet50.safetensors -o resnet50.onnx
  archdsl export unet --weights unet.pth --size 1x512x512 -o unet.aoti.pt2
  archdsl export --verify net.onnx"""


@click.command(cls=NetworkCommand, epilog=_EXAMPLES)
@network_arguments
@size_option
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="File to write.")
@click.option("--to", type=click.Choice(formats.names()), help="Format. [default: from the suffix of the file]")
@click.option("--precision", type=click.Choice(get_args(Precision)), default="fp32", show_default=True,
              help="Number format of the computation. int8 is calibrated with training examples.")  # fmt: skip
@click.option("--no-fold", is_flag=True, help="Do not fold batch norm into the layers before it.")
@click.option("--weights", metavar="FILE", help="Weights: a file; of a run also `last` or `best`. [default: last]")
@click.option("--data", type=click.Path(path_type=Path), metavar="PATH",
              help="Data for int8 and for comparing predictions, instead of that of the run or recipe.")  # fmt: skip
@click.option("--verify", type=click.Path(path_type=Path), metavar="FILE",
              help="Compare an exported file with its network again, as its certificate describes.")  # fmt: skip
@click.pass_context
def command(
    ctx: click.Context,
    address: str | None,
    settings: tuple[tuple[str, str], ...],
    session: Session,
    sizes: InputSizes,
    output: Path | None,
    to: str | None,
    precision: Precision,
    no_fold: bool,
    weights: str | None,
    data: Path | None,
    verify: Path | None,
) -> None:
    """Write NETWORK, or the network of a run folder, as a file for another runtime.

    The file of a run contains the preparation of its inputs. Each file is run and compared with the network in float64, and it is
    kept only if they agree. FILE.certificate.json describes the comparison.
    """
    if verify is not None:
        given = {name for name in ctx.params if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE}
        if others := given - {"verify", "weights"}:
            raise click.UsageError(f"--verify takes the file alone, and --weights; not {_option(ctx, sorted(others)[0])}")
        _print_verification(verify, weights)
        return
    if address is None:
        raise click.UsageError("say what to export: a run folder, or NETWORK")
    if output is None:
        raise click.UsageError("say which file to write: -o FILE")
    try:
        name = formats.name_for_file(output, to)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if (Path(address) / FACTS).is_file():
        if settings or sizes:
            raise click.UsageError("a run has its own settings and sizes: --set and --size are for networks")
        subject = _of_run(Path(address), weights or "last")
    else:
        network = require_network(address, settings, session, sizes)
        with extra_needed("train", "exporting a network"):
            from archdsl.exporting.subject import SEED, subject_of  # here: torch takes seconds to import
        if weights is None:
            click.echo(f"no weights are given: they are initialized with the seed {SEED}; --weights FILE loads others", err=True)
        subject = subject_of(network, weights)
    from archdsl.exporting.write import export_with_data  # here, as above

    made = export_with_data(
        subject, output, name, precision=precision, fold=not no_fold, data=data,
        say=lambda text: click.echo(printable(text), err=True), warn=lambda found: print_diagnostics([found]),
    )  # fmt: skip
    _print_lines([f"wrote {output}", *_agreement(made, made.largest_error)])


next(param for param in command.params if param.name == "address").required = False  # with --verify, there is none


def _option(ctx: click.Context, name: str) -> str:
    param = next(param for param in ctx.command.params if param.name == name)
    return param.opts[-1] if isinstance(param, click.Option) else "NETWORK"


def _of_run(folder: Path, weights: str) -> Subject:
    from archdsl.trained import run  # here: most commands read no run

    with extra_needed("train", "exporting a network"):
        from archdsl.exporting.subject import subject_of_run  # here: torch takes seconds to import
    return subject_of_run(run(folder), weights)


def _print_verification(file: Path, weights: str | None) -> None:
    with extra_needed("train", "verifying an export"):
        from archdsl.exporting.verify import verify  # here: torch takes seconds to import
    found = verify(file, weights)
    lines = _agreement(found.certificate, found.largest_error)
    lines += [f"{name} is now {now}; the file was written with {before}" for name, (before, now) in found.changed.items()]
    _print_lines(lines)


def _print_lines(lines: list[str]) -> None:
    print_text("".join(f"{printable(line)}\n" for line in lines))


def _agreement(made: Certificate, error: float) -> list[str]:
    """Return lines that say how far a file agrees with its network."""
    lines = [f"{made.network} as {made.format} in {made.precision} agrees with float64 to {error:.1e} at {len(made.sizes)} sizes"]
    lines += [f"it refuses {', '.join(made.refused)}"] if made.refused else []
    top1: dict[str, Any] | None = made.top1
    if top1 is not None:
        tied = top1.get("ties") and made.precision != "int8"  # whose predictions may differ
        ties = f", and {top1['ties']:,} are ties" if tied else ""
        lines.append(
            f"{100 * top1['agreement']:.2f} % of {top1['examples']:,} predictions agree{ties}; the accuracy is "
            f"{100 * top1['accuracy']:.2f} %, in float64 {100 * top1['accuracy_float64']:.2f} %"
        )
    return lines
