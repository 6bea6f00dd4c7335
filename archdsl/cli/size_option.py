"""The option `--size`, and the valid symbolic sizes as data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any, TypeVar

import click

from archdsl.analysis import SymbolicSizes
from archdsl.input_sizes import InputSizes, WrongInputs, parse_sizes
from archdsl.size_words import describe

F = TypeVar("F", bound=Callable[..., Any])


class Size(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions alone
    """`3x517x389` or `image=3x517x389,mask=1x517x389`."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> InputSizes:
        """Return the sizes, each with the name of its input, or None."""
        if isinstance(value, tuple):
            return value
        try:
            return parse_sizes(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def size_option(command: F) -> F:
    """Add the option `--size` to a command, which takes `sizes`."""
    help = (
        "Give the inputs another size, without the batch: --size 3x160x160, or image=3x160x160,mask=1x160x160. May be repeated."
    )
    return click.option(
        "--size", "sizes", type=Size(), multiple=True, metavar="[INPUT=]SIZE", help=help,
        callback=lambda ctx, param, value: tuple(chain.from_iterable(value)),
    )(command)  # fmt: skip


@contextmanager
def wrong_inputs_refused() -> Iterator[None]:
    """Report sizes for inputs that the network does not have as a wrong command line."""
    try:
        yield
    except WrongInputs as error:
        raise click.UsageError(str(error)) from None


def verdict_data(sizes: SymbolicSizes) -> list[dict[str, Any]]:
    """Return, for each symbolic size, the valid values and the places that require them."""
    found = []
    for symbol, work in sizes.work.items():
        needs = [
            {"reason": demand.reason, "place": demand.span.place if demand.span is not None else None}
            for demand in sizes.decisive(symbol)
        ]
        found.append({"symbol": symbol, "must_be": describe(work), "smallest": work.smallest() if work else None, "needs": needs})
    return found
