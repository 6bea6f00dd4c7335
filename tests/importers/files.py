"""Small models in files, as other programs write them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn


class Unit(nn.Module):
    def __init__(self, channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.norm(self.conv(x)))


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.units = nn.ModuleList([Unit(8, 8), Unit(8, 16, 2), Unit(16, 32, 2)])
        self.last = nn.Sequential(nn.Conv2d(32, 32, 1), nn.SiLU(), nn.Dropout(0.2))
        self.head = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for unit in self.units:
            x = unit(x)
        result: Tensor = self.head(self.last(x).mean((2, 3)))
        return result


def net() -> nn.Module:
    """A network in evaluation mode, whose batch norms count."""
    torch.manual_seed(0)
    made = Net()
    for module in made.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight.data, module.bias.data, module.running_mean, module.running_var):
                assert tensor is not None
                tensor.uniform_(0.5, 1.5)
    return made.eval()


def save_program(path: Path, module: nn.Module | None = None, **options: Any) -> Path:
    """Write a program of torch.export."""
    program = torch.export.export(module or net(), (torch.randn(2, 3, 16, 16),), **options)
    torch.export.save(program, path)
    return path


def save_onnx(path: Path, *, dynamo: bool, **options: Any) -> Path:
    """Write an ONNX file with one of PyTorch's exporters."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if dynamo:
            options |= {"external_data": False, "verbose": False}
        torch.onnx.export(net(), (torch.randn(1, 3, 16, 16),), str(path), dynamo=dynamo, **options)
    return path


class Graph:
    """An ONNX graph in the making, with nodes one after another."""

    def __init__(self, *shape: int | str, opset: int = 18) -> None:
        self.nodes: list[Any] = []
        self.stored: list[Any] = []
        self.input = helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)
        self.last, self.opset = "image", opset
        self.random = np.random.default_rng(0)

    def store(self, value: Any, name: str = "") -> str:
        name = name or f"stored{len(self.stored)}"
        self.stored.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def weight(self, *shape: int, name: str = "") -> str:
        return self.store((0.5 + self.random.random(shape)).astype(np.float32), name)

    def add(self, op: str, *inputs: str, outputs: int = 1, domain: str = "", **attributes: Any) -> list[str]:
        """Add a node that reads the last value, or the inputs given after `!`."""
        read = list(inputs[1:]) if inputs[:1] == ("!",) else [self.last, *inputs]
        names = [f"{op.lower()}{len(self.nodes)}_{at}" for at in range(outputs)]
        self.nodes.append(helper.make_node(op, read, names, name=f"{op}_{len(self.nodes)}", domain=domain, **attributes))
        self.last = names[0]
        return names

    def save(self, path: Path) -> Path:
        output = helper.make_tensor_value_info(self.last, TensorProto.FLOAT, None)
        graph = helper.make_graph(self.nodes, "net", [self.input], [output], self.stored)
        opsets = [helper.make_opsetid("", self.opset), helper.make_opsetid("custom", 1)]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), path)
        return path


Make = Callable[[Graph], Any]
