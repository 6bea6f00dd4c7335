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

from archdsl.ir import Graph

DEFAULT: Final = "torch"
_BACKENDS: Final = Path(__file__).parent / "backends"


class Options(NamedTuple):
    """Options of a target: to include auxiliary heads, and to let activations operate in place."""

    aux: bool = True
    inplace: bool = True


class Target(NamedTuple):
    """An output format of the compiler.

    `suffixes` are those of the files, without the dot; the first is the default. `write` takes the graph, one of the suffixes
    and options; `options` names those that it knows.
    """

    about: str
    suffixes: tuple[str, ...]
    write: Callable[[Graph, str, Options], bytes]
    options: frozenset[str] = frozenset()

    def unknown(self, options: Options) -> str | None:
        """Return the name of an option that is set and that the target does not know; None if there is none."""
        changed = [name for name, value in options._asdict().items() if value != Options._field_defaults[name]]
        return next((name for name in changed if name not in self.options), None)


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
