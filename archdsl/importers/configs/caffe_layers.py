"""What each type of a Caffe layer is in the language. Sizes and counts follow Caffe's own `Reshape` functions."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import ceil, e, prod
from typing import TYPE_CHECKING

from archdsl.diagnostics.suggest import did_you_mean
from archdsl.importers.configs.layers import average_args, conv_args, key_of, pool_args
from archdsl.importers.configs.prototxt import Message
from archdsl.importers.model import Origin, Value

if TYPE_CHECKING:
    from archdsl.importers.configs.caffe import CaffeReader

_PLAIN = {
    "Sigmoid": "sigmoid", "TanH": "tanh", "AbsVal": "abs", "ReLU6": "relu6", "Mish": "mish", "SeLU": "selu",
    "HardSwish": "hardswish", "HardSigmoid": "hardsigmoid",
}  # fmt: skip
_LACKING = {
    **dict.fromkeys(("RNN", "LSTM", "Recurrent"), "recurrent layers"),
    **{name: f"`{name}`" for name in (
        "Im2col", "Reduction", "Tile", "Filter", "Threshold", "Parameter", "Embed", "CReLU", "Interp", "BN", "BatchReindex",
    )},
    "MVN": "a normalization by mean and variance of each image", "SPP": "spatial pyramid pooling",
    "PriorBox": "boxes of a detector", "DetectionOutput": "the decoding of a detector", "ROIPooling": "pooling of regions",
    "Normalize": "a division by the norm over channels with a learned scale", "Proposal": "proposals of a detector",
    "Python": "a layer in Python, with a rule of its own,", "ArgMax": "the position of the largest score",
}  # fmt: skip
"""What cannot be expressed, by the type of the layer."""


class CaffeLayers:
    """Reads one layer."""

    def __init__(self, reader: CaffeReader, message: Message) -> None:
        self.reader, self.layers, self.message = reader, reader.layers, message
        self.key = key_of(reader.owner(message))

    def read(self, kind: str, values: list[Value], scale: Message | None, tops: int) -> list[Value]:
        """Return the values of the layer's tops. `scale` is a `Scale` layer right behind it."""
        if kind == "Slice":
            return self._slice(values[0], tops)
        if kind in _PLAIN:
            return [self.layers.op(_PLAIN[kind], {}, values[0])]
        if kind == "BatchNorm":
            return [self.reader.norm(self.message, values[0], scale, self.key)]
        method: Callable[[CaffeLayers, list[Value]], Value] | None = _READERS.get(kind)
        if method is not None:
            return [method(self, values)]
        if kind in _LACKING:
            return [self.layers.refuse(f"{_LACKING[kind]} cannot be expressed", *values)] * tops
        near = did_you_mean(kind[:40], sorted({*_READERS, *_PLAIN, *_LACKING, "Slice", "BatchNorm"}))
        if near is not None:
            self.layers.invalid(f"Caffe has no layer of the type `{kind[:40]}`", help=near)
        return [self.layers.refuse(f"the type `{kind[:40]}`, of a branch of Caffe, is not known", *values)] * tops

    # -- layers with weights --

    def _axes(self, given: Message, name: str, short: str, default: int, axes: int, least: int = 0) -> tuple[int, ...]:
        """Return a number per axis: from `kernel_size`, repeated or not, or from `kernel_h` and `kernel_w`."""
        both = [given.number(f"{short}_{axis}", -1, least) for axis in "hw"]
        if -1 not in both and axes == 2:
            return tuple(both)
        found = given.numbers(name, least) or [default]
        if len(found) not in (1, axes):
            self.layers.invalid(f"`{name}` has {len(found)} numbers, and the input {axes} spatial axes")
        return tuple(found) * (axes if len(found) == 1 else 1)

    def _convolution(self, values: list[Value]) -> Value:
        return self._convolved(values[0], None)

    def _depthwise(self, values: list[Value]) -> Value:
        return self._convolved(values[0], values[0].shape[0])

    def _convolved(self, value: Value, groups: int | None) -> Value:
        given = self.message.message("convolution_param")
        axes = len(value.shape) - 1
        if given.get("num_output") is None:
            self.layers.invalid("`num_output` is missing in its `convolution_param`")
        out, bias = given.number("num_output", 0, 1), given.flag("bias_term", True)
        k = self._axes(given, "kernel_size", "kernel", 0, axes)
        if 0 in k:
            self.layers.invalid("`kernel_size` is missing or 0 in its `convolution_param`")
        stride, pad = self._axes(given, "stride", "stride", 1, axes, 1), self._axes(given, "pad", "pad", 0, axes)
        dilation = self._axes(given, "dilation", "dilation", 1, axes, 1)
        groups = groups or given.number("group", 1, 1)
        args = conv_args(out, k, stride, pad, dilation, groups, bias)
        found = self.layers.op("conv", args, value, key=self.key)
        reach = [d * (n - 1) + 1 for n, d in zip(k, dilation, strict=True)]
        sizes = [(n + 2 * p - r) // s + 1 for n, p, r, s in zip(value.shape[1:], pad, reach, stride, strict=True)]
        self.layers.claims(found, (out, *sizes), out * (value.shape[0] // groups * prod(k) + bias))
        return found

    def _deconvolution(self, values: list[Value]) -> Value:
        given, value = self.message.message("convolution_param"), values[0]
        axes = len(value.shape) - 1
        out, bias = given.number("num_output", 0, 1), given.flag("bias_term", True)
        k, stride = self._axes(given, "kernel_size", "kernel", 0, axes, 1), self._axes(given, "stride", "stride", 1, axes, 1)
        pad, dilation = self._axes(given, "pad", "pad", 0, axes), self._axes(given, "dilation", "dilation", 1, axes, 1)
        groups = given.number("group", 1, 1)
        args = {**conv_args(out, k, stride, pad, dilation, groups, bias), "output_pad": 0}
        found = self.layers.op("upconv", args, value, key=self.key)
        sizes = [
            s * (n - 1) + d * (w - 1) + 1 - 2 * p for n, w, s, p, d in zip(value.shape[1:], k, stride, pad, dilation, strict=True)
        ]
        self.layers.claims(found, (out, *sizes), value.shape[0] * (out // groups) * prod(k) + out * bias)
        return found

    def _inner_product(self, values: list[Value]) -> Value:
        given, value = self.message.message("inner_product_param"), values[0]
        out, bias = given.number("num_output", 0, 1), given.flag("bias_term", True)
        if given.number("axis", 1, -8) != 1:
            return self.layers.refuse("an inner product over other axes than all of them cannot be expressed", value)
        inputs = prod(value.shape)
        if len(value.shape) > 1:
            value = self.layers.op("flatten", {}, value)
        args = {"out": out, "bias": bias, "axis": None} | ({"transposed": True} if given.flag("transpose", False) else {})
        found = self.layers.op("linear", args, value, key=self.key)
        self.layers.claims(found, (out,), out * (inputs + bias))
        return found

    def _prelu(self, values: list[Value]) -> Value:
        shared = self.message.message("prelu_param").flag("channel_shared", False)
        found = self.layers.op("prelu", {"per_channel": not shared}, values[0], key=self.key)
        self.layers.claims(found, values[0].shape, 1 if shared else values[0].shape[0])
        return found

    def _scale(self, values: list[Value]) -> Value:
        given = self.message.message("scale_param")
        made_by = values[0].producer
        if len(values) == 2:
            a, b = values
            if given.number("axis", 1, -8) == 0 and len(b.shape) < len(a.shape):
                b = self.layers.op("reshape", {"sizes": (*b.shape, *[1] * (len(a.shape) - len(b.shape)))}, b)
            return self.layers.op("mul", {}, a, b)
        if made_by is not None and getattr(made_by, "op", "") == "bn" and made_by.args["affine"]:  # type: ignore[union-attr]
            return values[0]
        return self.layers.refuse(
            "a learned scale that does not belong to a `BatchNorm`, or has no `bias_term`, cannot be expressed", *values
        )

    # -- layers without weights --

    def _pooling(self, values: list[Value]) -> Value:
        given, value = self.message.message("pooling_param"), values[0]
        pool = given.text("pool", "MAX")
        if pool not in ("MAX", "AVE"):
            return self.layers.refuse(f"pooling with `pool: {pool}` cannot be expressed", value)
        axes = len(value.shape) - 1
        if given.flag("global_pooling", False):
            return self.layers.op("gap", {}, value) if pool == "AVE" else self.layers.op("maxpool_to", {"size": 1}, value)
        k, stride = self._axes(given, "kernel_size", "kernel", 0, axes), self._axes(given, "stride", "stride", 1, axes, 1)
        if 0 in k:
            self.layers.invalid("`kernel_size` is missing or 0 in its `pooling_param`")
        pad = self._axes(given, "pad", "pad", 0, axes)
        up = given.text("round_mode", "CEIL") == "CEIL" and given.flag("ceil_mode", True)
        sizes = []
        for n, w, s, p in zip(value.shape[1:], k, stride, pad, strict=True):
            size = ceil((n + 2 * p - w) / s) + 1 if up else (n + 2 * p - w) // s + 1
            sizes.append(size - 1 if p and (size - 1) * s >= n + p else size)
        whole = tuple(k) == value.shape[1:] and not any(pad) and set(sizes) == {1}
        if whole and pool == "AVE":
            return self.layers.op("gap", {}, value)
        found = (
            self.layers.op("maxpool", pool_args(k, stride, pad, up), value)
            if pool == "MAX"
            else self.layers.op("avgpool", average_args(k, stride, pad, up), value)
        )
        if found.shape != (value.shape[0], *sizes):
            return self.layers.refuse(
                f"a window of {list(k)} with a stride of {list(stride)} begins behind the end of the input", value
            )
        self.layers.claims(found, (value.shape[0], *sizes))
        return found

    def _lrn(self, values: list[Value]) -> Value:
        given = self.message.message("lrn_param")
        size, alpha, beta = given.number("local_size", 5, 1), given.real("alpha", 1.0), given.real("beta", 0.75)
        if size % 2 == 0:
            self.layers.invalid("`local_size` of LRN must be odd")
        region = given.text("norm_region", "ACROSS_CHANNELS")
        if region == "WITHIN_CHANNEL":
            return self._within_channel(values[0], size, alpha, beta)
        if region != "ACROSS_CHANNELS":
            self.layers.invalid(
                f"LRN has no `norm_region: {region[:40]}`", help="ACROSS_CHANNELS and WITHIN_CHANNEL are possible"
            )
        return self.layers.op("lrn", {"size": size, "alpha": alpha, "beta": beta, "k": given.real("k", 1.0)}, values[0])

    def _within_channel(self, value: Value, size: int, alpha: float, beta: float) -> Value:
        """Add `x * (1 + alpha * mean(x^2))^-beta` over windows of one channel, as `lrn_layer.cpp` does, which ignores `k` here.

        Its average pool divides by the whole window, also where that begins before the image.
        """
        op, name = self.layers.op, self.layers.layer.name if self.layers.layer is not None else ""
        with self.layers.call(f"~{name}", Origin("lrn_within_channel", layer=True)):
            squares = op("avgpool", average_args(size, 1, (size - 1) // 2), op("pow", {"exponent": 2}, value))
            factor = op("pow", {"exponent": -beta}, op("add", {"number": 1}, op("scale", {"factor": alpha}, squares)))
            return op("mul", {}, value, factor)

    def _relu(self, values: list[Value]) -> Value:
        slope = self.message.message("relu_param").real("negative_slope", 0.0)
        return self.layers.op("leaky_relu", {"slope": slope}, values[0]) if slope else self.layers.op("relu", {}, values[0])

    def _elu(self, values: list[Value]) -> Value:
        return self.layers.op("elu", {"alpha": self.message.message("elu_param").real("alpha", 1.0)}, values[0])

    def _swish(self, values: list[Value]) -> Value:
        if self.message.message("swish_param").real("beta", 1.0) != 1.0:
            return self.layers.refuse("Swish with another `beta` than 1 cannot be expressed", *values)
        return self.layers.op("silu", {}, values[0])

    def _bnll(self, values: list[Value]) -> Value:
        return self.layers.op("softplus", {"beta": 1.0, "threshold": 20.0}, values[0])

    def _clip(self, values: list[Value]) -> Value:
        given = self.message.message("clip_param")
        low, high = given.real("min", 0.0), given.real("max", 0.0)
        return (
            self.layers.op("relu6", {}, values[0])
            if (low, high) == (0, 6)
            else self.layers.op("clamp", {"low": low, "high": high}, values[0])
        )

    def _power(self, values: list[Value]) -> Value:
        given, value = self.message.message("power_param"), values[0]
        power, scale, shift = given.real("power", 1.0), given.real("scale", 1.0), given.real("shift", 0.0)
        value = self.layers.op("scale", {"factor": scale}, value) if scale != 1 else value
        value = self.layers.op("add", {"number": shift}, value) if shift else value
        return self.layers.op("pow", {"exponent": power}, value) if power != 1 else value

    def _exp(self, values: list[Value]) -> Value:
        given = self.message.message("exp_param")
        if given.real("base", -1.0) not in (-1.0, e) or given.real("scale", 1.0) != 1 or given.real("shift", 0.0):
            return self.layers.refuse("`Exp` with a base, scale or shift cannot be expressed", *values)
        return self.layers.op("exp", {}, values[0])

    def _log(self, values: list[Value]) -> Value:
        given = self.message.message("log_param")
        if given.real("base", -1.0) not in (-1.0, e) or given.real("scale", 1.0) != 1 or given.real("shift", 0.0):
            return self.layers.refuse("`Log` with a base, scale or shift cannot be expressed", *values)
        return self.layers.op("log", {}, values[0])

    def _dropout(self, values: list[Value]) -> Value:
        p = self.message.message("dropout_param").real("dropout_ratio", 0.5)
        return self.layers.op("dropout", {"p": p}, values[0])

    def _softmax(self, values: list[Value]) -> Value:
        axis = self.message.message("softmax_param").number("axis", 1, -8)
        axes = len(values[0].shape)
        if axis == 0 or not -axes <= axis <= axes:
            self.layers.invalid(f"`axis` is {axis}, and the input has {axes} axes behind the batch")
        at = axis - 1 if axis > 0 else axis
        return self.layers.op("softmax", {"axis": 0 if at % axes == 0 else at % axes - axes}, values[0])

    # -- shapes --

    def _flatten(self, values: list[Value]) -> Value:
        given = self.message.message("flatten_param")
        if given.number("axis", 1, -8) != 1 or given.number("end_axis", -1, -8) != -1:
            return self.layers.refuse("`Flatten` of some of the axes cannot be expressed", *values)
        return self.layers.op("flatten", {}, values[0]) if len(values[0].shape) > 1 else values[0]

    def _reshape(self, values: list[Value]) -> Value:
        given, shape = self.message.message("reshape_param"), values[0].shape
        dims = given.message("shape").numbers("dim", -1)
        if given.number("axis", 0, -8) or given.number("num_axes", -1, -8) != -1 or not dims or dims[0] not in (0, -1, 1):
            return self.layers.refuse("`Reshape` of the batch axis, or of some of the axes, cannot be expressed", *values)
        if any(n == 0 and at >= len(shape) for at, n in enumerate(dims[1:])):
            self.layers.invalid("`dim: 0` copies an axis that the input does not have")
        sizes = tuple(shape[at] if n == 0 else n for at, n in enumerate(dims[1:]))
        return (
            self.layers.op("flatten", {}, values[0]) if sizes == (-1,) else self.layers.op("reshape", {"sizes": sizes}, values[0])
        )

    def _permute(self, values: list[Value]) -> Value:
        order = self.message.message("permute_param").numbers("order")
        order += [axis for axis in range(len(values[0].shape) + 1) if axis not in order]
        if order[0] != 0:
            return self.layers.refuse("`Permute` of the batch axis cannot be expressed", *values)
        return self.layers.op("permute", {"order": tuple(axis - 1 for axis in order[1:])}, values[0])

    def _shuffle(self, values: list[Value]) -> Value:
        return self.layers.op(
            "channel_shuffle", {"groups": self.message.message("shuffle_channel_param").number("group", 1, 1)}, values[0]
        )

    def _upsample(self, values: list[Value]) -> Value:
        scale = self.message.message("upsample_param").number("scale", 2, 1)
        if len(values) > 1:
            return self.layers.refuse("`Upsample` by the positions of a pool cannot be expressed", *values)
        return self.layers.op("upsample", {"scale": scale, "mode": "nearest", "align_corners": False}, values[0])

    def _crop(self, values: list[Value]) -> Value:
        given = self.message.message("crop_param")
        if len(values) != 2:
            self.layers.invalid("`Crop` takes two bottoms")
        value, like = values
        first, offsets = given.number("axis", 2, -8), given.numbers("offset")
        cut = range(first - 1 if first > 0 else first + len(value.shape), len(value.shape))
        if len(offsets) not in (0, 1, len(cut)):
            self.layers.invalid(f"`offset` has {len(offsets)} numbers for {len(cut)} axes")
        for n, axis in enumerate(cut):
            offset = offsets[n] if len(offsets) > 1 else offsets[0] if offsets else 0
            size = like.shape[axis]
            if offset + size > value.shape[axis]:
                self.layers.invalid(f"{size} rows from {offset} on do not exist in {list(value.shape)}")
            if (offset, size) != (0, value.shape[axis]):
                value = self.layers.op("slice", {"part": range(offset, offset + size), "axis": axis}, value)
        return value

    def _slice(self, value: Value, tops: int) -> list[Value]:
        given = self.message.message("slice_param")
        axis = given.number("axis", given.number("slice_dim", 1), -8)
        at = axis - 1 if axis > 0 else axis + len(value.shape)
        if axis == 0 or not 0 <= at < len(value.shape):
            return [self.layers.refuse("`Slice` of the batch axis cannot be expressed", value)] * tops
        size, points = value.shape[at], given.numbers("slice_point", 1)
        if not points:
            if size % tops:
                self.layers.invalid(f"{tops} tops do not divide an axis of {size}")
            points = [size // tops * n for n in range(1, tops)]
        edges = [0, *points, size]
        if len(edges) != tops + 1 or any(a >= b for a, b in pairwise(edges)):
            self.layers.invalid(f"`slice_point` gives the edges {edges} for {tops} tops")
        return [self.layers.op("slice", {"part": range(a, b), "axis": at}, value) for a, b in pairwise(edges)]

    # -- joins --

    def _eltwise(self, values: list[Value]) -> Value:
        given = self.message.message("eltwise_param")
        operation = given.text("operation", "SUM")
        if len(values) < 2:
            self.layers.invalid("`Eltwise` takes at least two bottoms")
        if operation not in ("SUM", "PROD", "MAX"):
            self.layers.invalid(f"`Eltwise` has no operation `{operation[:40]}`", help="SUM, PROD and MAX are possible")
        factors = [float(entry.value) for entry in given.all("coeff") if isinstance(entry.value, int | float)]
        if factors and len(factors) != len(values):
            self.layers.invalid(f"{len(factors)} `coeff` for {len(values)} bottoms")
        if len({value.shape for value in values}) > 1:
            sizes = " and ".join(str(list(value.shape)) for value in values)
            self.layers.invalid(f"its bottoms have the shapes {sizes}, and must have one")
        if operation == "SUM" and factors == [1, -1]:
            return self.layers.op("sub", {}, *values)
        if operation == "SUM":
            values = [
                self.layers.op("scale", {"factor": f}, v) if f != 1 else v for f, v in zip(factors, values, strict=False)
            ] or values
        name = {"SUM": "add", "PROD": "mul", "MAX": "max"}[operation]
        return self.layers.op(name, {}, *values)

    def _concat(self, values: list[Value]) -> Value:
        given = self.message.message("concat_param")
        axis = given.number("axis", given.number("concat_dim", 1), -8)
        if axis == 0:
            return self.layers.refuse("`Concat` of the batch axis cannot be expressed", *values)
        if len(values) == 1:
            return values[0]
        at = axis - 1 if axis > 0 else axis
        found = self.layers.op("concat", {"axis": at}, *values)
        where = at % len(values[0].shape)
        shape = list(values[0].shape)
        shape[where] = sum(value.shape[where] for value in values)
        self.layers.claims(found, tuple(shape))
        return found

    def _axpy(self, values: list[Value]) -> Value:
        if len(values) != 3:
            self.layers.invalid("`Axpy` takes three bottoms: a scale and two values")
        return self.layers.op("add", {}, self.layers.op("mul", {}, values[0], values[1]), values[2])


_READERS = {
    "Convolution": CaffeLayers._convolution, "DepthwiseConvolution": CaffeLayers._depthwise,
    "ConvolutionDepthwise": CaffeLayers._depthwise, "Deconvolution": CaffeLayers._deconvolution,
    "InnerProduct": CaffeLayers._inner_product, "PReLU": CaffeLayers._prelu, "Scale": CaffeLayers._scale,
    "Pooling": CaffeLayers._pooling, "LRN": CaffeLayers._lrn, "ReLU": CaffeLayers._relu, "ELU": CaffeLayers._elu,
    "Swish": CaffeLayers._swish, "BNLL": CaffeLayers._bnll, "Clip": CaffeLayers._clip, "Power": CaffeLayers._power,
    "Exp": CaffeLayers._exp, "Log": CaffeLayers._log, "Dropout": CaffeLayers._dropout, "Softmax": CaffeLayers._softmax,
    "Flatten": CaffeLayers._flatten, "Reshape": CaffeLayers._reshape, "Permute": CaffeLayers._permute,
    "ShuffleChannel": CaffeLayers._shuffle, "Upsample": CaffeLayers._upsample, "Crop": CaffeLayers._crop,
    "Eltwise": CaffeLayers._eltwise, "Concat": CaffeLayers._concat, "Axpy": CaffeLayers._axpy,
}  # fmt: skip
