"""NAS-Bench-201 in plain PyTorch, after section 2.1 and Figure 1 of Dong & Yang 2020, arXiv:2001.00326."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

OPERATIONS = ("zero", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
"""In the order of the space."""


class Zero(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 0


def convolution(inputs: int, outputs: int, k: int, stride: int = 1) -> nn.Sequential:
    """ReLU, convolution and batch normalization."""
    return nn.Sequential(nn.ReLU(), nn.Conv2d(inputs, outputs, k, stride, padding=k // 2, bias=False), nn.BatchNorm2d(outputs))


def operation(name: str, width: int) -> nn.Module:
    if name.startswith("nor_conv"):
        return convolution(width, width, int(name[-1]))
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, 1, padding=1, count_include_pad=False)
    return nn.Identity() if name == "skip_connect" else Zero()


class Cell(nn.Module):
    """Four nodes; each is the sum of an operation on every node before it."""

    def __init__(self, operations: Sequence[str], width: int) -> None:
        super().__init__()
        self.edges = nn.ModuleList(operation(name, width) for name in operations)

    def forward(self, x: Tensor) -> Tensor:
        nodes, edges = [x], iter(self.edges)
        for _ in range(3):
            nodes.append(sum(next(edges)(node) for node in nodes))
        return nodes[-1]


class Reduction(nn.Module):
    """A residual block of stride 2, whose shortcut is an average pooling and a 1x1 convolution."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(convolution(width, 2 * width, 3, 2), convolution(2 * width, 2 * width, 3))
        self.shortcut = nn.Sequential(nn.AvgPool2d(2, 2), nn.Conv2d(width, 2 * width, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + self.shortcut(x)


def network(operations: Sequence[str], classes: int = 10) -> nn.Module:
    """Three stages of five cells, 16, 32 and 64 channels wide."""
    layers: list[nn.Module] = [nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)]
    for stage in range(3):
        layers += [Reduction(8 * 2**stage)] if stage else []
        layers += [Cell(operations, 16 * 2**stage) for _ in range(5)]
    return nn.Sequential(*layers, nn.BatchNorm2d(64), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, classes))


def parameters_in_pytorch(operations: Sequence[str]) -> int:
    """Return the number of parameters of a network, built on the device `meta`."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in network(operations).parameters())


def costs_in_pytorch(operations: Sequence[str]) -> tuple[int, int]:
    """Return the numbers of parameters and of multiply-accumulates for an image, built and run on the device `meta`."""
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        module = network(operations).eval()
        module(torch.empty(1, 3, 32, 32))
    return sum(parameter.numel() for parameter in module.parameters()), counter.get_total_flops() // 2
