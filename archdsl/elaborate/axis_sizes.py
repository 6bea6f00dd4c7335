"""The sizes of axes that an op takes by name: `rearrange("(h w) c -> c h w", h = before.h)`.

A size may be symbolic. The op then reads it from the shape of a visible value, which becomes a further input of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from archdsl import limits
from archdsl.diagnostics import SpecError, codes
from archdsl.elaborate.values import Bound, Callee, Environment
from archdsl.ir import Value
from archdsl.ops import Op
from archdsl.ops.tokens import SizeOf
from archdsl.shapes import Dim, LinearSize, SizeError, SymbolicSize
from archdsl.source import Span


def checked_size(cls: type[Op], name: str, bound: Bound) -> Dim:
    """Return the size that an argument gives an axis. Raise `SpecError` if it is none."""
    value = bound.value
    if isinstance(value, SymbolicSize):
        return value
    if isinstance(value, float):
        raise SpecError(codes.whole_numbers.FloatForCount(cls.name, name, value, None).at(bound.span))
    if isinstance(value, bool) or not isinstance(value, int):
        raise SpecError(codes.arguments.WrongType(cls.name, name, value, expected="a size").at(bound.span))
    if not 1 <= value <= limits.SIZE:
        relation, bound_ = ("at least", 1) if value < 1 else ("at most", limits.SIZE)
        raise SpecError(codes.ranges.OutOfBounds(cls.name, name, value, None, relation, bound_).at(bound.span))
    return value


def with_sources(op: Any, callee: Callee, x: Value, env: Environment, span: Span) -> tuple[Op, tuple[Value, ...]]:
    """Return the op with the place of each symbolic size, and the values that it reads them from."""
    sources: list[Value] = []
    sizes: list[tuple[str, int | SizeOf]] = []
    for name, size in op.sizes:
        if isinstance(size, int):
            sizes.append((name, size))
            continue
        found = next(((value, read) for value in _candidates(x, env, span) if (read := _reading(size, value)) is not None), None)
        if found is None:
            place = callee.keywords[name].span if callee.keywords and name in callee.keywords else span
            raise SpecError(codes.tokens.SizeWithoutSource(op.name, name, size).at(place))
        value, read = found
        if value is not x and value not in sources:
            sources.append(value)
        sizes.append((name, read._replace(input=0 if value is x else 1 + sources.index(value))))
    return op.replace(sizes=tuple(sizes)), tuple(sources)


def _candidates(x: Value, env: Environment, span: Span) -> Iterator[Value]:
    """Yield the values that are visible: those that the call names, `x`, and the others from the inside out."""
    words = set(re.findall(r"\w+", span.text))
    values = [(name, value) for name in env.visible() if isinstance(value := env.find(name), Value)]
    yield from (value for name, value in values if name in words)
    yield x
    yield from (value for _, value in values)


def _reading(size: Dim, value: Value) -> SizeOf | None:
    """Return how a size follows from that of an axis of a value; None if it does not."""
    found = [_function_of(size, other) for other in value.shape]
    return next((read._replace(axis=axis) for axis, read in enumerate(found) if read is not None), None)


def _function_of(size: Dim, other: Dim) -> SizeOf | None:
    """Return how a size is a multiple or quotient of another, possibly rounded and shifted; None if it is neither."""
    if size == other:
        return SizeOf(0, 0)
    if not isinstance(size, LinearSize) or not isinstance(other, LinearSize) or size.symbol != other.symbol:
        return None
    ratio = Fraction(size.slope * len(other.offsets), other.slope * len(size.offsets))
    if ratio <= 0:
        return None
    for plus in range(ratio.denominator):
        read = SizeOf(0, 0, ratio.numerator, plus, ratio.denominator)
        try:
            computed = read.of(other)
            shift = size - computed
        except SizeError:
            return None
        if isinstance(shift, int):
            return read._replace(shift=shift)
    return None
