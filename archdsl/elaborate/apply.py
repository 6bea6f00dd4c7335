"""Ops applied to values of the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from archdsl.diagnostics import Diagnostic, Mark, SpecError, codes
from archdsl.elaborate import budget
from archdsl.elaborate.context import Context
from archdsl.elaborate.naming import Key
from archdsl.elaborate.values import Callee
from archdsl.ir import Module, Value
from archdsl.ir.core import NO_NAMES
from archdsl.ops import Op
from archdsl.ops.base import DType
from archdsl.shapes import Shape, SizeError, SymbolicSize, format_shape
from archdsl.source import Span

_MOST_MARKS: Final = 6
"""How many inputs a diagnostic marks."""


def apply_op(
    context: Context,
    op: Op,
    inputs: tuple[Value, ...],
    place: tuple[str, ...] | None,
    span: Span,
    callee: Callee | None = None,
    key: Key | None = None,
    expressions: Mapping[str, str] = NO_NAMES,
) -> list[Value]:
    """Return what an op makes of values: its outputs. `place` is its key in the `state_dict`; None for a join."""
    builder = context.builder
    shapes = _inferred_shapes(context, op, inputs, span, callee)
    dtypes: tuple[DType, ...] = ("float",)
    if op.integers != "refused" or len(shapes) > 1 or any([value.dtype != "float" for value in inputs]):
        try:
            dtypes = op.result_dtypes(len(shapes), *[value.dtype for value in inputs])
        except SpecError as error:
            raise error.at(span) from None
    reserve(context, 1, span)
    label = key.label if key is not None else None
    if context.detached:
        builder.size += 1
        return [builder.detached(shape, dtype, label, span) for shape, dtype in zip(shapes, dtypes, strict=True)]
    if op.name == "max_unpool":
        from archdsl.elaborate.unpooling import check_pooled  # here: few networks undo a pool

        check_pooled(builder, inputs, shapes[0], span)
    for needed in op.equalities(*[value.shape for value in inputs]) if len(inputs) > 1 else ():
        if needed.left != needed.right:
            sides = inputs[needed.inputs[0]], inputs[needed.inputs[1]]
            builder.condition(needed.left, needed.right, span, op.name, sides, needed.stretch)
    declared = key.declared if key is not None else None
    module = Module(place, key is not None, span) if place is not None and declared is None else None
    return builder.add(op, inputs, shapes, dtypes, module, label, span, expressions, declared)


def reserve(context: Context, count: int, span: Span) -> None:
    """Charge for so many ops. Raise if the network becomes too large."""
    context.budget.charge(budget.NODE * count, span)
    most = context.limits.nodes
    if context.builder.size + count > most:
        raise context.exceeded(codes.limits.TooManyOps(most).at(span))


def _inferred_shapes(context: Context, op: Op, inputs: tuple[Value, ...], span: Span, callee: Callee | None) -> tuple[Shape, ...]:
    """Return the shapes of what an op makes. Raise its fault at its place."""
    builder = context.builder
    known = builder.known_shapes(op, inputs)
    if known is not None:
        return known
    try:
        shapes = builder.infer(op, *inputs)
    except SpecError as error:
        context.budget.charge(budget.ANEW, span)
        if not context.detached:
            builder.failure(op.name, inputs, span)
        raise error.map(lambda found: _placed(found, inputs, span, callee)) from None
    except SizeError as error:
        raise SpecError(codes.symbolic_sizes.NoFormula(str(error), op.name).at(span)) from None
    context.budget.charge(budget.ANEW, span)
    for shape in shapes:
        _count_size_values(context, shape, [value.shape for value in inputs], span)
    return shapes


def _count_size_values(context: Context, shape: Shape, shapes: list[Shape], span: Span) -> None:
    """Count the numbers of new formulas; one that an op hands on is kept once. Raise if they become too many."""
    for size in shape:
        if isinstance(size, SymbolicSize) and not any(size is other for taken in shapes for other in taken):
            context.size_values += size.numbers
    if context.size_values > context.limits.size_values:
        raise context.exceeded(codes.limits.FormulasTooLong(context.limits.size_values).at(span))


def _placed(found: Diagnostic, inputs: tuple[Value, ...], span: Span, callee: Callee | None) -> Diagnostic:
    """Return what an op found, at the place of the argument at fault or else of the call, and where the inputs came from."""
    given = callee.keywords or {} if callee is not None else {}
    place = given[found.argument].span if found.argument in given else span
    made = [value for value in dict.fromkeys(inputs) if value.span and value.span != span]
    marks = [Mark(value.span, f"gives {format_shape(value.shape)}") for value in made if value.span]
    return found.at(place).with_marks(marks[:_MOST_MARKS] if found.about_shapes else ())
