"""The graph of a network: its parts, how to build it, how to print it, and its invariants."""

from archdsl.ir.attributes import Claim, Constant, Module, Usage, join_path, tensor_key
from archdsl.ir.builder import GraphBuilder, copy_function, copy_graph
from archdsl.ir.core import Call, Condition, Failure, Function, Node, OpNode, Use, Value
from archdsl.ir.editing import remove_empty_calls
from archdsl.ir.flat import FlatGraph, FlatNode, flatten, state
from archdsl.ir.graph import Graph, Result
from archdsl.ir.printer import print_graph
from archdsl.ir.verify import InvariantError, verify

__all__ = [
    "Call",
    "Claim",
    "Condition",
    "Constant",
    "Failure",
    "FlatGraph",
    "FlatNode",
    "Function",
    "Graph",
    "GraphBuilder",
    "InvariantError",
    "Module",
    "Node",
    "OpNode",
    "Result",
    "Usage",
    "Use",
    "Value",
    "copy_function",
    "copy_graph",
    "flatten",
    "join_path",
    "print_graph",
    "remove_empty_calls",
    "state",
    "tensor_key",
    "verify",
]
