"""Elaborate a `train { ... }` block to a `Recipe`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from archdsl.diagnostics import Diagnostic, SpecError, codes, did_you_mean
from archdsl.diagnostics.suggest import nearest
from archdsl.elaborate.arguments import ArgumentBinder
from archdsl.elaborate.domains import Choices
from archdsl.elaborate.expressions import Evaluator
from archdsl.elaborate.fixed_arguments import argument_value
from archdsl.elaborate.recipe_domains import (
    Alternative,
    Chooser,
    Pick,
    Place,
    all_places,
    default_at,
    extremes,
    first_domains,
)
from archdsl.elaborate.recipe_settings import with_part
from archdsl.elaborate.values import UNKNOWN, Callee, Environment, Module, Unknown
from archdsl.initializers import Initializer
from archdsl.literals import show
from archdsl.ops import Op
from archdsl.recipe import Recipe
from archdsl.recipe.finetuning import LABEL_KEYS
from archdsl.recipe.optimizers import REFUSED
from archdsl.recipe.setting_paths import ELSEWHERE, parse_path
from archdsl.registry import Registry
from archdsl.session import Session
from archdsl.source import SourceFile, Span
from archdsl.syntax import nodes as ast
from archdsl.syntax.parser import parse_expression

_PATH_KEYS = ("data", "weights")
_IGNORED = ("ignore", "ignore_index", "ignore_label")
"""The names that losses elsewhere give to the recipe's key `ignore`."""


class Elaborated(NamedTuple):
    """The result for a recipe: itself, or None if it has errors; the place of each key; everything that was found."""

    recipe: Recipe | None
    places: Mapping[str, Span]
    diagnostics: list[Diagnostic]


def elaborate_recipe(module: Module, settings: Mapping[str, str], session: Session) -> Elaborated:
    """Return the recipe of a file, with the user's settings (texts of expressions) in place of its own.

    A domain has its default; what else may be chosen is checked, too.
    """
    found = _elaborated(module, settings, session, default_at)
    if found.diagnostics or module.file.damaged:
        return found
    wrong: dict[Diagnostic, None] = {}
    try:
        places = searched(module, settings, session)
    except SpecError as error:
        return Elaborated(None, found.places, error.diagnostics)
    for one in places:
        for value in extremes(one):
            wrong |= dict.fromkeys(_elaborated(module, settings, session, partial(_pick_one, one, value)).diagnostics)
    return Elaborated(None, found.places, list(wrong)) if wrong else found


def searched(module: Module, settings: Mapping[str, str], session: Session) -> list[Place]:
    """Return the domains of a recipe, without those of keys that are set. Raise `SpecError` for a wrong one."""
    evaluator = Evaluator(session)
    keys = searched_keys(module, settings)
    return [place for key in keys for place in all_places(evaluator, module, key.name, key.value)]


def searched_keys(module: Module, settings: Mapping[str, str]) -> list[ast.Setting]:
    """Return the keys of a recipe that have a domain, without those that are set."""
    block = module.file.recipes[0] if module.file.recipes else None
    set_ones = {path.key for name in settings if (path := parse_path(name)) is not None}
    found = [one for one in block.settings if one.name not in set_ones] if block is not None else []
    return [one for one in found if any(first_domains(one.name, one.value))]


def _pick_one(wanted: Place, value: Any, place: Place) -> Any:
    """Return the value at the place that is wanted, the choice on the way to it, and else the default."""
    if place.node is wanted.node:
        return value
    if isinstance(place.domain, Choices):
        for choice in place.domain.values:
            if isinstance(choice, Alternative) and wanted.node in ast.walk(choice.expression):
                return choice
    return default_at(place)


def _elaborated(module: Module, settings: Mapping[str, str], session: Session, pick: Pick) -> Elaborated:
    block = module.file.recipes[0] if module.file.recipes else None
    reader = _Reader(module, session, pick)
    for setting in block.settings if block is not None else ():
        reader.read(setting.name, setting.value, setting.span)
    parts_last = sorted(settings.items(), key=lambda setting: "." in setting[0] or "[" in setting[0])
    for name, text in parts_last:
        _read_setting(reader, name, text, session)
    reader.report_unknown_keys()
    if module.file.damaged:  # what a syntax error hides may be what is missing
        reader.meant.update(Recipe.fields)
    recipe = _create(reader, block.span if block is not None else None)
    return Elaborated(None if reader.diagnostics else recipe, reader.places, reader.diagnostics)


