"""Darknet `.cfg`: each section is a layer, and later ones name earlier ones by their numbers.

Sizes and counts are those of Darknet's `parser.c` and of the `make_..._layer` functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

from archdsl.importers.configs.darknet_ops import (
    activated,
    channels_last,
    fitted,
    locally_connected,
    reorganized,
    reorganized_back,
)
from archdsl.importers.configs.darknet_sections import DARKNET, HEADS, LACKING, RECURRENT, Section, read_sections
from archdsl.importers.configs.layers import Layer, Layers, bn_args, conv_args, pool_args
from archdsl.importers.model import Origin, Value
from archdsl.source import SourceFile

_EPS, _MOMENTUM = 1e-5, 0.01
"""Darknet's batch norm: `rolling = 0.99 * rolling + 0.01 * mean`; 1e-5 is that of AlexeyAB's branch and of all conversions."""
_TRAINING = ("stopbackward", "dontload", "dontloadscales", "learning_rate", "burnin_update", "train", "onlyforward", "flipped")
"""Options of any layer that matter to training alone."""
_CROPPED = ("flip", "angle", "saturation", "exposure", "noadjust", "shift", "crop_height", "crop_width")


def read_darknet(source: SourceFile, *, partial: bool = False, sizes: Sequence[tuple[int, ...]] = ()) -> Layers:
    """Return the layers of a Darknet file. `sizes` replace those of its input. Raise `SpecError` E1211 or E1212 with the line."""
    net, *sections = read_sections(source)
    return _Darknet(Layers(DARKNET, source, partial), net, sizes).read(sections)


class _Darknet:
    """Reads one file. `values` has the result of each layer so far."""

    def __init__(self, layers: Layers, net: Section, sizes: Sequence[tuple[int, ...]]) -> None:
        self.layers, self.net, self._sizes = layers, net, sizes
        self.values: list[Value] = []
        self.heads: list[Value] = []

    def read(self, sections: list[Section]) -> Layers:
        layers = self.layers
        layers.layer = Layer(self.net.where, self.net.span)
        x = layers.input("image", self._input(sections[0]))
        for section in sections:
            layers.layer = Layer(section.where, section.span, f"layer{section.index}")
            x = self._layer(section, x)
            self.values.append(x)
            x.hint = "" if x.name else f"layer{section.index}"
        results = list(dict.fromkeys([*self.heads, *([] if sections[-1].kind in (*HEADS, "cost") else [x])])) or [x]
        if not self.heads:
            layers.classes(results[-1])
        layers.main.outputs = [results[-1], *results[:-1]]
        if len(results) == 1 and x.producer is None:
            layers.invalid("the network computes nothing: no section is a layer")
        return layers

    def _input(self, first: Section) -> tuple[int, ...]:
        net = self.net
        if self._sizes:
            return self._sizes[0]
        if net.has("inputs") and not net.has("height"):
            return (net.number("inputs", 0, 1), 1, 1)
        shape = (net.number("channels", 3, 1), net.number("height", 0, 1), net.number("width", 0, 1))
        if first.kind == "crop":
            return (shape[0], first.number("crop_height", shape[1], 1), first.number("crop_width", shape[2], 1))
        return shape

    def _layer(self, section: Section, x: Value) -> Value:
        kind = section.kind
        reader = _READERS.get(kind)
        if reader is not None:
            found = reader(self, section, x)
            section.finish(_TRAINING)
            return found
        if kind in HEADS:
            self.heads.append(x)
            self.layers.names[x] = f"{kind}{section.index}"
            note = f"[{kind}] is left out: the network gives its input, and Darknet decodes it into {HEADS[kind]}"
            if note not in self.layers.remarks:
                self.layers.remarks.append(note)
            return x
        if kind in RECURRENT:
            return self.layers.refuse("recurrent layers, which carry a state from one input to the next, cannot be expressed", x)
        if kind in LACKING:
            return self.layers.refuse(LACKING[kind], x)
        from archdsl.diagnostics.suggest import did_you_mean

        known = sorted({*_READERS, *HEADS, *RECURRENT, *LACKING})
        self.layers.invalid(f"Darknet has no section of the kind `{kind[:40]}`", help=did_you_mean(kind[:40], known))

    # -- layers with weights --

    def convolutional(self, section: Section, x: Value) -> Value:
        out, size = section.number("filters", 1, 1), section.number("size", 1, 1)
        stride = section.number("stride", 1, 1)
        strides = (section.number("stride_y", stride, 1), section.number("stride_x", stride, 1))
        padding = section.number("padding", 0)
        pad = size // 2 if section.number("pad", 0) else padding
        groups, dilation = section.number("groups", 1, 1), section.number("dilation", 1, 1) if size > 1 else 1
        section.number("dilation", 1, 1)
        norm, activation = section.number("batch_normalize", 0), section.text("activation", "logistic")
        section.without(("flipped",))
        if (feature := section.without(("binary", "xnor", "bin_output", "antialiasing", "share_index", "deform", "sway", "rotate",
                                        "stretch", "stretch_sway", "assisted_excitation", "coordconv"))) is not None:  # fmt: skip
            return self.layers.refuse(f"convolutions with `{feature}` cannot be expressed", x)
        c, h, w = self._image(x)
        if c % groups or out % groups:
            section.invalid("groups", f"{groups} groups do not divide {c} input channels and {out} filters")
        args = conv_args(out, size, strides, pad * dilation, dilation, groups, not norm)
        shape = (out, (h + 2 * pad - size) // strides[0] + 1, (w + 2 * pad - size) // strides[1] + 1)
        return self._weighted("conv", args, x, norm, activation, shape, out * c // groups * size * size)

    def deconvolutional(self, section: Section, x: Value) -> Value:
        out, size, stride = section.number("filters", 1, 1), section.number("size", 1, 1), section.number("stride", 1, 1)
        pad = size // 2 if section.number("pad", 0) else section.number("padding", 0)
        section.number("padding", 0)
        norm, activation = section.number("batch_normalize", 0), section.text("activation", "logistic")
        c, h, w = self._image(x)
        args = {
            "out": out,
            "k": size,
            "stride": stride,
            "pad": pad,
            "output_pad": 0,
            "dilation": 1,
            "groups": 1,
            "bias": not norm,
        }
        shape = (out, (h - 1) * stride + size - 2 * pad, (w - 1) * stride + size - 2 * pad)
        return self._weighted("upconv", args, x, norm, activation, shape, out * c * size * size)

    def connected(self, section: Section, x: Value) -> Value:
        out, norm = section.number("output", 1, 1), section.number("batch_normalize", 0)
        activation = section.text("activation", "logistic")
        inputs = prod(x.shape)
        if len(x.shape) > 1:
            x = self.layers.op("flatten", {}, x)
        return self._weighted("linear", {"out": out, "bias": not norm, "axis": None}, x, norm, activation, (out,), inputs * out)

    def _weighted(
        self, op: str, args: Mapping[str, Any], x: Value, norm: int, activation: str, shape: tuple[int, ...], weights: int
    ) -> Value:
        """Add a layer with its batch norm and activation. With batch norm, these are a block: the one of all such sections."""
        count = weights + shape[0] * (2 if norm else 1)
        assert self.layers.layer is not None
        if not norm:
            x = self.layers.op(op, args, x)
            self.layers.claims(x, shape, count)
            return self._activated(activation, x)
        origin = Origin("connected" if op == "linear" else "convolutional" if op == "conv" else "deconvolutional", unit=True)
        with self.layers.call(f"~{self.layers.layer.name}", origin):
            x = self.layers.op(op, args, x)
            x = self.layers.op("bn", bn_args(_EPS, _MOMENTUM), x)
            self.layers.claims(x, shape, count)
            return self._activated(activation, x)

    def local(self, section: Section, x: Value) -> Value:
        out, size = section.number("filters", 1, 1), section.number("size", 1, 1)
        stride, pad = section.number("stride", 1, 1), section.number("pad", 0)
        activation = section.text("activation", "logistic")
        c, h, w = self._image(x)
        shape = (out, *((n - (1 if pad else size)) // stride + 1 for n in (h, w)))
        if shape[1:] != tuple((n + 2 * pad - size) // stride + 1 for n in (h, w)):
            return self.layers.refuse(
                f"a `[local]` with a window of {size} and a padding of {pad}, which Darknet miscounts, cannot be expressed",
                x, shape=shape,
            )  # fmt: skip
        with self.layers.call(f"~layer{section.index}", Origin("local", layer=True)) as module:
            x = locally_connected(self.layers, x, out, size, stride, pad, module.path)
            self.layers.claims(x, shape, prod(shape) * (c * size * size + 1))
            return self._activated(activation, x)

    def batchnorm(self, section: Section, x: Value) -> Value:
        found = self.layers.op("bn", bn_args(_EPS, _MOMENTUM), x)
        self.layers.claims(found, x.shape, 2 * x.shape[0])
        return found

    # -- layers without weights --

    def activation(self, section: Section, x: Value) -> Value:
        return self._activated(section.text("activation", "linear"), x)

    def _activated(self, name: str, x: Value) -> Value:
        return activated(self.layers, name, x)

    def maxpool(self, section: Section, x: Value) -> Value:
        stride = section.number("stride", 1, 1)
        strides = (section.number("stride_y", stride, 1), section.number("stride_x", stride, 1))
        size = section.number("size", stride, 1)
        padding = section.number("padding", size - 1)
        if (feature := section.without(("antialiasing", "maxpool_depth"))) is not None:
            return self.layers.refuse(f"max pools with `{feature}` cannot be expressed", x)
        c, h, w = self._image(x)
        shape = (c, (h + padding - size) // strides[0] + 1, (w + padding - size) // strides[1] + 1)
        if padding % 2 == 0 and padding <= size:  # the windows begin `padding / 2` before the first row
            found = self.layers.op("maxpool", pool_args(size, strides, padding // 2), x)
        elif size == 2 and padding == 1 and strides == (1, 1):
            found = self.layers.op("maxpool", pool_args(2, 1, "tf_same"), x)
        elif size == 2 and padding == 1 and strides == (2, 2):
            found = self.layers.op("maxpool", pool_args(2, 2, 0, ceil=True), x)
        else:
            return self.layers.refuse(f"a max pool with a window of {size} and a padding of {padding} cannot be expressed", x)
        self.layers.claims(found, shape)
        return found

    def avgpool(self, section: Section, x: Value) -> Value:
        found = self.layers.op("gap", {}, x)
        self.layers.claims(found, (x.shape[0], 1, 1))
        return found

    def upsample(self, section: Section, x: Value) -> Value:
        stride, factor = section.number("stride", 2), section.real("scale", 1.0)
        c, h, w = self._image(x)
        if stride < 1:
            return self.layers.refuse("an `[upsample]` with a negative stride, which shrinks, cannot be expressed", x)
        found = self.layers.op("upsample", {"scale": stride, "mode": "nearest", "align_corners": False}, x)
        self.layers.claims(found, (c, h * stride, w * stride))
        return found if factor == 1 else self.layers.op("scale", {"factor": factor}, found)

    def reorg(self, section: Section, x: Value) -> Value:
        stride, extra = section.number("stride", 1, 1), section.number("extra", 0)
        flat, back = section.number("flatten", 0), section.number("reverse", 0)
        c, h, w = self._image(x)
        if extra:
            return self._with_zeros(extra, flat, x)
        if c % stride**2 or (not back and (h % stride or w % stride)):
            self.layers.invalid(f"a stride of {stride} does not divide the sizes {list(x.shape)}, {stride * stride} the channels")
        large, small = (c // stride**2, h * stride, w * stride), (c * stride**2, h // stride, w // stride)
        shape = large if back else small
        with self.layers.call(f"~layer{section.index}", Origin("reorg", layer=True)):
            if flat:
                found = channels_last(self.layers, x, shape, back=bool(back))
            else:
                found = (reorganized_back if back else reorganized)(self.layers, x, stride)
        self.layers.claims(found, shape)
        return found

    def _with_zeros(self, extra: int, flat: int, x: Value) -> Value:
        """Add a `[reorg]` with `extra`: a vector of all elements, and zeros behind them."""
        if flat:
            return self.layers.refuse(
                "a `[reorg]` with `flatten` and `extra`, which reads what is behind the input, cannot be expressed", x
            )
        found = self.layers.op("pad_channels", {"to": prod(x.shape) + extra}, self.layers.op("flatten", {}, x))
        self.layers.claims(found, (prod(x.shape) + extra,))
        return found

    def dropout(self, section: Section, x: Value) -> Value:
        p = section.real("probability", 0.5)
        if not 0 <= p <= 1:
            section.invalid("probability", f"`probability` is {p}, and must be from 0 to 1")
        if (feature := section.without(("dropblock",))) is not None:
            return self.layers.refuse(f"dropout with `{feature}` cannot be expressed", x)
        section.without(("dropblock_size_rel", "dropblock_size_abs"))
        return self.layers.op("dropout", {"p": p}, x)

    def softmax(self, section: Section, x: Value) -> Value:
        groups, spatial = section.number("groups", 1, 1), section.number("spatial", 0)
        temperature = section.real("temperature", 1.0)
        section.number("noloss", 0)
        if tree := section.text("tree", ""):
            return self.layers.refuse(
                f"a softmax over the groups of a tree, which are in another file, `{tree}`, cannot be expressed", x
            )
        if not temperature:
            section.invalid("temperature", "`temperature` is 0, and the scores are divided by it")
        if spatial:  # on a CPU, it is ignored, and on a GPU, the other two are
            if groups != 1 or temperature != 1:
                return self.layers.refuse("a softmax with `spatial` and groups or a temperature cannot be expressed", x)
            return self.layers.op("softmax", {"axis": 0}, x)
        if len(x.shape) > 1:
            x = self.layers.op("flatten", {}, x)
        size = x.shape[0]
        if size % groups:
            section.invalid("groups", f"{groups} groups do not divide {size} numbers")
        x = self.layers.op("div", {"number": temperature}, x) if temperature != 1 else x
        if groups == 1:
            return self.layers.op("softmax", {"axis": 0}, x)
        x = self.layers.op("reshape", {"sizes": (groups, size // groups)}, x)
        return self.layers.op("flatten", {}, self.layers.op("softmax", {"axis": -1}, x))

    def l2norm(self, section: Section, x: Value) -> Value:
        return self.layers.op("div", {}, x, self.layers.op("norm", {"axis": 0, "keep": True, "p": 2.0}, x))

    def logistic(self, section: Section, x: Value) -> Value:
        return self.layers.op("sigmoid", {}, x)

    def crop(self, section: Section, x: Value) -> Value:
        for key in _CROPPED:
            section.text(key, "0")
        self.layers.remarks.append("[crop] is left out: Darknet crops images to the size of the input")
        if section.number("noadjust", 0):
            return x
        return self.layers.op("sub", {"number": 1}, self.layers.op("scale", {"factor": 2}, x))

    def cost(self, section: Section, x: Value) -> Value:
        for key in section.options:
            section.text(key, "")
        self.layers.remarks.append("[cost] is left out: the loss belongs to the recipe")
        return x

    def nothing(self, section: Section, x: Value) -> Value:
        return x

    # -- layers that take earlier ones --

    def shortcut(self, section: Section, x: Value) -> Value:
        others = [self._earlier(section, number, "from") for number in section.numbers("from")]
        activation, weights = section.text("activation", "linear"), section.text("weights_type", "none")
        alpha, beta = section.real("alpha", 1.0), section.real("beta", 1.0)
        section.text("weights_normalization", "none")
        if weights != "none":
            return self.layers.refuse("a shortcut with learned weights cannot be expressed", x)
        if alpha != 1 and any(self._leaves(x, other) for other in others):
            return self.layers.refuse("a shortcut of a part with `alpha`, which scales this part alone, cannot be expressed", x)
        scaled = [self._scaled(x, alpha), *(self._scaled(fitted(self.layers, other, x.shape), beta) for other in others)]
        return self._activated(activation, self.layers.op("add", {}, *scaled))

    def _scaled(self, x: Value, factor: float) -> Value:
        return x if factor == 1 else self.layers.op("scale", {"factor": factor}, x)

    @staticmethod
    def _leaves(x: Value, other: Value) -> bool:
        """Whether a sum leaves some numbers of a value as they are, since the other one has fewer channels or pixels."""
        return any(ours > theirs for ours, theirs in zip(x.shape, other.shape, strict=False))

    def route(self, section: Section, x: Value) -> Value:
        groups, part = section.number("groups", 1, 1), section.number("group_id", 0)
        section.number("stream", 0)
        values = [self._earlier(section, number, "layers") for number in section.numbers("layers")]
        if part >= groups:
            section.invalid("group_id", f"`group_id` is {part}, and there are {groups} groups: 0 to {groups - 1}")
        if groups > 1:
            values = [self._part(section, value, groups, part) for value in values]
        if len(values) == 1:
            return values[0]
        shapes = {value.shape[1:] for value in values}
        if len(shapes) > 1:
            sizes = " and ".join(str(list(value.shape)) for value in values)
            section.invalid("layers", f"the layers differ in height or width: {sizes}")
        found = self.layers.op("concat", {"axis": 0}, *values)
        self.layers.claims(found, (sum(value.shape[0] for value in values), *values[0].shape[1:]))
        return found

    def _part(self, section: Section, value: Value, groups: int, part: int) -> Value:
        if value.shape[0] % groups:
            section.invalid("groups", f"{groups} groups do not divide {value.shape[0]} channels")
        size = value.shape[0] // groups
        return self.layers.op("slice", {"part": range(part * size, (part + 1) * size), "axis": 0}, value)

    def scale_channels(self, section: Section, x: Value) -> Value:
        other = self._earlier(section, section.number("from", 0, -(2**31)), "from")
        activation = section.text("activation", "linear")
        if (feature := section.without(("scale_wh",))) is not None:
            return self.layers.refuse(f"`{feature}` cannot be expressed", x)
        found = self.layers.op("mul", {}, other, x)
        self.layers.claims(found, other.shape)
        return self._activated(activation, found)

    def _earlier(self, section: Section, number: int, key: str) -> Value:
        at = number if number >= 0 else section.index + number
        if not 0 <= at < section.index:
            before = f"0 to {section.index - 1}, or -1 to -{section.index}" if section.index else "none"
            section.invalid(key, f"`{key}` names layer {number}, and the layers before it are {before}")
        return self.values[at]

    def _image(self, x: Value) -> tuple[int, int, int]:
        if len(x.shape) != 3:
            self.layers.invalid(f"it needs an image, and the layer before it gives {list(x.shape)}")
        return x.shape[0], x.shape[1], x.shape[2]


_READERS: dict[str, Callable[[_Darknet, Section, Value], Value]] = {
    "convolutional": _Darknet.convolutional, "conv": _Darknet.convolutional, "deconvolutional": _Darknet.deconvolutional,
    "deconv": _Darknet.deconvolutional, "connected": _Darknet.connected, "conn": _Darknet.connected,
    "maxpool": _Darknet.maxpool, "max": _Darknet.maxpool, "avgpool": _Darknet.avgpool, "avg": _Darknet.avgpool,
    "upsample": _Darknet.upsample, "reorg": _Darknet.reorg, "dropout": _Darknet.dropout, "softmax": _Darknet.softmax,
    "soft": _Darknet.softmax, "shortcut": _Darknet.shortcut, "route": _Darknet.route, "batchnorm": _Darknet.batchnorm,
    "activation": _Darknet.activation, "crop": _Darknet.crop, "cost": _Darknet.cost, "scale_channels": _Darknet.scale_channels,
    "sam": _Darknet.scale_channels, "local": _Darknet.local, "l2norm": _Darknet.l2norm, "logistic": _Darknet.logistic,
    "empty": _Darknet.nothing, "silence": _Darknet.nothing,
}  # fmt: skip
