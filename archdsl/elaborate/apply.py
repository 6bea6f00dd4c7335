"""Ops applied to values: the nodes of a network, with their shapes, as they are made."""

from __future__ import annotations

from collections.abc import Mapping

from archdsl.diagnostics import Diagnostic, Mark, SpecError
from archdsl.elaborate import budget
from archdsl.elaborate.expressions import Evaluator
from archdsl.elaborate.naming import Key
from archdsl.elaborate.values import Callee, problem
from archdsl.ir import GraphBuilder, Module, Value
from archdsl.ir.builder import result_dtype
from archdsl.ir.core import NO_NAMES, DType
from archdsl.ops import Op
from archdsl.shapes import OpenSize, Shape, SizeError, format_shape
from archdsl.source import Span


class Nodes:
    """Applies ops to values. An op on the same shapes is asked for its shape once.

    While `detached` is over zero, what is made is looked at for its mistakes alone, and stays out of the graph.
    """

    def __init__(self, evaluator: Evaluator, builder: GraphBuilder) -> None:
        self._evaluator = evaluator
        self._builder = builder
        self._size_values = 0
        self.detached = 0

    def room(self, count: int, span: Span) -> None:
        """Raise where so many more would be too many."""
        self._evaluator.spend(budget.NODE * count, span)
        most = self._evaluator.limits.nodes
        if self._builder.size + count > most:
            raise self._evaluator.too_large(f"this network has more than {most:,} ops", span, "nodes")

    def apply(
        self,
        op: Op,
        inputs: tuple[Value, ...],
        place: tuple[str, ...] | None,
        span: Span,
        callee: Callee | None = None,
        key: Key | None = None,
        expressions: Mapping[str, str] = NO_NAMES,
    ) -> Value:
        """What an op makes, with the shape that it infers."""
        builder = self._builder
        inferred = builder.shapes_inferred
        try:
            shape = builder.infer(op, *inputs)
        except SpecError as error:
            self._evaluator.spend(budget.ANEW, span)
            raise error.map(lambda found: _placed(found, inputs, span, callee)) from None
        except SizeError as error:
            raise problem("E0307", f"`{op.name}`: {error}", span) from None
        if builder.shapes_inferred != inferred:
            self._evaluator.spend(budget.ANEW, span)
            self._count_size_values(shape, [value.shape for value in inputs], span)
        dtype: DType = "float"
        if op.integers != "refused" or any([value.dtype == "int" for value in inputs]):
            try:
                dtype = result_dtype(op, inputs)
            except SpecError as error:
                raise error.at(span) from None
        self.room(1, span)
        label = key.label if key is not None else None
        if self.detached:
            builder.size += 1
            return builder.detached(shape, dtype, label, span)
        module = Module(place, key is not None, span) if place is not None else None
        return builder.add(op, inputs, shape, dtype, module, label, span, expressions)

    def _count_size_values(self, shape: Shape, shapes: list[Shape], span: Span) -> None:
        """Raise where the formulas of open sizes become too much to keep; one that an op hands on is kept once."""
        for size in shape:
            if isinstance(size, OpenSize) and not any(size is other for taken in shapes for other in taken):
                self._size_values += len(size.offsets)
        if self._size_values > self._evaluator.limits.size_values:
            message = f"the formulas of the open sizes take more than {self._evaluator.limits.size_values:,} numbers"
            raise self._evaluator.too_large(
                message, span, "size_values", "fix a size in `input`, or use strides with common factors;"
            )


def _placed(found: Diagnostic, inputs: tuple[Value, ...], span: Span, callee: Callee | None) -> Diagnostic:
    """What an op found, at the place of the argument at fault or else of the call, and where the inputs came from."""
    given = callee.keywords or {} if callee is not None else {}
    place = given[found.argument].span if found.argument in given else span
    marks = [Mark(value.span, f"gives {format_shape(value.shape)}") for value in inputs if value.span and value.span != span]
    return found.at(place).with_marks(marks if found.about_shapes else ())
