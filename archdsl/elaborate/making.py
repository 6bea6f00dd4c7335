"""Ops applied to values: the nodes of a network, with their shapes, as they are made."""

from __future__ import annotations

from archdsl import limits
from archdsl.diagnostics import Diagnostic, Mark, SpecError
from archdsl.elaborate import steps
from archdsl.elaborate.expressions import Evaluator
from archdsl.elaborate.naming import Key
from archdsl.elaborate.values import Callee, problem
from archdsl.ir.unrolled import Node, Scope
from archdsl.ops import Op
from archdsl.shapes import OpenSize, Shape, SizeError, format_shape
from archdsl.source import Span


class Nodes(list[Node]):
    """The nodes of a network. An op on the same shapes is asked for its shape once."""

    def __init__(self, evaluator: Evaluator) -> None:
        super().__init__()
        self._evaluator = evaluator
        self._inferred: dict[tuple[int, tuple[Shape, ...]], Shape] = {}
        self._size_values = 0

    def room(self, count: int, span: Span) -> None:
        """Raise where so many more would be too many."""
        self._evaluator.spend(steps.NODE * count, span)
        if len(self) + count > limits.NODES:
            raise self._evaluator.too_large(f"this network has more than {limits.NODES:,} ops", span, "NODES")

    def apply(
        self,
        op: Op,
        inputs: tuple[Node, ...],
        scope: Scope,
        name: str | None,
        span: Span,
        callee: Callee | None = None,
        key: Key | None = None,
    ) -> Node:
        """A new node, with the shape that the op infers."""
        shapes = (inputs[0].shape,) if len(inputs) == 1 else tuple([node.shape for node in inputs])
        known = (id(op), shapes)
        shape = self._inferred.get(known)
        if shape is None:
            self._evaluator.spend(steps.ANEW, span)
            try:
                shape = op.output(*shapes)
            except SpecError as error:
                raise error.map(lambda found: _placed(found, inputs, span, callee)) from None
            except SizeError as error:
                raise problem("E0307", f"`{op.name}`: {error}", span) from None
            self._inferred[known] = shape
            self._count_size_values(shape, shapes, span)
        integer = False
        if inputs[0].integer or op.integers != "refused" or any([node.integer for node in inputs]):
            integer = _integer(op, inputs, span)
        self.room(1, span)
        node = Node(
            len(self),
            op,
            tuple([node.index for node in inputs]),
            shape,
            scope,
            name,
            key is not None,
            span,
            integer,
            key.label if key else None,
        )
        self.append(node)
        return node

    def _count_size_values(self, shape: Shape, shapes: tuple[Shape, ...], span: Span) -> None:
        """Raise where the formulas of open sizes become too much to keep; one that an op hands on is kept once."""
        for size in shape:
            if isinstance(size, OpenSize) and not any(size is other for taken in shapes for other in taken):
                self._size_values += len(size.offsets)
        if self._size_values > limits.SIZE_VALUES:
            message = f"the formulas of the open sizes take more than {limits.SIZE_VALUES:,} numbers"
            raise self._evaluator.too_large(
                message, span, "SIZE_VALUES", "fix a size in `input`, or use strides with common factors;"
            )


def _placed(found: Diagnostic, inputs: tuple[Node, ...], span: Span, callee: Callee | None) -> Diagnostic:
    """What an op found, at the place of the argument at fault or else of the call, and where the inputs came from."""
    given = callee.keywords or {} if callee is not None else {}
    place = given[found.argument].span if found.argument in given else span
    marks = [Mark(node.span, f"gives {format_shape(node.shape)}") for node in inputs if node.span != span]
    return found.at(place).with_marks(marks if found.about_shapes else ())


def _integer(op: Op, inputs: tuple[Node, ...], span: Span) -> bool:
    """Whether the result holds integers, as PyTorch promotes types; a problem where the op cannot take what it gets."""
    taken = inputs[: len(inputs) - len(op.operands)]  # of an operand the shape is taken alone
    integers = all(node.integer for node in taken)
    if op.integers == "refused" and any(node.integer for node in taken):
        raise problem(
            "E0308", f"`{op.name}` takes real numbers, and gets integers", span, "`embedding(n, dim)` turns tokens into vectors"
        )
    if op.integers == "required" and not integers:
        raise problem(
            "E0308", f"`{op.name}` takes integers, and gets real numbers", span, "declare the input so: `input tokens: int [512]`"
        )
    return integers and op.integers == "kept"
