"""What the parameters of a callee are called, and what they take."""

from __future__ import annotations

from typing import Final, TypeAlias

from archdsl.diagnostics.suggest import register_aliases
from archdsl.elaborate.declared import DeclaredModule
from archdsl.elaborate.values import Callee, Module
from archdsl.ops import Op
from archdsl.registry import Registered, describe, family_of
from archdsl.syntax import nodes as ast

KINDS: Final[dict[str, tuple[str, tuple[type, ...]]]] = {
    "int": ("an int", (int,)),
    "float": ("a number", (int, float)),
    "bool": ("true or false", (bool,)),
    "str": ("a string", (str,)),
    "list": ("a list", (tuple, range)),
    "op": ("an op, a block or a module", (Callee, DeclaredModule)),
}
"""The types that a parameter can be declared with."""
_ALIASES: Final = {
    "int": ("integer",),
    "float": ("double", "number"),
    "bool": ("boolean",),
    "str": ("string", "text"),
    "list": ("tuple",),
    "0..n": ("range",),
}
register_aliases(lambda: [(alias, name) for name, aliases in _ALIASES.items() for alias in aliases])


def positional_parameters(target: type[Registered]) -> list[str]:
    """Return everything that a call of a declared thing takes, in positional order, with values of the network."""
    return target.call_order()


def parameter_names(target: type[Registered] | ast.Definition) -> list[str]:
    """Return the names of the parameters of a callee, in positional order."""
    if isinstance(target, type):
        return positional_parameters(target)
    return [parameter.name for parameter in target.parameters] if isinstance(target, ast.Block | ast.Network) else []


def what_it_takes(target: type[Registered] | ast.Definition, name: str) -> str | None:
    """Return a sentence that says what a parameter takes; None if nothing says it."""
    if isinstance(target, type):
        field = target.fields.get(name)
        return f"`{name}` of `{target.name}` is {describe(field.annotation)}" if field is not None else None
    if not isinstance(target, ast.Block | ast.Network):
        return None
    kind = _kind(target, name)
    return f"`{name}` of `{target.name}` is {KINDS[kind][0]}" if kind in KINDS else f"it is `{header(target)}`"


def _kind(definition: ast.Definition, name: str) -> str | None:
    """Return the type that a parameter is declared with; None if it has none."""
    parameters = definition.parameters if isinstance(definition, ast.Block | ast.Network) else ()
    return next((parameter.kind for parameter in parameters if parameter.name == name), None)


def names_it_takes(target: type[Registered] | ast.Definition, name: str, module: Module) -> list[str]:
    """Return the names of ops, blocks, rules and so on that a parameter takes."""
    if isinstance(target, type):
        field = target.fields.get(name)
        family = family_of(field.annotation) if field is not None else None
        return family.registry.names() if family is not None else []
    return [*module.definitions, *Op.registry.names()] if _kind(target, name) in ("op", None) else []


WithParameters: TypeAlias = "ast.Block | ast.Network | ast.Let | ast.Constant"


def header(definition: WithParameters) -> str:
    """Return the first line of a definition, without its keyword."""
    parameters = ", ".join(parameter.span.text for parameter in definition.parameters or ())
    return f"{definition.name}({parameters})"


def word_advice(target: type[Registered] | ast.Definition, name: str, word: str) -> str | None:
    """Return what a word of another parameter, or of another framework, is here; None if it is none that is known."""
    if not isinstance(target, type):
        return None
    from archdsl.diagnostics.foreign_calls import padding_advice  # here: a spec without errors needs no words of others

    if name == "pad" and (advice := padding_advice(word, target.words(name))) is not None:
        return advice
    owner = next((other for other in target.fields if word in target.words(other)), None)
    return f"it is a word of another parameter: `{owner} = {word}`" if owner is not None else None
