"""`archdsl bench`: latency, throughput and memory of a network."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from archdsl.cli.arguments import NetworkCommand, network_arguments, require_network
from archdsl.cli.console import colorful
from archdsl.cli.output import print_text
from archdsl.cli.size_option import size_option
from archdsl.cli.weights_options import weights_options
from archdsl.diagnostics import json_text, printable
from archdsl.input_sizes import InputSizes
from archdsl.optional_dependencies import extra_needed
from archdsl.session import Session
from archdsl.text_table import BOLD, DIM, Cell, format_columns

if TYPE_CHECKING:
    from archdsl.bench import Benchmark, Measured
    from archdsl.initial_weights import Weights


class Batches(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions alone
    """`1,32`, as numbers."""

    name = "batches"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Split at commas."""
        if isinstance(value, tuple):
            return value
        parts = [part.strip() for part in value.split(",")]
        if not all(part.isascii() and part.isdigit() and int(part) > 0 for part in parts):
            self.fail(f"{value!r} is no list of positive numbers, as in 1,32", param, ctx)
        return tuple(dict.fromkeys(map(int, parts)))


@click.command(
    cls=NetworkCommand,
    epilog="\b\nExamples:\n  archdsl bench resnet50\n  archdsl bench net.arch --batch 1,8,64 --device cuda --precision bf16\n"
    "  archdsl bench net.arch --train --forms eager\n  archdsl bench unet --size 3x256x256 --format json | jq '.rows[].latency'",
)
@network_arguments
@size_option
@click.option("--batch", type=Batches(), default="1,32", show_default=True, metavar="N,...", help="Batch sizes.")
@click.option("--device", type=click.Choice(["cpu", "cuda", "mps"]), default="cpu", show_default=True, help="Device.")
@click.option("--train", is_flag=True, help="Measure a step of training in place of inference.")
@click.option("--precision", type=click.Choice(["fp32", "bf16", "fp16"]), default="fp32", show_default=True,
              help="Dtype of weights and inputs; in training of the computation (autocast).")  # fmt: skip
@click.option("--forms", metavar="NAME,...", help="Forms to measure: eager, optimized, compiled, exported. [default: all]")
@click.option("--seconds", type=click.FloatRange(0, min_open=True), default=3.0, show_default=True,
              help="Time of measuring for each form and batch size; at least five rounds.")  # fmt: skip
@click.option("--threads", type=click.IntRange(1), metavar="N", help="Threads on the CPU. [default: PyTorch's choice]")
@weights_options
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Output format.")
def command(
    address: str,
    settings: tuple[tuple[str, str], ...],
    session: Session,
    sizes: InputSizes,
    weights: Weights | None,
    threads: int | None,
    form: str,
    forms: str | None,
    **options: Any,
) -> int:
    """Measure NETWORK with random inputs: as it is, optimized for inference, compiled, and exported.

    The forms take turns, so that a slow moment falls on all of them. The latency is the median of single calls, with the
    quartiles.
    """
    if options["train"] and options["precision"] == "fp16":
        raise click.UsageError("--train takes no fp16, which needs scaled gradients: --precision bf16")
    network = require_network(address, settings, session, sizes, fixed=True)
    with extra_needed("train", "measuring a network"):
        import torch  # here: the checks above need no torch, which takes over a second to import

        from archdsl.bench import Options, bench
    if threads is not None:
        torch.set_num_threads(threads)
    chosen = None if forms is None else [name.strip() for name in forms.split(",")]
    try:
        found = bench(network, Options(forms=chosen, **options), weights)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    print_text(json_text(found.as_data()) if form == "json" else _text(found))
    return 0 if found.ok else 1


def _text(found: Benchmark) -> str:
    shapes = ", ".join(f"{name} [{', '.join(map(str, shape))}]" for name, shape in found.inputs.items())
    where = f"{found.hardware}, {found.threads} thread{'s' if found.threads > 1 else ''}, PyTorch {found.torch}"
    title = [f"{found.network}, {shapes}, {found.mode}, {found.precision}", where, ""]
    names = ("batch", "form", "latency, ms", "", "examples/s", "memory, MiB", "times as fast", "")
    rows: list[list[Cell | str]] = [[Cell(name, BOLD) for name in names]]
    rows += [_row(row) for row in found.rows]
    return "".join(f"{printable(line)}\n" for line in title) + format_columns(rows, "><><>>><", color=colorful(sys.stdout))


def _row(row: Measured) -> list[Cell | str]:
    if row.latency is None or row.low is None or row.high is None:
        return [str(row.batch), row.form, "", "", "", "", "", Cell(printable(f"not measured: {row.failed}"), DIM)]
    digits = 3 if row.latency < 0.01 else 1
    memory = "" if row.memory is None else f"{row.memory / 2**20:,.1f}"
    spread = f"({1e3 * row.low:,.{digits}f} to {1e3 * row.high:,.{digits}f})"
    return [
        str(row.batch), row.form, f"{1e3 * row.latency:,.{digits}f}", Cell(spread, DIM), f"{row.throughput:,.1f}", memory,
        f"{row.speedup:.2f}", "",
    ]  # fmt: skip
