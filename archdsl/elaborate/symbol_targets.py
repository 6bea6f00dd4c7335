"""What a call names, on the tree alone: an op, a rule, or a definition."""

from __future__ import annotations

from typing import Any

from archdsl.elaborate.symbol import Scope
from archdsl.elaborate.values import Module
from archdsl.initializers import Initializer
from archdsl.ops import Op
from archdsl.syntax import nodes as ast


def called(callee: ast.Expr, scope: Scope, module: Module) -> Any:
    """Return the op, rule or definition that a callee names; for a parameter, its default, if that is one."""
    callee = ast.bare(callee)
    if isinstance(callee, ast.CallExpr):
        return called(callee.callee, scope, module)
    if isinstance(callee, ast.Attribute):
        other = imported_module(callee, scope, module)
        found = other.definitions.get(callee.name) if other is not None else None
        return None if isinstance(found, ast.Constant) and found.parameters is None else found
    if not isinstance(callee, ast.Name):
        return None
    local = scope.find(callee.id)
    if local is not None:
        if isinstance(local.node, ast.Let) and local.node.parameters is not None:
            return local.node
        default = local.node.default if isinstance(local.node, ast.Parameter) else None
        return called(default, Scope(None), module) if default is not None else None
    known = module.definitions.get(callee.id)
    if isinstance(known, ast.Constant) and known.parameters is None:  # what it holds is called
        return called(known.value, Scope(None), module) if known.name not in module.unclear else None
    return known or Op.registry.get(callee.id) or Initializer.registry.get(callee.id)


def imported_module(node: ast.Attribute, scope: Scope, module: Module) -> Module | None:
    """Return the module in which an attribute looks its name up; None for a size of a value."""
    base = ast.bare(node.base)
    if not isinstance(base, ast.Name) or scope.find(base.id) is not None:
        return None
    return module.imports.get(base.id)
