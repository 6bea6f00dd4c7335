"""Layers that ONNX files spell out with several nodes: dense layers, SiLU, GELU, layer norm, group norm and attention."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

import numpy as np

from archdsl.importers.programs.onnx_graph import Array, OnnxGraph, OnnxNode


class _Patterns:
    """Replaces runs of nodes that end in one node. Values inside a run must have no other readers."""

    def __init__(self, graph: OnnxGraph) -> None:
        self.graph = graph
        self.made = {name: node for node in graph.nodes for name in node.outputs}
        self.reads = Counter(name for node in graph.nodes for name in node.inputs)
        self.reads.update(graph.outputs)
        self.gone: set[OnnxNode] = set()

    def before(self, name: str, op: str, reads: int = 1) -> OnnxNode | None:
        """Return the node of an op that makes a value which is read so many times."""
        node = self.made.get(name)
        return node if node is not None and node.op == op and self.reads[name] == reads and node not in self.gone else None

    def number(self, name: str) -> float | None:
        """Return a constant that is one number."""
        found = self.graph.constants.get(name)
        return float(found.flatten()[0]) if found is not None and found.size == 1 else None

    def pair(self, node: OnnxNode, op: str, reads: int = 1) -> tuple[OnnxNode, str] | None:
        """Return the input of a node with two that an op makes, and the other input."""
        for name, other in (node.inputs, node.inputs[::-1]) if len(node.inputs) == 2 else ():
            found = self.before(name, op, reads)
            if found is not None:
                return found, other
        return None

    def with_number(self, node: OnnxNode | None, op: str, number: float) -> str | None:
        """Return the other input of a node that computes with a number."""
        if node is None or node.op != op:
            return None
        for name, other in (node.inputs, node.inputs[::-1]):
            value = self.number(other)
            if value is not None and math.isclose(value, number, rel_tol=1e-4):
                return name
        return None

    def replace(self, last: OnnxNode, nodes: Iterable[OnnxNode], op: str, inputs: list[str], **attributes: object) -> None:
        """Let the last node be the op, and drop the others."""
        self.gone |= set(nodes)
        last.op, last.inputs, last.attributes = op, inputs, attributes


def fuse(graph: OnnxGraph) -> None:
    """Replace runs of nodes by the layer that they are."""
    patterns = _Patterns(graph)
    for rule in _RULES:
        for node in graph.nodes:
            if node not in patterns.gone:
                rule(patterns, node)
        graph.nodes = [node for node in graph.nodes if node not in patterns.gone]


def _dense(p: _Patterns, node: OnnxNode) -> None:
    """A product with a stored matrix, and a sum with a stored vector."""
    weights = p.graph.constants
    if node.op == "MatMul" and node.inputs[1] in weights and weights[node.inputs[1]].ndim == 2:
        readers = p.graph.readers(node.outputs[0]) if p.reads[node.outputs[0]] == 1 else []
        bias = next((n for n in readers[0].inputs if n in weights), None) if readers and readers[0].op == "Add" else None
        if bias is not None and weights[bias].shape == weights[node.inputs[1]].shape[1:]:
            inputs = [*node.inputs, bias]
            readers[0].frames = readers[0].frames or node.frames
            p.replace(readers[0], [node], "Gemm", inputs)
        else:
            node.op = "Gemm"


def _silu(p: _Patterns, node: OnnxNode) -> None:
    found = p.pair(node, "Sigmoid") if node.op == "Mul" else None
    if found is not None and found[0].inputs[0] == found[1]:
        p.replace(node, [found[0]], "Silu", [found[1]])


def _hard_swish(p: _Patterns, node: OnnxNode) -> None:
    """A product with a hard sigmoid, or `x * clip(x + 3, 0, 6) / 6`."""
    found = p.pair(node, "HardSigmoid") if node.op == "Mul" else None
    if found is not None and found[0].inputs[0] == found[1]:
        if math.isclose(float(found[0].attributes.get("alpha", 0.2)), 1 / 6, rel_tol=1e-4):
            p.replace(node, [found[0]], "HardSwish", [found[1]])


def _mish(p: _Patterns, node: OnnxNode) -> None:
    found = p.pair(node, "Tanh") if node.op == "Mul" else None
    inner = p.before(found[0].inputs[0], "Softplus") if found is not None else None
    if found is not None and inner is not None and inner.inputs[0] == found[1]:
        p.replace(node, [found[0], inner], "Mish", [found[1]])


def _gelu(p: _Patterns, node: OnnxNode) -> None:
    """`0.5 * x * (1 + erf(x / sqrt(2)))`, in either order of the products."""
    half = p.with_number(node, "Mul", 0.5)
    product = p.before(half, "Mul") if half is not None else None
    halved: OnnxNode | None = None
    if product is None and node.op == "Mul":
        for name, other in (node.inputs, node.inputs[::-1]):
            outer = p.before(name, "Mul")
            if outer is not None and p.with_number(outer, "Mul", 0.5) is not None and p.before(other, "Add") is not None:
                halved = outer
        product = node if halved is not None else None
    sums = p.pair(product, "Add") if product is not None else None
    error = p.with_number(sums[0], "Add", 1.0) if sums is not None else None
    erf = p.before(error, "Erf") if error is not None else None
    if product is None or sums is None or erf is None:
        return
    scaled = p.made.get(erf.inputs[0])
    source = p.with_number(scaled, "Div", math.sqrt(2)) or p.with_number(scaled, "Mul", 1 / math.sqrt(2))
    same = p.with_number(halved, "Mul", 0.5) if halved is not None else sums[1]
    if source is not None and scaled is not None and source == same:
        p.replace(node, [n for n in (product, halved, sums[0], erf, scaled) if n is not None and n is not node], "Gelu", [source])


def _layer_norm(p: _Patterns, node: OnnxNode) -> None:
    """`(x - mean(x)) / sqrt(var(x) + eps) * weight + bias` over the last axis."""
    scaled = p.pair(node, "Mul") if node.op == "Add" else None
    quotient = p.pair(scaled[0], "Div") if scaled is not None else None
    if scaled is None or quotient is None or scaled[1] not in p.graph.constants or quotient[1] not in p.graph.constants:
        return
    divide = quotient[0]
    root = p.before(divide.inputs[1], "Sqrt")
    total = p.before(root.inputs[0], "Add") if root is not None else None
    centred = p.made.get(divide.inputs[0])
    if total is None or root is None or centred is None or centred.op != "Sub":
        return
    variance = next((found for name in total.inputs if (found := p.before(name, "ReduceMean")) is not None), None)
    eps = next((value for name in total.inputs if (value := p.number(name)) is not None), None)
    square = p.before(variance.inputs[0], "Pow") if variance is not None else None
    mean = p.before(centred.inputs[1], "ReduceMean")
    if variance is None or square is None or mean is None or eps is None or square.inputs[0] != centred.outputs[0]:
        return
    if mean.inputs[0] == centred.inputs[0]:
        inside = [scaled[0], divide, root, total, variance, square, centred, mean]
        p.replace(
            node, inside, "LayerNormalization", [mean.inputs[0], quotient[1], scaled[1]], epsilon=float(f"{eps:.7g}"), axis=-1
        )


def _group_norm(p: _Patterns, node: OnnxNode) -> None:
    """An instance norm of `[n, groups, rest]` between two reshapes, with a weight and a bias for each channel."""
    constants = p.graph.constants
    scaled = p.pair(node, "Mul") if node.op == "Add" else None
    shaped = p.pair(scaled[0], "Reshape") if scaled is not None else None
    norm = p.before(shaped[0].inputs[0], "InstanceNormalization") if shaped is not None else None
    first = p.before(norm.inputs[0], "Reshape") if norm is not None else None
    if scaled is None or shaped is None or norm is None or first is None:
        return
    if scaled[1] not in constants or shaped[1] not in constants or any(name not in constants for name in norm.inputs[1:3]):
        return
    if np.any(constants[norm.inputs[1]] != 1) or np.any(constants[norm.inputs[2]] != 0):
        return
    groups = int(constants[norm.inputs[1]].size)
    attributes = {"num_groups": groups, "epsilon": norm.attributes.get("epsilon", 1e-5)}
    p.replace(
        node, [scaled[0], shaped[0], norm, first], "GroupNormalization", [first.inputs[0], shaped[1], scaled[1]], **attributes
    )


_RULES: Final[tuple[Callable[[_Patterns, OnnxNode], None], ...]] = (
    _dense, _silu, _hard_swish, _mish, _gelu, _layer_norm, _group_norm,
)  # fmt: skip


def fuse_attention(graph: OnnxGraph) -> None:
    """Replace the nodes of each module of attention by one: its class is known, or its tensors are called `in_proj_bias`."""
    paths = {path for node in graph.nodes for path, kind in node.frames if kind.endswith(".MultiheadAttention")}
    paths |= {
        name.rpartition(".")[0]
        for node in graph.nodes
        for name in (graph.made_of.get(read, read) for read in node.inputs)
        if name.endswith((".in_proj_bias", ".in_proj_weight"))
    }
    for path in paths:
        inside = [node for node in graph.nodes if any(frame == path for frame, _ in node.frames)]
        made = _attention(graph, path, inside)
        if made is not None:
            at = graph.nodes.index(inside[-1])
            graph.nodes[at] = made
            graph.nodes = [node for node in graph.nodes if node is made or node not in inside]


def _attention(graph: OnnxGraph, path: str, inside: list[OnnxNode]) -> OnnxNode | None:
    made = {name for node in inside for name in node.outputs}
    outside = {name for node in graph.nodes if node not in inside for name in node.inputs} | set(graph.outputs)
    sources = list(dict.fromkeys(n for node in inside for n in node.inputs if n and n not in made and n not in graph.constants))
    results = [name for node in inside for name in node.outputs if name in outside]
    dense = [node for node in inside if node.op == "Gemm"]
    if len(sources) != 1 or len(results) != 1 or len(dense) != 2 or not any(node.op == "Softmax" for node in inside):
        return None
    stored = {name: graph.constants[node.inputs[1]] for name, node in zip(("in", "out"), dense, strict=True)}
    weights = {name: value if dense[at].attributes.get("transB") else value.T for at, (name, value) in enumerate(stored.items())}
    width = weights["out"].shape[0]
    heads = next((found for node in inside if node.op == "Reshape" and (found := _heads(graph, node, width))), 0)
    if not heads or weights["in"].shape != (3 * width, width):
        return None
    biases = [graph.constants[node.inputs[2]] if len(node.inputs) > 2 else None for node in dense]
    tensors: dict[str, Array] = {"in_proj_weight": weights["in"], "out_proj.weight": weights["out"]}
    if any(bias is not None for bias in biases):
        tensors["in_proj_bias"] = biases[0] if biases[0] is not None else np.zeros(3 * width, np.float32)
        tensors["out_proj.bias"] = biases[1] if biases[1] is not None else np.zeros(width, np.float32)
    frames = next(node.frames for node in inside)
    depth = next(at for at, (frame, _) in enumerate(frames) if frame == path)
    first = inside[0].op == "Transpose"
    return OnnxNode(
        "MultiheadAttention",
        inside[-1].name,
        sources,
        results,
        {"heads": heads, "batch_first": first},
        {},
        frames[:depth],
        path,
        tensors,
    )


def _heads(graph: OnnxGraph, node: OnnxNode, width: int) -> int:
    """Return the number of heads if a node reshapes to `[batch, heads, tokens, width / heads]`."""
    sizes = graph.constants.get(node.inputs[1])
    if sizes is None or sizes.size != 4:
        return 0
    heads, inner = int(sizes[1]), int(sizes[3])
    return heads if heads * inner == width and heads > 0 else 0
