"""The receptive field behind each stage of a text, in the network in which it is applied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from archdsl.ir import Graph, flatten
from archdsl.source import SourceFile, Span


def receptive_field_texts(source: SourceFile, graphs: Iterable[Graph]) -> Mapping[Span, list[str]]:
    """Return for each stage of a text the fields of its applications in the first network that has any, in order.

    The field of a call of a block is that of its last op.
    """
    from archdsl.analysis.receptive_field import field_text, receptive_fields  # here: most hovers are over names

    found: dict[Span, list[str]] = {}
    for graph in graphs:
        flat = flatten(graph)
        last: dict[tuple[Span, tuple[int, ...]], str] = {}
        for node, field in zip(flat.nodes, receptive_fields(flat), strict=True):
            nodes = [*node.calls, node.node]
            for depth, one in enumerate(nodes, 1):
                if one.span is not None and one.span.file is source:
                    last[one.span, tuple([id(part) for part in nodes[:depth]])] = field_text(field.first)
        texts: dict[Span, list[str]] = {}
        for (span, _), text in last.items():
            if text:
                texts.setdefault(span, []).append(text)
        for span, fields in texts.items():
            found.setdefault(span, list(dict.fromkeys(fields)))
    return found
