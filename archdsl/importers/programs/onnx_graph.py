"""The graph of an ONNX file without what only stores or copies: constants are arrays, and nodes that change nothing are gone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper, shape_inference
from onnx.inliner import inline_local_functions
from onnx.reference import ReferenceEvaluator

from archdsl.diagnostics import SpecError, codes

Array = NDArray[Any]

_RANDOM: Final = {"RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Bernoulli", "Multinomial"}
_IDLE: Final = {"Identity", "Dropout"}
"""Nodes whose first output is their first input, in inference."""


@dataclass(eq=False)
class OnnxNode:
    """A node. `frames` are the modules around it, outermost first, with the names of their classes."""

    op: str
    name: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any]
    metadata: Mapping[str, str] = field(default_factory=dict)
    frames: list[tuple[str, str]] = field(default_factory=list)
    path: str = ""
    """The module that its tensors belong to."""
    tensors: dict[str, Array] = field(default_factory=dict)
    """Its tensors by their names in that module."""
    folded: bool = False
    """Whether its weights have lost their key, since other layers are folded into them."""

    def __str__(self) -> str:
        return f"node `{self.name or self.outputs[0]}` ({self.op})"


@dataclass
class OnnxInput:
    """An input: its name, its sizes with the batch (None for open ones), and its type."""

    name: str
    shape: tuple[int | None, ...]
    dtype: Any


@dataclass
class OnnxGraph:
    """A graph: nodes in order of execution, constants by name, inputs and outputs."""

    path: Path
    nodes: list[OnnxNode]
    constants: dict[str, Array]
    inputs: list[OnnxInput]
    outputs: list[str]
    opset: int
    producer: str
    made_of: dict[str, str] = field(default_factory=dict)
    """The stored tensor that a computed constant is made of, if it is one alone."""
    shapes: dict[str, tuple[int | None, ...]] = field(default_factory=dict)
    """The shapes of values as far as the file, or ONNX's inference, tells them."""

    def readers(self, name: str) -> list[OnnxNode]:
        """Return the nodes that read a value, once for each time."""
        return [node for node in self.nodes for read in node.inputs if read == name]

    def producer_of(self, name: str) -> OnnxNode | None:
        """Return the node that makes a value."""
        return next((node for node in self.nodes if name in node.outputs), None)


def read_graph(path: Path) -> OnnxGraph:
    """Return the graph in a file. Raise `SpecError` E1201 for other files."""
    try:
        model = onnx.load(str(path))
    except FileNotFoundError as error:
        raise bad_file(path, f"its weights are in another file, which is missing: {error}", "put it beside the model") from error
    except Exception as error:  # protobuf has no common class for damaged messages
        raise bad_file(path, f"it is no ONNX model ({type(error).__name__})") from error
    if not model.graph.node:
        raise bad_file(path, "it is no ONNX model: it has no nodes")
    if model.functions:
        model = inline_local_functions(model)
    opset = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0)
    producer = " ".join(filter(None, (model.producer_name, model.producer_version.partition("+")[0])))
    graph = _Reader(path, model, opset, producer).graph
    graph.shapes = _shapes(model)
    _fold(graph, model)
    _skip_idle(graph)
    _drop_unread(graph)
    return graph


def _shapes(model: Any) -> dict[str, tuple[int | None, ...]]:
    """Return the shapes of values that the file has, or that ONNX infers."""
    with suppress(Exception):  # for damaged files there is no common class, and shapes are of use for stand-ins alone
        model = shape_inference.infer_shapes(model)
    return {
        value.name: tuple(axis.dim_value or None for axis in value.type.tensor_type.shape.dim)
        for value in (*model.graph.value_info, *model.graph.output)
    }


def bad_file(path: Path, reason: str, help: str | None = None) -> SpecError:
    """Return the error for a file that has no model, or one that cannot be read."""
    return SpecError(codes.importing.BadAddress(str(path), reason, help))


