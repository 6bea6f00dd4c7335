"""Networks written out in the languages of peers that have neither blocks nor loops.

A network here is a list of layers, from which the text of each language is made. What a language cannot say is left out:
n-orca's convolutions always have a bias, and Aurane's pools have no padding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

BOTTLENECKS = (3, 8, 36, 3)
"""Blocks in the four stages of ResNet-152: He et al. 2015, arXiv:1512.03385, Table 1."""


@dataclass(frozen=True)
class Layer:
    """One op, the layers that it reads, and what the op needs to know."""

    name: str
    op: str
    inputs: tuple[str, ...]
    channels: int
    before: int = 0
    kernel: int = 1
    stride: int = 1

    @property
    def pad(self) -> int:
        """The padding that keeps the size at stride 1."""
        return self.kernel // 2


@dataclass(frozen=True)
class Network:
    """A name, the shape of the input `x` without the batch, and layers in the order of execution."""

    name: str
    shape: tuple[int, int, int]
    layers: tuple[Layer, ...]

    def spoiled(self) -> Network:
        """Return the network with another width in the last convolution before an addition, where it cannot fit."""
        last = max(i for i, layer in enumerate(self.layers) if layer.op == "conv" and self.layers[i + 2].op == "add")
        wrong = replace(self.layers[last], channels=self.layers[last].channels // 2)
        return replace(self, layers=(*self.layers[:last], wrong, *self.layers[last + 1 :]))


def residual_block() -> Network:
    """Return two convolutions of 64 channels with the identity around them."""
    body = (*_unit("a", "x", 64, 64, 3), Layer("a_relu", "relu", ("a_bn",), 64), *_unit("b", "a_relu", 64, 64, 3))
    return Network("ResidualBlock", (64, 56, 56), (*body, *_joined("sum", "b_bn", "x", 64)))


def resnet152() -> Network:
    """Return ResNet-152."""
    layers = [*_unit("stem", "x", 3, 64, 7, 2), Layer("stem_relu", "relu", ("stem_bn",), 64)]
    layers.append(Layer("pool", "maxpool", ("stem_relu",), 64, kernel=3, stride=2))
    source, before = "pool", 64
    for stage, blocks in enumerate(BOTTLENECKS):
        for number in range(blocks):
            stride = 2 if stage > 0 and number == 0 else 1
            block = [*_bottleneck(f"s{stage}b{number}", source, before, 64 * 2**stage, stride)]
            layers += block
            source, before = block[-1].name, 256 * 2**stage
    layers += [Layer("gap", "gap", (source,), before), Layer("flat", "flatten", ("gap",), before)]
    layers.append(Layer("fc", "linear", ("flat",), 1000, before))
    return Network("ResNet152", (3, 224, 224), tuple(layers))


def _unit(name: str, source: str, before: int, channels: int, kernel: int, stride: int = 1) -> Iterator[Layer]:
    yield Layer(name, "conv", (source,), channels, before, kernel, stride)
    yield Layer(f"{name}_bn", "bn", (name,), channels)


def _joined(name: str, body: str, shortcut: str, channels: int) -> Iterator[Layer]:
    yield Layer(name, "add", (body, shortcut), channels)
    yield Layer(f"{name}_relu", "relu", (name,), channels)


def _bottleneck(name: str, source: str, before: int, width: int, stride: int) -> Iterator[Layer]:
    yield from _unit(f"{name}a", source, before, width, 1)
    yield Layer(f"{name}a_relu", "relu", (f"{name}a_bn",), width)
    yield from _unit(f"{name}b", f"{name}a_relu", width, width, 3, stride)
    yield Layer(f"{name}b_relu", "relu", (f"{name}b_bn",), width)
    shortcut = source
    if stride > 1 or before != 4 * width:
        yield from _unit(f"{name}p", source, before, 4 * width, 1, stride)
        shortcut = f"{name}p_bn"
    yield from _unit(f"{name}c", f"{name}b_relu", width, 4 * width, 1)
    yield from _joined(f"{name}sum", f"{name}c_bn", shortcut, 4 * width)


def n_orca(network: Network) -> str:
    """Return the network as n-orca's Markdown: a heading for each layer, and a table of edges."""
    calls = {
        "conv": "Conv2d({before}, {channels}, {kernel}, {stride}, {pad})", "bn": "BatchNorm2d({channels})", "relu": "ReLU",
        "add": "Add", "maxpool": "MaxPool2d({kernel}, {stride}, {pad})", "gap": "AdaptiveAvgPool2d(1)", "flatten": "Flatten(1)",
        "linear": "Linear({before}, {channels})",
    }  # fmt: skip
    shape = ", ".join(map(str, network.shape))
    lines = [f"# architecture {network.name}", "", "## tensors", "", "| Name | Shape | Dtype |", "|---|---|---|"]
    lines += [f"| x | (B, {shape}) | float32 |", "", "## layer x [input]"]
    for layer in network.layers:
        lines += [f"## layer {layer.name}", f"- op: {_filled(calls, layer)}"]
    edges = [(source, layer.name) for layer in network.layers for source in layer.inputs]
    lines += ["## layer y [output]", "", "## flow", "", "| Source | Target | Tensor |", "|---|---|---|"]
    lines += [f"| {source} | {target} | t |" for source, target in [*edges, (network.layers[-1].name, "y")]]
    return "\n".join(lines) + "\n"


def aurane(network: Network) -> str:
    """Return the network as an Aurane model: an assignment for each layer."""
    calls = {
        "conv": "conv2d({0}, {channels}, kernel={kernel}, stride={stride}, padding={pad}, bias=False)", "bn": "batchnorm({0})",
        "relu": "relu({0})", "add": "add({0}, {1})", "maxpool": "maxpool({0}, {stride})", "gap": "global_avg_pool({0})",
        "flatten": "flatten({0})", "linear": "dense({0}, {channels})",
    }  # fmt: skip
    lines = ["use torch", "", f"model {network.name}:", f"    input_shape = {network.shape}", "    def forward(x):"]
    lines += [f"        {layer.name} = {_filled(calls, layer)}" for layer in network.layers]
    return "\n".join([*lines, f"        return {network.layers[-1].name}"]) + "\n"


def _filled(calls: dict[str, str], layer: Layer) -> str:
    return calls[layer.op].format(*layer.inputs, **vars(layer), pad=layer.pad)
