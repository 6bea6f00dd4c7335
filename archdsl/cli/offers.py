"""What a shell is offered to complete: networks, files, parameters, keys, ops, codes. Where something is wrong, nothing.

Each function takes the letters that are typed already. Files are parsed at most; no network is built.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

import click
from click.shell_completion import CompletionItem

from archdsl.limits import DEFAULT

_SUFFIX = ".arch"


def networks(incomplete: str) -> list[CompletionItem]:
    """What NETWORK can be: the networks that come with archdsl, files and folders, and after `FILE:` the networks in a file."""
    file, colon, _ = incomplete.rpartition(":")
    if colon:
        return [_item(f"{file}:{name}") for name in _networks_in(file) if f"{file}:{name}".startswith(incomplete)]
    from archdsl.cli.specs import entries  # here: most completions are of other things

    shipped = [_item(entry.name, entry.paper) for entry in entries() if entry.name.startswith(incomplete)]
    return [*shipped, *map(_item, _files(incomplete)), CompletionItem(incomplete, type="dir")]


def settings(address: str | None, incomplete: str) -> list[CompletionItem]:
    """The names that `--set` can give a value: the network's open parameters, and the keys of a recipe."""
    from archdsl.recipe import Recipe  # here, as above

    keys = [_item(f"train.{key}=", Recipe.model_fields[key].description) for key in Recipe.parameters_in_order()]
    return [item for item in [*_parameters(address), *keys] if item.value.startswith(incomplete)]


def limit_names(incomplete: str) -> list[CompletionItem]:
    """The limits that can be raised."""
    return [
        _item(f"{name}=", f"{value:,} by default") for name, value in DEFAULT._asdict().items() if name.startswith(incomplete)
    ]


def ops(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The names of ops, each with the first line about it."""
    from archdsl.ops import Op  # here, as above

    return [_item(op.name, (op.__doc__ or "").strip().partition("\n")[0]) for op in Op.registry if op.name.startswith(incomplete)]


def codes(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The codes of errors and warnings, each with its title."""
    from archdsl.diagnostics.codes.table import CODES  # here, as above

    return [_item(code, entry.title) for code, entry in CODES.items() if code.startswith(incomplete.upper())]


def lint_codes(incomplete: str) -> list[CompletionItem]:
    """The codes of warnings and notes, whose severities can be changed."""
    from archdsl.diagnostics.codes.table import CODES  # here, as above

    return [
        _item(code, entry.title) for code, entry in CODES.items()
        if code.startswith(incomplete.upper()) and not code.startswith("E")
    ]  # fmt: skip


def _item(value: str, help: str | None = None) -> CompletionItem:
    return CompletionItem(value, help=" ".join(help.split()) if help else None)


def _files(incomplete: str) -> Iterator[str]:
    """Spec files whose paths begin so; those that are hidden only where the letters say so."""
    folder, begun = os.path.split(incomplete)
    try:
        found = sorted(os.listdir(folder or "."))
    except OSError:
        return
    for name in found:
        if name.startswith(begun) and name.endswith(_SUFFIX) and (begun or not name.startswith(".")):
            yield os.path.join(folder, name)


def _networks_in(file: str) -> list[str]:
    from archdsl.driver import networks_at  # here, as above

    return list(networks_at(file)) if _safe(file) else []


def _parameters(address: str | None) -> Iterable[CompletionItem]:
    from archdsl.driver import parameters_at, split_address  # here, as above

    if address is None or not _safe(split_address(address)[0]):
        return []
    return [_item(f"{name}=", text) for name, text in parameters_at(address).items()]


def _safe(file: str) -> bool:
    """Whether to read a file tells all and ends: standard input and pipes are not to be read from."""
    return file != "-" and (os.path.isfile(file) or not os.path.exists(file))
