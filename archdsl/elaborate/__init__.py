"""Syntax trees to graphs: names, parameters, control flow and shapes."""

from archdsl.elaborate.arguments import KnownOps
from archdsl.elaborate.block_cache import argument_identity
from archdsl.elaborate.elaborator import Elaboration, elaborate
from archdsl.elaborate.false_claims import FalseClaim, not_explained
from archdsl.elaborate.program import Program, decode_source, files_of, open_parameters, read_source, select_network
from archdsl.elaborate.values import Module

__all__ = [
    "Elaboration", "FalseClaim", "KnownOps", "Module", "Program", "argument_identity", "decode_source",
    "elaborate", "files_of", "not_explained", "open_parameters", "read_source", "select_network",
]  # fmt: skip
