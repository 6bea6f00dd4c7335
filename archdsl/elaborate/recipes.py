"""A `train { ... }` block to a `Recipe`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from archdsl.declared import Fault, show
from archdsl.diagnostics import Diagnostic, Mark, did_you_mean
from archdsl.elaborate.calls import Binder
from archdsl.elaborate.expressions import Evaluator
from archdsl.elaborate.values import UNKNOWN, Callee, Environment, Module, Problem, Unknown
from archdsl.initializers import Initializer
from archdsl.ops import Op
from archdsl.recipe import Recipe
from archdsl.source import SourceFile, Span
from archdsl.syntax import nodes as ast
from archdsl.syntax.parser import parse_expression

_BARE_PATH = re.compile(r'[^"()]*[./\\][^"()]*')
"""A path on a command line, which takes off its quotes; no call of a data set is written so."""


def elaborate_recipe(module: Module, settings: Mapping[str, str] | None = None) -> tuple[Recipe | None, list[Diagnostic]]:
    """The recipe of a file, none where it has none, with the user's settings (texts of expressions) in place of its own."""
    block = module.file.recipes[0] if module.file.recipes else None
    if block is None and not settings:
        return None, []
    reader = _Reader(module)
    for setting in block.settings if block is not None else ():
        reader.read(setting.name, setting.value, setting.span)
    for name, text in (settings or {}).items():
        if not text.strip():
            help = f"write `--set train.{name}=...`"
            reader.diagnostics.append(Diagnostic("E0607", f"`--set train.{name}=` has no value", help=help))
            continue
        text = show(text.strip()) if name == "data" and _BARE_PATH.fullmatch(text) else text
        source = SourceFile(f"--set train.{name}", text)
        expression, errors = parse_expression(source)
        reader.diagnostics += errors
        if expression is not None:
            reader.values.pop(name, None)
            reader.places.pop(name, None)
            reader.read(name, expression, Span(source, 0, len(text)))
    recipe = _create(reader, block.span if block is not None else None)
    return (recipe, []) if not reader.diagnostics else (None, reader.diagnostics)


def _create(reader: _Reader, block: Span | None) -> Recipe | None:
    """The recipe of what was read; every key that does not fit is reported."""
    values = dict(reader.values)
    while True:
        try:
            return Recipe.create(values)
        except Fault as fault:
            key = fault.argument or ""
            if not (fault.code == "E0403" and "data" in reader.places):
                place = reader.places.get(key, block)
                found = Diagnostic(fault.code, fault.message, Mark(place) if place else None, help=fault.help)
                reader.diagnostics.append(found)
            if values.pop(key, None) is None:
                return None


class _Reader:
    """Evaluates settings; values, places and errors gather in its fields."""

    def __init__(self, module: Module) -> None:
        self._module = module
        self._evaluator = Evaluator()
        self._binder = Binder(self._evaluator)
        self.values: dict[str, Any] = {}
        self.places: dict[str, Span] = {}
        self.diagnostics: list[Diagnostic] = []

    def read(self, name: str, expression: ast.Expr, span: Span) -> None:
        """Take one setting in."""
        if name not in Recipe.model_fields:
            help = did_you_mean(name, Recipe.model_fields) or _owner(name) or f"`train` takes {', '.join(Recipe.model_fields)}"
            self.diagnostics.append(Diagnostic("E0202", f"`train` has no key `{name}`", Mark(span), help=help))
            return
        if name in self.places:
            self.diagnostics.append(
                Diagnostic("E0204", f"`{name}` is set twice", Mark(span), (Mark(self.places[name], "the first"),))
            )
            return
        env = Environment(None, self._module)
        registry = Recipe.registry_for(name)
        if registry is not None:
            env.names.update({entry.name: Callee(entry) for entry in registry})
        self.places[name] = span
        try:
            value = self._evaluator.argument(Callee(Recipe), ast.Argument(span, name, expression), 0, env)
            value = self._plain(value, expression.span)
            if value is not UNKNOWN:
                self.values[name] = value
        except Problem as found:
            self.diagnostics.append(_of_this_key(found.diagnostic, name, expression))

    def _plain(self, value: Any, span: Span) -> Any:
        if isinstance(value, tuple):
            return tuple(self._plain(item, span) for item in value)
        if isinstance(value, Callee) and isinstance(value.target, type) and not issubclass(value.target, Op | Initializer):
            made = self._binder.declared(value, span)
            return made if isinstance(made, Unknown) else made[0]
        return value


def _of_this_key(diagnostic: Diagnostic, key: str, expression: ast.Expr) -> Diagnostic:
    """For a name that nothing has, where a call of the key's kind stands: what there is of the kind."""
    registry = Recipe.registry_for(key)
    named = diagnostic.mark.span if diagnostic.code == "E0201" and diagnostic.mark is not None else None
    if registry is None or named not in [head.span for head in _heads(expression)]:
        return diagnostic
    assert named is not None
    name = named.text
    if name in ("True", "False", "None"):  # told apart already
        return diagnostic
    help = did_you_mean(name, registry.names()) or f"`{key}` takes {', '.join(registry.names())}"
    if isinstance(expression, ast.Attribute) and expression.base.span == named:
        help = f"a path stands in quotes: `{key} = {show(expression.span.text)}`"
    elif key == "data" and isinstance(expression, ast.Name):
        help += f"; a path stands in quotes: `data = {show(f'./{name}')}`"
    return diagnostic._replace(message=f"there is no {registry.kind} `{name}`", help=help)


def _owner(name: str) -> str | None:
    """Where something stands that is no key of `train`, but what a key takes, such as `cosine`, or a parameter of it, such as `lr`."""
    for key in Recipe.model_fields:
        for entry in Recipe.registry_for(key) or ():
            if name == entry.name:
                return f"`{name}` is a value of `{key}`: `{key} = {name}(...)`"
            if name in entry.model_fields:
                return f"`{name}` belongs to `{key}`: `{key} = {entry.name}({name} = ...)`"
    return None


def _heads(expression: ast.Expr) -> list[ast.Expr]:
    """What is called in a setting's value, or stands there uncalled."""
    if isinstance(expression, ast.ListExpr):
        return [head for item in expression.items for head in _heads(item)]
    if isinstance(expression, ast.CallExpr):
        return [expression.callee]
    return [expression.base if isinstance(expression, ast.Attribute) else expression]
