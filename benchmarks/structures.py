"""The structure of a graph at fixed sizes, in one form for what is the same: two graphs of one structure compute the same.

An op that only takes sizes from a value is the op with these sizes: at fixed sizes, `crop_like` is `slice`, and `coords` is
`const`. Ops that do nothing, such as a dropout of nothing, are left out. Of several reshapes and permutations in a row, only the
order of the elements in the result counts, and of several slices, what remains. A sum of sums is one sum.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import md5
from math import prod
from operator import itemgetter
from typing import Any, NamedTuple

import torch

from archdsl.ir import Graph
from archdsl.ir.flat import FlatNode, flatten
from archdsl.ops import Op
from archdsl.ops.tokens import Rearrange
from archdsl.shapes import Shape

_ARRANGING = ("flatten", "reshape", "rearrange", "transpose", "permute")
"""Ops that only arrange elements."""
_ALIKE = {"bottleneck": "conv", "depthwise": "conv", "resize_like": "resize"}
"""Ops that are another one with some of its arguments."""
_RANDOM = ("dropout", "dropout2d", "droppath")
"""Ops that do nothing with a probability of zero."""
_UNORDERED = ("add", "mul", "max", "min")
_UNSEEN = ("bias", "broadcast", "init", "init_value", "present", "size")
"""Arguments that are compared otherwise: by keys, inputs and shapes. How tensors begin cannot be imported."""


class Form(NamedTuple):
    """What a value is: the name of its op, the key of its tensors, its shape, the op's arguments, and hashes of its inputs."""

    name: str
    key: str
    shape: tuple[int, ...]
    arguments: Any = ()
    inputs: tuple[int, ...] = ()
    output: int = 0


_NOTHING = Form("nothing", "", ())


def structure(graph: Graph) -> Counter[Form]:
    """Return how often the graph has each value, and each result: its kind and name, and what it is."""
    flat = flatten(graph)
    made = _Structure(Counter(number for node in flat.nodes for number in node.op.data_of(node.inputs)))
    made.forms |= {number: Form("input", str(number), tuple(value.shape)) for number, value in enumerate(graph.inputs)}
    for node in flat.nodes:
        made.add(node, [tuple(flat.values[number].shape) for number in node.outputs])
    for (name, kind, *_), number in zip(graph.results, flat.outputs, strict=True):
        made.found[Form(kind, "" if kind == "main" else name, (), (), (hash(made.forms[number]),))] += 1
    return +made.found


class _Structure:
    def __init__(self, reads: Counter[int]) -> None:
        self.reads, self.found = reads, Counter[Form]()
        self.forms: dict[int, Form] = {}
        self.orders: dict[int, torch.Tensor] = {}
        """For values that are arranged, where each element was before."""

    def add(self, node: FlatNode, shapes: Sequence[tuple[int, ...]]) -> None:
        """Note what the outputs of a node are."""
        op, sizes, shape = node.op, node.node.input_shapes, shapes[0]
        inputs = [number for number in op.data_of(node.inputs) if self.forms[number] is not _NOTHING]
        source = self.forms[inputs[0]] if inputs else Form("", "", ())
        key = node.path if op.parameters(*sizes) or op.buffers(*sizes) else ""
        if op.name == "window_mask" and shape[:2] == (1, 1):  # a single window hides nothing
            self.forms[node.outputs[0]] = _NOTHING
        elif _does_nothing(op, sizes, shape):
            self.forms[node.outputs[0]] = source
        elif op.name in _ARRANGING:
            before = self.orders.get(inputs[0], torch.arange(prod(sizes[0]), dtype=torch.int32).reshape(sizes[0]))
            self.orders[node.outputs[0]] = order = _in_order(op, sizes, before).reshape(shape)
            self._after(node, Form("arranged", "", shape, md5(order.numpy().tobytes()).hexdigest()), inputs)
        elif (kept := _kept(op, sizes)) is not None:
            earlier = source.arguments if source.name == "part" else [(0, size, 1) for size in sizes[0]]
            parts = tuple((a + b * step, length, step * by) for (a, _, step), (b, length, by) in zip(earlier, kept, strict=True))
            self._after(node, Form("part", "", shape, parts), inputs)
        elif op.name == "pos_embed" and not op.attributes(*sizes)["resized"]:
            table = _form(Op.registry.get("param")(shape=shape, batch_axis=True), (), key, shape)  # type: ignore[misc]
            self.found[table] += 1
            self._let(node.outputs[0], Form("add", "", shape, (), tuple(sorted((hash(source), hash(table))))))
        else:
            summed = op.name == "add" and len(inputs) > 1
            found = self._summands(inputs, shape) if summed else (hash(self.forms[number]) for number in inputs)
            hashes = tuple(sorted(found) if op.name in _UNORDERED else found)
            for at, number in enumerate(node.outputs):
                self._let(number, _form(op, sizes, key, shapes[at])._replace(inputs=hashes, output=at))

    def _let(self, number: int, form: Form) -> None:
        self.forms[number] = form
        self.found[form] += 1

    def _after(self, node: FlatNode, form: Form, inputs: Sequence[int]) -> None:
        """Note a form that has what another of its kind before it does, too."""
        source = self.forms[inputs[0]]
        again = source.name == form.name
        self.found[source] -= again
        self._let(node.outputs[0], form._replace(inputs=source.inputs if again else (hash(source),)))

    def _summands(self, inputs: Sequence[int], shape: Shape) -> Iterator[int]:
        for number in inputs:
            form = self.forms[number]
            if form.name == "add" and form.inputs and form.shape == shape and self.reads[number] == 1 and not form.arguments:
                self.found[form] -= 1
                yield from form.inputs
            else:
                yield hash(form)