def _read_setting(reader: _Reader, name: str, text: str, session: Session) -> None:
    """Take in a setting of the user for a key or a part of one; report what is wrong with it."""
    path = parse_path(name)
    if path is None or not text.strip():
        wrong = codes.settings.EmptySetting(f"train.{name}", "...") if path else codes.settings.NotASettingPath(f"train.{name}")
        reader.diagnostics.append(wrong)
        reader.meant.add(name)
        return
    text = show(text.strip()) if name in (*_PATH_KEYS, "weights.file") and _is_bare_path(text) else text
    source = SourceFile(f"--set train.{name}", text, is_setting=True)
    expression, errors = parse_expression(source, session.limits)
    reader.diagnostics += errors
    reader.meant.add(path.key)
    if expression is not None:
        span = Span(source, 0, len(text))
        try:
            reader.replace(path.key, with_part(reader.expressions.get(path.key), path, expression, span), span)
        except SpecError as error:
            reader.diagnostics += error.at(span).diagnostics


def _create(reader: _Reader, block: Span | None) -> Recipe | None:
    """Return the recipe of what was read, None if there is none; report every key that does not fit."""
    values = dict(reader.values)
    if "data" in reader.meant:
        values.setdefault("data", "")  # its error is reported; the other keys are looked at
    while True:
        try:
            made = Recipe.create(values)
            return made if "data" in reader.values else None
        except SpecError as error:
            key = error.diagnostic.argument or "data"
            reader.diagnostics.append(error.diagnostic.at(reader.places.get(key, block)))
            if key == "data":
                values[key] = ""
            elif values.pop(key, None) is None:
                return None


