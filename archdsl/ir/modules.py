"""Modules that a function applies several times."""

from __future__ import annotations

from archdsl.ir.attributes import Module
from archdsl.ir.core import Function, Node


def shared_modules(function: Function) -> dict[Module, list[Node]]:
    """Return the modules that a function applies more than once, each with its applications in order."""
    applications: dict[Module, list[Node]] = {}
    for node in function.nodes:
        if node.module is not None:
            applications.setdefault(node.module, []).append(node)
    return {module: nodes for module, nodes in applications.items() if len(nodes) > 1}
