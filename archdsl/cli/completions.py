"""Completions for a shell: networks, files, parameters, keys, ops and codes; no completions after an error.

Each function takes the text typed so far. Files are parsed; no network is elaborated.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

import click
from click.shell_completion import CompletionItem

from archdsl.limits import DEFAULT
from archdsl.syntax import nodes as ast

_SUFFIX = ".arch"


def networks(incomplete: str) -> list[CompletionItem]:
    """Return the completions of NETWORK: shipped networks, files and folders; after `FILE:`, the networks in it."""
    file, colon, _ = incomplete.rpartition(":")
    if colon:
        return [_item(f"{file}:{name}") for name in _networks_in(file) if f"{file}:{name}".startswith(incomplete)]
    from archdsl.cli.specs import entries  # here: most completions do not need it

    shipped = [_item(entry.name, entry.paper) for entry in entries() if entry.name.startswith(incomplete)]
    return [*shipped, *map(_item, _files(incomplete)), CompletionItem(incomplete, type="dir")]


def files(incomplete: str) -> list[CompletionItem]:
    """Return the completions of FILES: spec files and folders."""
    return [*map(_item, _files(incomplete)), CompletionItem(incomplete, type="dir")]


def settings(address: str | None, incomplete: str) -> list[CompletionItem]:
    """Return what `--set` accepts: the open parameters of the network, and the keys of a recipe with their values."""
    from archdsl.cli.recipe_completions import recipe_completions  # here, as above

    parameters = [item for item in _parameters(address) if item.value.startswith(incomplete)]
    return [*parameters, *(_item(text, help) for text, help in recipe_completions(incomplete, _recipes(address)))]


def limit_names(incomplete: str) -> list[CompletionItem]:
    """The limits that can be raised."""
    return [
        _item(f"{name}=", f"{value:,} by default") for name, value in DEFAULT._asdict().items() if name.startswith(incomplete)
    ]


def ops(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the names of ops, each with the first line of its documentation."""
    from archdsl.ops import Op  # here, as above

    return [_item(op.name, (op.__doc__ or "").strip().partition("\n")[0]) for op in Op.registry if op.name.startswith(incomplete)]


def codes(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the codes of errors and warnings, each with its title."""
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
    """Yield the spec files whose paths begin with the text; hidden files only if it begins with a dot."""
    folder, begun = os.path.split(incomplete)
    try:
        found = sorted(os.listdir(folder or "."))
    except OSError:
        return
    for name in found:
        if name.startswith(begun) and name.endswith(_SUFFIX) and (begun or not name.startswith(".")):
            yield os.path.join(folder, name)


def _networks_in(file: str) -> list[str]:
    from archdsl.addresses import networks_at  # here, as above

    return list(networks_at(file)) if _safe(file) else []


def _parameters(address: str | None) -> Iterable[CompletionItem]:
    from archdsl.addresses import parameters_at, split_address  # here, as above

    if address is None or not _safe(split_address(address)[0]):
        return []
    return [_item(f"{name}=", text) for name, text in parameters_at(address).items()]


def _recipes(address: str | None) -> Sequence[ast.Train]:
    from archdsl.addresses import recipes_at, split_address  # here, as above

    return recipes_at(address) if address is not None and _safe(split_address(address)[0]) else ()


def _safe(file: str) -> bool:
    """Return whether a path can be read repeatedly and without blocking, unlike standard input and pipes."""
    return file != "-" and (os.path.isfile(file) or not os.path.exists(file))
