"""A check of the input's size at the start of `forward`, for networks that do not work at every size.

It is plain Python on sizes, in a function of its own that `torch.fx` does not look into. Under `torch.compile` and
`torch.export` it becomes a guard that the joins of the network ask for anyway: the graphs are the same, with as many
recompilations and as fast; in eager mode it takes about a microsecond (both measured with U-Net).
"""

from __future__ import annotations

from collections.abc import Iterator

from archdsl import limits
from archdsl.ir import Graph
from archdsl.shapes import OpenSize
from archdsl.sizes import ALL, SizeSet, describe

NAME = "check_sizes"
_MANY = 8


def size_check(graph: Graph, arguments: list[str]) -> list[str]:
    """The function, given the variables of the inputs; nothing where every size works, or none of it can be said shortly."""
    found: dict[SizeSet, list[tuple[str, str]]] = {}
    for symbol, place in _places(graph, arguments):
        sizes = graph.works.get(symbol, ALL)
        if sizes != ALL and _violated(sizes, place) is not None:
            found.setdefault(sizes, []).append((symbol, place))
    if not found:
        return []
    lines = ["", "", f"def {NAME}({', '.join(arguments)}):", '    """Raise `ValueError` where the network does not work."""']
    for argument, index in zip(arguments, graph.inputs, strict=True):
        shape = graph.nodes[index].shape
        rule = f"{argument} must be [batch, {', '.join(map(str, shape))}]"
        lines += [f"    if {argument}.ndim != {len(shape) + 1}:", f'        raise ValueError(f"{rule}; it is {{list({argument}.shape)}}")']
    for sizes, wanted in found.items():
        tests = [_violated(sizes, place) or "" for _, place in wanted]
        test = " or ".join(f"({one})" if " and " in one and len(tests) > 1 else one for one in tests)
        rule = f"{' and '.join(symbol for symbol, _ in wanted)} must be {describe(sizes, many=len(wanted) > 1)}"
        is_ = ", ".join(f"{symbol} is {{{place}}}" for symbol, place in wanted)
        lines += [f"    if {test}:", f'        raise ValueError(f"{rule}; {is_}")']
    return [*lines, "", "", f'torch.fx.wrap("{NAME}")']


def _places(graph: Graph, arguments: list[str]) -> Iterator[tuple[str, str]]:
    """Each open size, with the expression for it in terms of an input."""
    seen: set[str] = set()
    for argument, index in zip(arguments, graph.inputs, strict=True):
        for axis, size in enumerate(graph.nodes[index].shape):
            if isinstance(size, OpenSize) and (size.slope, size.offsets) == (1, (0,)) and size.symbol not in seen:
                seen.add(size.symbol)
                yield size.symbol, f"{argument}.shape[{axis + 1}]"


def _violated(sizes: SizeSet, size: str) -> str | None:
    """When a size is none of these, as an expression; none where that would be long."""
    if sizes.is_finite:
        points = sorted(sizes.points)
        if len(points) > 1 and points[-1] - points[0] == len(points) - 1:
            return f"not {points[0]} <= {size} <= {points[-1]}"
        return _is(size, points, no=True) if 0 < len(points) <= _MANY else None
    missing = ~sizes
    if missing.is_finite and len(missing.points) <= _MANY and len(missing.points) < max(missing.points):
        return _is(size, sorted(missing.points))
    period = len(sizes.least)
    starts = [start for start in sizes.least if start is not None]
    residues = sorted(start % period for start in starts)
    first = min(starts)
    holes = [n for n in range(first, min(max(starts), first + limits.PERIOD)) if n % period in residues and n not in sizes]
    extra = sorted(n for n in sizes.points if n < first or n % period not in residues)
    if max(len(residues), len(extra), len(holes)) > _MANY or max(starts) > first + limits.PERIOD:
        return None
    tests = []
    if residues == [0] and period > 1:
        tests.append(f"{size} % {period}")
    elif period > 1:
        tests.append(f"{size} % {period} not in {residues}" if len(residues) > 1 else f"{size} % {period} != {residues[0]}")
    if period == 1 or any(n % period in residues for n in range(1, first)):
        tests.append(f"{size} < {first}")
    if holes:
        tests.append(_is(size, holes))
    wrong = " or ".join(tests)
    if not extra:
        return wrong
    return f"{_is(size, extra, no=True)} and {f'({wrong})' if len(tests) > 1 else wrong}"


def _is(size: str, numbers: list[int], *, no: bool = False) -> str:
    """Whether a size is one of these numbers, or none of them."""
    if len(numbers) == 1:
        return f"{size} {'!=' if no else '=='} {numbers[0]}"
    return f"{size} {'not in' if no else 'in'} {numbers}"
