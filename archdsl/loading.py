"""Load a network at an address or in a text, or check a text: the entry points of the Python API."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from archdsl.diagnostics import Diagnostic
from archdsl.driver import check_text, compile_address, compile_text
from archdsl.limits import DEFAULT, Limits
from archdsl.lints import levels_from
from archdsl.literals import show
from archdsl.network import Network
from archdsl.session import Session


def load(address: str | os.PathLike[str], /, *, limits: Limits = DEFAULT, **parameters: Any) -> Network:
    """Load the network at an address: `"net.arch:resnet50"`, `"net.arch"`, or the name of a network that comes with archdsl.

    Pass parameters by name as Python values, `load("net.arch:resnet50", classes=10)`, or as expressions of the language,
    `load("resnet", norm=Expression("gn(32)"))`. Pass keys of the recipe as `**{"train.epochs": 5}`. `limits` sets limits on
    the size of the spec, `limits=Limits(nodes=1_000_000)`; a network's own parameter of this name can be set only in the spec.
    Raise `SpecError`, which contains all diagnostics, if there are errors, and `ValueError` for limits out of range.
    """
    session = Session(_checked(limits))
    return Network(compile_address(os.fspath(address), _settings(parameters, limits), session=session))


def loads(text: str, network: str | None = None, /, *, limits: Limits = DEFAULT, **parameters: Any) -> Network:
    """Load the network in a text, by name if the text defines several. `limits` and errors are those of `load`."""
    session = Session(_checked(limits))
    return Network(compile_text(text, network, _settings(parameters, limits), session=session))


def check(
    text: str, /, *, warn: Iterable[str] = (), deny: Iterable[str] = (), allow: Iterable[str] = (), limits: Limits = DEFAULT
) -> list[Diagnostic]:
    """Return all errors and warnings for a text and all of its networks.

    The codes in `deny` are reported as errors, those in `allow` not at all, and those in `warn` as warnings, which overrides
    the others. Raise `ValueError` for a code that does not exist, or is that of an error.
    """
    levels = levels_from(warn=warn, deny=deny, allow=allow)
    return levels.applied(check_text(text, session=Session(_checked(limits))))


def _checked(limits: Limits) -> Limits:
    """Return the argument `limits`. Raise `TypeError` for another type, such as a value for a parameter of that name."""
    if not isinstance(limits, Limits):
        raise TypeError(f"`limits` is archdsl.Limits(...), and not {limits!r}")
    return limits


def _settings(parameters: Mapping[str, Any], limits: Limits) -> dict[str, str]:
    return {name: show(value, most=limits.list_items) for name, value in parameters.items()}
