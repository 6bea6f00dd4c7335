"""Load a network at an address or in a text, or check or format a text: the entry points of the Python API."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from archdsl.diagnostics import Diagnostic, SpecError
from archdsl.driver import check_source, check_text, compile_address, compile_text
from archdsl.elaborate import read_source
from archdsl.input_sizes import InputSizes, sizes_of
from archdsl.limits import DEFAULT, Limits
from archdsl.lints import levels_from
from archdsl.literals import Expression, show
from archdsl.network import Network
from archdsl.session import Session
from archdsl.source import SourceFile
from archdsl.syntax.parser import parse


def load(address: str | os.PathLike[str], /, *, limits: Limits = DEFAULT, size: Any = None, **parameters: Any) -> Network:
    """Load the network at an address: `"net.arch:resnet50"`, `"net.arch"`, or the name of a network that comes with archdsl.

    Pass parameters by name as Python values, `load("net.arch:resnet50", classes=10)`, or as expressions of the language,
    `load("resnet", norm=Expression("gn(32)"))`. Pass keys of the recipe as `**{"train.epochs": 5}`. `limits` sets limits on
    the size of the spec, `limits=Limits(nodes=1_000_000)`; a network's own parameter of this name can be set only in the spec.
    `size` gives the inputs other sizes than the declared ones, `size=(3, 160, 160)` or `size={"image": (3, 160, 160)}`; a single
    number is a parameter of the network called `size`.
    Raise `SpecError`, which contains all diagnostics, if there are errors, and `ValueError` for limits out of range and for
    inputs that the network does not have.
    """
    session, sizes = Session(_checked(limits)), _sizes(size, parameters)
    return Network(compile_address(os.fspath(address), _settings(parameters, limits), session=session, sizes=sizes))


def loads(text: str, network: str | None = None, /, *, limits: Limits = DEFAULT, size: Any = None, **parameters: Any) -> Network:
    """Load the network in a text, by name if the text defines several. `limits`, `size` and errors are those of `load`."""
    session, sizes = Session(_checked(limits)), _sizes(size, parameters)
    return Network(compile_text(text, network, _settings(parameters, limits), session=session, sizes=sizes))


def check(
    text: str | os.PathLike[str],
    /,
    *,
    warn: Iterable[str] = (),
    deny: Iterable[str] = (),
    allow: Iterable[str] = (),
    limits: Limits = DEFAULT,
) -> list[Diagnostic]:
    """Return all errors and warnings for a text, or the file at a `Path`, and all of its networks.

    The codes in `deny` are reported as errors, those in `allow` not at all, and those in `warn` as warnings, which overrides
    the others. Raise `ValueError` for a code that does not exist, or is that of an error.
    """
    levels = levels_from(warn=warn, deny=deny, allow=allow)
    session = Session(_checked(limits))
    if isinstance(text, str):
        return levels.applied(check_text(text, session=session))
    source = read_source(Path(text), limits=session.limits)
    found = [source] if isinstance(source, Diagnostic) else check_source(source, Path(text), session=session).diagnostics
    return levels.applied(found)


def format(text: str, /, *, limits: Limits = DEFAULT) -> str:
    """Return a text in the one style, as `archdsl fmt` writes it. Its networks are not checked.

    Raise `SpecError`, which contains all diagnostics, if the text has syntax errors.
    """
    from archdsl.formatting import format_source  # here: no other function needs it

    session = Session(_checked(limits))
    file, errors = parse(SourceFile("<text>", text), session.limits)
    if errors:
        raise SpecError(*errors)
    return format_source(file, session.limits)


def _checked(limits: Limits) -> Limits:
    """Return the argument `limits`. Raise `TypeError` for another type, such as a value for a parameter of that name."""
    if not isinstance(limits, Limits):
        raise TypeError(f"`limits` is archdsl.Limits(...), and not {limits!r}")
    return limits


def _sizes(size: Any, parameters: dict[str, Any]) -> InputSizes:
    """Return the sizes of inputs that `size` gives. A number or an expression is a parameter of that name, which is added."""
    if isinstance(size, int | Expression):
        parameters["size"] = size
        return ()
    return sizes_of(size)


def _settings(parameters: Mapping[str, Any], limits: Limits) -> dict[str, str]:
    return {name: show(value, most=limits.list_items) for name, value in parameters.items()}
