"""Ops and shapes as text in a figure: `3×3 conv, 64, /2` for `conv(64, 3, stride = 2)`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from archdsl.analysis import describe, varies
from archdsl.backends.diagram.model import Detail, Part
from archdsl.ir import Graph, OpNode
from archdsl.literals import show
from archdsl.ops.base import Category
from archdsl.shapes import Dim, Shape

_LONG = 40
_LONG_SHAPE = 80
_MOST_INPUTS = 3


def shape_text(shape: Shape) -> str:
    """Return `64×56×56`, or `64×⌊H/2⌋×⌊W/2⌋` for symbolic sizes."""
    texts = [_size(size) for size in shape]
    apart = [f"({text})" if " " in text and not text.endswith("⌋") and not text.endswith("⌉") else text for text in texts]
    return _short("×".join(apart), _LONG_SHAPE)


def inputs_text(graph: Graph) -> str:
    """Return the shapes of the first few inputs: `3×224×224, 10`."""
    texts = [shape_text(value.shape) for value in graph.inputs[:_MOST_INPUTS]]
    more = len(graph.inputs) - len(texts)
    return ", ".join(texts) + (f" and {more} more" if more else "")


def spatial(shape: Shape) -> Shape:
    """Return the sizes without the channels."""
    return shape[1:]


def resolution(shape: Shape) -> tuple[float, str] | None:
    """Return height and width as a size to compare and as words; None for what has none."""
    if len(shape) < 3:
        return None
    size = 1.0
    for dim in spatial(shape):
        size *= _sample(dim)
    return size, shape_text(spatial(shape))


def op_part(node: OpNode, detail: Detail, values: Sequence[OpNode]) -> Part:
    """Return the text for an op. `values` are the ops that it represents, whose probabilities may differ."""
    main = node.op.weight_layer
    if detail == "full":
        return Part(_short(describe(node.op)), main)
    words = [_spread([_named(other) for other in values])]
    given = dict(node.op)
    for position, name in enumerate(node.op.parameters_in_order()):
        field = type(node.op).fields[name]
        if name in node.op.not_in_figures:
            continue
        if field.is_required() or varies(node.op, name):
            if not (main and position == 0):
                words[0] += f" {_values(name, values)}"
        elif given[name] != field.default or differ([getattr(other.op, name) for other in values]):
            words.append(f"{name} {_values(name, values)}")
    if main and node.output.shape:
        words.insert(1, _channels([width(other) for other in values]))
    return Part(_short(", ".join([*words, *_step(node)])), main)


def width(node: OpNode) -> Dim:
    """Return how many features a layer with weights makes."""
    return node.output.shape[0 if node.op.category is Category.CONVOLUTION else -1]


def short_name(node: OpNode) -> str:
    """Return an op as the head of a column: `3×3 conv`."""
    return _named(node)


def shared_part(name: str) -> Part:
    """Return the words on a box whose weights other boxes share."""
    return Part(_short(f"shared: {name}"))


def _named(node: OpNode) -> str:
    """Return the op with its window before it: `3×3 conv`."""
    window = node.op.attributes(*node.input_shapes).get("k")
    return f"{'×'.join(map(str, window))} {node.op.name}" if isinstance(window, tuple) else node.op.name


def _step(node: OpNode) -> list[str]:
    """Return `/2` for a stride of two, and `↑2` if it enlarges."""
    steps = node.op.attributes(*node.input_shapes).get("stride", ())
    if set(steps) <= {1}:
        return []
    if not node.inputs:
        return []
    before = node.input_shapes[0]
    sizes = zip(spatial(before), spatial(node.output.shape), strict=False)
    sign = "↑" if any(_sample(b) < _sample(a) for b, a in sizes) else "/"
    return [sign + "×".join(map(str, steps if len(set(steps)) > 1 else steps[:1]))]


def _sample(size: Dim) -> int:
    return size if isinstance(size, int) else size.value(dict.fromkeys(size.symbols, 1 << 20))


def _values(name: str, nodes: Sequence[OpNode]) -> str:
    """Return a parameter's value, or its range over several ops."""
    values = [getattr(node.op, name) for node in nodes]
    if isinstance(values[0], float):
        low, high = f"{min(values):.2g}", f"{max(values):.2g}"
        return low if low == high else f"{low}–{high}"
    if differ(values):
        return _range(values)
    return show(values[0], nodes[0].op.words(name))


def _range(values: Sequence[Any]) -> str:
    """Return the least and the largest of some whole numbers, or of those at each place of a shape."""
    if isinstance(values[0], tuple):
        return f"[{', '.join([_range(same) if differ(same) else str(same[0]) for same in zip(*values, strict=True)])}]"
    return f"{min(values)}–{max(values)}"


def differ(values: Sequence[object]) -> bool:
    """Return whether values are not all equal."""
    return any(value != values[0] for value in values[1:])


def _channels(sizes: Sequence[Dim]) -> str:
    """Return the channels of one op, or of several from the fewest to the most."""
    whole = [size for size in sizes if isinstance(size, int)]
    if len(whole) < len(sizes) or not differ(whole):
        return _size(sizes[0])
    return f"{min(whole)}–{max(whole)}"


def _spread(texts: Sequence[str]) -> str:
    """Return a text, or the first and the last of several."""
    low, high = min(texts, key=lambda text: (len(text), text)), max(texts, key=lambda text: (len(text), text))
    return low if low == high else f"{low}–{high}"


def _size(size: Dim) -> str:
    text = re.sub(r"(?<![\w/)])(\d+)\*", r"\1", str(size)).replace("*", "·")
    for word, left, right in (("floor(", "⌊", "⌋"), ("ceil(", "⌈", "⌉")):
        while word in text:
            start = text.index(word)
            end = _closing_bracket(text, start + len(word))
            text = text[:start] + left + text[start + len(word) : end] + right + text[end + 1 :]
    return _short(text)


def _closing_bracket(text: str, start: int) -> int:
    """Return the position of the bracket that closes the one right before `start`."""
    depth = 1
    for i in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[i], 0)
        if depth == 0:
            return i
    return len(text)


def _short(text: str, most: int = _LONG) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
