"""What Darknet computes and the language has no op for, as several ops. Each function follows a function of Darknet's source."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Any

from archdsl.diagnostics.suggest import did_you_mean
from archdsl.importers.configs.layers import Layers, average_args
from archdsl.importers.model import Origin, Value

# -- activations: `activations.h` --

_ACTIVATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "leaky": ("leaky_relu", {"slope": 0.1}), "relu": ("relu", {}), "relie": ("leaky_relu", {"slope": 0.01}),
    "logistic": ("sigmoid", {}), "tanh": ("tanh", {}), "elu": ("elu", {"alpha": 1.0}), "selu": ("selu", {}),
    "mish": ("mish", {}), "swish": ("silu", {}), "gelu": ("gelu", {"approximate": "tanh"}), "relu6": ("relu6", {}),
    "hardtan": ("clamp", {"low": -1.0, "high": 1.0}),
}  # fmt: skip
_RARE = (
    "stair", "hard_mish", "revleaky", "normalize_channels", "normalize_channels_softmax", "normalize_channels_softmax_maxval",
    "gelu_exact", "revswish", "hardswish",
)  # fmt: skip
"""Activations that cannot be expressed: `stair` rounds down, and the others are of branches of Darknet."""


def activated(layers: Layers, name: str, x: Value) -> Value:
    """Add an activation. Raise `SpecError` E1211 if Darknet has none of this name."""
    if name == "linear":
        return x
    if name in _ACTIVATIONS:
        op, args = _ACTIVATIONS[name]
        return layers.op(op, args, x)
    if name in _COMPOSED:
        assert layers.layer is not None
        with layers.call(f"~{layers.layer.name}_{name}", Origin(name, layer=True)):
            return _COMPOSED[name](layers, x)
    if name in _RARE:
        return layers.refuse(f"the activation `{name}` cannot be expressed", x)
    known = [*_ACTIVATIONS, *_COMPOSED, "linear"]
    layers.invalid(f"Darknet has no activation `{name[:40]}`", help=did_you_mean(name[:40], known))


def _ramp(layers: Layers, x: Value) -> Value:
    """`x * (x > 0) + 0.1 * x`."""
    return layers.op("add", {}, layers.op("relu", {}, x), layers.op("scale", {"factor": 0.1}, x))


def _loggy(layers: Layers, x: Value) -> Value:
    """`2 / (1 + exp(-x)) - 1`."""
    return layers.op("sub", {"number": 1}, layers.op("scale", {"factor": 2}, layers.op("sigmoid", {}, x)))


def _lhtan(layers: Layers, x: Value) -> Value:
    """`x` from 0 to 1, with a slope of 0.001 outside."""
    middle = layers.op("clamp", {"low": 0.0, "high": 1.0}, x)
    return layers.op("add", {}, middle, _outside(layers, x, middle, 0.001))


def _plse(layers: Layers, x: Value) -> Value:
    """`x / 8 + 1 / 2` from -4 to 4, with a slope of 0.01 outside."""
    near = layers.op("clamp", {"low": -4.0, "high": 4.0}, x)
    middle = layers.op("add", {"number": 0.5}, layers.op("scale", {"factor": 0.125}, near))
    return layers.op("add", {}, middle, _outside(layers, x, near, 0.01))


def _outside(layers: Layers, x: Value, near: Value, slope: float) -> Value:
    """Return how far a value is from the nearest one between two bounds, times a slope."""
    return layers.op("scale", {"factor": slope}, layers.op("sub", {}, x, near))


_COMPOSED: dict[str, Callable[[Layers, Value], Value]] = {"ramp": _ramp, "loggy": _loggy, "lhtan": _lhtan, "plse": _plse}

# -- sums of different shapes: `shortcut_cpu` --


def fitted(layers: Layers, source: Value, shape: tuple[int, ...]) -> Value:
    """Return what Darknet adds of a value to one of another shape: the channels and pixels that both have, and zeros.

    If the value has several times the rows, that is every second one, or third, and so on.
    """
    if source.shape == shape:
        return source
    if len(source.shape) != len(shape):
        return _refused(layers, source, shape)
    strides = [max(ours // theirs, 1) for ours, theirs in zip(source.shape[1:], shape[1:], strict=True)]
    samples = [theirs // ours for ours, theirs in zip(source.shape[1:], shape[1:], strict=True)]
    if len(set(strides)) > 1 or len(set(samples)) > 1:
        layers.invalid(f"a shortcut from {list(source.shape)} to {list(shape)} changes height and width by different factors")
    if max(samples, default=1) > 1:
        return _refused(layers, source, shape)
    found = _channels(layers, _pixels(layers, source, shape[1:], strides), shape[0])
    layers.claims(found, shape)
    return found


def _refused(layers: Layers, source: Value, shape: tuple[int, ...]) -> Value:
    return layers.refuse(
        f"a shortcut from {list(source.shape)} to {list(shape)}, which adds to some of the pixels, cannot be expressed",
        source, shape=shape,
    )  # fmt: skip


def _pixels(layers: Layers, x: Value, sizes: tuple[int, ...], strides: list[int]) -> Value:
    whole = tuple(size * stride for size, stride in zip(sizes, strides, strict=True))
    if whole == x.shape[1:]:
        return x if set(strides) <= {1} else layers.op("avgpool", average_args(1, tuple(strides)), x)
    for axis, (size, stride) in enumerate(zip(sizes, strides, strict=True), 1):
        if x.shape[axis] > size:
            x = layers.op("slice", {"part": range(0, size * stride, stride), "axis": axis}, x)
    if x.shape[1:] == sizes:
        return x
    after = tuple(size - ours for size, ours in zip(sizes, x.shape[1:], strict=True))
    return layers.op("pad", {"before": 0, "after": after, "mode": "zeros", "value": 0.0}, x)


def _channels(layers: Layers, x: Value, channels: int) -> Value:
    if x.shape[0] < channels:
        return layers.op("pad_channels", {"to": channels}, x)
    return layers.op("slice", {"part": range(channels), "axis": 0}, x) if x.shape[0] > channels else x


# -- other orders of the same elements: `reorg_cpu` and `flatten` --


def reorganized(layers: Layers, x: Value, stride: int) -> Value:
    """Return space as depth, as `reorg_cpu` reads it: the elements of `x` are those of an image with larger sides."""
    channels, height, width = x.shape
    small, sides = channels // stride**2, (height * stride, width * stride)
    found = layers.op("reshape", {"sizes": (small, *sides)}, x)
    found = layers.op("rearrange", {"pattern": "c (h p) (w q) -> (p q c) h w", "p": stride, "q": stride}, found)
    return layers.op("reshape", {"sizes": (channels * stride**2, height // stride, width // stride)}, found)


def reorganized_back(layers: Layers, x: Value, stride: int) -> Value:
    """Return depth as space: the channels of one pixel are apart, and not next to each other as in `pixel_shuffle`."""
    return layers.op("rearrange", {"pattern": "(p q c) h w -> c (h p) (w q)", "p": stride, "q": stride}, x)


def channels_last(layers: Layers, x: Value, shape: tuple[int, ...], *, back: bool) -> Value:
    """Return the elements with the channels of a pixel side by side; `back`: read as if they were that already."""
    channels, height, width = x.shape
    if back:
        found = layers.op("permute", {"order": (2, 0, 1)}, layers.op("reshape", {"sizes": (height, width, channels)}, x))
    else:
        found = layers.op("permute", {"order": (1, 2, 0)}, x)
    return found if found.shape == shape else layers.op("reshape", {"sizes": shape}, found)


# -- layers with weights of their own at each position: `local_layer.c` --


def locally_connected(layers: Layers, x: Value, out: int, size: int, stride: int, pad: int, path: str) -> Value:
    """Add a convolution with other weights at each position, `[position, out, window]`, and a bias of each output.

    `path` is that of the module, below which the tensors are `weight` and `bias`.
    """
    _, height, width = x.shape
    sides = tuple((n + 2 * pad - size) // stride + 1 for n in (height, width))
    columns = layers.op("unfold", {"k": size, "stride": stride, "pad": pad, "dilation": 1}, x)
    windows = layers.op("rearrange", {"pattern": "n l -> l n 1"}, columns)
    windows.hint = "windows"
    positions, elements, _ = windows.shape
    bound = sqrt(2 / elements)
    weight = layers.param((positions, out, elements), f"{path}.weight", init=f"uniform({-bound:.4g}, {bound:.4g})")
    found = layers.op("matmul", {}, weight, windows)
    found = layers.op("rearrange", {"pattern": "(h w) c 1 -> c h w", "h": sides[0]}, found)
    return layers.op("add", {}, found, layers.param((out, *sides), f"{path}.bias"))
