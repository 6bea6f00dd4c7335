"""Every code with its explanation and its kinds of diagnostics, one module a stage.

A module is imported when one of its kinds is raised (`codes.shapes.SkipMismatch(...)`), so that checking what is right
defines none of them.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from archdsl.diagnostics.codes import arguments as arguments
    from archdsl.diagnostics.codes import claims as claims
    from archdsl.diagnostics.codes import data as data
    from archdsl.diagnostics.codes import examples as examples
    from archdsl.diagnostics.codes import expressions as expressions
    from archdsl.diagnostics.codes import files as files
    from archdsl.diagnostics.codes import images as images
    from archdsl.diagnostics.codes import labels as labels
    from archdsl.diagnostics.codes import names as names
    from archdsl.diagnostics.codes import notes as notes
    from archdsl.diagnostics.codes import outputs as outputs
    from archdsl.diagnostics.codes import recipe as recipe
    from archdsl.diagnostics.codes import shapes as shapes
    from archdsl.diagnostics.codes import slips as slips
    from archdsl.diagnostics.codes import source_warnings as source_warnings
    from archdsl.diagnostics.codes import structure as structure
    from archdsl.diagnostics.codes import syntax as syntax
    from archdsl.diagnostics.codes import training as training
    from archdsl.diagnostics.codes import warnings as warnings

STAGES: Final = (
    "syntax", "slips", "names", "shapes", "arguments", "expressions", "structure", "files", "claims", "recipe", "labels",
    "data", "images", "examples", "training", "outputs",
    "warnings", "source_warnings", "notes",
)  # fmt: skip
"""The modules, in the order of their codes."""


def __getattr__(name: str) -> ModuleType:
    """Import the module of a stage."""
    if name not in STAGES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")
