"""The nearest input sizes at which a network works whose fixed sizes fail at a join, a window or a division.

The network is elaborated again with symbolic sizes, whose valid values are then decided as for any such network. The
suggested sizes are tried before they are shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from archdsl.diagnostics import Diagnostic
from archdsl.diagnostics.record import Edit, Remedy, guess
from archdsl.elaborate import Elaboration
from archdsl.input_sizes import InputSize, InputSizes
from archdsl.ir import Value
from archdsl.limits import Limits
from archdsl.passes import run_passes
from archdsl.shapes import LinearSize, Shape, value_at
from archdsl.size_words import describe, working
from archdsl.sizes import ALL, SizeSet, nearest
from archdsl.source import Span

_ABOUT_SIZES: Final = frozenset({"E0301", "E0302", "E0303", "E0304", "E0306"})
"""Codes of errors that other sizes may remove: at joins, at windows, and where a number has to divide a size."""


class Again(Protocol):
    """Elaborate the network with these sizes of its inputs, or with any size."""

    def __call__(self, sizes: InputSizes, *, any_size: bool = False) -> Elaboration:
        """Return what becomes of the network."""
        ...


def with_working_sizes(made: Elaboration, again: Again, given: InputSizes, limits: Limits) -> list[Diagnostic]:
    """Return what was found about a network, with sizes that work for each error that only the sizes of maps cause.

    `given` are the sizes that were given from outside, for which the remedy is then.
    """
    errors = [diagnostic for diagnostic in made.diagnostics if diagnostic.is_error]
    if not errors or any(error.code not in _ABOUT_SIZES for error in errors) or not all(map(_follows_from_sizes, errors)):
        return made.diagnostics
    if 3 * made.steps > limits.steps:
        return made.diagnostics
    remedy = _remedy(made, again, given, limits) or _larger(made, again, given, errors, limits)
    if remedy is None:
        return made.diagnostics
    return [_with(diagnostic, remedy) if diagnostic.is_error else diagnostic for diagnostic in made.diagnostics]


def _follows_from_sizes(error: Diagnostic) -> bool:
    """Return whether an error may follow from the sizes of maps alone."""
    from archdsl.diagnostics.codes import joins, shapes  # here: most networks have no such error

    if isinstance(error, joins.SkipMismatch | joins.Branches):
        return error.maps_differ
    return isinstance(error, shapes.WindowTooLarge | shapes.SizeTooSmall | shapes.NotDivisible)


def _with(error: Diagnostic, remedy: Remedy) -> Diagnostic:
    """Return an error with a further way out: at a join behind those that were found on the spot, else in front."""
    from archdsl.diagnostics.codes import joins  # here: most networks have no such error

    if isinstance(error, joins.SkipMismatch | joins.Branches):
        return error.with_fields(ways=(*error.ways, remedy))
    others = (error.help or "").removeprefix("increase the input size, or ")
    return error.with_remedy(joins.either((remedy,), *([others] if others else [])))


def _remedy(made: Elaboration, again: Again, given: InputSizes, limits: Limits) -> Remedy | None:
    """Return the remedy that gives the inputs the nearest sizes that work; None if there are none, or that is unknown."""
    from archdsl.analysis.symbolic_sizes import decide_sizes  # here: most networks have no such error

    symbolic = again(given, any_size=True)
    inputs = symbolic.graph.inputs
    if symbolic.has_errors or not symbolic.graph.has_result or len(inputs) != len(made.graph.inputs):
        return None
    verdict = decide_sizes(run_passes(symbolic.graph), limits)
    if any(diagnostic.is_error for diagnostic in verdict.diagnostics):
        return None
    declared = _declared(made.graph.inputs, inputs)
    if any(work.is_finite for work in verdict.work.values()):
        return None  # a few small sizes: that is no remedy
    at = {symbol: nearest(work, declared[symbol]) for symbol, work in verdict.work.items() if symbol in declared}
    found = {symbol: size for symbol, size in at.items() if size is not None}
    if at.keys() != verdict.work.keys() or found.keys() != at.keys() or found == declared or not verdict.works(found):
        return None
    shapes = [tuple(value_at(size, found) for size in value.shape) for value in inputs]
    sizes = tuple(InputSize(value.name, shape) for value, shape in zip(inputs, shapes, strict=True))
    if again(sizes).has_errors:
        return None
    said = _said(inputs[0], verdict.work)
    if given:
        one = sizes if len(sizes) > 1 else (InputSize(None, sizes[0].sizes),)
        return guess(f"{said}: `--size {','.join(map(str, one))}`")
    return _edited(said, made.graph.inputs, shapes)


def _larger(made: Elaboration, again: Again, given: InputSizes, errors: Sequence[Diagnostic], limits: Limits) -> Remedy | None:
    """Return the remedy with the least size from which on a network has no window that is too large, if one is found soon.

    A network with `linear` on a flattened image needs numbers for its sizes; so they are tried, by bisection.
    """
    from archdsl.diagnostics.codes import shapes  # here: most networks have no such error

    inputs = made.graph.inputs
    small = all(isinstance(error, shapes.WindowTooLarge | shapes.SizeTooSmall) for error in errors)
    if not small or given or len(inputs) != 1 or len(inputs[0].shape) < 2 or _TRIES * made.steps > limits.steps:
        return None
    fixed = [size for size in inputs[0].shape if isinstance(size, int)]
    if len(fixed) != len(inputs[0].shape):
        return None

    def grown(by: int) -> InputSizes:
        return (InputSize(inputs[0].name, (fixed[0], *(size + by for size in fixed[1:]))),)

    low, high = 0, max(fixed[1:])
    while again(grown(high)).has_errors:
        low, high = high, 2 * high
        if high > _FARTHEST * max(fixed[1:]):
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if again(grown(middle)).has_errors else (low, middle)
    return _edited("larger sizes work", inputs, [grown(high)[0].sizes])


_FARTHEST: Final = 16
"""How many times as large as declared an image may be that is tried."""
_TRIES: Final = 24
"""How often a network may be elaborated for that."""


def _declared(fixed: Sequence[Value], symbolic: Sequence[Value]) -> dict[str, int]:
    """Return the declared size of each symbol that stands for one."""
    return {
        other.symbol: size
        for value, replaced in zip(fixed, symbolic, strict=True)
        for size, other in zip(value.shape, replaced.shape, strict=True)
        if isinstance(size, int) and isinstance(other, LinearSize)
    }


def _said(image: Value, work: Mapping[str, SizeSet]) -> str:
    """Return which sizes work, as the beginning of a sentence that names the nearest."""
    sets = {sizes for sizes in work.values() if sizes != ALL}
    if len(sets) == 1:
        (sizes,) = sets
        return working(sizes)
    names = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}.get(len(image.shape) - 1, ())
    parts = [
        f"the {name} must be {describe(work[size.symbol])}"
        for name, size in zip(names, image.shape[1:], strict=False)
        if isinstance(size, LinearSize) and work[size.symbol] != ALL
    ]
    return " and ".join(parts) if parts else "other sizes work"


_NUMBERS: Final = re.compile(r"\[[^\[\]{}]*\]")


def _edited(said: str, inputs: Sequence[Value], shapes: Sequence[Shape]) -> Remedy | None:
    """Return the remedy with the declarations of the inputs as they would be; with edits if they are written as numbers."""
    texts, edits = [], list[Edit]()
    for value, shape in zip(inputs, shapes, strict=True):
        if value.shape == shape or value.span is None:
            continue
        written = _NUMBERS.search(value.span.text)
        if written is None:
            return None
        old = written[0][1:-1].split(",")
        if len(old) != len(shape):
            return None
        new = [text.strip() if size == now else str(now) for text, size, now in zip(old, value.shape, shape, strict=True)]
        changed = [text.strip() for text, size, now in zip(old, value.shape, shape, strict=True) if size != now]
        sizes = f"[{', '.join(new)}]"
        texts.append(f"`{value.span.text[: written.start()]}{sizes}`")
        if not all(text.replace("_", "").isdecimal() for text in changed):
            return guess(f"{said}, such as {' and '.join(texts)}")
        start = value.span.start + written.start()
        edits.append(Edit(Span(value.span.file, start, start + len(written[0])), sizes))
    return guess(f"{said}: {' and '.join(texts)}", *edits) if edits else None
