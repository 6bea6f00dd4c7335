"""Labels of statements: the keys that they give, and the names that they bind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from archdsl.diagnostics import SpecError, codes
from archdsl.elaborate.context import Context
from archdsl.elaborate.naming import Key, Naming, check_key, check_label, joined
from archdsl.elaborate.parts import Inside, Parts
from archdsl.elaborate.values import UNKNOWN, Environment, Family, MaybeValue, Several, Unknown
from archdsl.ir import OpNode, Value
from archdsl.syntax import nodes as ast

Indices: TypeAlias = "tuple[int | Unknown, ...]"
"""The indices of a label: none of `enc`, two of `enc[0][1]`."""


def label_indices(context: Context, label: ast.Label, env: Environment) -> Indices:
    """Return the indices of a label."""
    return tuple([context.evaluator.count(index, env, "the index of a label") for index in label.indices])


def label_key(context: Context, label: ast.Label, indices: Indices, env: Environment, naming: Naming) -> Key | None:
    """Return the key that a label gives; None if it depends on something unknown."""
    if label.template is not None:
        name = template_text(context, label.template, env)
        return None if name is None else Key(naming, check_key(name, label.span, context.limits), name, label.span)
    assert label.name is not None
    if not label.name:  # it is missing
        return None
    check_name(context, label)
    if any(isinstance(index, Unknown) for index in indices):
        return None
    *family, name = [label.name, *map(str, indices)]
    text = label.name + "".join([f"[{index}]" for index in indices])
    return Key(naming, name, text, label.span, tuple(family))


def check_name(context: Context, label: ast.Label) -> None:
    """Raise `SpecError` if nothing can have the name of a label."""
    assert label.name is not None
    if label.name == "x":
        raise SpecError(codes.names.CalledX("label").at(label.span))
    check_label(label.name, label.span, context.limits)


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


def bind_label(
    context: Context,
    label: ast.Label,
    env: Environment,
    indices: Indices,
    value: MaybeValue | Family,
    parts: Parts,
    inside: Inside | None = None,
) -> None:
    """Make the value of a label visible: in the braces around it, but for those of loops and `if`, and as a part of its scope.

    `inside` is the scope that the label opened. A label that is called like an op or a block is a key alone, and such a part;
    one that is called like a parameter or constant hides that.
    """
    name = label.name
    if not name:
        return
    body = env
    while body.control and body.outer is not None:
        body.names.pop(name, None)
        if body.uncertain:
            value, inside = UNKNOWN, None
        body = body.outer
    named: MaybeValue | Family = value
    if indices:
        named, inside = _with_member(body.names.get(name) or parts.values.get(name), name, indices, value, inside)
    parts.bind(name, named, body, inside)
    body.inner = {} if body.inner is None else body.inner
    if inside is None:
        body.inner.pop(name, None)
    else:
        body.inner[name] = inside
    if not context.evaluator.keeps_its_name(name, env.module):
        body.names[name] = named
    else:
        context.keys_alone.setdefault(name, label.span)


def _with_member(
    found: Any, name: str, indices: Indices, value: MaybeValue | Family, inside: Inside | None
) -> tuple[Family, Inside]:
    """Return a family with a value at its place in it, and the scope of the family; `found` is the family if there is one."""
    family = found if isinstance(found, Family) else Family(name)
    scope = family.scope = family.scope or Inside(Parts(), family)
    index, *further = indices
    if isinstance(index, Unknown):
        family.partial = scope.parts.partial = True
        return family, scope
    member: MaybeValue | Family = value
    if further:
        member, inside = _with_member(family.get(index), f"{name}[{index}]", tuple(further), value, inside)
    family[index] = member
    if inside is not None:
        scope.parts.inner[str(index)] = inside
    else:
        scope.parts.inner.pop(str(index), None)
    return family, scope


def _parts_instead(values: Sequence[Value | Unknown], count: int) -> str | None:
    """Return the `split` into so many parts, if one was written that has the size of each part in place of their number."""
    first = values[0]
    node = first.producer if isinstance(first, Value) else None
    if not isinstance(first, Value) or not isinstance(node, OpNode) or node.op.name != "split" or len(values) < 2:
        return None
    (shape,), part = node.input_shapes, first.shape
    axis = next((at for at, size in enumerate(shape) if size != part[at]), None)
    if axis is None or shape[axis] != count * len(values):
        return None
    return f"split({count})" if axis == 0 else f"split({count}, axis = {axis - len(shape)})"


def bind_each(context: Context, label: ast.Label, env: Environment, x: MaybeValue, parts: Parts) -> MaybeValue:
    """Bind the names in brackets to the values that the last stage gives. Return what `x` is behind them: several values."""
    _check_names(context, label, env)
    names = [one.span.text for one in label.each]
    if isinstance(x, Unknown) and not isinstance(x, Several):
        bind_unknown(context, label, env, parts)
        return x
    values = x.values if isinstance(x, Several) else (x,)
    if len(values) != len(names) or not isinstance(x, Several):
        raise SpecError(codes.several.NameCount(names, len(values), _parts_instead(values, len(names))).at(label.span))
    for one, value in zip(label.each, values, strict=True):
        if not _is_blank(one):
            if isinstance(value, Value):
                value.name, value.span = one.span.text, one.span
            bind_label(context, one, env, label_indices(context, one, env), value, parts)
    return Several(values, label.span, tuple([name for name in names if name != "_"]))


def bind_family(context: Context, label: ast.Label, env: Environment, x: Several, parts: Parts) -> Several:
    """Bind a label to the values that an op gives, as a family. Return what `x` is behind it."""
    assert label.name is not None
    family = Family(label.name)
    for i, value in enumerate(x.values):
        family[i] = value
        if isinstance(value, Value):
            value.name, value.span = f"{label.name}[{i}]", label.span
    family.scope = Inside(Parts(), family)
    bind_label(context, label, env, (), family, parts)
    return Several(x.values, label.span, tuple([f"{label.name}[{i}]" for i in family]))


def _check_names(context: Context, label: ast.Label, env: Environment) -> None:
    """Raise `SpecError` if something is wrong with the names in brackets."""
    seen: dict[str, ast.Label] = {}
    for one in label.each:
        if not _is_blank(one):
            check_name(context, one)
            if context.evaluator.keeps_its_name(one.name or "", env.module):
                raise SpecError(codes.several.NameOfAnOp(one.name or "").at(one.span))
            first = seen.setdefault(one.span.text, one)
            if first is not one:
                raise SpecError(codes.several.ValueNamedTwice(one.span.text, first.span).at(one.span))


def _is_blank(label: ast.Label) -> bool:
    """Return whether a name in brackets stands for a value that nobody needs."""
    return label.name == "_" and not label.indices


def bind_unknown(context: Context, label: ast.Label, env: Environment, parts: Parts) -> None:
    """Bind what a label would have bound, as unknown."""
    for one in label.each or (label,):
        if not _is_blank(one):
            bind_label(context, one, env, (UNKNOWN,) * len(one.indices), UNKNOWN, parts)
            if label.each and one.name and not one.indices:
                env.names[one.name] = UNKNOWN  # also if it is called like an op, which is an error: no other shall follow from it
