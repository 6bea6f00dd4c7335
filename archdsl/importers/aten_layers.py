"""What layers of PyTorch are in the language: convolutions, norms, activations, pools and dropout."""

from __future__ import annotations

from typing import Any

from archdsl.importers.aten import Refused, Step, per_axis, refuse_positions, rule
from archdsl.importers.layouts import Dims, in_order, plain
from archdsl.importers.model import Apply, Value


@rule("conv1d", "conv2d", "conv3d")
def _conv(s: Step) -> list[Apply]:
    weight, bias = s.arg("weight"), s.arg("bias")
    key = s.prefix(weight, bias)
    source, shape = s.value(s.first), s.shape(weight)
    axes = len(shape) - 2
    k, dilation = per_axis(shape[2:], axes), per_axis(s.arg("dilation"), axes)
    pad = s.arg("padding")
    if pad == "valid":
        pad = 0
    if pad == "same":
        pad = "same"
    elif isinstance(pad, str):
        raise Refused(f"a convolution with padding {pad!r}")
    mode = getattr(_module(s, key), "padding_mode", "zeros")
    args = {
        "out": shape[0], "k": k, "stride": per_axis(s.arg("stride"), axes),
        "pad": pad if pad == "same" else per_axis(pad, axes), "dilation": dilation, "groups": s.arg("groups"),
        "bias": bias is not None,
    }  # fmt: skip
    if mode != "zeros" and pad != "same":
        raise Refused(f"a convolution with padding mode {mode!r}")
    args["channels"] = source.shape[0]
    return s.make("conv", args, source, key=key)


def _module(s: Step, path: str) -> Any:
    try:
        return s.t.module.get_submodule(path)
    except AttributeError:
        return None


