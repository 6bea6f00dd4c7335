"""The graph of a network: its parts, how to build it, how to print it, and its invariants."""

from typing import TYPE_CHECKING

from archdsl.ir.attributes import Claim, Condition, Constant, Failure, Module, Paths, Usage, join_path, less, tensor_key
from archdsl.ir.builder import GraphBuilder
from archdsl.ir.copying import copy_function, copy_graph
from archdsl.ir.core import NO_NAMES, Call, Declaration, Function, Node, OpNode, Use, Value
from archdsl.ir.graph import FoldedLayer, FoldedNorm, Graph, Result
from archdsl.ir.modules import (
    Difference,
    applications,
    difference,
    is_declared,
    settle_declarations,
    shared_nodes,
    standing_functions,
)
from archdsl.ir.verify import InvariantError, verify
from archdsl.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from archdsl.ir.editing import keep_parts, remove_empty_calls, remove_idle_declarations
    from archdsl.ir.flat import FlatGraph, FlatNode, flatten, state
    from archdsl.ir.printer import print_graph

__all__ = [
    "NO_NAMES",
    "Call",
    "Claim",
    "Condition",
    "Constant",
    "Declaration",
    "Difference",
    "Failure",
    "FlatGraph",
    "FlatNode",
    "FoldedLayer",
    "FoldedNorm",
    "Function",
    "Graph",
    "GraphBuilder",
    "InvariantError",
    "Module",
    "Node",
    "OpNode",
    "Paths",
    "Result",
    "Usage",
    "Use",
    "Value",
    "applications",
    "copy_function",
    "copy_graph",
    "difference",
    "flatten",
    "is_declared",
    "join_path",
    "keep_parts",
    "less",
    "print_graph",
    "remove_empty_calls",
    "remove_idle_declarations",
    "settle_declarations",
    "shared_nodes",
    "standing_functions",
    "state",
    "tensor_key",
    "verify",
]

_MODULES = {
    "FlatGraph": "archdsl.ir.flat",
    "FlatNode": "archdsl.ir.flat",
    "flatten": "archdsl.ir.flat",
    "keep_parts": "archdsl.ir.editing",
    "print_graph": "archdsl.ir.printer",
    "remove_empty_calls": "archdsl.ir.editing",
    "remove_idle_declarations": "archdsl.ir.editing",
    "state": "archdsl.ir.flat",
}
__getattr__ = lazy_exports(__name__, _MODULES)
