"""What a network and the loss that it is trained with both do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archdsl.diagnostics import Diagnostic, Mark, Severity
from archdsl.ir import Graph

if TYPE_CHECKING:
    from archdsl.recipe import Recipe


def applied_twice(graph: Graph, recipe: Recipe) -> list[Diagnostic]:
    """A warning for each result that ends in what the loss applies to it: `softmax` before `cross_entropy`."""
    loss = recipe.loss
    ends = [graph.nodes[i] for i in dict.fromkeys([graph.result, *(head.value for head in graph.heads)])]
    message = f"`{loss.name}` applies `{loss.applies}` by itself, and the network ends in it"
    help = f"leave `{loss.applies}` out; who uses the network applies it to the result"
    return [
        Diagnostic("W0106", message, Mark(node.span), help=help, severity=Severity.WARNING) for node in ends if node.op.name == loss.applies
    ]