def _does_nothing(op: Op, sizes: tuple[Shape, ...], shape: Shape) -> bool:
    if op.name in ("pad_to", "crop_like"):
        return shape == sizes[0]
    if op.name == "window_shift":
        return not any(op.attributes(*sizes)["shift"])
    return op.is_identity(*sizes) or (op.name in _RANDOM and getattr(op, "p", 1) == 0)


def _kept(op: Op, sizes: tuple[Shape, ...]) -> list[tuple[int, int, int]] | None:
    """Return the start, the number and the step of the positions that an op keeps on each axis; None for other ops."""
    if op.name not in ("slice", "crop_like"):
        return None
    given = op.attributes(*sizes)
    kept = [(0, size, 1) for size in sizes[0]]
    if op.name == "slice":
        kept[given["axis"]] = (given["start"], len(range(0, given["length"], given["step"])), given["step"])
        return kept
    for axis in given["axis"]:
        start = (sizes[0][axis] - sizes[1][axis]) // 2 if given["keep"] == "middle" else 0
        kept[axis] = (start, sizes[1][axis], 1)
    return kept


def _form(op: Op, sizes: tuple[Shape, ...], key: str, shape: tuple[int, ...]) -> Form:
    name, given = _ALIKE.get(op.name, op.name), dict(op.attributes(*sizes))
    if name == "const":
        given = {"value": _numbers(given["value"])}
    elif name in ("max", "min") and "number" in given:
        name, given = "clamp", {"low" if name == "max" else "high": float(given["number"])}
    elif name == "coords":
        name, given = "const", {"value": _numbers(range(shape[0]))}
    elif name == "window_shift":
        name, given = "roll", {"shift": given["shift"], "axis": given["axis"]}
    seen = {argument: _rounded(value) for argument, value in given.items() if value is not None and value is not False}
    return Form(name, key, shape, tuple(sorted((item for item in seen.items() if item[0] not in _UNSEEN), key=itemgetter(0))))


def _in_order(op: Op, sizes: tuple[Shape, ...], places: torch.Tensor) -> torch.Tensor:
    """Return numbers as an op arranges them."""
    given = op.attributes(*sizes)
    if op.name == "transpose":
        return places.transpose(given["a"], given["b"])
    if op.name == "permute":
        return places.permute(given["order"])
    if not isinstance(op, Rearrange):
        return places
    axes = op.axes(*sizes)
    names = [name for group in axes.left for name in group.names]
    order = [names.index(name) for group in axes.right for name in group.names]
    return places.reshape([axes.sizes[name] for name in names]).permute(order)


def _numbers(value: Any) -> Any:
    """Return the numbers of nested lists one after another; one number if they are the same."""
    if not isinstance(value, tuple | list | range):
        return (float(value),)
    found = tuple(number for item in value for number in _numbers(item))
    return found[:1] if len(set(found)) == 1 else found


def _rounded(value: Any) -> Any:
    """Return an argument whose numbers are rounded as those of single precision are; text for an op."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, tuple | list):
        return tuple(map(_rounded, value))
    return value if isinstance(value, int | None) else str(value)
