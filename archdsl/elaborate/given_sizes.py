"""Sizes of inputs that are given from outside in place of the declared ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from archdsl.diagnostics import SpecError, codes
from archdsl.elaborate.context import Context
from archdsl.elaborate.values import Bound, Callee
from archdsl.input_sizes import InputSize
from archdsl.shapes import Dim, Shape, SymbolicSize, symbolic_size
from archdsl.source import SourceFile, Span
from archdsl.syntax import nodes as ast


def set_by_sizes(
    callee: Callee, inputs: Sequence[ast.Input], given: Mapping[str, tuple[int, ...]], settings: Collection[str]
) -> Callee:
    """Return the network with parameters that are sizes of its inputs, such as `[channels, 32, 32]`, set to what is given.

    `settings` are the names of parameters that the user sets. Raise `SpecError` if one parameter would get two values.
    """
    network = callee.target
    assert isinstance(network, ast.Network)
    names = [parameter.name for parameter in network.parameters]
    positional, keywords = list(callee.positional), dict(callee.keywords or {})
    values: dict[str, int] = {}
    for statement in inputs:
        shape = given.get(statement.name, ())
        for size, number in zip(map(ast.bare, statement.sizes.items), shape, strict=False):
            if not isinstance(size, ast.Name) or size.id not in names or size.id in settings:
                continue
            if values.setdefault(size.id, number) != number:
                raise SpecError(codes.given_sizes.TwoValues(size.id, values[size.id], number).at(size.span))
            bound, place = Bound(number, _place(statement.name, shape)), names.index(size.id)
            if place < len(positional):
                positional[place] = bound
            else:
                keywords[size.id] = bound
    return Callee(network, callee.module, tuple(positional), keywords)


def _place(name: str, shape: tuple[int, ...]) -> Span:
    """Return a place for errors in a value that `--size` gives."""
    source = SourceFile("--size", str(InputSize(name, shape)), is_setting=True)
    return Span(source, 0, len(source.text))


def other_shape(context: Context, statement: ast.Input, shape: Shape) -> Shape:
    """Return the shape of an input with the sizes that are given for it; symbolic sizes stay for a later analysis.

    Raise `SpecError` if the input cannot have this shape.
    """
    given = context.given_sizes.get(statement.name)
    found = shape if given is None else _given_shape(context, statement, shape, given)
    return tuple(_any_size(context, found, place) for place in range(len(found))) if context.any_size else found


def _given_shape(context: Context, statement: ast.Input, shape: Shape, given: tuple[int, ...]) -> Shape:
    """Return the shape with the given numbers in place of fixed ones."""
    wrong = codes.given_sizes.OtherInput(statement.name, shape, given).at(statement.span)
    if len(given) != len(shape) or 0 in given:
        raise SpecError(wrong)
    found: list[Dim] = []
    for size, number, written in zip(shape, given, map(ast.bare, statement.sizes.items), strict=True):
        if isinstance(written, ast.Name) and written.id in context.builder.main.arguments and size != number:
            advice = f"`{written.id}` is set to {size}, and the size gives {number}: leave out one of them"
            raise SpecError(wrong.with_fields(advice=advice))
        found.append(size if isinstance(size, SymbolicSize) else number)
    return tuple(found)


def _any_size(context: Context, shape: Shape, place: int) -> Dim:
    """Return a symbolic size in place of a fixed one; equal sizes of several inputs on one axis stay equal."""
    size, axis = shape[place], len(shape) - place
    if place == 0 or isinstance(size, SymbolicSize):
        return size
    known = context.replaced_by
    if (axis, size) not in known:
        known[axis, size] = symbolic_size(f"#{len(known)}", context.session)
    return known[axis, size]
