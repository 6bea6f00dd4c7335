"""The links of a scene: which part takes what which other one makes, and which links are skips or projections."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.backends.diagram.edges import projections
from archdsl.backends.viewer.folding import Piece
from archdsl.backends.viewer.model import Kind, Link
from archdsl.ir import Call, Node, OpNode, Value
from archdsl.ops.base import Category


def links_of(pieces: Sequence[Piece], inputs: Sequence[Value], outputs: Sequence[Value]) -> list[Link]:
    """Return the links of a scene by the inputs of its parts, then by its outputs."""
    makers = {value: (-1 - position, 0) for position, value in enumerate(inputs)}
    for number, piece in enumerate(pieces):
        makers.update((value, (number, position)) for position, value in enumerate(piece.makes))
    takers = [(number, piece.takes) for number, piece in enumerate(pieces)]
    takers += [(len(pieces) + position, (value,)) for position, value in enumerate(outputs)]
    links = [
        Link(*makers[value], target, position)
        for target, values in takers
        for position, value in enumerate(values)
        if value in makers
    ]
    links = _with_skips(links, len(pieces) + len(outputs))
    joins = [number for number, piece in enumerate(pieces) if piece.part.kind is Kind.JOIN]
    active = {number for number, piece in enumerate(pieces) if any(map(_is_active, piece.nodes))}
    projected = set(projections(links, joins, active))
    return [link._replace(projection=True) if link in projected else link for link in links]


def _is_active(node: Node) -> bool:
    """Return whether there is an activation in a node."""
    if isinstance(node, Call):
        return any(map(_is_active, node.callee.nodes))
    return isinstance(node, OpNode) and node.op.category is Category.ACTIVATION


def _with_skips(links: list[Link], ends: int) -> list[Link]:
    """Mark the links whose source reaches the target through another part as well.

    The bits of one number say which parts and inputs come before a part. Parts are in an order that runs.
    """
    incoming: dict[int, list[Link]] = {}
    for link in links:
        incoming.setdefault(link.target, []).append(link)
    before: dict[int, int] = {}
    inputs = 1 + max([-link.source for link in links], default=0)
    skips: set[Link] = set()
    for target in range(ends):
        reached = passed = 0
        for link in incoming.get(target, ()):
            reached |= before.get(link.source, 0)
            passed |= 1 << (link.source + inputs)
        skips |= {link for link in incoming.get(target, ()) if reached >> (link.source + inputs) & 1}
        before[target] = reached | passed
    return [link._replace(skip=True) if link in skips else link for link in links]
