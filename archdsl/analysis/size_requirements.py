"""The requirements of a network on its symbolic sizes: where something can go wrong, and why.

Four things can go wrong with a size: nothing is left of it, an op needs more of it than there is (to reflect, to
cut, to take a variance over), an op splits it into parts and it does not divide, or a join combines it with a
different size.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from archdsl.ir import Call, Condition, Function, Graph, OpNode, Paths, Value
from archdsl.shapes import Dim, LinearSize, Shape, SizeError, SymbolicSize, symbols_of
from archdsl.size_words import describe
from archdsl.sizes import at_least
from archdsl.source import Span


class Requirement(NamedTuple):
    """A place where something may go wrong: sizes of which one must be large enough, or two that must be equal.

    With a `divisor` over one, the size must be a multiple of it.
    """

    span: Span | None
    reason: str
    sides: str
    sizes: tuple[Dim, ...] = ()
    least: int = 1
    divisor: int = 1
    join: Condition | None = None


def _at_least(sizes: tuple[SymbolicSize, ...], least: int) -> str:
    """Return the requirement that one of these sizes is large enough, in terms of the symbol if the formula is hard to read."""
    text = f"{' or '.join(map(str, sizes))} to be at least {least}"
    size = sizes[0]
    if len(sizes) > 1 or not isinstance(size, LinearSize) or ("[" not in text and size.slope > 0):
        return text
    try:
        return f"{size.symbol} to be {describe(at_least(size, least))}"
    except SizeError:
        return text


def requirements(graph: Graph) -> Iterator[Requirement]:
    """Yield each condition of the network on its symbolic sizes once: those of ops as they run, then those of joins."""
    seen: set[object] = set()
    for value in graph.inputs:
        for size in value.shape:
            if isinstance(size, SymbolicSize) and size not in seen:
                seen.add(size)
                yield Requirement(value.span, "`input` leaves nothing of less", f"{size} is what `input` leaves", (size,))
    joins: list[Condition] = []
    for path, node in ops_in_order(graph, joins):
        yield from _requirements_of_op(path, node, seen)
    for join in joins:
        if (key := (join.left, join.right, join.stretch)) not in seen:
            seen.add(key)
            one, other = join.sides
            reason = f"`{join.what}` joins {_side(one)} ({join.left}) with {_side(other)} ({join.right})"
            yield Requirement(join.span, reason, _against(join), join=join)


def ops_in_order(graph: Graph, joins: list[Condition]) -> Iterator[tuple[str, OpNode]]:
    """Yield the ops of each function once, with the path of its first call; note the conditions of joins in the same order."""
    seen: set[Function] = set()

    def visit(function: Function, paths: Paths) -> Iterator[tuple[str, OpNode]]:
        seen.add(function)
        waiting: dict[Span | None, list[Condition]] = {}
        for condition in function.conditions:
            waiting.setdefault(condition.span, []).append(condition)
        for node in function.nodes:
            below = node.paths_below(paths)
            if isinstance(node, OpNode):
                joins.extend(waiting.pop(node.span, ()) if waiting else ())
                yield below[-1], node
            elif isinstance(node, Call) and node.callee not in seen:
                yield from visit(node.callee, below)
        joins.extend(condition for conditions in waiting.values() for condition in conditions)

    yield from visit(graph.main, ("",))


def _requirements_of_op(path: str, node: OpNode, seen: set[object]) -> Iterator[Requirement]:
    """Yield what an op demands of symbolic sizes, unless another one demanded the same."""
    shapes, made = node.input_shapes, [value.shape for value in node.outputs]
    if not any(isinstance(size, SymbolicSize) for shape in (*made, *shapes) for size in shape):
        return
    for size in [size for shape in made for size in shape]:
        if isinstance(size, SymbolicSize) and size not in seen:
            seen.add(size)
            reason = f"{_named(path, node)} leaves nothing of less"
            yield Requirement(node.span, reason, f"{size} is what `{node.op.name}` leaves", (size,))
    yield from _needs(path, node, shapes, seen)
    for size, divisor, *_ in node.op.divisions(*shapes):
        if isinstance(size, SymbolicSize) and divisor > 1 and (size, "multiple", divisor) not in seen:
            seen.add((size, "multiple", divisor))
            multiple = f"{size} to be a multiple of {divisor}"
            sides = f"`{node.op.name}` needs {multiple}"
            yield Requirement(node.span, f"{_named(path, node)} needs {multiple}", sides, (size,), divisor=divisor)


def _needs(path: str, node: OpNode, shapes: tuple[Shape, ...], seen: set[object]) -> Iterator[Requirement]:
    """Yield the lower bounds that an op needs."""
    for need in node.op.needs(*shapes):
        sizes = (need.size, *need.others)
        if (sizes, need.least) not in seen and not any(isinstance(size, int) and size >= need.least for size in sizes):
            seen.add((sizes, need.least))
            opened = tuple(size for size in sizes if isinstance(size, SymbolicSize))
            least = _at_least(opened, need.least)
            yield Requirement(
                node.span, f"{_named(path, node)} needs {least}", f"`{node.op.name}` needs {least}", opened, need.least
            )


def _named(path: str, node: OpNode) -> str:
    """Return an op with its key, if that says more than its place."""
    return f"`{path}` ({node.op.name})" if node.module is not None and not path.isdigit() else f"`{node.op.name}`"


def _against(join: Condition) -> str:
    """Return the sizes that a join compares; those of different symbols with their values, or they look like a mistake."""
    if len(symbols_of(join.left, join.right)) == 1:
        return f"{join.left} against {join.right}"
    one, other = join.sides
    return f"{join.left} of {_side(one)} against {join.right} of {_side(other)}"


def _side(value: Value) -> str:
    """Return what a join takes, as the spec calls it: the label of the value, or of the part that gives it, else the op."""
    node = value.producer
    if isinstance(node, Call) and node.module is not None:
        family, *index = node.module.key
        if index or not family.isdigit():
            return f"`{family}{''.join([f'[{at}]' for at in index])}`"
        if node.callee.kind == "block":
            return f"`{node.callee.name}`"
    inside = value
    while isinstance(node, Call):
        inside = node.callee.outputs[inside.position]
        node = inside.producer
    return f"`{value.name or inside.name or (node.op.name if isinstance(node, OpNode) else 'x')}`"
