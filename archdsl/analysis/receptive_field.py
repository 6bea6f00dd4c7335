"""The receptive field of each layer: how much of the input one position of its output sees, through all branches.

The sizes along a chain are those of Araujo, Norris & Sim 2019 (doi:10.23915/distill.00021): a window of `k` with dilation
`d` adds `d * (k - 1)` times the product of the strides before it. Where branches meet, the largest counts. A layer that
begins to see nothing new when its input already sees the whole image is *unproductive* (Richter et al. 2021, "Should you go
deeper?", arXiv:2106.12307): it can be of use only at input sizes from `new_from` on.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from archdsl.analysis.seen import Seen, Sight
from archdsl.analysis.sight_rules import sights
from archdsl.ir import FlatGraph


class AxisField(NamedTuple):
    """The receptive field along one axis of an input.

    `size` is None if no window bounds it; then `whole` says that everything is seen, and otherwise it is unknown. `jump` is the
    distance between the fields of neighbouring positions, and `center` the middle of that of the first position, in positions of
    the input: both are None if the positions are in another order. `least` is the field of the path that sees the least.
    """

    size: int | None
    jump: Fraction | None = None
    center: Fraction | None = None
    least: int | None = None
    whole: bool = False
    known: bool = True


class LayerField(NamedTuple):
    """The field of a layer for each axis of an input of the network, by the number of the input.

    `new_from` is the smallest input size, along any axis, at which its window sees something that its input does not see, by
    the path that sees the most; None if it has no window, or if that is unknown. `new_from_least` is that by the path that
    sees the least: below it, the layer is unproductive whatever path is taken.
    """

    fields: dict[int, tuple[AxisField, ...]]
    new_from: int | None = None
    new_from_least: int | None = None

    @property
    def first(self) -> tuple[AxisField, ...]:
        """The field in the first input that it sees; empty if it sees none."""
        return next(iter(self.fields.values()), ())


def receptive_fields(flat: FlatGraph) -> list[LayerField]:
    """Return the receptive field of each op of a network, in the order of its nodes."""
    seen: list[Sight] = []
    for number in range(flat.nodes[0].outputs.start if flat.nodes else 0):
        rank = len(flat.values[number].shape)
        seen.append({(number, axis): Seen(axis) for axis in range(min(1, rank - 1), rank)})
    found = []
    known: dict[Seen, AxisField] = {}
    for node in flat.nodes:
        inputs = [seen[number] for number in node.inputs]
        made = sights(node.op, node.node.input_shapes, inputs, [value.shape for value in node.node.outputs])
        seen += made
        found.append(_layer(inputs, made[0], known))
    return found


def _layer(inputs: list[Sight], output: Sight, known_fields: dict[Seen, AxisField]) -> LayerField:
    fields: dict[int, list[AxisField]] = {}
    for (number, _), seen in sorted(output.items()):
        key = seen._replace(axis=0)  # the axes of an image often see equally much
        field = known_fields.get(key)
        if field is None:
            field = known_fields[key] = _field(seen)
        fields.setdefault(number, []).append(field)
    before = inputs[0] if len(inputs) == 1 else {}
    growing = [(before[key], seen) for key, seen in output.items() if key in before and _grows(before[key], seen)]
    new_from = max([one.reach.size for one, _ in growing if one.reach is not None], default=None)
    least = [one.least for one, _ in growing]
    known = [size for size in least if size is not None]
    return LayerField(
        {number: tuple(axes) for number, axes in fields.items()},
        new_from,
        max(known) if known and len(known) == len(least) else None,
    )


def _grows(before: Seen, after: Seen) -> bool:
    return before.reach is not None and after.reach is not None and after.reach.size > before.reach.size


def _field(seen: Seen) -> AxisField:
    reach = seen.reach
    if reach is None:
        return AxisField(None, whole=seen.whole, known=seen.known)
    if not seen.aligned:
        return AxisField(reach.size, least=seen.least, whole=seen.whole, known=seen.known)
    return AxisField(reach.size, reach.jump, reach.center, seen.least, seen.whole, seen.known)


def per_axis(values: Sequence[str]) -> str:
    """Return one value if all axes agree, else one for each."""
    return values[0] if len(set(values)) == 1 else " × ".join(values)


def field_text(axes: Sequence[AxisField]) -> str:
    """Return a receptive field: its sizes, `all` where everything is seen, `?` where that is unknown; empty if it sees none."""
    return per_axis([_axis_text(axis) for axis in axes]) if axes else ""


def _axis_text(axis: AxisField) -> str:
    if axis.whole and axis.size is None:
        return "all"
    if not axis.known and axis.size is None:
        return "?"
    return f"{axis.size:,}{' + all' if axis.whole else ''}"
