"""Calls of blocks. Equal calls share one function (see `block_cache`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from archdsl.diagnostics import SpecError, codes
from archdsl.elaborate.apply import reserve
from archdsl.elaborate.block_cache import CachedCall, CallKey
from archdsl.elaborate.context import Context
from archdsl.elaborate.declared import DeclaredModule
from archdsl.elaborate.dispatcher import run_body
from archdsl.elaborate.expression_text import names_in
from archdsl.elaborate.naming import Key, Naming, Scope
from archdsl.elaborate.parts import Inside
from archdsl.elaborate.values import UNKNOWN, Callee, Environment, Family, MaybeValue, Several, Unknown
from archdsl.ir import Constant, Function, Value
from archdsl.syntax import nodes as ast


def call_block(
    context: Context, callee: Callee, call: ast.Expr, env: Environment, x: MaybeValue, naming: Naming, key: Key | None
) -> MaybeValue:
    """Return what a call of a block gives."""
    definition, span = _checked_block(context, callee, call, env), call.span
    assert callee.module is not None
    inside = Environment(None, callee.module)
    inside.names["x"] = x
    arguments, given = context.binder.block(callee, span, inside)
    within = key.naming if key is not None else naming
    place = within.place(None, span) if key is None else key.place()
    about = {
        "labelled": key is not None,
        "name": key.label if key is not None else None,
        "span": span if key is None else key.used or span,
        "declared": key.declared if key is not None else None,
        "expressions": context.expression_texts.of(call, definition, callee, env),
        "given": given,
        "variables": context.variables,
    }
    same = context.block_cache.key(definition, arguments, x)
    known = context.block_cache.lookup(same) if same is not None else None
    if same is not None and known is not None:
        result, again = _call_again(context, known, same, place, about)
        if key is not None:
            key.inside = again
        return result
    used = key.used if key is not None else None
    scope = Scope(place[-1], within.scope, "block", span, definition.name, given, context.variables, used)
    before = len(context.results), len(context.diagnostics)
    inner = Naming(scope)
    result, function = _elaborate(context, definition, inside, x, inner, place, arguments, about)
    damage = callee.module.file.damage
    if damage is not None and damage.blurs(definition.span.start):
        return UNKNOWN
    unchanged = before == (len(context.results), len(context.diagnostics))
    if isinstance(result, Several):
        values = [context.builder.visible(value) if isinstance(value, Value) else value for value in result.values]
        result = Several(tuple(values), span, result.names)
    if function is not None and same is not None and isinstance(result, Value | Several) and unchanged:
        context.block_cache.store(same, function, result, inner.parts)
    if key is not None:
        calls = context.builder.calls_of(function) if function is not None else ()
        key.inside = Inside(inner.parts, result, next(iter(calls), None))
    return result


def _checked_block(context: Context, callee: Callee, call: ast.Expr, env: Environment) -> ast.Block:
    """Return the block that is called. Raise `SpecError` if it is none, or calls itself."""
    definition, active = callee.target, context.active
    assert isinstance(definition, ast.Definition)
    if not isinstance(definition, ast.Block):
        raise SpecError(codes.structure.NetworkAsStage(definition.name).at(call.span))
    name = ast.bare(call.callee if isinstance(call, ast.CallExpr) else call)
    if definition in active and not (isinstance(name, ast.Name) and env.find(name.id) is not Unknown):
        chain = [block.name for block in (*active[active.index(definition) :], definition)]
        raise SpecError(codes.structure.ContainsItself(chain).at(call.span))
    return definition


def _elaborate(
    context: Context,
    definition: ast.Block,
    inside: Environment,
    x: MaybeValue,
    naming: Naming,
    place: tuple[str, ...],
    arguments: dict[str, Any],
    about: dict[str, Any],
) -> tuple[MaybeValue, Function | None]:
    """Run the body of a block. Return its result and its function; None if it stays out of the graph."""
    context.active.append(definition)
    context.called.add(definition)
    outer, context.variables = context.variables, {}
    detached = isinstance(x, Value) and context.builder.is_detached(x)
    context.detached += detached
    function = None
    if not context.detached:
        function = context.builder.begin(
            definition.name, "block", definition.span, plain(arguments), definition.doc, declared=about["declared"]
        )
    result: MaybeValue = UNKNOWN
    try:
        result = run_body(context, definition.body, inside, x, naming)
    finally:
        context.variables = outer
        context.active.pop()
        context.detached -= detached
        if function is not None:
            function.constants = constants(definition.body, inside)
            result = end_function(context, result, place, about)
            _name_inputs(context, function, x, arguments)
    return result, function


def _name_inputs(context: Context, function: Function, x: MaybeValue, arguments: dict[str, Any]) -> None:
    """Call the inputs of a block as the block does: `x`, or the parameter that holds the value; another call has other labels."""
    builder = context.builder
    names: dict[Value, str] = {}
    for name, value in (pair for item in [("x", x), *arguments.items()] for pair in _named_values(*item)):
        inside = builder.captured(builder.visible(value)) if not builder.is_detached(value) else None
        if inside is not None:
            names.setdefault(inside, name)
    for call in builder.calls_of(function):
        for outer, inner in zip(call.inputs, function.inputs, strict=True):
            inner.name = names.get(outer)


def _named_values(name: str, argument: Any) -> Iterator[tuple[str, Value]]:
    """Yield the values of the network in an argument, each with the expression that reads it in the block."""
    if isinstance(argument, Value):
        yield name, argument
    elif isinstance(argument, Family | tuple):
        for index, item in argument.items() if isinstance(argument, Family) else enumerate(argument):
            yield from _named_values(f"{name}[{index}]", item)


def _call_again(
    context: Context, known: CachedCall, same: CallKey, place: tuple[str, ...], about: dict[str, Any]
) -> tuple[MaybeValue, Inside]:
    """Return the result of a call whose function is there, and its scope."""
    builder, call = context.builder, None
    made: Sequence[Value] = ()
    if known.function is not None:
        reserve(context, builder.size_of(known.function), about["span"])
        if context.detached:
            made = [builder.detached(value.shape, value.dtype) for value in known.function.outputs]
        else:
            call = builder.call(known.function, *[same.values[i] for i in known.inputs], key=place, **about)
            made = call.outputs
    results = [made[at] if at >= 0 else same.values[at] for at in known.results]
    result = results[0] if known.names is None else Several(tuple(results), about["span"], known.names)
    return result, Inside(known.parts, result, call, known.passed, same.values, bool(context.detached))


def end_function(context: Context, x: MaybeValue, place: tuple[str, ...], about: dict[str, Any]) -> MaybeValue:
    """Close the innermost function, which gives `x`, and return that as a value of the function around it."""
    builder = context.builder
    inside = x if isinstance(x, Value) and not builder.is_detached(x) else None
    result = builder.end(inside, key=place, **about)
    return x if result is None else result


def plain(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments that hold no value of the network: those become inputs of the function."""
    return {name: value for name, value in arguments.items() if not holds_values(value)}


def constants(body: ast.Body, env: Environment) -> dict[str, Constant]:
    """Return the constants of a block or network that hold no value of the network."""
    lets = {item.name: item.value for item in body.statements if isinstance(item, ast.Let) and item.parameters is None}
    found = {}
    for name, expression in lets.items():
        value = env.names.get(name, UNKNOWN)
        if not holds_values(value):
            names = names_in(expression) if isinstance(value, int | float) else None
            own = names is not None and all(isinstance(env.names.get(used), int | float) for used in names)
            found[name] = Constant(value, expression.span.text if own else None)
    return found


def holds_values(value: Any) -> bool:
    """Return whether something is a value or module of the network, unknown, or holds something that is."""
    if isinstance(value, tuple):
        return any(holds_values(item) for item in value)
    if isinstance(value, Callee):
        return any(holds_values(item) for item in value.arguments)
    return isinstance(value, Value | Unknown | Family | DeclaredModule)
