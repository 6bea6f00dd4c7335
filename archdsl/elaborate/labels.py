"""Labels of statements: the keys that they give, and the names that they bind."""

from __future__ import annotations

from typing import Any

from archdsl.diagnostics import SpecError, codes
from archdsl.elaborate.context import Context
from archdsl.elaborate.naming import Key, Naming, check_label, joined
from archdsl.elaborate.values import UNKNOWN, Environment, Family, MaybeValue
from archdsl.syntax import nodes as ast


def label_key(context: Context, label: ast.Label, index: Any, env: Environment, naming: Naming) -> Key | None:
    """Return the key that a label gives; None if it depends on something unknown."""
    if label.template is not None:
        name = template_text(context, label.template, env)
        return None if name is None else Key(naming, check_label(name, label.span, context.limits), name, label.span)
    assert label.name is not None
    if not label.name:  # it is missing
        return None
    if label.name == "x":
        raise SpecError(codes.names.CalledX("label").at(label.span))
    check_label(label.name, label.span, context.limits)
    if label.index is None:
        return Key(naming, label.name, label.name, label.span)
    if index is UNKNOWN:
        return None
    return Key(naming.family(label.name, label.span), str(index), f"{label.name}[{index}]", label.span)


def template_text(context: Context, template: ast.Template, env: Environment) -> str | None:
    """Return a computed label; None if a part of it is unknown."""
    evaluate = context.evaluator.evaluate
    pieces = [piece if isinstance(piece, str) else evaluate(piece, env) for piece in template.pieces]
    if UNKNOWN in pieces:
        return None
    for piece in pieces:
        if isinstance(piece, bool) or not isinstance(piece, int | str):
            raise SpecError(codes.keys.LabelPart(piece).at(template.span))
    return joined(pieces, template.span, context.limits)


def bind_label(context: Context, label: ast.Label, env: Environment, index: Any, value: MaybeValue) -> None:
    """Make the value of a label visible. A label that is called like an op or a block is a key alone."""
    if label.name is None:
        return
    if context.evaluator.definition(label.name, env.module) is not None:
        context.keys_alone.setdefault(label.name, label.span)
        return
    if label.index is None:
        env.names[label.name] = value
        return
    while env.control and env.outer is not None:
        env = env.outer
    family = env.names.get(label.name)
    if not isinstance(family, Family):
        family = env.names[label.name] = Family(label.name)
    if index is UNKNOWN:
        family.partial = True
    else:
        family[index] = value
