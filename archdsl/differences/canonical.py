"""The order of ops that their wiring gives, whatever the order in the text: networks that are equal in it are the same graph."""

from __future__ import annotations

from typing import NamedTuple

from archdsl.differences.side import Side


class Canonical(NamedTuple):
    """The ops in canonical order, and the steps in it: equal for two networks if they compute the same with the same sharing."""

    order: list[int]
    steps: tuple[object, ...]


def canonical(side: Side) -> Canonical:
    """Return the canonical order of a network: each op after what it takes, for one output after the other.

    Ops that no output needs come last, in the order of the text. A module that is applied twice has one number in the steps.
    """
    nodes, makers = side.nodes, side.makers
    order: list[int] = []
    numbers: dict[int, int] = {}
    waiting = [makers[value] for value in reversed(side.flat.outputs) if value in makers]
    waiting = [*range(len(nodes) - 1, -1, -1), *waiting]
    while waiting:
        position = waiting[-1]
        needed = [makers[value] for value in nodes[position].inputs if value in makers and makers[value] not in numbers]
        if position not in numbers and needed:
            waiting += reversed(needed)
            continue
        waiting.pop()
        if position not in numbers:
            numbers[position] = len(order)
            order.append(position)
    modules: dict[str, int] = {}

    def value_name(value: int) -> tuple[int, int]:
        maker = makers.get(value)
        return (-1, value) if maker is None else (numbers[maker], value - nodes[maker].outputs.start)

    steps: list[object] = []
    for position in order:
        node = nodes[position]
        module = modules.setdefault(node.path, len(modules)) if side.tensors(position) else None
        steps.append((side.forms.of_op(node.op), tuple(map(value_name, node.inputs)), len(node.outputs), module))
    steps.append(tuple(map(value_name, side.flat.outputs)))
    return Canonical(order, tuple(steps))
