"""Diagnostics as data: what a finding is, the exception that carries findings, the renderer, and the edits that mend them.

The kinds of findings are in `archdsl.diagnostics.codes`.
"""

from archdsl.diagnostics.codes.entry import Evidence
from archdsl.diagnostics.errors import SpecError, merged
from archdsl.diagnostics.gather import gathered
from archdsl.diagnostics.record import Applicability, Diagnostic, Edit, Mark, Remedy, Severity, certain, guess
from archdsl.diagnostics.render import as_data, json_text, printable, render_github, render_json, render_text
from archdsl.diagnostics.suggest import did_you_mean

__all__ = [
    "Applicability",
    "Diagnostic",
    "Edit",
    "Evidence",
    "Mark",
    "Remedy",
    "Severity",
    "SpecError",
    "as_data",
    "certain",
    "did_you_mean",
    "gathered",
    "guess",
    "json_text",
    "merged",
    "printable",
    "render_github",
    "render_json",
    "render_text",
]
