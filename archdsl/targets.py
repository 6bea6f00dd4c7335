"""The targets that a network can be compiled to. Each package below `archdsl/backends` is one and describes itself.

A backend's module `target` holds a `Target` named `TARGET`. It imports what writes the content only when it is asked to, so
that naming the targets costs nothing.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Final, NamedTuple

from archdsl.ir.unrolled import Graph

DEFAULT: Final = "torch"
_BACKENDS: Final = Path(__file__).parent / "backends"


class Target(NamedTuple):
    """What a backend makes of a graph.

    `suffixes` are those of the files, without the dot; the first is the default. `write` takes the graph, one of the suffixes,
    and whether auxiliary heads are included.
    """

    about: str
    suffixes: tuple[str, ...]
    write: Callable[[Graph, str, bool], bytes]


def names() -> list[str]:
    """Return the names of all targets, the default first."""
    found = {module.name for module in pkgutil.iter_modules([str(_BACKENDS)]) if module.ispkg}
    return [DEFAULT, *sorted(found - {DEFAULT})]


def target(name: str) -> Target:
    """Return a target by its name. Raise `KeyError` if there is none."""
    if name not in names():
        raise KeyError(name)
    found: Target = import_module(f"archdsl.backends.{name}.target").TARGET
    return found


def name_for(suffix: str) -> str | None:
    """Return the name of the target that writes files with a suffix; None if no target does."""
    return next((name for name in names() if suffix in target(name).suffixes), None)
