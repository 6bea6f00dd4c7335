"""What PyTorch says: the shape of every value of a graph, or the op that fails.

Each op runs by itself, as it is lowered, on small tensors for real and on large ones on the `meta` device (where
convolutions are cheap at any size); what an op does to given shapes is remembered across programs.
The batch is of one image, which leaves a normalization the fewest values. Joins are
the language's own: `add` and `shake` want equal shapes where PyTorch would stretch a size of one, and `mul`
stretches it.
"""

from __future__ import annotations

import warnings
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
CONVOLUTIONS = ("conv", "bottleneck", "depthwise", "upconv")
FAILURES = (RuntimeError, ValueError, IndexError, NotImplementedError)
"""What PyTorch raises where shapes do not fit."""
_known: dict[tuple[str, str, tuple[Real, ...]], list[Real] | None] = {}
_modules: dict[tuple[str, str], Any] = {}


class Oracle:
    """One graph, ready to be run for many sizes of its inputs."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.flat = flatten(graph)
        self._ops = [form(node) for node in self.flat.nodes]

    def shapes(self, at: dict[str, int]) -> list[Real] | FlatNode | Value:
        """The shape of every value at these sizes, or the input or op that fails."""
        found: list[Real] = []
        for value in self.graph.inputs:
            shape = predicted(value, at)
            if min(shape) < 1:
                return value
            found.append(shape)
        for node, op in zip(self.flat.nodes, self._ops, strict=True):
            made = result(_name(node), op, tuple(found[i] for i in node.inputs))
            if made is None:
                return node
            found += made
        return found


def predicted(value: Value, at: dict[str, int]) -> Real:
    """The shape that the checker gives a value, at these sizes."""
    return tuple(size.value(at) if isinstance(size, SymbolicSize) else size for size in value.shape)


def _name(node: FlatNode) -> str:
    """The op's name; an `add` that stretches sizes of one has another."""
    return "broadcast" if getattr(node.op, "broadcast", False) else node.op.name


def form(node: FlatNode) -> str:
    """The op as source."""
    lowering = lower(node.op, *node.node.input_shapes)
    if lowering.module is not None and lowering.applied is not None:  # attention of tokens with themselves
        return f"lambda x: {source(lowering.module)}(x, x, x, need_weights=False)[0]"
    if lowering.module is not None:
        return source(lowering.module)
    assert lowering.function is not None
    parameter = f"{source(lowering.bare)}.to('meta')" if lowering.bare is not None else ""
    places = [f"inputs[{i}]" for i in range(len(node.inputs))]
    return "lambda *inputs: " + source(lowering.function, places, training="False", parameter=parameter)


def result(name: str, op: str, inputs: tuple[Real, ...]) -> list[Real] | None:
    """The shapes that an op gives for these shapes, none where it fails or gives nothing."""
    key = (name, op, inputs)
    if key not in _known:
        if len(_known) > 500_000:
            _known.clear()
        _known[key] = _run(name, op, inputs)
    return _known[key]


def _run(name: str, op: str, inputs: tuple[Real, ...]) -> list[Real] | None:
    if name in ("add", "shake") and len(set(inputs)) > 1:
        return None
    elements = max((prod(shape) for shape in inputs), default=0)
    device = "meta" if elements > 20_000 or (name in CONVOLUTIONS and elements > 1000) else "cpu"
    try:
        with torch.no_grad(), torch.device(device), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # as of the variance of one number
            dtype = torch.long if name == "embedding" else torch.float
            value = _made(op, device)(*(torch.zeros(1, *shape, device=device, dtype=dtype) for shape in inputs))
    except FAILURES:
        return None
    if name == "maxpool" and device == "cpu" and value.isinf().any():
        return None  # the maximum of padding alone, whose gradient PyTorch writes out of bounds
    if name == "var" and "correction=0" not in op and value.numel() == prod(inputs[0]):
        return None  # the variance of one number
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
