"""The stored tensors of an ONNX graph: which module has which, and by what name."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, Final

import numpy as np

from archdsl.diagnostics import SpecError, codes
from archdsl.importers.programs.onnx_graph import Array, OnnxGraph, OnnxNode
from archdsl.importers.programs.onnx_paths import key_path

_LAYERS: Final = {
    "Conv": ("weight", "bias"), "ConvTranspose": ("weight", "bias"), "Gemm": ("weight", "bias"), "Linear": ("weight", "bias"),
    "BatchNormalization": ("weight", "bias", "running_mean", "running_var"), "InstanceNormalization": ("weight", "bias"),
    "GroupNormalization": ("weight", "bias"), "LayerNormalization": ("weight", "bias"), "RMSNormalization": ("weight",),
    "PRelu": ("weight",),
}  # fmt: skip
"""The names of the inputs of a layer, after its first."""
_LABELS: Final = {
    "Conv": "conv", "ConvTranspose": "upconv", "Gemm": "fc", "BatchNormalization": "bn", "GroupNormalization": "norm",
    "InstanceNormalization": "norm", "LayerNormalization": "norm", "RMSNormalization": "norm", "Embedding": "embedding",
    "PRelu": "act", "LRN": "lrn",
}  # fmt: skip
"""What layers without a name in the file are called, with a number."""
_ARITHMETIC: Final = {"Add", "Sub", "Mul", "Div", "Min", "Max", "Sum", "Concat", "MatMul", "Expand"}
_NAME: Final = re.compile(r"[A-Za-z_]\w*(\.\w+)*", re.ASCII)


class Tensors:
    """Gives layers their tensors. `parameters` are those of no layer, by the name of their value: the key, and the numbers."""

    def __init__(self, graph: OnnxGraph) -> None:
        self.graph = graph
        self.parameters: dict[str, tuple[str, Array]] = {}
        self.copied: set[str] = set()
        """Stored tensors that several layers have."""
        self._users: dict[str, OnnxNode] = {}
        self._taken: dict[str, OnnxNode] = {}
        self._counts: Counter[str] = Counter()
        for node in graph.nodes:
            if node.op == "Gather" and self._is_table(node.inputs[0]):
                node.op = "Embedding"
                self._give(node, {"weight": node.inputs[0]})
            elif node.op in _LAYERS:
                self._layer(node)
            elif node.op == "MultiheadAttention":
                node.frames = [*node.frames, (node.path, node.op)]
            elif node.op == "LRN":
                node.path = self._path(node)
            elif node.op in _ARITHMETIC:
                node.inputs = [self._parameter(node, name) for name in node.inputs]

    def _is_table(self, name: str) -> bool:
        found = self.graph.constants.get(name)
        return found is not None and found.ndim == 2 and found.dtype.kind == "f"

    def _layer(self, node: OnnxNode) -> None:
        names = dict(zip(_LAYERS[node.op], node.inputs[1:], strict=False))
        names = {name: value for name, value in names.items() if value}
        if not names or any(value not in self.graph.constants for value in names.values()):
            return  # its weights are computed: it is refused later
        self._give(node, names)
        node.inputs = node.inputs[:1]
        _in_pytorch(node)

    def _give(self, node: OnnxNode, names: dict[str, str]) -> None:
        for name, value in names.items():
            source = self.graph.made_of.get(value, value)
            if source in self._users:
                self.copied.add(source)
                if key_path(source) is not None and self.graph.constants[value].ndim > 1:
                    raise SpecError(codes.importing.SharedWeights(source, str(self._users[source]), str(node)))
            self._users[source] = node
            node.tensors[name] = np.ascontiguousarray(self.graph.constants[value])
        node.path = self._path(node)

    def _path(self, node: OnnxNode) -> str:
        """Return the path of a layer: that of the file if no other layer has it, or a label with a number."""
        taken = self._taken.get(node.path)
        if node.frames and taken is None:
            self._taken[node.path] = node
            return node.path
        around = node.path + "." if node.frames else ""
        label = _LABELS.get(node.op, node.op.lower())
        while True:
            self._counts[around + label] += 1
            path = f"{around}{label}{self._counts[around + label]}"
            if path not in self._taken:
                break
        self._taken[path] = node
        node.frames = [*node.frames, (path, node.op)]
        return path

    def _parameter(self, node: OnnxNode, name: str) -> str:
        """Let a constant of a sum or product be a parameter, unless it is one number. Return the name of its value."""
        found = self.graph.constants.get(name)
        if found is None or found.dtype.kind != "f":
            return name
        source = self.graph.made_of.get(name, name)
        if found.size == 1 and not (found.ndim and "." in source and _NAME.fullmatch(source)):
            return name
        if source in self._users:
            self.copied.add(source)
        owner, _, last = source.rpartition(".")
        key = source if _NAME.fullmatch(source) else ""
        if key and node.frames and not f"{node.path}.".startswith(f"{owner}." if owner else ""):
            key = f"{node.path}.{last}"  # equal tensors of several modules have the name of one of them
        taken = {other for other, _ in self.parameters.values()}
        if not key or key in self._taken or key in taken:
            self._counts["constant"] += 1
            key = f"{node.path}.constant{self._counts['constant']}" if node.path else f"constant{self._counts['constant']}"
        self._users[source] = node
        value = f"{name} for {node.name}" if name in self.parameters else name
        self.parameters[value] = (key, np.ascontiguousarray(found))
        return value


def _in_pytorch(node: OnnxNode) -> None:
    """Arrange the tensors of a layer as PyTorch has them."""
    tensors: dict[str, Any] = node.tensors
    if node.op == "Gemm" and not node.attributes.get("transB", 0):
        tensors["weight"] = np.ascontiguousarray(tensors["weight"].T)
    if node.op == "BatchNormalization":
        tensors["num_batches_tracked"] = np.zeros((), np.int64)
    if node.op == "GroupNormalization":
        tensors.update({name: value.reshape(-1) for name, value in tensors.items()})
    if node.op == "PRelu":
        tensors["weight"] = tensors["weight"].reshape(-1)
