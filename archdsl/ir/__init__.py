"""The graph of a network and its invariants."""

from archdsl.ir.graph import Condition, Graph, Head, Node, Output, Scope
from archdsl.ir.verify import InvariantError, verify

__all__ = ["Condition", "Graph", "Head", "InvariantError", "Node", "Output", "Scope", "verify"]
