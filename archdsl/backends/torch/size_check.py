"""The check of the inputs at the start of `forward`: every declared axis, and the conditions on symbolic sizes.

It is plain Python on sizes, in a function of its own that `torch.fx` does not look into. Under `torch.compile` and
`torch.export` it becomes guards that the ops of the network ask for anyway: the graphs are the same, with as many
recompilations and as fast; in eager mode it takes about a microsecond (both measured with U-Net).
"""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.backends.torch.conditions import all_of, any_of, formula, outside
from archdsl.ir import Graph
from archdsl.shapes import LinearSize, Shape
from archdsl.size_words import describe, describe_choice
from archdsl.sizes import SizeSet

NAME = "check_sizes"


def size_check(graph: Graph, arguments: list[str]) -> list[str]:
    """Return the source of the function, given the variables of the inputs."""
    shapes = {argument: value.shape for argument, value in zip(arguments, graph.inputs, strict=True)}
    places: dict[str, str] = {}
    lines = [
        "",
        "",
        f"def {NAME}({', '.join(arguments)}):",
        '    """Raise `ValueError` for inputs that the network does not take."""',
    ]
    lines += [
        "    if torch.jit.is_tracing():",
        "        return  # its sizes are tensors, which `if` cannot ask without a warning",
    ]
    for value, (argument, shape) in zip(graph.inputs, shapes.items(), strict=True):
        lines += _shape_lines(argument, shape, places, arguments)
        if value.dtype == "bool":  # real numbers would work, and mean another thing
            lines += [
                f"    if {argument}.dtype != torch.bool:",
                _raise(f"{argument} must hold bools; it holds {{{argument}.dtype}}"),
            ]
    return [*lines, *_verdict_lines(graph, places), "", "", f'torch.fx.wrap("{NAME}")']


def _shape_lines(argument: str, shape: Shape, places: dict[str, str], arguments: list[str]) -> list[str]:
    """Return the test of an input's axes. `places` holds the expression of each symbolic size, and gets those that are new."""
    rule = f"{argument} must be [batch, {', '.join(map(str, shape))}]"
    first = argument == arguments[0]
    known, axes = dict(places), [f"{argument}.shape[{axis}]" for axis in range(1, len(shape) + 1)]
    for size, axis in zip(shape, axes, strict=True):
        if isinstance(size, LinearSize) and size.is_symbol:
            places.setdefault(size.symbol, axis)
    wanted = [formula(size, places) for size in shape]
    if known.keys() == places.keys():
        if first:
            return [
                f"    if list({argument}.shape[1:]) != [{', '.join(wanted)}]:",
                _raise(f"{rule}; it is {{list({argument}.shape)}}"),
            ]
        expected = _fresh("expected", arguments)
        return [
            f"    {expected} = [{', '.join([f'{arguments[0]}.shape[0]', *wanted])}]",
            f"    if list({argument}.shape) != {expected}:",
            _raise(f"{rule}, here {{{expected}}}; it is {{list({argument}.shape)}}"),
        ]
    tests = [f"{argument}.ndim != {len(shape) + 1}"]
    tests += [] if first else [f"{argument}.shape[0] != {arguments[0]}.shape[0]"]
    tests += [f"{axis} != {size}" for axis, size in zip(axes, wanted, strict=True) if axis != size]
    batch = "" if first else f", with the batch of {arguments[0]}, {{{arguments[0]}.shape[0]}}"
    return [
        f"    if {' or '.join([*tests, f'0 in {argument}.shape[1:]'])}:",
        _raise(f"{rule}{batch}; it is {{list({argument}.shape)}}"),
    ]


def _verdict_lines(graph: Graph, places: dict[str, str]) -> Iterator[str]:
    """Yield the tests of the symbolic sizes: sizes that share a set are tested together, then the couplings."""
    groups: dict[SizeSet, list[str]] = {}
    for symbol, sizes in graph.valid_sizes.items():
        groups.setdefault(sizes, []).append(symbol)
    for sizes, symbols in groups.items():
        tests = [test for symbol in symbols if (test := outside(sizes, places[symbol])) is not None]
        if tests:
            yield f"    if {any_of(tests)}:"
            yield _raise(f"{' and '.join(symbols)} must be {describe(sizes, many=len(symbols) > 1)}; {_given(symbols, places)}")
    for tie in graph.coupled_sizes:
        short = [test for symbol, sizes in tie.items() if (test := outside(sizes, places[symbol])) is not None]
        yield f"    if {all_of(short)}:"
        yield _raise(f"{describe_choice(tie)}; {_given(list(tie), places)}")


def _given(symbols: list[str], places: dict[str, str]) -> str:
    return ", ".join(f"{symbol} is {{{places[symbol]}}}" for symbol in symbols)


def _raise(message: str) -> str:
    return f'        raise ValueError(f"{message}")'


def _fresh(name: str, taken: list[str]) -> str:
    while name in taken:
        name += "_"
    return name
