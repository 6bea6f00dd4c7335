"""The backward pass: nodes with what they keep, run in the order of PyTorch's engine.

A node keeps the tensors that its function refers to, until it has run. The engine runs the node that was made last first, and
adds gradients that meet out of place, as `torch/csrc/autograd/engine.cpp` and `input_buffer.cpp` do under a dispatch mode.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from sys import getrefcount
from typing import TypeAlias

from archdsl.backends.torch.memory.tensors import Tensor, empty, empty_like
from archdsl.shapes import Shape

Backward: TypeAlias = "Callable[[list[Tensor | None], list[bool]], list[Tensor | None]]"
"""Given the gradient of each output, and for each input whether its gradient is needed, return the gradients of the inputs."""
Edge: TypeAlias = "tuple[Node, int]"
"""A node, and which of its outputs a tensor is."""


class Node:
    """A step of the backward pass. `shapes` are those of its inputs, to which their gradients are summed."""

    __slots__ = ("backward", "edges", "number", "outputs", "shapes")

    def __init__(self, inputs: Sequence[Tensor], backward: Backward, number: int, outputs: int = 1) -> None:
        self.edges = [tensor.edge for tensor in inputs]
        self.shapes: list[Shape] = [tensor.shape for tensor in inputs]
        self.backward: Backward | None = backward
        self.number = number
        self.outputs = outputs


_LAST = 1 << 62
_OWN = 3
"""How often a gradient is referred to where a leaf takes it: in the list, by a variable, and by the count itself."""


class Leaf(Node):
    """The node of a parameter: keeps the gradient that arrives, or a copy if something else refers to it."""

    __slots__ = ("gradient",)

    def __init__(self) -> None:
        self.edges = []
        self.shapes = []
        self.backward = None
        self.number = _LAST
        self.outputs = 1
        self.gradient: Tensor | None = None


def record(output: Tensor, inputs: Sequence[Tensor], backward: Backward) -> Tensor:
    """Let the output of a function have a gradient, if any of its inputs has one."""
    meter = output.meter
    if meter.gradients and any(tensor.edge is not None for tensor in inputs):
        meter.made += 1
        output.edge = (Node(inputs, backward, meter.made), 0)
    return output


def record_several(outputs: Sequence[Tensor], inputs: Sequence[Tensor], backward: Backward) -> None:
    """Let several outputs of one function have a gradient."""
    meter = outputs[0].meter
    if meter.gradients and any(tensor.edge is not None for tensor in inputs):
        meter.made += 1
        node = Node(inputs, backward, meter.made, len(outputs))
        for position, output in enumerate(outputs):
            output.edge = (node, position)


def run_backward(roots: Sequence[tuple[Edge, Tensor]]) -> None:
    """Run the backward pass from some outputs with their gradients."""
    waiting = _dependencies([edge[0] for edge, _ in roots])
    buffers: dict[Node, list[Tensor | None]] = {}
    ready: list[tuple[int, int, Node]] = []
    for (node, position), given in roots:
        buffer = buffers.setdefault(node, [None] * node.outputs)
        buffer[position] = _added(buffer, position, given)
        del given
    for node in buffers:
        if not waiting.get(node):
            heappush(ready, (-node.number, len(ready), node))
    del roots
    order = len(ready)
    while ready:
        node = heappop(ready)[2]
        found = _called(node, buffers.pop(node))
        for edge in node.edges:
            gradient = found.pop(0)
            if edge is None:
                continue
            following, position = edge
            if gradient is not None:
                buffer = buffers.setdefault(following, [None] * following.outputs)
                buffer[position] = _added(buffer, position, gradient)
                del gradient
            waiting[following] -= 1
            if not waiting[following] and following in buffers:
                order += 1
                heappush(ready, (-following.number, order, following))


def _added(buffer: list[Tensor | None], position: int, gradient: Tensor) -> Tensor:
    """Return the sum of what was there and a further gradient: a new tensor, while both are there."""
    before = buffer[position]
    if before is None:
        return gradient
    return empty_like(before)


def _called(node: Node, gradients: list[Tensor | None]) -> list[Tensor | None]:
    """Run a node, sum its gradients to the shapes of its inputs, and let go of what it kept."""
    if isinstance(node, Leaf):
        arrived = gradients[0]
        if arrived is not None:
            taken = arrived.is_contiguous and getrefcount(arrived) <= _OWN
            node.gradient = arrived if taken else empty(arrived.meter, arrived.shape)
        return []
    assert node.backward is not None
    found = node.backward(gradients, [edge is not None for edge in node.edges])
    for position, (edge, shape) in enumerate(zip(node.edges, node.shapes, strict=True)):
        gradient = found[position]
        if edge is None:
            found[position] = None
        elif gradient is not None and _was_stretched(shape, gradient.shape):
            found[position] = summed_to(gradient, shape)
        del gradient
    node.backward = None
    return found


def _was_stretched(shape: Shape, to: Shape) -> bool:
    """Return whether an axis is missing or has a size of one; equal symbolic sizes may be written in two ways."""
    return len(shape) != len(to) or any(one == 1 and other != 1 for one, other in zip(shape, to, strict=True))


def summed_to(gradient: Tensor, shape: Shape) -> Tensor:
    """Return a gradient summed over the axes along which a tensor of a shape was stretched."""
    lead = len(gradient.shape) - len(shape)
    kept = (*[1] * lead, *shape)
    return empty(gradient.meter, kept).view(shape)


def _dependencies(roots: Sequence[Node]) -> dict[Node, int]:
    """Return for each node how many others hand it a gradient."""
    found: dict[Node, int] = dict.fromkeys(roots, 0)
    stack = list(found)
    seen = set(stack)
    while stack:
        node = stack.pop()
        for edge in node.edges:
            if edge is not None:
                found[edge[0]] = found.get(edge[0], 0) + 1
                if edge[0] not in seen:
                    seen.add(edge[0])
                    stack.append(edge[0])
    return found
