"""Every code with its explanation and its kinds of diagnostics, one module a stage.

A module is imported when one of its kinds is raised (`codes.joins.BranchShapes(...)`), so that checking what is right
defines none of them.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from archdsl.diagnostics.codes import archives as archives
    from archdsl.diagnostics.codes import arguments as arguments
    from archdsl.diagnostics.codes import batches as batches
    from archdsl.diagnostics.codes import bodies as bodies
    from archdsl.diagnostics.codes import calls as calls
    from archdsl.diagnostics.codes import claims as claims
    from archdsl.diagnostics.codes import class_counts as class_counts
    from archdsl.diagnostics.codes import configs as configs
    from archdsl.diagnostics.codes import data as data
    from archdsl.diagnostics.codes import declarations as declarations
    from archdsl.diagnostics.codes import definitions as definitions
    from archdsl.diagnostics.codes import examples as examples
    from archdsl.diagnostics.codes import exporting as exporting
    from archdsl.diagnostics.codes import expressions as expressions
    from archdsl.diagnostics.codes import files as files
    from archdsl.diagnostics.codes import given_sizes as given_sizes
    from archdsl.diagnostics.codes import habits as habits
    from archdsl.diagnostics.codes import hub as hub
    from archdsl.diagnostics.codes import images as images
    from archdsl.diagnostics.codes import importing as importing
    from archdsl.diagnostics.codes import imports as imports
    from archdsl.diagnostics.codes import inference as inference
    from archdsl.diagnostics.codes import inputs as inputs
    from archdsl.diagnostics.codes import joins as joins
    from archdsl.diagnostics.codes import keys as keys
    from archdsl.diagnostics.codes import labels as labels
    from archdsl.diagnostics.codes import limits as limits
    from archdsl.diagnostics.codes import magnitudes as magnitudes
    from archdsl.diagnostics.codes import masks as masks
    from archdsl.diagnostics.codes import misread_bodies as misread_bodies
    from archdsl.diagnostics.codes import modules as modules
    from archdsl.diagnostics.codes import names as names
    from archdsl.diagnostics.codes import notes as notes
    from archdsl.diagnostics.codes import outputs as outputs
    from archdsl.diagnostics.codes import parts as parts
    from archdsl.diagnostics.codes import ranges as ranges
    from archdsl.diagnostics.codes import recipe as recipe
    from archdsl.diagnostics.codes import recipe_keys as recipe_keys
    from archdsl.diagnostics.codes import reuse as reuse
    from archdsl.diagnostics.codes import revisions as revisions
    from archdsl.diagnostics.codes import searches as searches
    from archdsl.diagnostics.codes import settings as settings
    from archdsl.diagnostics.codes import several as several
    from archdsl.diagnostics.codes import shapes as shapes
    from archdsl.diagnostics.codes import slips as slips
    from archdsl.diagnostics.codes import source_warnings as source_warnings
    from archdsl.diagnostics.codes import spaces as spaces
    from archdsl.diagnostics.codes import structure as structure
    from archdsl.diagnostics.codes import symbolic_sizes as symbolic_sizes
    from archdsl.diagnostics.codes import syntax as syntax
    from archdsl.diagnostics.codes import tokens as tokens
    from archdsl.diagnostics.codes import training as training
    from archdsl.diagnostics.codes import warnings as warnings
    from archdsl.diagnostics.codes import whole_numbers as whole_numbers

STAGES: Final = (
    "syntax", "bodies", "slips", "names", "definitions", "keys", "modules", "several", "parts", "shapes", "joins",
    "symbolic_sizes", "given_sizes", "arguments", "whole_numbers", "ranges", "expressions", "magnitudes", "reuse",
    "structure", "spaces", "limits", "inputs", "declarations", "files", "revisions",
    "imports", "settings", "claims", "recipe_keys", "recipe",
    "labels", "masks", "class_counts", "batches", "data", "images", "archives", "hub", "examples", "training", "searches",
    "outputs", "exporting", "inference", "importing", "configs", "warnings", "source_warnings", "habits", "misread_bodies",
    "notes", "calls", "tokens",
)  # fmt: skip
"""The modules, in the order of their codes."""


def __getattr__(name: str) -> ModuleType:
    """Import the module of a stage."""
    if name not in STAGES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")
