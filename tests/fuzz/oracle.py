"""What PyTorch says: the shape of every value of a graph, or the op that fails.

Each op runs by itself, as it is lowered, on small tensors for real and on large ones on the `meta` device (where
convolutions are cheap at any size); what an op does to given shapes is remembered across programs.
The batch is of one image, which leaves a normalization the fewest values. Joins are
the language's own: `add` and `shake` want equal shapes where PyTorch would stretch a size of one, and `mul`
stretches it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from archdsl.backends.torch import runtime, runtime_tokens
from archdsl.backends.torch.expressions import source
from archdsl.backends.torch.lowerings import lower
from archdsl.ir import FlatNode, Graph, Value, flatten
from archdsl.shapes import SymbolicSize

NAMESPACE = {**vars(runtime), **vars(runtime_tokens), "torch": torch, "nn": nn, "F": F}
Real = tuple[int, ...]
MOST = {
    **dict.fromkeys(("conv", "bottleneck", "depthwise", "upconv"), 1000),
    **dict.fromkeys(("upsample", "resize", "resize_like"), 200_000),
}
"""The most elements of which an op runs for real, where that is not 20,000: `meta` takes 10 ms for an interpolation."""
FAILURES = (RuntimeError, ValueError, IndexError, NotImplementedError)
"""What PyTorch raises where shapes do not fit."""
TYPES = {"int": torch.long, "bool": torch.bool, "float": torch.float}
torch.backends.mha.set_fastpath_enabled(False)  # `meta` lacks it
_known: dict[tuple[str, str, tuple[Real, ...]], list[Real] | None] = {}
_modules: dict[tuple[str, str], Any] = {}


class Oracle:
    """One graph, ready to be run for many sizes of its inputs."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.flat = flatten(graph)
        self._ops = [form(node) for node in self.flat.nodes]
        self._pools = dict(self._pooled())
        self._types = [tuple(TYPES[self.flat.values[i].dtype] for i in node.inputs) for node in self.flat.nodes]

    def shapes(self, at: dict[str, int]) -> list[Real] | FlatNode | Value:
        """The shape of every value at these sizes, or the input or op that fails."""
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # as of the variance of one number
            return self._shapes(at)

    def _shapes(self, at: dict[str, int]) -> list[Real] | FlatNode | Value:
        found: list[Real] = []
        for value in self.graph.inputs:
            shape = predicted(value, at)
            if min(shape) < 1:
                return value
            found.append(shape)
        for node, op, types in zip(self.flat.nodes, self._ops, self._types, strict=True):
            made = result(_name(node), op, tuple(found[i] for i in node.inputs), types)
            if made is None:
                return node
            if id(node) in self._pools and made[0][1:] != found[self._pools[id(node)]][1:]:
                return node  # positions in another shape
            found += made
        return found

    def _pooled(self) -> Iterator[tuple[int, int]]:
        """Yield each `max_unpool`, with the number of the value whose positions it takes: PyTorch does not compare the shapes."""
        pools: dict[int, int] = {}
        for node in self.flat.nodes:
            if node.op.name == "maxpool":
                pools[node.outputs[-1]] = node.inputs[0]
            elif node.op.name == "max_unpool" and node.inputs[1] in pools:
                yield id(node), pools[node.inputs[1]]


def predicted(value: Value, at: dict[str, int]) -> Real:
    """The shape that the checker gives a value, at these sizes."""
    return tuple(size.value(at) if isinstance(size, SymbolicSize) else size for size in value.shape)


def _name(node: FlatNode) -> str:
    """The op's name; an `add` that stretches sizes of one has another."""
    return "broadcast" if getattr(node.op, "broadcast", False) else node.op.name


def form(node: FlatNode) -> str:
    """The op as source."""
    lowering = lower(node.op, *node.node.input_shapes)
    places = [f"inputs[{i}]" for i in range(len(node.inputs))]
    if lowering.module is not None and lowering.applied is None:
        return source(lowering.module)
    own = lowering.module or lowering.bare
    parameter = "" if own is None else f"{source(own)}.to('meta')"
    function = lowering.applied or lowering.function
    assert function is not None
    written = source(function, places, training="False", parameter=parameter)
    if lowering.sibling is not None:
        name, made = lowering.sibling
        written = written.replace(f"self.{name}", f"{source(made)}.to('meta')")
    return "lambda *inputs: " + written


def result(name: str, op: str, inputs: tuple[Real, ...], types: tuple[torch.dtype, ...]) -> list[Real] | None:
    """The shapes that an op gives for these shapes, none where it fails or gives nothing."""
    key = (name, op, inputs)
    if key not in _known:
        if len(_known) > 500_000:
            _known.clear()
        _known[key] = _run(name, op, inputs, types)
    return _known[key]


def _run(name: str, op: str, inputs: tuple[Real, ...], types: tuple[torch.dtype, ...]) -> list[Real] | None:
    if name in ("add", "shake") and len(set(inputs)) > 1:
        return None
    elements = max((prod(shape) for shape in inputs), default=0)
    most = MOST.get(name, 20_000)
    device = "meta" if elements > most else "cpu"
    try:
        made = zip(inputs, types, strict=True)
        value = _made(op, device)(*(torch.zeros(1, *shape, device=device, dtype=dtype) for shape, dtype in made))
    except FAILURES:
        return None
    if name == "maxpool" and device == "cpu" and (value[0] if isinstance(value, tuple) else value).isinf().any():
        return None  # the maximum of padding alone, whose gradient PyTorch writes out of bounds
    if name == "var" and "correction=0" not in op and value.numel() == prod(inputs[0]):
        return None  # the variance of one number
    if name == "attend" and tuple(value.shape[1:-1]) != inputs[0][:-1]:
        return None  # `meta` stretches the scores to a larger mask, where a device that computes fails
    values = value if isinstance(value, tuple | list) else [value]
    return [tuple(each.shape[1:]) for each in values] if all(each.numel() for each in values) else None


def _made(op: str, device: str) -> Any:
    """An op's module or function, for a device."""
    if (op, device) not in _modules:
        if len(_modules) > 5_000:
            _modules.clear()
        with torch.device(device):
            made = eval(op.replace("'meta'", repr(device)), dict(NAMESPACE))
        _modules[op, device] = made.eval() if isinstance(made, nn.Module) else made
    return _modules[op, device]
