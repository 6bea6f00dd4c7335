"""Errors for missing optional dependencies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from archdsl.diagnostics import SpecError, codes


@contextmanager
def extra_needed(extra: str, what: str) -> Iterator[None]:
    """Raise `SpecError` E0608, with the command that installs the extra, if an import in the context fails."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "archdsl":
            raise
        raise SpecError(codes.files.MissingPackage(what, error.name, extra)) from error
