"""The arguments of every module's constructor, noted while a model is made: they name the parameters of blocks."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn


def recorded(make: Callable[[], Any]) -> tuple[Any, dict[str, dict[str, Any]]]:
    """Return what a function makes, and the arguments of the constructors of its modules by their paths."""
    noted: dict[int, dict[str, Any]] = {}
    with _noting(noted):
        made = make()
    if not isinstance(made, nn.Module):
        return made, {}
    found = {path: noted[id(module)] for path, module in made.named_modules() if id(module) in noted}
    return made, found


@contextmanager
def _noting(noted: dict[int, dict[str, Any]]) -> Iterator[None]:
    """Note the arguments of the outermost constructor each time that `nn.Module.__init__` runs.

    A class calls it at the start of its own constructor, when the local variables there are still the arguments.
    """
    original = nn.Module.__init__

    def noting(self: nn.Module, *args: Any, **kwargs: Any) -> None:
        frame = sys._getframe(1)
        found: dict[str, Any] = {}
        while frame is not None and frame.f_code.co_name == "__init__" and _owner(frame) is self:
            names = inspect.getargs(frame.f_code)
            given = {name: frame.f_locals[name] for name in names.args[1:] if name in frame.f_locals}
            found = {**given}
            frame = frame.f_back  # type: ignore[assignment]
        noted[id(self)] = found
        noted.setdefault(-id(self), {"self": self})  # keeps it alive, so that no other module has its id
        original(self, *args, **kwargs)

    nn.Module.__init__ = noting  # type: ignore[method-assign]
    try:
        yield
    finally:
        nn.Module.__init__ = original  # type: ignore[method-assign]


def _owner(frame: Any) -> Any:
    names = frame.f_code.co_varnames
    return frame.f_locals.get(names[0]) if names else None
