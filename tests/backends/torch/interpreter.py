"""Runs a graph op by op, with fresh modules that hold a network's state: slow, and independent of the emitter."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archdsl.backends.torch import runtime
from archdsl.backends.torch.expressions import source
from archdsl.backends.torch.lowerings import lower
from archdsl.ir import FlatNode, Graph, Usage, flatten

NAMESPACE = {**vars(runtime), "torch": torch, "nn": nn, "F": F}


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
        for node in flat.nodes:
            if node.usage in alive:
                values[node.outputs[0]] = self._value(node, [values[i] for i in node.inputs])
        results = zip(self.graph.results, flat.outputs, strict=True)
        found = {result.name: values[i] for result, i in results if self.training or result.kind != "head"}
        kinds = {result.name: ("main", "head", "output").index(result.kind) for result in self.graph.results}
        return dict(sorted(found.items(), key=lambda item: kinds[item[0]]))

    def _value(self, node: FlatNode, inputs: list[Tensor]) -> Tensor:
        lowering = lower(node.op, *node.node.input_shapes)
        if lowering.module is not None:
            with torch.device("meta"):  # which draws no random numbers
                module = eval(source(lowering.module), dict(NAMESPACE))
            module.train(self.training)
            keys = [key for key, _ in (*module.named_parameters(), *module.named_buffers())]
            own = {key: self.state[f"{node.path}.{key}"] for key in keys}
            result: Tensor = torch.func.functional_call(module, own, tuple(inputs))
            return result
        assert lowering.function is not None
        names = {f"value{i}": tensor for i, tensor in enumerate(inputs)}
        if lowering.parameter is not None:
            names["parameter"] = self.state[node.path]
        if lowering.buffer is not None:
            names["parameter"] = eval(source(lowering.buffer), dict(NAMESPACE))
        text = source(lowering.function, list(names), training=repr(self.training), parameter="parameter")
        found: Tensor = eval(text, {**NAMESPACE, **names})
        return found
