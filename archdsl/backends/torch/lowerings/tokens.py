"""Rearranging axes in PyTorch."""

from __future__ import annotations

from archdsl.backends.torch.expressions import Argument, Axis, Expr, Input, Listed, Method, Operation, positional
from archdsl.backends.torch.lowerings.base import Lowering, lowers
from archdsl.ops.tokens import Axes, Rearrange, SizeOf
from archdsl.shapes import Shape


@lowers(Rearrange)
def rearrange(op: Rearrange, *inputs: Shape, inplace: bool = False) -> Lowering:
    """Return the reshapes and the permutation of a pattern: `x.unflatten(...).permute(...).flatten(...)`.

    Groups are split and merged one by one, so that no size of another axis is written, which may be symbolic.
    """
    axes, given = op.axes(*inputs), dict(op.sizes)
    value: Expr = Input(0)
    for axis in reversed(range(len(axes.left))):  # the last first, so that no axis moves before its turn
        names = axes.left[axis].names
        if not names:
            value = Method(value, "squeeze", (positional(axis + 1, "dim"),))
        elif len(names) > 1:
            value = Method(value, "unflatten", (positional(axis + 1, "dim"), Argument(_parts(names, given), "sizes")))
    before = [name for group in axes.left for name in group.names]
    after = [name for group in axes.right for name in group.names]
    if before != after:
        order = [positional(before.index(name) + 1, "dims") for name in after]
        value = Method(value, "permute", (positional(0, "dims"), *order))
    return Lowering(function=_merged(value, axes))


def _merged(value: Expr, axes: Axes) -> Expr:
    """Return a value with the groups of the right side merged, and its axes of size one inserted."""
    end = 1 + sum(len(group.names) for group in axes.right)
    for group in reversed(axes.right):
        start = end - len(group.names)
        if len(group.names) > 1:
            value = Method(value, "flatten", (positional(start, "start_dim"), positional(end - 1, "end_dim")))
        end = start
    for axis, group in enumerate(axes.right):
        if not group.names:
            value = Method(value, "unsqueeze", (positional(axis + 1, "dim"),))
    return value


def _parts(names: tuple[str, ...], given: dict[str, int | SizeOf]) -> Listed:
    """Return the sizes that an axis is split into; -1 for the one that follows from the others."""
    computed = next((name for name in names if name not in given), None)
    if computed is None:
        computed = next((name for name in names if isinstance(given[name], SizeOf)), None)
    found = []
    for name in names:
        size = given.get(name)
        if name == computed:
            found.append(positional(-1, "size"))
        else:
            found.append(Argument(_read(size)) if isinstance(size, SizeOf) else positional(size, name, name))
    return Listed(tuple(found))


def _read(size: SizeOf) -> Expr:
    """Return the size of an axis of an input, with the arithmetic on it."""
    value: Expr = Axis(Input(size.input), size.axis + 1)
    for sign, number, neutral in (("*", size.times, 1), ("+", size.plus, 0), ("//", size.over, 1), ("+", size.shift, 0)):
        if number != neutral:
            value = Operation(sign, (Argument(value), positional(number)))
    return value
