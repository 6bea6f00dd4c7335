"""The table of codes: `archdsl explain`, the reference page and the tests read it."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from archdsl.diagnostics.codes import STAGES
from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.record import Diagnostic

GROUPS: Final[dict[str, str]] = {
    "E01": "Syntax",
    "E02": "Names",
    "E03": "Shapes",
    "E04": "Values",
    "E05": "Structure",
    "E06": "Files and settings",
    "E07": "Claims",
    "E08": "Training",
    "E09": "Outputs and weights",
    "E10": "Trained networks",
    "E11": "Exported networks",
    "E12": "Import of models",
    "W01": "Warnings",
    "N03": "Notes",
}
"""Titles by the first three characters of a code."""


def _table() -> dict[str, Code]:
    found = {id(value): value for stage in _MODULES for value in vars(stage).values() if isinstance(value, Code)}
    table = {entry.code: entry for entry in sorted(found.values(), key=lambda entry: entry.code)}
    if len(table) != len(found):
        raise ValueError("two entries of the table of codes have the same code")
    return table


def kinds() -> list[type[Diagnostic]]:
    """Return every kind of diagnostic, stage by stage, without bases that say nothing themselves."""
    return [
        value
        for stage in _MODULES
        for value in vars(stage).values()
        if isinstance(value, type) and issubclass(value, Diagnostic) and value.__module__ == stage.__name__
        if value.code and value.summary is not Diagnostic.summary
    ]


_MODULES: Final = tuple([import_module(f"archdsl.diagnostics.codes.{stage}") for stage in STAGES])

CODES: Final[dict[str, Code]] = _table()
"""Every code that archdsl reports, in order."""
