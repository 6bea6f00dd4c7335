"""N0302: an input whose sizes look like those of an image in another order.

`[1, 3, 224, 224]` may mean a batch, `[224, 224, 3]` channels that come last, `image [28, 28]` channels that are left out.
Each is a network that works, on volumes, on images with 224 channels, on signals, so that it is a note. The fix is the other
order.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from archdsl.diagnostics import Diagnostic, codes
from archdsl.ir import Graph, Value
from archdsl.lints.rule import GraphRule
from archdsl.shapes import format_shape
from archdsl.source import Span

_IMAGES: Final = frozenset({"image", "img", "picture", "photo"})


def _check(graph: Graph) -> Iterable[Diagnostic]:
    for value in graph.inputs:
        finding = _unlike_an_image(value)
        if finding is not None and value.span is not None:
            yield finding.at(_sizes(value.span))


def _unlike_an_image(value: Value) -> Diagnostic | None:
    name, shape = str(value), value.shape
    sizes = tuple(format_shape((size,))[1:-1] for size in shape)
    if len(shape) == 4 and shape[1] in (1, 3):
        return codes.notes.BatchWritten(name, sizes, sizes[1:])
    if len(shape) == 3 and shape[0] == shape[1] != shape[2] and shape[2] in (1, 3, 4):
        return codes.notes.ChannelsLast(name, sizes, (sizes[2], *sizes[:2]))
    if len(shape) == 2 and shape[0] == shape[1] and name in _IMAGES:
        return codes.notes.ChannelsLeftOut(name, sizes, ("1", *sizes))
    return None


def _sizes(statement: Span) -> Span:
    """Return the place of the sizes in `input name [sizes]`."""
    text = statement.text
    return statement._replace(start=statement.start + text.index("["), end=statement.start + text.index("]") + 1)


RULE = GraphRule("N0302", _check, local=True)
