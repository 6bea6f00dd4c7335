"""The contents of a function in a diagram: ops as cards like those in papers (`3×3 conv, 64 · bn`), and calls as frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeAlias

from archdsl.backends.diagram.model import Detail
from archdsl.ir import Call, Function, OpNode, Value
from archdsl.ops.base import Category

_MOST_OPS = 8
"""On one card; a longer run of plain ops goes on with the next."""
_FOLLOWERS = frozenset({Category.NORMALIZATION, Category.ACTIVATION, Category.REGULARIZATION, Category.SCALE})

Card: TypeAlias = "tuple[OpNode, ...]"
"""The ops that share a box, each of which takes what the one before it makes."""
Item: TypeAlias = "Card | Call"
Source: TypeAlias = "tuple[int, int]"
"""Who makes a value: an item and which of its outputs; item -1 for an input of the function."""


@dataclass(frozen=True, eq=False, slots=True)
class Contents:
    """The items of a function in their order, whose values each takes, and which values the function returns."""

    items: tuple[Item, ...]
    sources: tuple[tuple[Source, ...], ...]
    returned: tuple[Source, ...]


def contents_of(function: Function, detail: Detail) -> Contents:
    """Return what is drawn of a function; with `full` detail each op is a card."""
    cards: list[list[OpNode] | Call] = []
    open_cards: dict[Value, list[OpNode]] = {}
    for node in function.nodes:
        if isinstance(node, Call):
            cards.append(node)
            continue
        assert isinstance(node, OpNode)
        card = open_cards.pop(node.inputs[0], None) if detail == "blocks" and len(node.inputs) == 1 else None
        if (
            card is not None
            and len(node.inputs[0].uses) == 1
            and family_of((card[-1],)) == family_of((node,))
            and _fits(card, node)
        ):
            card.append(node)
        else:
            card = [node]
            cards.append(card)
        if len(node.outputs) == 1:
            open_cards[node.output] = card
    items = tuple(card if isinstance(card, Call) else tuple(card) for card in cards)
    made: dict[Value, Source] = {value: (-1, position) for position, value in enumerate(function.inputs)}
    for i, item in enumerate(items):
        made.update((value, (i, position)) for position, value in enumerate(last_node(item).outputs))
    sources = tuple(tuple([made[value] for value in first_node(item).inputs]) for item in items)
    return Contents(items, sources, tuple([made[value] for value in function.outputs]))


def first_node(item: Item) -> OpNode | Call:
    """Return the node whose inputs an item takes."""
    return item if isinstance(item, Call) else item[0]


def last_node(item: Item) -> OpNode | Call:
    """Return the node whose outputs an item makes."""
    return item if isinstance(item, Call) else item[-1]


def family_of(item: Item) -> str:
    """Return the indexed family of which an item is a member; an empty name if it is of none."""
    module = first_node(item).module
    return module.key[0] if module is not None and len(module.key) > 1 else ""


def whole_families(items: Sequence[Item]) -> frozenset[str]:
    """Return the indexed families whose members follow one another, with nothing in between."""
    parts = Counter([family for family, _ in groupby(items, family_of)])
    return frozenset([family for family, count in parts.items() if family and count == 1])


def last_uses(contents: Contents) -> dict[Source, int]:
    """Return for each value the last item that takes it; what the function returns is taken after all items."""
    last = {(i, position): i for i, item in enumerate(contents.items) for position in range(_outputs(item))}
    for i, sources in enumerate(contents.sources):
        last.update(dict.fromkeys(sources, i))
    last.update(dict.fromkeys(contents.returned, len(contents.items)))
    return last


def _outputs(item: Item) -> int:
    return len(item.outputs) if isinstance(item, Call) else len(item[-1].outputs)


def made_by(contents: Contents, start: int, period: int) -> list[Source]:
    """Return the values that the items of a part make."""
    return [(i, position) for i in range(start, start + period) for position in range(_outputs(contents.items[i]))]


def shifted(contents: Contents, start: int, period: int, at: int) -> bool:
    """Return whether the next part takes the counterparts of what this part takes, and the same from before the run."""
    return all(
        second == ((first[0] + period, first[1]) if first[0] >= at else first)
        for i in range(start, start + period)
        for first, second in zip(contents.sources[i], contents.sources[i + period], strict=True)
    )


def leaves_at(contents: Contents, chain: set[Source], end: int, period: int, last_use: dict[Source, int]) -> bool:
    """Return whether the last part feeds what comes after with the same values that feed the next one in all other parts."""
    start = end - period
    return all(last_use[source] < end or (source[0] - start, source[1]) in chain for source in made_by(contents, start, period))


def _fits(card: list[OpNode], node: OpNode) -> bool:
    """Accept post-activation (`conv · bn · relu`), pre-activation (`bn · relu · conv`), and `gap · flatten · dropout`."""
    if len(card) == _MOST_OPS:
        return False
    first, category = card[0].op, node.op.category
    weighted = any(other.op.weight_layer for other in card)
    if node.op.weight_layer:
        return first.category in _FOLLOWERS and not weighted
    if first.category is Category.POOLING:
        return category is Category.REGULARIZATION or (len(node.output.shape) == 1 and category not in _FOLLOWERS)
    return category in _FOLLOWERS and (first.weight_layer or (first.category in _FOLLOWERS and not weighted))
