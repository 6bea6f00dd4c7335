"""Errors for missing optional dependencies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from archdsl.declared import Fault


@contextmanager
def extra_needed(extra: str, what: str) -> Iterator[None]:
    """Raise `Fault` E0608, with the command that installs the extra, if an import in the context fails."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "archdsl":
            raise
        raise Fault(
            "E0608", f"{what} needs `{error.name}`, which is not installed", help=f"pip install 'archdsl[{extra}]'"
        ) from error
