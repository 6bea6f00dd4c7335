"""An ONNX graph as a module: a tree of modules like the one that was exported, each of which runs its nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
import torch.fx.traceback as fx_traceback
from torch import Tensor, nn

from archdsl.importers.aten import Refused
from archdsl.importers.model import Origin
from archdsl.importers.programs import onnx_arithmetic, onnx_arrangement, onnx_layers  # noqa: F401  # they add operations
from archdsl.importers.programs.onnx_graph import OnnxGraph, OnnxNode, evaluator
from archdsl.importers.programs.onnx_order import Part, ordered
from archdsl.importers.programs.onnx_step import OPERATIONS, Step
from archdsl.importers.programs.onnx_tensors import Tensors
from archdsl.importers.programs.stand_ins import stand_ins

MODULES: Final = ("LRN", "MultiheadAttention")
"""Nodes that are a module of PyTorch as a whole."""
NODE: Final = "onnx_node"
"""The key of the node's description in the metadata of what is traced while it runs."""


class NodeRefused(Exception):
    """A node that cannot run in PyTorch: its description and the reason."""


class _Values:
    """The values of one run, and how often each module was called in it."""

    def __init__(self, graph: _Graph, batch: int) -> None:
        self.graph, self.batch = graph, batch
        self.found: dict[str, Any] = {}
        self.calls: dict[str, int] = {}


class _Graph:
    """The graph that the modules of a tree share; copies of the tree share it, too."""

    def __init__(self, graph: OnnxGraph, partial: bool) -> None:
        self.graph, self.partial = graph, partial
        self.file_batch = graph.inputs[0].shape[0] if graph.inputs and graph.inputs[0].shape else None
        self._evaluators: dict[OnnxNode, Any] = {}

    def __deepcopy__(self, memo: object) -> _Graph:
        return self

    def constant(self, node: OnnxNode, inputs: list[Any]) -> list[Any] | None:
        """Return the results of a node that reads constants alone; None for another one."""
        if any(isinstance(value, Tensor) for value in inputs) or not inputs:
            return None
        if node not in self._evaluators:
            self._evaluators[node] = evaluator(node, self.graph.opset)
        given = {name: np.asarray(value) for name, value in zip(node.inputs, inputs, strict=True) if name}
        results: list[Any] = self._evaluators[node].run(None, given)
        return results


class Scope(nn.Module):
    """A module of the exported model: it runs its nodes and the modules inside, in order."""

    def __init__(self, origin: Origin) -> None:
        super().__init__()
        self.origin = origin
        self.path = ""
        self.runs: list[Sequence[OnnxNode | Part]] = []
        """What to run at the first call, the second, and so on."""

    def run(self, values: _Values) -> None:
        """Run the nodes of this call."""
        call = values.calls.get(self.path, 0)
        values.calls[self.path] = call + 1
        for step in self.runs[call]:
            if isinstance(step, Part):
                self.get_submodule(step.path[len(self.path) + 1 if self.path else 0 :])(values)
            else:
                with fx_traceback.annotate({NODE: str(step)}):
                    self._node(step, values)

    def forward(self, values: _Values) -> None:
        """Run the nodes of this call."""
        self.run(values)

    def _node(self, node: OnnxNode, values: _Values) -> None:
        known = values.graph.graph.constants
        inputs = [values.found[n] if n in values.found else known.get(n) for n in node.inputs]
        results = None if node.tensors else values.graph.constant(node, inputs)
        if results is None:
            results = self._results(node, inputs, values)
        values.found.update(zip(node.outputs, results, strict=False))

    def _results(self, node: OnnxNode, inputs: list[Any], values: _Values) -> Any:
        if node.op == "Shape":
            return [
                np.array(
                    [int(n) for n in inputs[0].shape][node.attributes.get("start", 0) : node.attributes.get("end")], np.int64
                )
            ]
        own = node.path[len(self.path) + 1 if self.path else 0 :] if node.tensors or node.op in MODULES else ""
        owner = self.get_submodule(own)
        if node.op == "LRN":
            return [owner(inputs[0])]
        if node.op == "MultiheadAttention":
            return [owner(inputs[0], inputs[0], inputs[0], need_weights=False)[0]]
        run, graph = OPERATIONS.get(node.op), values.graph
        if run is None:
            return self._refused(node, inputs, graph, f"no op of the language is `{node.op}`")
        step = Step(node, inputs, owner, opset=graph.graph.opset, file_batch=graph.file_batch, batch=values.batch)
        try:
            found = run(step)
        except Refused as refused:
            return self._refused(node, inputs, graph, str(refused), refused)
        except (RuntimeError, TypeError, AssertionError, ValueError, IndexError, KeyError) as error:
            lines = str(error).splitlines() or [type(error).__name__]
            return self._refused(node, inputs, graph, f"PyTorch cannot run it: {lines[0][:200]}", error)
        return found if isinstance(found, list | tuple) else [found]

    @staticmethod
    def _refused(node: OnnxNode, inputs: list[Any], graph: _Graph, reason: str, cause: Exception | None = None) -> list[Tensor]:
        """Return what stands for a node if a part of the model is wanted, else raise `NodeRefused`."""
        if not graph.partial or not any(isinstance(value, Tensor) for value in inputs):
            raise NodeRefused(str(node), reason) from cause
        return stand_ins(inputs, [graph.graph.shapes.get(name) for name in node.outputs], reason)


