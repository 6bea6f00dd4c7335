"""The parts of archdsl that draw on packages which a plain installation leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from archdsl.declared import Fault


@contextmanager
def extra_needed(extra: str, what: str) -> Iterator[None]:
    """Around an import: raises `Fault` E0608, with the command that installs what is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "archdsl":
            raise
        raise Fault(
            "E0608", f"{what} needs `{error.name}`, which is not installed", help=f"pip install 'archdsl[{extra}]'"
        ) from error
