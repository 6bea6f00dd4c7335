"""`archdsl space`: how many members a search space has, and which."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import click

from archdsl.cli.arguments import NetworkCommand, network_arguments
from archdsl.cli.console import colorful
from archdsl.cli.output import print_text
from archdsl.cli.size_option import size_option, wrong_inputs_refused
from archdsl.diagnostics import json_text, printable
from archdsl.elaborate.domains import Choices
from archdsl.input_sizes import InputSizes
from archdsl.session import Session
from archdsl.shapes import Dim
from archdsl.spaces import Count, Judge, Space, Verdict, count, draw_members, list_members, read_space
from archdsl.spaces.counting import no_member, reason_lines
from archdsl.text_table import BOLD, DIM, Cell, format_columns

_EXAMPLES = """\b
Examples:
  archdsl space net.arch
  archdsl space net.arch --sample 10 --seed 1
  archdsl space net.arch --list --format csv > members.csv
  archdsl space nas_bench_201 --exact"""


@click.command(cls=NetworkCommand, epilog=_EXAMPLES)
@network_arguments
@size_option
@click.option("--sample", type=click.IntRange(min=1), metavar="N", help="List N different members, drawn at random.")
@click.option("--list", "every", is_flag=True, help="List all members, in the order of the domains.")
@click.option("--exact", is_flag=True, help="Count exactly: try all combinations, up to a million.")
@click.option("--estimate", type=click.IntRange(min=2), metavar="N",
              help="Estimate the number from N random combinations. [default: 400, if there are more than 1,000]")  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Random seed of the draws.")
@click.option("--format", "form", type=click.Choice(["text", "json", "csv"]), default="text", show_default=True,
              help="Output format; csv: for --sample and --list.")  # fmt: skip
def command(
    address: str,
    settings: tuple[tuple[str, str], ...],
    session: Session,
    sizes: InputSizes,
    sample: int | None,
    every: bool,
    exact: bool,
    estimate: int | None,
    seed: int,
    form: str,
) -> None:
    """Count the members of NETWORK's search space, or list them with their parameters and MACs.

    The space has a dimension for each parameter with a domain, as in `network net(width in [16, 24, 32])`. A combination is a
    member if the network is free of errors and its `where` holds. Nothing is built or trained.
    """
    chosen = [
        name for name, given in (("--sample", sample), ("--list", every), ("--exact", exact), ("--estimate", estimate)) if given
    ]
    if len(chosen) > 1:
        raise click.UsageError(f"{chosen[0]} and {chosen[1]} exclude each other")
    if form == "csv" and not (sample or every):
        raise click.UsageError("--format csv lists members: add --list or --sample N")
    with wrong_inputs_refused():
        space = read_space(address, dict(settings), sys.stdin.buffer, session=session, sizes=sizes)
        judge = Judge(space)
        if every or sample:
            _show_members(space, list_members(space, judge) if every else draw_members(space, judge, sample or 1, seed), form)
            return
        counted = count(space, judge, exact=exact, drawn=estimate, seed=seed)
    if form == "json":
        print_text(json_text(_count_data(space, counted)))
    elif not counted.members and counted.exact:
        raise no_member(space, counted)
    else:
        print_text(_count_text(space, counted))


def _show_members(space: Space, members: Iterable[Verdict], form: str) -> None:
    """Print members: as a table or as JSON when all are known, as CSV line by line."""
    names = [dimension.name for dimension in space.dimensions]
    if form == "csv":
        for line in _csv_lines(names, members):
            print_text(line)
        return
    found = list(members)
    if form == "json":
        print_text(json_text([_member_data(verdict) for verdict in found]))
        return
    titles = [*names, *_count_titles(names, "params", "MACs", "depth")]
    rows: list[list[Cell | str]] = [[Cell(title, BOLD) for title in titles]]
    for verdict in found:
        texts = [printable(text) for text in verdict.member.texts.values()]
        rows.append([*texts, f"{verdict.params:,}", _shown(verdict.macs), str(verdict.depth)])
    print_text(format_columns(rows, "<" * len(names) + ">>>", color=colorful(sys.stdout)))


def _csv_lines(names: list[str], members: Iterable[Verdict]) -> Iterator[str]:
    yield _csv_line([*names, *_count_titles(names, "params", "macs", "depth")])
    for one in members:
        yield _csv_line([*one.member.texts.values(), one.params, _plain(one.macs), one.depth])


def _count_titles(names: list[str], *counts: str) -> list[str]:
    """Return the titles of counts, told apart from dimensions of the same name."""
    return [f"{count}_counted" if count in names else count for count in counts]


def _csv_line(cells: Sequence[object]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()


def _member_data(verdict: Verdict) -> dict[str, Any]:
    values = {name: _json_value(value, verdict.member.texts[name]) for name, value in verdict.member.values.items()}
    return {"values": values, "params": verdict.params, "macs": _plain(verdict.macs), "depth": verdict.depth}


def _json_value(value: Any, text: str) -> Any:
    """Return a number, string or truth value as itself, and anything else as its text."""
    return value if value is None or isinstance(value, bool | int | float | str) else text


def _count_data(space: Space, counted: Count) -> dict[str, Any]:
    fraction, low, high = counted.fraction
    return {
        "network": space.name,
        "dimensions": {one.name: {"domain": one.text, "values": one.domain.size} for one in space.dimensions},
        "recipe": {f"train.{one.path}": " ".join(one.node.choices.span.text.split()) for one in space.recipe},
        "combinations": counted.combinations,
        "exact": counted.exact,
        "tried": counted.tried,
        "members": counted.members,
        "fraction": {"value": fraction, "low": low, "high": high},
        "excluded": dict(counted.reasons.most_common()),
    }


def _count_text(space: Space, counted: Count) -> str:
    rows: list[list[Cell | str]] = []
    for one in space.dimensions:
        rows.append([printable(one.name), _values(one.domain.size), printable(one.text)])
    for place in space.recipe:
        size = place.domain.size if isinstance(place.domain, Choices) else None
        text = " ".join(place.node.choices.span.text.split())
        rows.append([printable(f"train.{place.path}"), _values(size), printable(text)])
    return format_columns(rows, "<<<", color=colorful(sys.stdout)) + f"\n{_sentence(counted)}\n{_excluded(counted)}"


def _values(size: int | None) -> Cell:
    return Cell("real numbers" if size is None else f"{size:,} value{'s' if size != 1 else ''}", DIM)


def _sentence(counted: Count) -> str:
    if counted.exact:
        return f"{counted.members:,} members of {counted.combinations:,} combinations"
    fraction, low, high = counted.fraction
    share = f"{fraction:.2%} of the combinations ({low:.2%} to {high:.2%} at 95 % confidence)"
    number = "" if counted.combinations is None else f"about {_rounded(fraction * counted.combinations)} members: "
    many = "infinitely many" if counted.combinations is None else f"{counted.combinations:,}"
    return f"{number}{share}\nestimated from {counted.tried:,} combinations drawn from {many}"


def _rounded(number: float) -> str:
    """Return a number with two significant digits, as an estimate has no more."""
    return f"{int(float(f'{number:.2g}')):,}"


def _excluded(counted: Count) -> str:
    lines = reason_lines(counted)
    return "".join(["excluded\n", *(f"  {printable(line)}\n" for line in lines)]) if lines else ""


def _shown(value: Dim | None) -> str:
    return f"{value:,}" if isinstance(value, int) else "" if value is None else str(value)


def _plain(value: Dim | None) -> int | str | None:
    return value if value is None or isinstance(value, int) else str(value)