class _Reader:
    def __init__(self, path: Path, model: Any, opset: int, producer: str) -> None:
        stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        inputs = [_input(path, value) for value in model.graph.input if value.name not in stored]
        nodes = []
        for at, proto in enumerate(model.graph.node):
            attributes = {attribute.name: _attribute(attribute) for attribute in proto.attribute}
            if proto.op_type == "Constant" and "value" in attributes:
                stored[proto.output[0]] = attributes["value"]
                continue
            op = proto.op_type if proto.domain in ("", "ai.onnx") else f"{proto.domain}.{proto.op_type}"
            metadata = {entry.key: entry.value for entry in proto.metadata_props}
            name = proto.name or f"{proto.op_type}_{at}"
            nodes.append(OnnxNode(op, name, list(proto.input), list(proto.output), attributes, metadata))
        outputs = [value.name for value in model.graph.output]
        self.graph = OnnxGraph(path, nodes, stored, inputs, outputs, opset, producer)


def _input(path: Path, value: Any) -> OnnxInput:
    kind = value.type.tensor_type
    if not value.type.HasField("tensor_type") or not kind.HasField("shape"):
        raise bad_file(path, f"its input `{value.name}` is no tensor with a known number of axes")
    shape = tuple(dim.dim_value if dim.dim_value > 0 else None for dim in kind.shape.dim)
    return OnnxInput(value.name, shape, helper.tensor_dtype_to_np_dtype(kind.elem_type))


def _attribute(attribute: Any) -> Any:
    value = helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, onnx.TensorProto):
        return numpy_helper.to_array(value)
    if isinstance(value, float):
        return rounded(value)
    return value


def rounded(value: float) -> float:
    """Return a number that a file stores with 32 bits as a person wrote it: 1e-5 for 9.999999747378752e-06."""
    return float(f"{value:.7g}")


def evaluator(node: OnnxNode, opset: int) -> ReferenceEvaluator:
    """Return what computes a node on arrays."""
    attributes = {
        key: numpy_helper.from_array(value) if isinstance(value, np.ndarray) else value for key, value in node.attributes.items()
    }
    proto = helper.make_node(node.op, node.inputs, node.outputs, **attributes)
    inputs = [helper.make_tensor_value_info(name, 1, None) for name in dict.fromkeys(node.inputs) if name]
    outputs = [helper.make_tensor_value_info(name, 1, None) for name in node.outputs]
    model = helper.make_model(helper.make_graph([proto], "one", inputs, outputs), opset_imports=[helper.make_opsetid("", opset)])
    return ReferenceEvaluator(model)


def _fold(graph: OnnxGraph, model: Any) -> None:
    """Compute the nodes that read constants alone."""
    kept = []
    for node in graph.nodes:
        inputs = [name for name in node.inputs if name]
        constant = all(name in graph.constants for name in inputs) and node.op not in _RANDOM and "." not in node.op
        if not constant or any(isinstance(value, onnx.GraphProto) for value in node.attributes.values()):
            kept.append(node)
            continue
        try:
            results: Any = evaluator(node, graph.opset).run(None, {name: graph.constants[name] for name in inputs})
        except Exception:  # the reference implementation lacks some ops: the node is refused later, by its name
            kept.append(node)
            continue
        graph.constants.update(zip(node.outputs, results, strict=False))
        sources = {
            graph.made_of.get(name, name)
            for name in inputs
            if graph.constants[name].size > 1 and graph.constants[name].dtype.kind == "f"
        }
        if len(sources) == 1 and node.op != "Identity":  # a copy has a name of its own
            graph.made_of |= dict.fromkeys(node.outputs, next(iter(sources)))
    graph.nodes = kept


def _skip_idle(graph: OnnxGraph) -> None:
    """Let readers of a copy read what it copies."""
    same: dict[str, str] = {}
    kept = []
    for node in graph.nodes:
        node.inputs = [same.get(name, name) for name in node.inputs]
        if node.op in _IDLE:
            same[node.outputs[0]] = node.inputs[0]
        else:
            kept.append(node)
    graph.nodes = kept
    graph.outputs = [same.get(name, name) for name in graph.outputs]


def _drop_unread(graph: OnnxGraph) -> None:
    """Drop nodes whose results nothing needs."""
    needed = set(graph.outputs)
    kept = []
    for node in reversed(graph.nodes):
        if needed & set(node.outputs):
            needed |= set(node.inputs)
            kept.append(node)
    graph.nodes = kept[::-1]


def stored_numbers(path: Path) -> Iterator[int]:
    """Yield the number of elements of each stored tensor of a file that holds real numbers, and more than one."""
    for tensor in onnx.load(str(path), load_external_data=False).graph.initializer:
        count = int(np.prod(tensor.dims))
        if tensor.data_type in (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16) and count > 1:
            yield count
