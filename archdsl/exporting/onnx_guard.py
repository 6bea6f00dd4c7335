"""Checks of input sizes as nodes of an ONNX graph, which has no conditions on sizes.

Each condition is a `Reshape` of an input to its own shape, plus one on every axis if the condition is violated: a shape that no
runtime can give it. The name of the node is the condition in words, which runtimes put into their error message.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any, Final

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper

from archdsl.ir import Graph
from archdsl.shapes import Dim, LinearSize, Shape, SymbolicSize
from archdsl.size_polynomials import terms_of
from archdsl.size_words import describe, describe_choice
from archdsl.sizes import ALL, SizeSet

_NEVER: Final = np.iinfo(np.int64).max


class SizeGuard:
    """The nodes that check the inputs of a graph, in order, and the tensors that they need."""

    def __init__(self, graph: Graph, names: Sequence[str]) -> None:
        self.nodes: list[NodeProto] = []
        self.tensors: list[TensorProto] = []
        self.guarded: dict[str, str] = {name: name for name in names}
        """For each input, the tensor that has passed all checks so far."""
        self._count = 0
        self._shapes = {name: self._node("Shape", [name]) for name in names}
        self._places: dict[str, str] = {}
        """The tensor with the value of each symbolic size."""
        for value, name in zip(graph.inputs, names, strict=True):
            self._find_symbols(value.shape, name)
        self._check_symbols(graph, names[0])
        for value, name in zip(graph.inputs, names, strict=True):
            self._check_axes(value.shape, name, names[0])

    def _find_symbols(self, shape: Shape, name: str) -> None:
        for axis, size in enumerate(shape, 1):
            if isinstance(size, LinearSize) and size.is_symbol and size.symbol not in self._places:
                self._places[size.symbol] = self._axis(name, axis)

    def _check_symbols(self, graph: Graph, first: str) -> None:
        for symbol, sizes in graph.valid_sizes.items():
            if sizes != ALL:
                self._require(first, self._within(symbol, sizes), f"{symbol} must be {describe(sizes)}")
        for tie in graph.coupled_sizes:
            either = reduce(self._or, [self._within(symbol, sizes) for symbol, sizes in tie.items()])
            self._require(first, either, describe_choice(tie))

    def _check_axes(self, shape: Shape, name: str, first: str) -> None:
        """Compare the batch with that of the first input, and each symbolic axis with its formula."""
        if name != first:
            same = self._node("Equal", [self._axis(name, 0), self._axis(first, 0)])
            self._require(name, same, f"{name} must have the batch of {first}")
        for axis, size in enumerate(shape, 1):
            if isinstance(size, SymbolicSize) and self._axis(name, axis) not in self._places.values():
                same = self._node("Equal", [self._axis(name, axis), self._formula(size)])
                self._require(name, same, f"axis {axis} of {name} must be {size}")

    def _require(self, name: str, holds: str, words: str) -> None:
        """Let an input pass only if a condition holds."""
        wrong = self._node("Cast", [self._node("Not", [holds])], to=TensorProto.INT64)
        wanted = self._node("Add", [self._shapes[name], wrong])
        self.guarded[name] = self._node("Reshape", [self.guarded[name], wanted], words=words)

    def _within(self, symbol: str, sizes: SizeSet) -> str:
        """Return whether a symbolic size is in a set: at least the start of its remainder, or one of the points."""
        n = self._places[symbol]
        least = self._constant([_NEVER if start is None else start for start in sizes.least])
        start = self._node("Gather", [least, self._node("Mod", [n, self._constant([len(sizes.least)])])])
        holds = self._node("GreaterOrEqual", [n, start])
        for point in sorted(sizes.points):
            holds = self._or(holds, self._node("Equal", [n, self._constant([point])]))
        return holds

    def _or(self, one: str, other: str) -> str:
        return self._node("Or", [one, other])

    def _formula(self, size: Dim) -> str:
        """Return a size as a function of the symbolic ones."""
        if isinstance(size, int):
            return self._constant([size])
        if isinstance(size, LinearSize):
            period, n = self._constant([len(size.offsets)]), self._places[size.symbol]
            offset = self._node("Gather", [self._constant(list(size.offsets)), self._node("Mod", [n, period])])
            times = self._node("Mul", [self._node("Div", [n, period]), self._constant([size.slope])])
            return self._node("Add", [times, offset])
        terms = [
            reduce(lambda a, b: self._node("Mul", [a, b]), [self._constant([c]), *map(self._formula, factors)])
            for factors, c in terms_of(size).items()
        ]
        return reduce(lambda a, b: self._node("Add", [a, b]), terms)

    def _axis(self, name: str, axis: int) -> str:
        """Return the size of an axis of an input."""
        found = f"{self._shapes[name]}_{axis}"
        if not any(found in node.output for node in self.nodes):
            self.nodes.append(helper.make_node("Gather", [self._shapes[name], self._constant([axis])], [found], name=found))
        return found

    def _constant(self, numbers: list[int]) -> str:
        self._count += 1
        name = f"archdsl_constant_{self._count}"
        self.tensors.append(numpy_helper.from_array(np.array(numbers, dtype=np.int64), name))
        return name

    def _node(self, kind: str, inputs: list[str], words: str | None = None, **attributes: Any) -> str:
        self._count += 1
        name = f"archdsl_{kind.lower()}_{self._count}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=words or name, **attributes))
        return name