class _Reader:
    """Evaluates the settings of a recipe; its fields hold their values, places and errors."""

    def __init__(self, module: Module, session: Session, pick: Pick) -> None:
        self._module = module
        self._evaluator = Evaluator(session)
        self._chooser = Chooser(self._evaluator, module, pick)
        self._binder = ArgumentBinder(self._evaluator)
        self.values: dict[str, Any] = {}
        self.places: dict[str, Span] = {}
        self.expressions: dict[str, ast.Expr] = {}
        """The value of each key, as an expression."""
        self.meant: set[str] = set()
        """The keys that are set, though perhaps with a wrong value or under a wrong name."""
        self._heads: dict[str, list[str]] = {}
        self._unknown: list[tuple[str, Span]] = []
        self.diagnostics: list[Diagnostic] = []

    def replace(self, name: str, expression: ast.Expr, span: Span) -> None:
        """Read a setting in place of the file's."""
        self.values.pop(name, None)
        self.places.pop(name, None)
        self.read(name, expression, span)

    def read(self, name: str, expression: ast.Expr, span: Span) -> None:
        """Read one setting."""
        try:
            expression = ast.bare(self._chooser.expression(name, expression))
        except SpecError as found:
            self.diagnostics += found.diagnostics
            self.meant.add(name)
            return
        self.expressions[name] = expression
        if name not in Recipe.fields:
            self._unknown.append((name, span))
            return
        if name in self.places:
            self.diagnostics.append(codes.recipe_keys.KeyTwice(name, self.places[name]).at(span))
            return
        env = Environment(None, self._module)
        registry = Recipe.registry_for(name)
        expression = _with_words(name, expression)
        if registry is not None:
            env.names.update({entry.name: Callee(entry) for entry in registry})
        self.places[name] = span
        self.meant.add(name)
        self._heads[name] = [head.span.text for head in _heads(expression)]
        if registry is not None and isinstance(expression, ast.ListExpr):
            items = [self._value(name, item, env) for item in expression.items]
            value = tuple(item for item in items if item is not UNKNOWN) or (UNKNOWN if items else ())
        else:
            value = self._value(name, expression, env)
        if value is not UNKNOWN:
            self.values[name] = value

    def _value(self, name: str, expression: ast.Expr, env: Environment) -> Any:
        """Return the value of a setting, or of an item of its list; report what is wrong with it."""
        try:
            value = argument_value(self._evaluator, Callee(Recipe), ast.Argument(expression.span, name, expression), 0, env)
            return self._plain(value, expression.span)
        except SpecError as found:
            self.diagnostics += [_of_this_key(diagnostic, name, expression) for diagnostic in found.diagnostics]
            return UNKNOWN

    def report_unknown_keys(self) -> None:
        """Report the keys that `train` does not have; called when the values of the others are known."""
        for name, span in self._unknown:
            self.meant.add(nearest(name, Recipe.fields) or name)
            key, _, parameter = ELSEWHERE.get(name.lower(), "").partition(".")
            near = f"did you mean `{key}`?" if key else did_you_mean(name, Recipe.fields)
            help = self._owner(parameter or name, span, key) if parameter or near is None else near
            self.diagnostics.append(codes.names.UnknownKey(name, tuple(Recipe.fields), help).at(span))

    def _owner(self, name: str, span: Span, under: str = "") -> str | None:
        """Return where a name belongs that is no key; None if it is neither a value of a key nor a parameter of one.

        `cosine` is a value of `schedule`, and `lr` a parameter of the optimizer.
        """
        value = span.text if span.file.is_setting else None
        for key, field in Recipe.fields.items():
            if under not in ("", key):
                continue
            chosen = self._heads.get(key, [getattr(field.default, "name", "")])
            for entry in sorted(Recipe.registry_for(key) or (), key=lambda entry: entry.name not in chosen):
                if name == entry.name:
                    written = f"`{key} = {name}(...)`" if value is None else f"`--set 'train.{key}={name}({value})'`"
                    return f"`{name}` is a value of `{key}`: {written}"
                if name not in entry.fields:
                    continue
                if value is None:
                    return f"`{name}` belongs to `{key}`: `{key} = {entry.name}({name} = ...)`"
                part = (
                    f"`--set train.{key}.{name}={value}`"
                    if entry.name in chosen
                    else f"`--set 'train.{key}={entry.name}({name} = {value})'`"
                )
                return f"`{name}` belongs to `{key}`: {part}"
        return None

    def _plain(self, value: Any, span: Span) -> Any:
        """Return a value with objects in place of the calls in it that declare one, such as `sgd(lr = 0.1)`."""
        if isinstance(value, tuple):
            return tuple(self._plain(item, span) for item in value)
        if isinstance(value, Callee) and isinstance(value.target, type) and not issubclass(value.target, Op | Initializer):
            made = self._binder.declared(value, span)
            return made if isinstance(made, Unknown) else made[0]
        return value


def _with_words(key: str, expression: ast.Expr) -> ast.Expr:
    """Return an expression with strings in place of names that stand for themselves: labels of the network, words in a list."""
    if key in LABEL_KEYS:
        return _replaced(expression, _label)
    words = Recipe.words(key)
    if words and isinstance(expression, ast.ListExpr):
        return _replaced(expression, lambda e: e.id if isinstance(e, ast.Name) and e.id in words else None)
    return expression


def _replaced(expression: ast.Expr, text_of: Callable[[ast.Expr], str | None]) -> ast.Expr:
    """Return an expression with strings in place of the values for which `text_of` gives one; callees stay."""
    expression = ast.bare(expression)
    text = text_of(expression)
    if text is not None:
        return ast.Literal(expression.span, text)
    if isinstance(expression, ast.ListExpr):
        return replace(expression, items=tuple(_replaced(item, text_of) for item in expression.items))
    if isinstance(expression, ast.CallExpr):
        arguments = tuple(replace(a, value=_replaced(a.value, text_of)) for a in expression.arguments)
        return replace(expression, arguments=arguments)
    return expression


