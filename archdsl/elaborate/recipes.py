"""A `train { ... }` block to a `Recipe`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archdsl.declared import Fault
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
            help = did_you_mean(name, Recipe.model_fields) or f"`train` takes {', '.join(Recipe.model_fields)}"
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
            word = isinstance(expression, ast.Name) and expression.id in Recipe.words(name)
            value = expression.id if isinstance(expression, ast.Name) and word else self._evaluator.evaluate(expression, env)
            value = self._plain(value, expression.span)
            if value is not UNKNOWN:
                self.values[name] = value
        except Problem as found:
            self.diagnostics.append(_of_this_key(found.diagnostic, name))

    def _plain(self, value: Any, span: Span) -> Any:
        if isinstance(value, tuple):
            return tuple(self._plain(item, span) for item in value)
        if isinstance(value, Callee) and isinstance(value.target, type) and not issubclass(value.target, Op | Initializer):
            made = self._binder.declared(value, span)
            return made if isinstance(made, Unknown) else made[0]
        return value


def _of_this_key(diagnostic: Diagnostic, key: str) -> Diagnostic:
    """For a name that nothing has: what the key takes, in place of a name from elsewhere in the language."""
    registry = Recipe.registry_for(key)
    if diagnostic.code != "E0201" or registry is None or diagnostic.mark is None:
        return diagnostic
    name = diagnostic.mark.span.text
    help = did_you_mean(name, registry.names()) or f"`{key}` takes {', '.join(registry.names())}"
    return diagnostic._replace(message=f"there is no {registry.kind} `{name}`", help=help)
