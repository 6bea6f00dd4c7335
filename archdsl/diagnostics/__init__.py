"""Errors worth reading: the record, the table of codes, the renderer."""

from archdsl.diagnostics.gather import gathered
from archdsl.diagnostics.record import Diagnostic, Mark, Severity, SpecError
from archdsl.diagnostics.render import as_data, json_text, printable, render_github, render_json, render_text
from archdsl.diagnostics.suggest import did_you_mean

__all__ = [
    "Diagnostic",
    "Mark",
    "Severity",
    "SpecError",
    "as_data",
    "did_you_mean",
    "gathered",
    "json_text",
    "printable",
    "render_github",
    "render_json",
    "render_text",
]
