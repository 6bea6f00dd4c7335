"""A `train { ... }` block to a `Recipe`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archdsl.declared import Fault
from archdsl.diagnostics import Diagnostic, Mark, did_you_mean
from archdsl.elaborate.calls import Binder
from archdsl.elaborate.expressions import Evaluator
from archdsl.elaborate.values import Callee, Environment, Module, Problem, Unknown
from archdsl.recipe import Recipe
from archdsl.source import SourceFile, Span
from archdsl.syntax import nodes as ast
from archdsl.syntax.parser import parse_expression


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
        source = SourceFile(f"--set train.{name}", text)
        expression, errors = parse_expression(source)
        reader.diagnostics += errors
        if expression is not None:
            reader.values.pop(name, None)
            reader.read(name, expression, Span(source, 0, len(text)))
    if reader.diagnostics:
        return None, reader.diagnostics
    try:
        return Recipe.create(reader.values), []
    except Fault as fault:
        place = reader.places.get(fault.argument or "", block.span if block is not None else None)
        return None, [Diagnostic(fault.code, fault.message, Mark(place) if place else None, help=fault.help)]


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
            help = did_you_mean(name, Recipe.model_fields) or f"`train` takes {', '.join(Recipe.model_fields)}"
            self.diagnostics.append(Diagnostic("E0202", f"`train` has no key `{name}`", Mark(span), help=help))
            return
        if name in self.values:
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
            word = isinstance(expression, ast.Name) and expression.id in Recipe.words(name)
            value = expression.id if isinstance(expression, ast.Name) and word else self._evaluator.evaluate(expression, env)
            self.values[name] = self._plain(value, expression.span)
        except Problem as found:
            self.diagnostics.append(found.diagnostic)
            self.values[name] = None

    def _plain(self, value: Any, span: Span) -> Any:
        if isinstance(value, tuple):
            return tuple(self._plain(item, span) for item in value)
        if isinstance(value, Callee) and isinstance(value.target, type):
            made = self._binder.declared(value, span)
            return made if isinstance(made, Unknown) else made[0]
        return value
