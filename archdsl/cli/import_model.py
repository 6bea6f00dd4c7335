"""`archdsl import`: a network file from an existing model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from archdsl.cli.output import print_text
from archdsl.diagnostics import SpecError, codes
from archdsl.file_io import write_file
from archdsl.importers.addresses import import_model
from archdsl.input_sizes import parse_sizes

if TYPE_CHECKING:
    pass


@click.command(
    epilog="\b\nExamples:\n  archdsl import torchvision.models:resnet50 -o resnet50.arch\n"
    "  archdsl import torchvision.models:resnet18,resnet34,resnet50 -o resnet.arch\n"
    "  archdsl import mypackage.net:Net --call '(width=32)' --input 3x64x64 -o net.arch\n"
    "  archdsl import net.onnx -o net.arch --weights net.safetensors\n  archdsl import yolov3.cfg -o yolov3.arch",
)
@click.argument("address", metavar="MODEL")
@click.option("-o", "--output", default="-", metavar="FILE", help="Output file; `-` is standard output. [default: -]")
@click.option("--call", metavar="ARGUMENTS", help="Arguments of the class or function, as literals: '(width=32)'.")
@click.option("--input", "sizes", metavar="SIZES", help="Sizes of the input, without the batch; several inputs are separated by "
              "commas. [default: those in the file; for Python 3x224x224]")  # fmt: skip
@click.option(
    "--weights", type=click.Path(path_type=Path), metavar="FILE", help="Also write the model's weights, as safetensors."
)
@click.option("--unproved", is_flag=True, help="Write the text even if it does not agree with the model; its first line says so.")
@click.option("--fixed", is_flag=True, help="Keep the sizes of the example: the text then states shapes and MACs, too.")
@click.option("--partial", is_flag=True, help="Write a comment in place of each operation that the language cannot express.")
def command(
    address: str, output: str, call: str | None, sizes: str | None, weights: Path | None, unproved: bool, fixed: bool,
    partial: bool,
) -> None:  # fmt: skip
    """Write MODEL as text: a file of another program, or package.module:name, where name is a class, a function or a module.

    Files are programs of torch.export (.pt2), ONNX models (.onnx), and configuration files of Darknet (.cfg), Caffe (.prototxt),
    Keras (.json) and Ultralytics (.yaml); no Python in them is executed. For package.module:name, this command imports the module
    and calls the name: it runs the model's Python. Several names, separated by commas, become one network with an alias for each.
    The text is compiled and compared with the model before it is written. The sizes of its input are symbolic, as in [3, H, W],
    if the model takes others, and the compiler can decide which are valid.
    """
    try:
        shapes = [size.sizes for size in parse_sizes(sizes)] if sizes is not None else None
        if any(number == 0 for shape in shapes or () for number in shape):
            raise ValueError(f"{sizes!r} has a size of zero")
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--input") from None
    imported = import_model(
        address,
        call=call,
        sizes=shapes,
        partial=partial,
        fixed=fixed,
        family=True,
        say=lambda line: click.echo(line, err=True),
    )
    for name, report in imported.reports.items():
        click.echo(f"{name}:\n{report}", err=True)
    if not unproved and not imported.partial:
        imported.require_proved()
    text = imported.marked()
    if weights is not None:
        if not imported.proved and not unproved:
            raise SpecError(codes.importing.BadAddress(str(weights), "weights belong to a complete text"))
        imported.save_weights(weights)
    if output == "-":
        print_text(text)
    else:
        write_file(Path(output), text)
