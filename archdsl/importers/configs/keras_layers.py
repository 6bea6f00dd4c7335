"""What each class of a Keras layer is in the language. Sizes and counts follow Keras' own formulas."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import ceil, prod
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics.suggest import did_you_mean
from archdsl.importers.configs.keras_config import Config
from archdsl.importers.configs.keras_shapes import KerasShapes
from archdsl.importers.configs.layers import average_args, bn_args, compact, conv_args, pool_args
from archdsl.importers.model import Value

if TYPE_CHECKING:
    from archdsl.importers.configs.keras import KerasReader

_LACKING = {
    **dict.fromkeys(("LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional", "ConvLSTM2D"), "recurrent layers"),
    **dict.fromkeys(("LocallyConnected1D", "LocallyConnected2D"), "convolutions with other weights at each position"),
    **dict.fromkeys(("TFOpLambda", "SlicingOpLambda"), "a TensorFlow function as a layer"),
    **dict.fromkeys(("GaussianNoise", "GaussianDropout"), "noise in training"),
    **{name: f"`{name}`" for name in (
        "Dot", "RepeatVector", "UnitNormalization", "ThresholdedReLU", "EinsumDense", "Attention", "AdditiveAttention", "Masking",
    )},
    "MultiHeadAttention": "Keras' attention with its own projections", "SpectralNormalization": "spectral normalization",
    "TimeDistributed": "a layer for each step of a sequence", "Lambda": "a Python function", "AlphaDropout": "alpha dropout",
}  # fmt: skip
"""What cannot be expressed, by the class of the layer."""
_LEFT_OUT = re.compile(r"Random\w+|CenterCrop|RandAugment|MixUp|CutMix|AugMix|AutoContrast|Solarization|Equalization")
_ACTIVATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "relu": ("relu", {}), "sigmoid": ("sigmoid", {}), "tanh": ("tanh", {}), "elu": ("elu", {"alpha": 1.0}), "selu": ("selu", {}),
    "gelu": ("gelu", {"approximate": None}), "swish": ("silu", {}), "silu": ("silu", {}), "relu6": ("relu6", {}),
    "exponential": ("exp", {}), "softplus": ("softplus", {"beta": 1.0, "threshold": 20.0}), "mish": ("mish", {}),
    "hard_swish": ("hardswish", {}), "hard_silu": ("hardswish", {}), "leaky_relu": ("leaky_relu", {"slope": 0.2}),
}  # fmt: skip


class KerasLayers(KerasShapes):
    """Reads one layer, whose key is `key`."""

    def __init__(self, reader: KerasReader, config: Config, key: str) -> None:
        super().__init__(reader.layers, config, key)
        self.reader = reader

    def read(self, kind: str, values: list[Value]) -> Value:
        """Return the result of a layer."""
        method: Callable[[KerasLayers, list[Value]], Value] | None = _READERS.get(re.sub(r"[123]D", "#D", kind))
        if method is not None:
            return method(self, values)
        if kind in _LACKING:
            return self.layers.refuse(f"{_LACKING[kind]} cannot be expressed", *values)
        if _LEFT_OUT.fullmatch(kind):
            self._remark(f"`{kind}` is left out: it changes images before training, which belongs to the recipe")
            return values[0]
        known = sorted({*(name.replace("#", "2") for name in _READERS), *_LACKING})
        return self.layers.refuse(
            f"the class `{kind[:40]}` is not one of Keras that can be read"
            + (f"; {near}" if (near := did_you_mean(kind[:40], known)) else ""),
            *values,
        )

    def _remark(self, text: str) -> None:
        if text not in self.layers.remarks:
            self.layers.remarks.append(text)

    # -- convolutions --

    def _window(self, value: Value) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], list[int], Any]:
        """Return window, stride, dilation, the sizes of the result, and the padding in the language."""
        axes = len(value.shape) - 1
        c = self.config
        k, stride, dilation = c.sizes("kernel_size", axes), c.sizes("strides", axes, 1), c.sizes("dilation_rate", axes, 1)
        padding = c.text("padding", "valid").lower()
        reach = [d * (n - 1) + 1 for n, d in zip(k, dilation, strict=True)]
        if padding == "valid":
            return k, stride, dilation, [(n - r) // s + 1 for n, r, s in zip(value.shape[1:], reach, stride, strict=True)], 0
        if padding != "same":
            self.layers.invalid(f"`padding` is `{padding[:40]}`, and must be `valid` or `same`")
        sizes = [ceil(n / s) for n, s in zip(value.shape[1:], stride, strict=True)]
        if all(s == 1 for s in stride) and all(r % 2 for r in reach):
            return k, stride, dilation, sizes, tuple(r // 2 for r in reach)
        return k, stride, dilation, sizes, "tf_same"

    def _causal(self, value: Value) -> Value:
        """Add the padding of a causal convolution before a signal."""
        if self.config.text("padding", "valid") != "causal":
            return value
        self.config.data["padding"] = "valid"
        rows = self.config.sizes("dilation_rate", 1, 1)[0] * (self.config.sizes("kernel_size", 1)[0] - 1)
        return self.layers.op("pad", {"before": rows, "after": 0, "mode": "zeros", "value": 0.0}, value)

    def _conv(self, values: list[Value]) -> Value:
        value, c = self._causal(self.first(values[0])), self.config
        out, groups, bias = c.number("filters"), c.number("groups", 1), c.flag("use_bias", True)
        k, stride, dilation, sizes, pad = self._window(value)
        if value.shape[0] % groups or out % groups:
            self.layers.invalid(f"{groups} groups do not divide {value.shape[0]} input channels and {out} filters")
        found = self.layers.op("conv", conv_args(out, k, stride, pad, dilation, groups, bias), value, key=self.key)
        self.layers.claims(found, (out, *sizes), out * (value.shape[0] // groups * prod(k) + bias))
        return self.activated(found)

    def _depthwise(self, values: list[Value]) -> Value:
        value, c = self.first(values[0]), self.config
        multiplier, bias, channels = c.number("depth_multiplier", 1), c.flag("use_bias", True), value.shape[0]
        k, stride, dilation, sizes, pad = self._window(value)
        args = conv_args(channels * multiplier, k, stride, pad, dilation, channels, bias)
        found = self.layers.op("conv", args, value, key=self.key)
        self.layers.claims(found, (channels * multiplier, *sizes), channels * multiplier * (prod(k) + bias))
        return self.activated(found)

    def _separable(self, values: list[Value]) -> Value:
        value, c = self._causal(self.first(values[0])), self.config
        out, multiplier, bias, channels = (
            c.number("filters"),
            c.number("depth_multiplier", 1),
            c.flag("use_bias", True),
            value.shape[0],
        )
        k, stride, dilation, sizes, pad = self._window(value)
        wide = channels * multiplier
        middle = self.layers.op(
            "conv", conv_args(wide, k, stride, pad, dilation, channels, False), value, key=f"{self.key}.depthwise"
        )
        self.layers.claims(middle, (wide, *sizes), wide * prod(k))
        found = self.layers.op("conv", conv_args(out, 1, 1, 0, 1, 1, bias), middle, key=f"{self.key}.pointwise")
        self.layers.claims(found, (out, *sizes), out * (wide + bias))
        return self.activated(found)

    def _transposed(self, values: list[Value]) -> Value:
        """Keras cuts `k - stride` rows off for `same`, the odd one at the end."""
        value, c = self.first(values[0]), self.config
        axes = len(value.shape) - 1
        out, bias, channels = c.number("filters"), c.flag("use_bias", True), value.shape[0]
        k, stride, dilation = c.sizes("kernel_size", axes), c.sizes("strides", axes, 1), c.sizes("dilation_rate", axes, 1)
        padding = c.text("padding", "valid").lower()
        if c.has("output_padding") or any(d != 1 for d in dilation) or padding not in ("valid", "same"):
            return self.layers.refuse("a transposed convolution with `output_padding` or dilation cannot be expressed", value)
        cut = [max(n - s, 0) if padding == "same" else 0 for n, s in zip(k, stride, strict=True)]
        extra = [max(s - n, 0) for n, s in zip(k, stride, strict=True)]
        sizes = [n * s + (0 if padding == "same" else max(w - s, 0)) for n, w, s in zip(value.shape[1:], k, stride, strict=True)]
        args = conv_args(out, k, stride, tuple(n // 2 for n in cut), 1, 1, bias) | {"output_pad": compact(tuple(extra))}
        found = self.layers.op("upconv", args, value, key=self.key)
        for axis, size in enumerate(sizes, 1):
            if found.shape[axis] > size:
                found = self.layers.op("slice", {"part": range(size), "axis": axis}, found)
        self.layers.claims(found, (out, *sizes), out * (channels * prod(k) + bias))
        return self.activated(found)

    # -- dense layers and norms --

    def _dense(self, values: list[Value]) -> Value:
        value, units, bias = values[0], self.config.number("units"), self.config.flag("use_bias", True)
        if len(value.shape) > 2 and value not in self.last:  # over the channels of an image, at each position
            found = self.layers.op("conv", conv_args(units, 1, 1, 0, 1, 1, bias), value, key=self.key)
            self.layers.claims(found, (units, *value.shape[1:]), units * (value.shape[0] + bias))
            return self.activated(found)
        value = self.tokens(value)
        args = {"out": units, "bias": bias, "axis": -1 if len(value.shape) > 2 else None}
        found = self.layers.op("linear", args, value, key=self.key)
        self.last.add(found)
        self.layers.claims(found, (*value.shape[:-1], units), units * (value.shape[-1] + bias))
        return self.activated(found)

    def _embedding(self, values: list[Value]) -> Value:
        rows, width = self.config.number("input_dim"), self.config.number("output_dim")
        if values[0].dtype != "int":
            values[0].dtype = "int"
            if values[0].producer is not None:
                return self.layers.refuse("an embedding of what other layers compute cannot be expressed", *values)
        found = self.layers.op("embedding", {"n": rows, "dim": width}, values[0], key=self.key)
        self.last.add(found)
        self.layers.claims(found, (*values[0].shape, width), rows * width)
        return found

    def _batch_norm(self, values: list[Value]) -> Value:
        c = self.config
        value = self.first(values[0]) if len(values[0].shape) == 2 else values[0]
        if not self.on_channels(c.data.get("axis", -1), value):
            return self.layers.refuse("batch normalization over another axis than the channels cannot be expressed", value)
        center, scale = c.flag("center", True), c.flag("scale", True)
        momentum = round(1 - c.real("momentum", 0.99), 10)
        found = self.layers.op("bn", bn_args(c.real("epsilon", 1e-3), momentum, center and scale), value,
                               key=self.key if center and scale else f"{self.key}.norm")  # fmt: skip
        self.layers.claims(found, value.shape, 2 * value.shape[0] if center and scale else 0)
        if center == scale:
            return found
        if scale:
            return self.layers.refuse("batch normalization with a scale and no shift cannot be expressed", value)
        shift = self.layers.param((value.shape[0], *[1] * (len(value.shape) - 1)), f"{self.key}.beta")
        shifted = self.layers.op("add", {"broadcast": True}, found, shift)
        self.layers.claims(shifted, value.shape, value.shape[0])
        return shifted

    def _layer_norm(self, values: list[Value]) -> Value:
        value, c = values[0], self.config
        if not self.on_channels(c.data.get("axis", -1), value) or not (c.flag("center", True) and c.flag("scale", True)):
            return self.layers.refuse(
                "layer normalization over several axes, or without scale and shift, cannot be expressed", value
            )
        channels = value.shape[-1] if value in self.last else value.shape[0]
        axis = -1 if value in self.last and len(value.shape) > 1 else 0
        found = self.layers.op("ln", {"eps": c.real("epsilon", 1e-3), "axis": axis}, value, key=self.key)
        self.keep(found, value)
        self.layers.claims(found, value.shape, 2 * channels)
        return found

    def _group_norm(self, values: list[Value]) -> Value:
        value, c = self.first(values[0]), self.config
        groups = c.number("groups", 32, -1)
        groups = value.shape[0] if groups == -1 else groups
        affine = c.flag("center", True) and c.flag("scale", True)
        if not affine and (c.flag("center", True) or c.flag("scale", True)):
            return self.layers.refuse("group normalization with a scale or a shift alone cannot be expressed", value)
        args = {"groups": groups, "eps": c.real("epsilon", 1e-3), "affine": affine}
        found = self.layers.op("gn", args, value, key=self.key if affine else None)
        self.layers.claims(found, value.shape, 2 * value.shape[0] if affine else 0)
        return found

    # -- activations --

    def _activation(self, values: list[Value]) -> Value:
        return self.activated(values[0])

    def activated(self, value: Value) -> Value:
        """Add the activation that the layer names."""
        name = self.config.text("activation", "linear")
        name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower() if name != name.lower() else name
        if name == "linear":
            return value
        if name in ("softmax", "log_softmax"):
            return self.keep(
                self.layers.op(name, {"axis": -1 if value in self.last and len(value.shape) > 1 else 0}, value), value
            )
        if name == "hard_sigmoid":
            return self.keep(self._hard_sigmoid(value), value)
        if name not in _ACTIVATIONS:
            return self.keep(self.layers.refuse(f"the activation `{name[:40]}` cannot be expressed", value), value)
        op, args = _ACTIVATIONS[name]
        return self.keep(self.layers.op(op, args, value), value)

    def _hard_sigmoid(self, value: Value) -> Value:
        """Keras 3 has `relu6(x + 3) / 6`, and Keras 2 `0.2 * x + 0.5`, cut at 0 and 1."""
        if self.reader.version >= 3:
            return self.layers.op("hardsigmoid", {}, value)
        scaled = self.layers.op("scale", {"factor": 0.2}, value)
        return self.layers.op("clamp", {"low": 0, "high": 1}, self.layers.op("add", {"number": 0.5}, scaled))

    def _relu(self, values: list[Value]) -> Value:
        value, c = values[0], self.config
        most, slope, threshold = c.data.get("max_value"), c.real("negative_slope", 0.0), c.real("threshold", 0.0)
        if threshold or (most is not None and slope):
            return self.layers.refuse("ReLU with a threshold, or with a slope and a maximum, cannot be expressed", value)
        if most is not None:
            most = c.real("max_value", 6.0)
            op, args = ("relu6", {}) if most == 6 else ("clamp", {"low": 0, "high": most})
        else:
            op, args = ("leaky_relu", {"slope": slope}) if slope else ("relu", {})
        return self.keep(self.layers.op(op, args, value), value)

    def _leaky(self, values: list[Value]) -> Value:
        slope = self.config.real("negative_slope", self.config.real("alpha", 0.3))
        return self.keep(self.layers.op("leaky_relu", {"slope": slope}, values[0]), values[0])

    def _prelu(self, values: list[Value]) -> Value:
        value, shared = values[0], self.config.data.get("shared_axes")
        axes = list(range(1, len(value.shape)))
        if (value in self.last and len(value.shape) > 1) or (axes and shared != axes):
            return self.layers.refuse("PReLU with other slopes at each position cannot be expressed", value)
        found = self.layers.op("prelu", {"per_channel": True}, value, key=self.key)
        self.layers.claims(found, value.shape, value.shape[0])
        return found

    def _elu(self, values: list[Value]) -> Value:
        return self.keep(self.layers.op("elu", {"alpha": self.config.real("alpha", 1.0)}, values[0]), values[0])

    def _softmax(self, values: list[Value]) -> Value:
        if not self.on_channels(self.config.data.get("axis", -1), values[0]):
            return self.layers.refuse("softmax over another axis than the channels cannot be expressed", values[0])
        self.config.data["activation"] = "softmax"
        return self.activated(values[0])

    # -- pools --

    def _max_pool(self, values: list[Value]) -> Value:
        return self._pool(values[0], "maxpool")

    def _average_pool(self, values: list[Value]) -> Value:
        return self._pool(values[0], "avgpool")

    def _pool(self, value: Value, op: str) -> Value:
        value, c = self.first(value), self.config
        axes = len(value.shape) - 1
        k = c.sizes("pool_size", axes, 2)
        stride = c.sizes("strides", axes) if c.has("strides") else k
        same = c.text("padding", "valid").lower() == "same"
        pad: Any = "tf_same" if same else 0
        if same and all(s == 1 for s in stride) and all(n % 2 for n in k):
            pad = tuple(n // 2 for n in k)
        args = pool_args(k, stride, pad) if op == "maxpool" else average_args(k, stride, pad, count_pad=not same)
        found = self.layers.op(op, args, value)
        sizes = [ceil(n / s) if same else (n - w) // s + 1 for n, w, s in zip(value.shape[1:], k, stride, strict=True)]
        self.layers.claims(found, (value.shape[0], *sizes))
        return found

    def _global_average(self, values: list[Value]) -> Value:
        return self._global(self.first(values[0]), "gap", {})

    def _global_max(self, values: list[Value]) -> Value:
        return self._global(self.first(values[0]), "maxpool_to", {"size": 1})

    def _global(self, value: Value, op: str, args: dict[str, Any]) -> Value:
        found = self.layers.op(op, args, value)
        return found if self.config.flag("keepdims", False) else self.vector(self.layers.op("flatten", {}, found))

    # -- dropout, joins and preprocessing --

    def _dropout(self, values: list[Value]) -> Value:
        return self.keep(self.layers.op("dropout", {"p": self.config.real("rate", 0.5)}, values[0]), values[0])

    def _spatial_dropout(self, values: list[Value]) -> Value:
        return self.layers.op("dropout2d", {"p": self.config.real("rate", 0.5)}, self.first(values[0]))

    def _nothing(self, values: list[Value]) -> Value:
        return values[0]

    def _rescaling(self, values: list[Value]) -> Value:
        value, c = values[0], self.config
        if isinstance(c.data.get("scale"), list) or isinstance(c.data.get("offset"), list):
            self._remark("`Rescaling` with numbers for each channel is left out: the recipe normalizes images")
            return value
        scale, offset = c.real("scale", 1.0), c.real("offset", 0.0)
        value = self.layers.op("scale", {"factor": scale}, value) if scale != 1 else value
        return self.layers.op("add", {"number": offset}, value) if offset else value

    def _normalization(self, values: list[Value]) -> Value:
        self._remark("`Normalization` is left out: its statistics are not in the file, and the recipe normalizes images")
        return values[0]


_READERS: dict[str, Callable[[KerasLayers, list[Value]], Value]] = {
    "Conv#D": KerasLayers._conv, "Convolution#D": KerasLayers._conv, "DepthwiseConv#D": KerasLayers._depthwise,
    "SeparableConv#D": KerasLayers._separable, "Conv#DTranspose": KerasLayers._transposed,
    "Dense": KerasLayers._dense, "Embedding": KerasLayers._embedding,
    "BatchNormalization": KerasLayers._batch_norm, "BatchNormalizationV1": KerasLayers._batch_norm,
    "SyncBatchNormalization": KerasLayers._batch_norm, "LayerNormalization": KerasLayers._layer_norm,
    "GroupNormalization": KerasLayers._group_norm, "Activation": KerasLayers._activation, "ReLU": KerasLayers._relu,
    "LeakyReLU": KerasLayers._leaky, "PReLU": KerasLayers._prelu, "ELU": KerasLayers._elu, "Softmax": KerasLayers._softmax,
    "MaxPooling#D": KerasLayers._max_pool, "MaxPool#D": KerasLayers._max_pool, "AveragePooling#D": KerasLayers._average_pool,
    "AvgPool#D": KerasLayers._average_pool, "GlobalAveragePooling#D": KerasLayers._global_average,
    "GlobalAvgPool#D": KerasLayers._global_average, "GlobalMaxPooling#D": KerasLayers._global_max,
    "GlobalMaxPool#D": KerasLayers._global_max, "Flatten": KerasLayers._flatten, "Reshape": KerasLayers._reshape,
    "Permute": KerasLayers._permute, "ZeroPadding#D": KerasLayers._zero_padding, "Cropping#D": KerasLayers._cropping,
    "UpSampling#D": KerasLayers._upsampling, "Resizing": KerasLayers._resizing, "Dropout": KerasLayers._dropout,
    "SpatialDropout#D": KerasLayers._spatial_dropout, "Add": KerasLayers._add, "Subtract": KerasLayers._subtract,
    "Multiply": KerasLayers._multiply, "Average": KerasLayers._average, "Maximum": KerasLayers._maximum,
    "Minimum": KerasLayers._minimum, "Concatenate": KerasLayers._concatenate, "Rescaling": KerasLayers._rescaling,
    "Normalization": KerasLayers._normalization, "ActivityRegularization": KerasLayers._nothing, "Identity": KerasLayers._nothing,
}  # fmt: skip