def _label(expression: ast.Expr) -> str | None:
    """Return the key of a label in an expression: `layer1.0.conv` for `layer1[0].conv`; None for anything else."""
    expression = ast.bare(expression)
    if isinstance(expression, ast.Name):
        return expression.id
    if isinstance(expression, ast.Attribute) and (base := _label(expression.base)) is not None:
        return f"{base}.{expression.name}"
    if isinstance(expression, ast.Index) and (base := _label(expression.base)) is not None:
        index = ast.bare(expression.index)
        return f"{base}.{index.value}" if isinstance(index, ast.Literal) else None
    return None


def _of_this_key(diagnostic: Diagnostic, key: str, expression: ast.Expr) -> Diagnostic:
    """Return an error in a key's value, said of the key: an undefined name is a data set or an optimizer that there is not."""
    expression = ast.bare(expression)
    text, registry = expression.span.text, Recipe.registry_for(key)
    if key in _PATH_KEYS and isinstance(expression, ast.Chain | ast.Attribute) and _reads_as_path(text):
        kind = registry.kind if registry is not None else key
        return codes.recipe_keys.PathWithoutQuotes(key, kind, text).at(expression.span)
    if key == "loss" and isinstance(diagnostic, codes.names.UnknownParameter) and diagnostic.name in _IGNORED:
        return diagnostic.with_remedy("it is a key of the recipe, beside `loss`: `ignore = 255`")
    if not isinstance(diagnostic, codes.names.Undefined):
        return diagnostic
    words = sorted(Recipe.words(key)) if key in Recipe.fields else []
    unknown = diagnostic.span
    if words and unknown is not None and registry is None:
        return codes.recipe_keys.UnknownWordOfKey(key, unknown.text, words).at(unknown)
    heads = _heads(expression) if unknown is not None else ()
    head = next((head for head in heads if unknown is not None and _root(head).span.start == unknown.start), None)
    if registry is None or head is None or head.span.text in ("True", "False", "None"):  # told apart already
        return diagnostic
    return _unknown_call(key, registry, expression, head)


def _unknown_call(key: str, registry: Registry[Any], expression: ast.Expr, head: ast.Expr) -> Diagnostic:
    """Return the error for a callee that the registry of a key does not have."""
    written = head.id if isinstance(head, ast.Name) else head.span.text
    name = head.name if isinstance(head, ast.Attribute) else written
    fields = key, registry.kind, written, name, registry.names()
    refused = REFUSED.get(name.lower().replace("_", "")) if key == "optimizer" else None
    found: Diagnostic = codes.recipe_keys.UnknownCall(*fields)
    if refused is not None:
        found = codes.recipe_keys.RefusedOptimizer(*fields, refused)
    elif key == "data" and isinstance(expression, ast.Name):
        found = codes.recipe_keys.NeitherSetNorPath(*fields)
    elif key == "data" and isinstance(expression, ast.CallExpr) and (path := _only_text(expression)) is not None:
        found = codes.recipe_keys.CallOfPath(*fields, path)
    return found.at(head.span)


def _is_bare_path(text: str) -> bool:
    """Return whether a value is a path whose quotes the shell took off; no call of a data set looks like that."""
    return any(sign in text for sign in "./\\") and not any(sign in text for sign in '"()')


def _reads_as_path(text: str) -> bool:
    """Return whether an expression reads as a path without its quotes: a quotient, a difference, an attribute."""
    return all(sign.isalnum() or sign in "_./-" for sign in text)


def _only_text(call: ast.CallExpr) -> str | None:
    """Return the argument of `images("faces/")`; None if a call has another one."""
    values = [argument.value for argument in call.arguments]
    [value] = map(ast.bare, values) if len(values) == 1 else [None]
    return value.span.text if isinstance(value, ast.Literal) and isinstance(value.value, str) else None


def _heads(expression: ast.Expr) -> list[ast.Expr]:
    """Return the callees in a setting's value, and the values that are not called."""
    expression = ast.bare(expression)
    if isinstance(expression, ast.ListExpr):
        return [head for item in expression.items for head in _heads(item)]
    if isinstance(expression, ast.CallExpr):
        return [ast.bare(expression.callee)]
    return [expression]


def _root(expression: ast.Expr) -> ast.Expr:
    """Return the first name of a path such as `torch.optim.Adam`."""
    while isinstance(expression, ast.Attribute):
        expression = ast.bare(expression.base)
    return expression
