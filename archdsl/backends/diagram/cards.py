"""Which ops share a card, as a person would draw them: `3×3 conv, 64 · bn · relu`."""

from __future__ import annotations

from archdsl.backends.diagram.model import Box, Detail, Kind, Part, Use
from archdsl.backends.diagram.words import part, shape_text
from archdsl.ir.unrolled import Graph, Node
from archdsl.ops.base import Category

_MOST_OPS = 8
"""On one card; a longer run of plain ops goes on with the next."""
_FOLLOWERS = frozenset({Category.NORMALIZATION, Category.ACTIVATION, Category.REGULARIZATION, Category.SCALE})


def boxes_of(graph: Graph, detail: Detail) -> list[Box]:
    """A box for every op or run of ops, in the order of the network, without words."""
    return [_box(graph, nodes) for nodes in _cards(graph, detail)]


def write_words(graph: Graph, box: Box, members: list[Box], detail: Detail) -> None:
    """Give a box the words for all that it stands for."""
    if box.kind is Kind.INPUT:
        (node,) = box.nodes
        box.parts = Part(node.label or "input", main=True), Part(shape_text(node.shape))
    elif box.nodes:
        columns = zip(*(member.nodes for member in members), strict=True)
        box.parts = tuple(part(graph, column[0], detail, column) for column in columns)


def _cards(graph: Graph, detail: Detail) -> list[list[Node]]:
    ends = {head.value for head in graph.heads} | {output.value for output in graph.outputs}
    cards: list[list[Node]] = []
    ending: dict[int, list[Node]] = {}
    for node in graph.nodes:
        card = ending.pop(node.inputs[0], None) if detail == "blocks" and len(node.inputs) == 1 else None
        if card is not None and _alone(graph, card[-1], ends) and card[-1].scope is node.scope and _fits(card, node):
            card.append(node)
        else:
            card = [node]
            cards.append(card)
        ending[node.index] = card
    return cards


def _alone(graph: Graph, node: Node, ends: set[int]) -> bool:
    """Whether exactly one op takes the value, so that nothing else starts in the middle of a card."""
    return len(graph.consumers[node.index]) == 1 and node.index not in ends


def _fits(card: list[Node], node: Node) -> bool:
    """Post-activation (`conv · bn · relu`), pre-activation (`bn · relu · conv`), and `gap · flatten · dropout`."""
    if len(card) == _MOST_OPS:
        return False
    first, category = card[0].op, node.op.category
    weighted = any(other.op.weight_layer for other in card)
    if node.op.weight_layer:
        return first.category in _FOLLOWERS and not weighted
    if first.category is Category.POOLING:
        return category is Category.REGULARIZATION or (len(node.shape) == 1 and category not in _FOLLOWERS)
    return category in _FOLLOWERS and (first.weight_layer or (first.category in _FOLLOWERS and not weighted))


def _box(graph: Graph, nodes: list[Node]) -> Box:
    first = nodes[0]
    category = next((node.op.category for node in nodes if node.op.weight_layer), first.op.category)
    kind = Kind.CARD
    if category is Category.INPUT:
        kind = Kind.INPUT
    elif category is Category.JOIN:
        kind = Kind.BAR if "axis" in type(first.op).model_fields else Kind.JOIN
    return Box(f"n{first.index}", kind, category, nodes=tuple(nodes), use=use_of(graph, first.index))


def use_of(graph: Graph, index: int) -> Use:
    """When a value is computed."""
    if graph.in_evaluation[index]:
        return Use.ALWAYS
    return Use.TRAINING if graph.in_training[index] else Use.UNUSED
