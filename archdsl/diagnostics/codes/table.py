"""All codes in order, and what the groups are about."""

from __future__ import annotations

from typing import Final

from archdsl.diagnostics.codes import files, names, shapes, structure, syntax, training, values, warnings, weights
from archdsl.diagnostics.codes.entry import Code

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
    "W01": "Warnings",
    "N03": "Notes",
}
"""Titles by the first three characters of a code."""


def _table(entries: list[Code]) -> dict[str, Code]:
    table = {entry.code: entry for entry in sorted(entries, key=lambda entry: entry.code)}
    if len(table) != len(entries):
        raise ValueError("two entries of the table of codes have the same code")
    return table


CODES: Final[dict[str, Code]] = _table(
    [
        *syntax.CODES,
        *names.CODES,
        *shapes.CODES,
        *values.CODES,
        *structure.CODES,
        *files.CODES,
        *training.CODES,
        *weights.CODES,
        *warnings.CODES,
    ]
)
"""Every code that archdsl reports."""
