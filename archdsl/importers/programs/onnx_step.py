"""What an ONNX node is in PyTorch: the access to its inputs and attributes, and the table of operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from torch import Tensor, nn

from archdsl.importers.aten import Refused
from archdsl.importers.programs.onnx_graph import Array, OnnxNode


class Step:
    """One node on its way through the graph: its values so far, and the module that has its tensors."""

    def __init__(
        self, node: OnnxNode, inputs: list[Any], owner: nn.Module, *, opset: int, file_batch: int | None, batch: int
    ) -> None:
        self.node, self.inputs, self.owner, self.opset = node, inputs, owner, opset
        self.file_batch, self.batch = file_batch, batch

    @property
    def x(self) -> Tensor:
        """The first input. Raise `Refused` if it is a constant."""
        return self.value(0)

    def value(self, at: int) -> Tensor:
        """Return an input that is computed. Raise `Refused` for a constant."""
        found = self.inputs[at] if at < len(self.inputs) else None
        if not isinstance(found, Tensor):
            raise Refused("its input is a constant")
        return found

    def tensor(self, name: str) -> Tensor | None:
        """Return a tensor of the node's module by its name; None if it has none of it."""
        found: Tensor | None = getattr(self.owner, name, None)
        return found

    def attribute(self, name: str, default: Any = None) -> Any:
        """Return an attribute, or its default."""
        return self.node.attributes.get(name, default)

    def has(self, at: int) -> bool:
        """Whether an input is given."""
        return at < len(self.inputs) and self.inputs[at] is not None

    def constant(self, at: int) -> Array | None:
        """Return an input that is a constant; None if it is not given. Raise `Refused` if it is computed."""
        if not self.has(at):
            return None
        found = self.inputs[at]
        if isinstance(found, Tensor):
            raise Refused(f"its input {at} is computed, expected a constant")
        return np.asarray(found)

    def numbers(self, at: int, name: str) -> list[int] | None:
        """Return integers that are an input in newer versions of ONNX, and an attribute in older ones; None without any."""
        found = self.constant(at)
        if found is not None:
            return [int(n) for n in found.flatten()]
        given = self.attribute(name)
        return None if given is None else [int(n) for n in (given if isinstance(given, list | tuple) else [given])]

    def number(self, at: int) -> float | None:
        """Return an input that is one number; None if it is not given. Raise `Refused` for others."""
        found = self.constant(at)
        if found is None:
            return None
        if found.size != 1:
            raise Refused(f"its input {at} has several numbers")
        return shown_number(found)


def shown_number(value: Any) -> float:
    """Return a number of a file as a person wrote it."""
    array = np.asarray(value)
    number = array.flatten()[0]
    return float(f"{float(number):.7g}") if array.dtype == np.float32 else float(number)


Operation = Callable[[Step], Any]
OPERATIONS: dict[str, Operation] = {}


def operation(*names: str) -> Callable[[Operation], Operation]:
    """Register what runs nodes of these ops."""

    def register(function: Operation) -> Operation:
        OPERATIONS.update(dict.fromkeys(names, function))
        return function

    return register
