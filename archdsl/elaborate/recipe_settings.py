"""Change a part of a recipe's key: `train.optimizer.lr = 0.05` keeps the optimizer's other parameters."""

from __future__ import annotations

from dataclasses import replace

from archdsl.diagnostics import SpecError, codes
from archdsl.literals import show
from archdsl.recipe import Recipe
from archdsl.recipe.setting_paths import SHORTHANDS, SettingPath
from archdsl.source import SourceFile, Span
from archdsl.syntax import nodes as ast
from archdsl.syntax.parser import parse_expression


def with_part(current: ast.Expr | None, path: SettingPath, value: ast.Expr, span: Span) -> ast.Expr:
    """Return the value of a key, or its default, with the part at a path replaced. Raise `SpecError` if there is no such part."""
    key = path.key
    if (path.item is None and path.parameter is None) or key not in Recipe.fields:  # an unknown key is reported as one
        return value
    if current is None:
        default = Recipe.fields[key].default
        current, _ = parse_expression(SourceFile(f"--set train.{key}", show(default, Recipe.words(key))))
        assert current is not None
    current = ast.bare(current)
    if not isinstance(current, ast.ListExpr):
        if path.item:
            raise SpecError(codes.settings.NoListItem(key, path.item))
        return _with_parameter(key, current, path.parameter, value, span) if path.parameter else value
    if path.item is None:
        raise SpecError(codes.settings.WhichItem(key, len(current.items), path.parameter, span.text))
    if path.item >= len(current.items):
        raise SpecError(codes.settings.ItemBeyondList(key, len(current.items), path.item))
    item = current.items[path.item]
    changed = _with_parameter(key, item, path.parameter, value, span) if path.parameter else value
    return replace(current, items=(*current.items[: path.item], changed, *current.items[path.item + 1 :]))


def _with_parameter(key: str, call: ast.Expr, parameter: str, value: ast.Expr, span: Span) -> ast.Expr:
    """Return a call with another value of one parameter, be the old one given by position, by name or not at all."""
    call = ast.bare(call)
    if key in SHORTHANDS and isinstance(call, ast.Literal) and call.value is not None:
        name, first = SHORTHANDS[key]
        call = ast.CallExpr(call.span, ast.Name(call.span, name), (ast.Argument(call.span, first, call),))
    callee, arguments = (call.callee, call.arguments) if isinstance(call, ast.CallExpr) else (call, ())
    registry = Recipe.registry_for(key)
    callee = ast.bare(callee)
    entry = registry.get(callee.id) if registry is not None and isinstance(callee, ast.Name) else None
    if entry is None:
        known = registry.names() if registry is not None else []
        raise SpecError(codes.settings.NoSuchPart(key, call.span.text, parameter, known))
    order = entry.parameters_in_order()
    names = [order[i] if a.name is None and i < len(order) else a.name for i, a in enumerate(arguments)]
    kept = [replace(a, name=name) for a, name in zip(arguments, names, strict=True) if name != parameter]
    return ast.CallExpr(span, callee, (*kept, ast.Argument(span, parameter, value)))