@rule("conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "conv_transpose2d.input")
def _upconv(s: Step) -> list[Apply]:
    weight, bias = s.arg("weight"), s.arg("bias")
    key, shape, axes = s.prefix(weight, bias), s.shape(weight), len(s.shape(weight)) - 2
    groups = s.arg("groups")
    args = {
        "out": shape[1] * groups, "k": per_axis(shape[2:], axes), "stride": per_axis(s.arg("stride"), axes),
        "pad": per_axis(s.arg("padding"), axes), "output_pad": per_axis(s.arg("output_padding"), axes),
        "dilation": per_axis(s.arg("dilation"), axes), "groups": groups, "bias": bias is not None,
    }  # fmt: skip
    return s.make("upconv", args, s.value(s.first), key=key)


@rule("linear")
def _linear(s: Step) -> list[Apply]:
    weight, bias = s.arg("weight"), s.arg("bias")
    source, dims = _features_last(s)
    out = s.shape(weight)[0]
    if bias is None and (table := _table(s, weight)) is not None:
        table.args.setdefault("handle", Value(()))
        args = {"n": table.args["n"], "dim": table.args["dim"], "embedding": table.args["handle"]}
        return s.make("unembed", args, source, key=table.key, shape=(*source.shape[:-1], out), dims=dims)
    args = {"out": out, "bias": bias is not None, "axis": -1 if len(source.shape) > 2 else None}
    if str(weight.target) == "aten.t.default" and s.is_stored(weight.args[0]):
        args["transposed"], weight = True, weight.args[0]
    return s.make("linear", args, source, key=s.prefix(weight, bias), shape=(*source.shape[:-1], out), dims=dims)


def _table(s: Step, weight: Any) -> Apply | None:
    """Return the embedding that has a weight, if it is the only one to have it in the `state_dict`."""
    if not s.is_stored(weight):
        return None
    tensor = s.t.tensor(s.t.key(weight))
    stored = s.t.module.state_dict(keep_vars=True).values()
    return s.t.tables.get(s.t.key(weight)) if sum(other is tensor for other in stored) == 1 else None


def _features_last(s: Step) -> tuple[Value, Dims]:
    """Return the input of an op on the last axis, which has to be one axis, with its layout."""
    source, dims = s.loose(s.first)
    if dims[-1] == (len(source.shape) - 1,) and in_order(dims) == list(range(len(source.shape))):
        return source, dims
    source = s.value(s.first)
    return source, plain(len(source.shape), source.batched)


@rule("batch_norm")
def _batch_norm(s: Step) -> list[Apply]:
    weight, bias, mean, var = (s.arg(name) for name in ("weight", "bias", "running_mean", "running_var"))
    if mean is None:
        raise Refused("batch norm without running statistics")
    if (weight is None) != (bias is None):
        raise Refused("batch norm with a scale and no shift, or the other way round")
    key = s.prefix(weight, bias, mean, var)
    args = {"eps": s.arg("eps"), "momentum": s.arg("momentum"), "affine": weight is not None}
    return s.make("bn", args, s.value(s.first), key=key)


@rule("group_norm")
def _group_norm(s: Step) -> list[Apply]:
    weight, bias = s.arg("weight"), s.arg("bias")
    args = {"groups": s.arg("num_groups"), "eps": s.arg("eps"), "affine": bias is not None}
    return _affine(s, "gn", args, weight, bias)


@rule("instance_norm")
def _instance_norm(s: Step) -> list[Apply]:
    weight, bias = s.arg("weight"), s.arg("bias")
    if s.arg("running_mean") is not None:
        raise Refused("instance norm with running statistics")
    return _affine(s, "instance_norm", {"eps": s.arg("eps"), "affine": bias is not None}, weight, bias)


def _affine(s: Step, op: str, args: dict[str, Any], weight: Any, bias: Any) -> list[Apply]:
    """Return a norm with a scale and a shift of each channel, with neither, or with a scale alone, which is another op."""
    source = s.value(s.first)
    if weight is None and bias is not None:
        raise Refused(f"{s.node.target}: a norm with a shift and without a scale")
    if bias is not None or weight is None:
        return s.make(op, args, source, key=s.prefix(weight, bias) if weight is not None else None)
    normal = s.then(op, args, source, source.shape)
    return s.make("layer_scale", {"init": 1.0, "flat": True, "axis": 0}, normal, key=s.t.key(weight))


@rule("layer_norm")
def _layer_norm(s: Step) -> list[Apply]:
    weight, bias = s.arg("weight"), s.arg("bias")
    if len(s.arg("normalized_shape")) != 1:
        raise Refused("layer norm over several axes")
    if weight is None or bias is None:
        return _normalized(s, weight, bias)
    source, dims = _features_last(s)
    axis = -1 if len(source.shape) > 1 else 0
    args = {"eps": s.arg("eps"), "axis": axis}
    return s.make("ln", args, source, key=s.prefix(weight, bias), shape=source.shape, dims=dims)


def _normalized(s: Step, weight: Any, bias: Any) -> list[Apply]:
    """Return the arithmetic of a layer norm without a shift, or without a scale, which `ln` always has."""
    if bias is not None:
        raise Refused("layer norm with a shift and without a scale")
    source, dims = _features_last(s)
    shape, kept = source.shape, (*source.shape[:-1], 1)
    over = {"axis": -1, "keep": True, "axes": True}
    mean = s.then("mean", over, source, kept)
    centred = s.join("sub", source, mean)
    variance = s.then("var", {**over, "unbiased": False}, source, kept)
    shifted = s.then("add", {"number": float(s.arg("eps"))}, variance, kept)
    deviation = s.then("sqrt", {}, shifted, kept)
    if weight is None:
        return s.make("div", {}, centred, deviation, shape=shape, dims=dims)
    normal = s.join("div", centred, deviation)
    return s.make("layer_scale", {"init": 1.0, "axis": -1}, normal, key=s.t.key(weight), shape=shape, dims=dims)


@rule("rms_norm")
def _rms_norm(s: Step) -> list[Apply]:
    weight, source = s.arg("weight"), s.value(s.first)
    if len(s.arg("normalized_shape")) != 1 or weight is None or s.arg("eps") is None:
        raise Refused("RMS norm over several axes, without a scale, or with the default of eps")
    return s.make("rms_norm", {"eps": s.arg("eps"), "axis": -1 if len(source.shape) > 1 else 0}, source, key=s.prefix(weight))


@rule("embedding")
def _embedding(s: Step) -> list[Apply]:
    weight = s.arg("weight")
    rows, dim = s.shape(weight)
    made = s.make("embedding", {"n": rows, "dim": dim}, s.value(s.arg("indices")), key=s.prefix(weight))
    s.t.tables[s.t.key(weight)] = made[-1]
    return made


_PLAIN = {
    "relu": "relu", "relu6": "relu6", "selu": "selu", "silu": "silu", "mish": "mish", "sigmoid": "sigmoid", "tanh": "tanh",
    "hardswish": "hardswish", "hardsigmoid": "hardsigmoid", "exp": "exp", "log": "log", "abs": "abs", "sqrt": "sqrt",
    "sin": "sin", "cos": "cos",
}  # fmt: skip


@rule(*_PLAIN)
def _activation(s: Step) -> list[Apply]:
    name = s.target.partition(".")[0]
    return s.each(_PLAIN.get(name) or _PLAIN[name.removesuffix("_")], {}, s.first)


@rule("hardtanh")
def _hardtanh(s: Step) -> list[Apply]:
    low, high = float(s.arg("min_val")), float(s.arg("max_val"))
    if (low, high) == (0.0, 6.0):
        return s.each("relu6", {}, s.first)
    return s.each("clamp", {"low": low, "high": high}, s.first)


@rule("leaky_relu")
def _leaky_relu(s: Step) -> list[Apply]:
    return s.each("leaky_relu", {"slope": s.arg("negative_slope")}, s.first)


@rule("elu")
def _elu(s: Step) -> list[Apply]:
    return s.each("elu", {"alpha": float(s.arg("alpha"))}, s.first)


@rule("gelu")
def _gelu(s: Step) -> list[Apply]:
    kind = s.arg("approximate")
    return s.each("gelu", {"approximate": None if kind == "none" else kind}, s.first)


@rule("softplus")
def _softplus(s: Step) -> list[Apply]:
    return s.each("softplus", {"beta": float(s.arg("beta")), "threshold": float(s.arg("threshold"))}, s.first)


@rule("prelu")
def _prelu(s: Step) -> list[Apply]:
    weight = s.arg("weight")
    return s.make("prelu", {"per_channel": s.shape(weight)[0] > 1}, s.value(s.first), key=s.prefix(weight))


@rule("softmax", "log_softmax")
def _softmax(s: Step) -> list[Apply]:
    source, dims = s.loose(s.first)
    axis = s.axis(s.arg("dim"), s.first)
    shown = axis if axis == 0 else axis - len(source.shape)
    return s.make(s.name, {"axis": shown}, source, shape=source.shape, dims=dims)


@rule("max_pool1d", "max_pool2d", "max_pool3d")
def _max_pool(s: Step) -> list[Apply]:
    axes = len(s.shape()) - 2
    k = per_axis(s.arg("kernel_size"), axes)
    args = {
        "k": k, "stride": per_axis(s.arg("stride") or s.arg("kernel_size"), axes), "pad": per_axis(s.arg("padding"), axes),
        "ceil": bool(s.arg("ceil_mode")), "dilation": per_axis(s.arg("dilation"), axes),
    }  # fmt: skip
    return s.make("maxpool", args, s.value(s.first))


@rule("avg_pool1d", "avg_pool2d", "avg_pool3d")
def _avg_pool(s: Step) -> list[Apply]:
    axes = len(s.shape()) - 2
    if s.arg("divisor_override") is not None:
        raise Refused("average pooling with `divisor_override`")
    args = {
        "k": per_axis(s.arg("kernel_size"), axes), "stride": per_axis(s.arg("stride") or s.arg("kernel_size"), axes),
        "pad": per_axis(s.arg("padding"), axes), "ceil": bool(s.arg("ceil_mode")), "count_pad": bool(s.arg("count_include_pad")),
    }  # fmt: skip
    return s.make("avgpool", args, s.value(s.first))


@rule("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d")
def _adaptive(s: Step) -> list[Apply]:
    axes = len(s.shape()) - 2
    size = per_axis(s.arg("output_size"), axes)
    return s.make("gap", {}, s.value(s.first)) if size == 1 else s.make("avgpool_to", {"size": size}, s.value(s.first))


@rule("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d")
def _adaptive_max(s: Step) -> list[Apply]:
    """The largest numbers; their positions are a second result, which the language lacks."""
    refuse_positions(s)
    shape = tuple(int(n) for n in s.node.meta["val"][0].shape[1:])
    made = s.make("maxpool_to", {"size": per_axis(s.arg("output_size"), len(shape) - 1)}, s.value(s.first), shape=shape)
    s.t.values[s.node.name] = [made[-1].outputs[0], None]
    return made


@rule("dropout", "feature_dropout")
def _dropout(s: Step) -> list[Apply]:
    p = float(s.arg("p"))
    name = "dropout" if s.target.startswith("dropout") else "dropout2d"
    return s.each(name, {"p": p}, s.first)


@rule("alpha_dropout")
def _alpha_dropout(s: Step) -> list[Apply]:
    raise Refused("alpha dropout")