class OnnxModule(Scope):
    """The whole model of a file."""

    def __init__(self, graph: OnnxGraph, tensors: Tensors, name: str, *, partial: bool = False) -> None:
        super().__init__(Origin(name, inputs=tuple(value.name for value in graph.inputs)))
        self._graph = _Graph(graph, partial)
        self.input_names = [value.name for value in graph.inputs]
        self._parameters_of = {value: key for value, (key, _) in tensors.parameters.items()}
        for node in graph.nodes:
            for path, kind in node.frames:
                self._at(path, kind)
            if node.op in MODULES:
                self._replace(node.path, _module(node))
            for key, array in node.tensors.items():
                owner = self.get_submodule(".".join(filter(None, [node.path, *key.split(".")[:-1]])))
                _store(owner, key.rpartition(".")[2], array)
        for key, array in tensors.parameters.values():
            path, _, last = key.rpartition(".")
            _store(self._at(path, ""), last, array)
        self._fill(self, ordered(graph.nodes))

    def forward(self, *inputs: Tensor) -> Any:  # type: ignore[override]
        """Run the graph."""
        values = _Values(self._graph, int(inputs[0].shape[0]))
        values.found.update(zip(self.input_names, inputs, strict=True))
        for value, key in self._parameters_of.items():
            path, _, last = key.rpartition(".")
            values.found[value] = getattr(self.get_submodule(path), last)
        self.run(values)
        results = [values.found[name] for name in self._graph.graph.outputs]
        if len(results) == 1:
            return results[0]
        return dict(zip(self._graph.graph.outputs, results, strict=True))

    def _at(self, path: str, kind: str) -> nn.Module:
        """Return the module at a path; make it, and those around it, if there is none."""
        found: nn.Module = self
        names = path.split(".") if path else []
        for at, name in enumerate(names):
            if name not in found._modules:
                scope = Scope(_origin(""))
                scope.path = ".".join(names[: at + 1])
                found.add_module(name, scope)
            found = found.get_submodule(name)
        if kind and isinstance(found, Scope) and not found.origin.name and found is not self:
            found.origin = _origin(kind)
        return found

    def _replace(self, path: str, module: nn.Module) -> None:
        parent, _, name = path.rpartition(".")
        self.get_submodule(parent).add_module(name, module)

    def _fill(self, scope: nn.Module, steps: Sequence[OnnxNode | Part]) -> None:
        own: list[OnnxNode | Part] = []
        for step in steps:
            if isinstance(step, Part):
                module = self.get_submodule(step.path)
                if not isinstance(module, Scope):  # a module of PyTorch, which its node runs
                    own += [node for node in step.steps if isinstance(node, OnnxNode)]
                    continue
                self._fill(module, step.steps)
            own.append(step)
        assert isinstance(scope, Scope)
        scope.runs.append(own)


def _origin(kind: str) -> Origin:
    name = kind.rpartition(".")[2]
    container = name == "Sequential" and kind.startswith("torch.")
    return Origin("" if container else name, container=container)


def _store(owner: nn.Module, name: str, array: Any) -> None:
    tensor = torch.from_numpy(np.array(array))
    if name in ("running_mean", "running_var", "num_batches_tracked"):
        owner.register_buffer(name, tensor)
    else:
        owner.register_parameter(name, nn.Parameter(tensor.float() if tensor.dtype != torch.float32 else tensor))


def _module(node: OnnxNode) -> nn.Module:
    """Return the module of PyTorch that a node is, without its tensors."""
    if node.op == "LRN":
        size = node.attributes["size"]
        given = {name: node.attributes.get(name, default) for name, default in (("alpha", 1e-4), ("beta", 0.75))}
        return nn.LocalResponseNorm(size, given["alpha"], given["beta"], node.attributes.get("bias", 1.0))
    width = node.tensors["out_proj.weight"].shape[0]
    bias = "in_proj_bias" in node.tensors
    return nn.MultiheadAttention(width, node.attributes["heads"], bias=bias, batch_first=node.attributes["batch_first"])
