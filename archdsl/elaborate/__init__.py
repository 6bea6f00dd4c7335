"""Syntax trees to graphs: names, parameters, control flow and shapes."""

from archdsl.elaborate.network import Elaboration, elaborate
from archdsl.elaborate.program import Program, decode_source, open_parameters, read_source, select_network
from archdsl.elaborate.values import Module

__all__ = ["Elaboration", "Module", "Program", "decode_source", "elaborate", "open_parameters", "read_source", "select_network"]
