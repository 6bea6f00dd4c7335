"""Runs a graph op by op, with fresh modules that hold a network's state: slow, and independent of the emitter."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archdsl.backends.torch import runtime, runtime_tokens
from archdsl.backends.torch.expressions import source
from archdsl.backends.torch.lowerings import lower
from archdsl.ir import FlatNode, Graph, Usage, flatten, join_path

NAMESPACE = {**vars(runtime), **vars(runtime_tokens), "torch": torch, "nn": nn, "F": F}


class Interpreter:
    """The tensors of a `state_dict`, by key, and how each op of a graph uses them; nothing is overwritten."""

    def __init__(self, graph: Graph, state: dict[str, Tensor], *, training: bool) -> None:
        self.graph = graph
        self.training = training
        learned = {key for key in state if state[key].is_floating_point() and "running" not in key}
        self.state = {key: value.detach().clone().requires_grad_(key in learned) for key, value in state.items()}

    def run(self, *inputs: Tensor) -> dict[str, Tensor]:
        """Return the result and the heads and outputs, by name, as the network returns them."""
        flat = flatten(self.graph)
        alive = (Usage.ALWAYS, Usage.TRAINING) if self.training else (Usage.ALWAYS,)
        values: dict[int, Tensor] = dict(enumerate(inputs))
        batch = max((len(tensor) for tensor in inputs), default=1)
        self.dtype = next((tensor.dtype for tensor in inputs if tensor.is_floating_point()), torch.get_default_dtype())
        for node in flat.nodes:
            if node.usage in alive:
                made = self._outputs(node, [values[i] for i in node.inputs])
                values.update(zip(node.outputs, made, strict=True))
        results = zip(self.graph.results, flat.outputs, strict=True)
        found = {result.name: _with_batch(values[i], batch) for result, i in results if self.training or result.kind != "head"}
        kinds = {result.name: ("main", "head", "output").index(result.kind) for result in self.graph.results}
        return dict(sorted(found.items(), key=lambda item: kinds[item[0]]))

    def _outputs(self, node: FlatNode, inputs: list[Tensor]) -> Sequence[Tensor]:
        """Apply an op, to inputs that all have the batch if one of them has it."""
        batch = max((len(tensor) for tensor in inputs), default=1)
        found = self._value(node, [_with_batch(tensor, batch) for tensor in inputs])
        return (found,) if isinstance(found, Tensor) else found

    def _value(self, node: FlatNode, inputs: list[Tensor]) -> Any:
        lowering = lower(node.op, *node.node.input_shapes)
        names = {f"value{i}": tensor for i, tensor in enumerate(inputs)}
        training = repr(self.training)
        if lowering.module is not None:
            with torch.random.fork_rng(devices=[]):
                module = eval(source(lowering.module), dict(NAMESPACE)).to(self.dtype)
            module.train(self.training)
            own = {key: self.state[f"{node.path}.{key}"] for key in module.state_dict()}
            if lowering.applied is None:
                return torch.func.functional_call(module, own, tuple(inputs))

            applied = _Applied(module, own)
            return eval(source(lowering.applied, list(names), parameter="applied"), {**NAMESPACE, **names, "applied": applied})
        assert lowering.function is not None
        around = node.path.rpartition(".")[0]
        known: dict[str, Any] = {}
        if lowering.sibling is not None:
            name = lowering.sibling[0]
            known["self"] = SimpleNamespace(**{name: self.state[join_path(around, name)]})
        if lowering.parameter is not None:
            known["parameter"] = self.state[node.path]
        stored = [join_path(node.path, key) if key else node.path for key in node.op.buffers(*node.node.input_shapes)]
        if stored and stored[0] in self.state:
            known["parameter"] = self.state[stored[0]]
        elif lowering.buffer is not None:
            buffer = eval(source(lowering.buffer), dict(NAMESPACE))
            known["parameter"] = buffer.to(self.dtype) if buffer.is_floating_point() else buffer
        text = source(lowering.function, list(names), training=training, parameter="parameter")
        return eval(text, {**NAMESPACE, **names, **known})


def _with_batch(tensor: Tensor, batch: int) -> Tensor:
    """What follows from parameters alone has a batch of one."""
    return tensor.expand(batch, *tensor.shape[1:]) if len(tensor) == 1 else tensor


class _Applied:
    """A module with given tensors: it can be called, and its tensors read, as a tied head reads a weight."""

    def __init__(self, module: nn.Module, own: dict[str, Tensor]) -> None:
        self._module, self._own = module, own

    def __call__(self, *taken: Tensor, **options: Any) -> Any:
        return torch.func.functional_call(self._module, self._own, taken, options)

    def __getattr__(self, name: str) -> Tensor:
        return self._own[name]
