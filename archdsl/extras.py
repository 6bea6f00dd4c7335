"""The parts of archdsl that draw on packages which a plain installation leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from archdsl.diagnostics import SpecError, codes


@contextmanager
def extra_needed(extra: str, what: str) -> Iterator[None]:
    """Around an import: raise `SpecError` (E0608), with the command that installs what is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "archdsl":
            raise
        raise SpecError(codes.files.MissingPackage(what, error.name, extra)) from error
