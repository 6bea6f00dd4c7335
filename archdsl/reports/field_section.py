"""The section on receptive fields: how far the network sees, where that grows, and what strides leave out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archdsl.analysis.receptive_field import AxisField, field_text, per_axis
from archdsl.reports.curve import Curve
from archdsl.reports.document import Part, Table
from archdsl.reports.facts import Facts, Layer
from archdsl.reports.wording import number, picked


def receptive_field(facts: Facts) -> Iterator[Part]:
    """Yield the parts of the section; none if nothing sees an input."""
    largest, image = facts.field, facts.image
    if largest is None:
        return
    yield _field_words(facts, largest)
    sizes = [size for size in image if isinstance(size, int)]
    if len(sizes) == len(image) and facts.windows:
        wasted = facts.unproductive
        if wasted:
            names = f"from `{wasted[0].name}` on" if len(wasted) > 1 else f"`{wasted[0].name}`"
            certain = [layer for layer in wasted if (layer.field.new_from_least or 0) > max(sizes)]
            small = ""
            if not certain:
                small = " By the paths that see the least, all of them see something new."
            elif len(certain) < len(wasted):
                small = f" {len(certain)} of them do so by every path."
            yield (
                f"Of {len(facts.windows)} layers with a window, {len(wasted)} begin where the whole input is seen already, "
                f"{names}: they add no context at this size.{small}"
            )
        else:
            yield "Each layer with a window sees something that its input does not see."
    rows = [[layer.name, layer.op, field_text(layer.field.first), _from_size(layer)] for layer in facts.windows]
    if rows:
        about = "Where the field grows; `new from` is the input size from which the layer sees more than its input does."
        yield Table(("layer", "op", "field", "new from"), picked(rows), "<<>>", about)
    if facts.dropped:
        yield from _dropped(facts)
    if _only_one(largest.field.first):
        return
    main = [layer for layer in facts.layers if layer.part == "main"]
    values = [max([axis.size or 0 for axis in layer.field.first], default=0) or None for layer in main]
    mark = (float(max(sizes)), f"input: {max(sizes)}") if sizes else None
    yield Curve("Receptive field by depth.", values, "ops in order", lambda value: f"{value:,.0f}", mark)


def _field_words(facts: Facts, largest: Layer) -> str:
    axes = largest.field.first
    jumps = per_axis([number(axis.jump) if axis.jump is not None else "?" for axis in axes])
    starts = per_axis([number(axis.center) if axis.center is not None else "?" for axis in axes])
    words = f"One position of `{largest.name}` sees {field_text(axes)} positions of the input, by the path that sees the most."
    if _only_one(axes):
        words = "No window sees more than one position of the input."
    elif all(axis.jump is not None for axis in axes):
        words += (
            f" Neighbouring positions are {jumps} apart, and the first one is centred at {starts}, where 0 is the first pixel."
        )
    whole, lost = facts.sees_all, facts.unfollowed
    if whole is not None:
        words += f" From `{whole.name}` on{_op_of(whole)}, everything is seen."
    if lost is not None:
        words += f" Behind `{lost.name}`{_op_of(lost)} the field is not followed, and unknown."
    return words


def _op_of(layer: Layer) -> str:
    """Return the op of a layer behind its name, unless that is it."""
    return "" if layer.name == layer.node.op.name or layer.name.endswith(")") else f" (`{layer.op}`)"


def _only_one(axes: Sequence[AxisField]) -> bool:
    return all(axis.size == 1 for axis in axes)


def _from_size(layer: Layer) -> str:
    largest, least = layer.field.new_from, layer.field.new_from_least
    return f"{largest:,}" if least in (None, largest) else f"{largest:,} ({least:,})"


def _dropped(facts: Facts) -> Iterator[Part]:
    places: dict[tuple[str, str, str], list[str]] = {}
    for one in facts.dropped:
        node, names = one.node, ("rows", "columns") if len(one.node.shape) == 3 else ()
        axis = names[one.axis - 1] if names else f"axis {one.axis}"
        last = f"{'' if one.always else 'up to '}{one.last}" if one.last else ""
        between = f"{one.between} of {one.between + 1}" if one.between else ""
        name = node.path if node.node.module is not None else node.op.name
        places.setdefault((name, last, between), []).append(axis)
    rows = [[name, ", ".join(axes), last, between] for (name, last, between), axes in places.items()]
    yield Table(
        ("layer", "", "at the end", "between windows"),
        picked(rows),
        "<<>>",
        "Rows and columns that a strided window never sees.",
    )
