"""Calls of PyTorch and Keras as they are written here: the order of arguments, and defaults that differ."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from typing import Final

_PYTORCH: Final = {
    "conv": ("conv", "- out k stride pad dilation groups bias"),
    "convtranspose": ("upconv", "- out k stride pad output_pad groups bias dilation"),
    "lazyconv": ("conv", "out k stride pad dilation groups bias"),
    "linear": ("linear", "- out bias"),
    "lazylinear": ("linear", "out bias"),
    "batchnorm": ("bn", "- eps momentum affine"),
    "syncbatchnorm": ("bn", "- eps momentum affine"),
    "lazybatchnorm": ("bn", "eps momentum affine"),
    "layernorm": ("ln", "- eps"),
    "groupnorm": ("gn", "groups - eps affine"),
    "instancenorm": ("instance_norm", "- eps - affine"),
    "localresponsenorm": ("lrn", "size alpha beta k"),
    "rmsnorm": ("rms_norm", "- eps"),
    "maxpool": ("maxpool", "k stride pad dilation - ceil"),
    "avgpool": ("avgpool", "k stride pad ceil count_pad"),
    "lppool": ("lppool", "p k stride ceil"),
    "adaptiveavgpool": ("avgpool_to", "size"),
    "adaptivemaxpool": ("maxpool_to", "size"),
    "relu": ("relu", "-"),
    "relu6": ("relu6", "-"),
    "leakyrelu": ("leaky_relu", "slope -"),
    "prelu": ("prelu", "- init_value"),
    "elu": ("elu", "alpha -"),
    "selu": ("selu", "-"),
    "gelu": ("gelu", ""),
    "silu": ("silu", "-"),
    "mish": ("mish", "-"),
    "sigmoid": ("sigmoid", ""),
    "tanh": ("tanh", ""),
    "hardswish": ("hardswish", "-"),
    "hardsigmoid": ("hardsigmoid", "-"),
    "softplus": ("softplus", "beta threshold"),
    "softmax": ("softmax", "axis"),
    "logsoftmax": ("log_softmax", "axis"),
    "softmax2d": ("softmax", ""),
    "dropout": ("dropout", "p -"),
    "dropout2d": ("dropout2d", "p -"),
    "droppath": ("droppath", "p"),
    "stochasticdepth": ("droppath", "p mode"),
    "flatten": ("flatten", "- -"),
    "upsamplingnearest": ("upsample", "- scale"),
    "pixelshuffle": ("pixel_shuffle", "r"),
    "pixelunshuffle": ("pixel_unshuffle", "r"),
    "channelshuffle": ("channel_shuffle", "groups"),
    "upsample": ("upsample", "? scale mode align_corners"),
    "interpolate": ("upsample", "? scale mode align_corners"),
    "embedding": ("embedding", "n dim"),
    "zeropad": ("pad", "amount"),
    "constantpad": ("pad", "amount value"),
}  # fmt: skip
"""For each class of PyTorch, in small letters without `_` and the number of axes: the op, and what its arguments mean."""

_KERAS: Final = {
    "conv": ("conv", "out k stride pad"),
    "convolution": ("conv", "out k stride pad"),
    "convtranspose": ("upconv", "out k stride pad"),
    "depthwiseconv": ("depthwise", "k stride pad"),
    "dense": ("linear", "out activation bias"),
    "batchnormalization": ("bn", "- momentum eps"),
    "layernormalization": ("ln", "- eps"),
    "groupnormalization": ("gn", "groups - eps"),
    "maxpooling": ("maxpool", "k stride pad"),
    "maxpool": ("maxpool", "k stride pad"),
    "averagepooling": ("avgpool", "k stride pad"),
    "upsampling": ("upsample", "scale"),
    "zeropadding": ("pad", "amount"),
    "spatialdropout": ("dropout2d", "p"),
    "leakyrelu": ("leaky_relu", "slope"),
    "embedding": ("embedding", "n dim"),
    "dropout": ("dropout", "p"),
    "flatten": ("flatten", ""),
    "activation": ("act", "f"),
}  # fmt: skip
"""The same for the layers of Keras."""

KEYWORDS: Final = {
    **dict.fromkeys(("out_channels", "out_features", "filters", "units", "features"), "out"),
    **dict.fromkeys(("kernel_size", "pool_size", "kernel", "ksize"), "k"),
    **dict.fromkeys(("strides", "stride"), "stride"),
    **dict.fromkeys(("dilation_rate", "dilation"), "dilation"),
    **dict.fromkeys(("num_groups", "groups"), "groups"),
    **dict.fromkeys(("use_bias", "with_bias", "bias"), "bias"),
    **dict.fromkeys(("epsilon", "eps"), "eps"),
    **dict.fromkeys(("p", "rate", "drop_prob"), "p"),
    **dict.fromkeys(("negative_slope", "slope"), "slope"),
    **dict.fromkeys(("dim", "axis"), "axis"),
    "padding": "pad", "padding_mode": "pad_mode",
    "output_padding": "output_pad", "ceil_mode": "ceil", "count_include_pad": "count_pad",
    "output_size": "size", "scale_factor": "scale", "upscale_factor": "r", "downscale_factor": "r", "num_embeddings": "n",
    "embedding_dim": "dim",
    "num_parameters": "-", "init": "init_value", "norm_type": "p", "elementwise_affine": "affine", "activation": "activation",
    **{name: name for name in ("alpha", "beta", "threshold", "momentum", "affine", "mode", "align_corners")},
}  # fmt: skip
"""Their keywords, with the parameters here."""

_UNWRITTEN: Final = {
    **dict.fromkeys(("in_channels", "num_features", "num_channels"), "the channels of the input are not written"),
    **dict.fromkeys(("in_features", "input_dim", "input_shape", "input_size"), "the size of the input is not written"),
    "normalized_shape": "the sizes of the input are not written; `axis = -1` normalizes the last axis",
    "inplace": "what runs in place follows from the network",
    **dict.fromkeys(("activation", "act", "act_layer"), "an activation is a stage of its own: `conv(64, 3) -> relu`"),
    **dict.fromkeys(("norm", "norm_layer"), "a normalization is a stage of its own: `conv(64, 3) -> bn -> relu`"),
    "pad_mode": "`pad` sets the mode: `pad(1, mode = reflect)` before it",
    "batch_first": "the batch is not written",
    "axis": "its axes are fixed: the channels are axis 0", "keepdims": "write `keep = true`",
    **dict.fromkeys(("embed_dim", "key_dim", "d_model", "vdim", "kdim"), "the number of features is that of the input"),
    **dict.fromkeys(("scale", "center"), "`affine = false` leaves out the learned scale and shift"),
    **dict.fromkeys(("name", "label"), "a label names a stage: `conv1: conv(64, 7)`"),
    **dict.fromkeys(("dtype", "device"), "the module that is built decides it: `net.to(device)`"),
    "data_format": "channels come first",
    "track_running_stats": "`bn` always has running statistics; `instance_norm` has none",
    "return_indices": "an op has one output",
    **dict.fromkeys(("kernel_regularizer", "weight_decay"), "the recipe sets it: `optimizer = sgd(weight_decay = 1e-4)`"),
    **dict.fromkeys(("kernel_initializer", "bias_initializer"), "write `init = he`, or `init { conv = he }` for all of them"),
    "start_dim": "every axis but the batch is merged", "end_dim": "every axis but the batch is merged",
    "trainable": "the recipe sets it: `freeze = [conv1]`",
}  # fmt: skip
"""Parameters of others that have no place here, and why."""

_DEFAULTS: Final = {"conv": ("k", "pad", "0"), "upconv": ("k", "stride", "1")}
"""What their default is, if it is another one: the parameter, and that of a window of more than one position."""

Argument = tuple[str | None, str]
"""An argument of a call: its name, or None by position, and its text."""


def plain(name: str) -> str:
    """Return a name without what libraries write differently: `Conv2d`, `conv_2d` and `Conv2DTranspose`."""
    return re.sub(r"_|(?<=[a-z_])[1-3]d(?=$|_|transpose)", "", name.lower())


def why_unwritten(parameter: str) -> str | None:
    """Return why a parameter of others has no place here; None if it is unknown."""
    return _UNWRITTEN.get(parameter.lower())


def kept_probability(parameter: str, text: str) -> str | None:
    """Return the probability of a drop for `keep_prob = 0.8`; None for another parameter."""
    if parameter.lower() not in ("keep", "keep_prob", "keep_rate", "survival_prob", "keep_probability", "survival_rate"):
        return None
    return _complement(text)


def padding_advice(word: str, known: Container[str]) -> str | None:
    """Return what a word of other frameworks for padding is here; `known` are the words of the op. None if it is none of them."""
    if word.lower() == "valid":
        return "without padding it is 0"
    if word.lower() != "same":
        return None
    if "same" in known:
        return "write `pad = same`; TensorFlow's, which pads the end more where it must, is `pad = tf_same`"
    half = "half of the window keeps the size with a stride of 1, such as `pad = 1` for a window of 3"
    return f"{half}; TensorFlow's is `pad = tf_same`"


def op_of(before: Sequence[str], name: str) -> tuple[str, str] | None:
    """Return the op of a class or function of another library, and the order of its arguments; None if it is in no table."""
    key = plain(name)
    first, second = (_KERAS, _PYTORCH) if _is_keras(before, name) else (_PYTORCH, _KERAS)
    return first.get(key) or second.get(key)


def _is_keras(before: Sequence[str], name: str) -> bool:
    key = plain(name)
    return re.search(r"\dD", name) is not None or bool({"keras", "layers"} & {*before}) or (key in _KERAS and key not in _PYTORCH)


def translated_call(before: Sequence[str], name: str, arguments: Sequence[Argument] | None, known: Container[str]) -> str | None:
    """Return the stages for a call of another library; None if it cannot be told."""
    op, order = op_of(before, name) or (None, "")
    function = not name[:1].isupper()
    if op is None or op not in known or (name == op and not before) or (not before and function):
        return None
    if arguments is None:
        return None if function and plain(name) not in _PYTORCH else op
    given = list(arguments)
    parameters = order.split()
    if function:  # the tensor comes first, and weights are no arguments here
        if op in _LEARNING:
            return None
        given, parameters = given[1:], [parameter for parameter in parameters if parameter != "-"]
    values, activation = _by_parameter(given, parameters)
    if values is None or not values.keys() >= _REQUIRED.get(op, frozenset()):
        return None
    return _written(op, values, activation, keras=_is_keras(before, name))


def _by_parameter(given: Sequence[Argument], parameters: Sequence[str]) -> tuple[dict[str, str] | None, str | None]:
    """Return the arguments by their parameter here, and the activation among them; None if one is unknown."""
    values: dict[str, str] = {}
    for position, (keyword, text) in enumerate(given):
        if keyword is None:
            parameter = parameters[position] if position < len(parameters) else None
        else:
            parameter = "-" if keyword in _UNWRITTEN and keyword != "activation" else KEYWORDS.get(keyword)
        if parameter in (None, "?"):
            return None, None
        if parameter != "-":
            values[parameter] = _value(text)
    return values, values.pop("activation", None)


def _value(text: str) -> str:
    """Return a value as it is written here."""
    if text in ("True", "False", "None"):
        return text.lower()
    return f"[{text[1:-1]}]" if re.fullmatch(r"\([^()]*,[^()]*\)", text) else text


def _written(op: str, values: dict[str, str], activation: str | None, *, keras: bool) -> str | None:
    """Return a call of an op, and of the activation behind it."""
    if not _with_padding(op, values):
        return None
    if op == "bn" and keras and "momentum" in values:
        values["momentum"] = _complement(values["momentum"])
    if op == "avgpool_to" and values.get("size") in ("1", "[1, 1]"):
        op, values = "gap", {}
    if (axis := values.pop("axis", None)) not in (None, "0", "1"):
        values["axis"] = str(int(axis) - 1) if axis.isdecimal() else axis
    call = _in_order(op, values)
    if activation is not None and activation not in ("none", '"linear"'):
        call += f" -> {plain(activation.strip(chr(34)))}"
    return call


def _with_padding(op: str, values: dict[str, str]) -> bool:
    """Write padding by name, and the default of others, as here; return whether that is possible."""
    named = values.get("pad", "").strip('"').lower()
    if named in ("same", "valid"):
        del values["pad"]
        if named == "valid" and op == "conv":
            values["pad"] = "0"
        return op == "conv" or (named == "same") == (op == "depthwise")
    if op == "depthwise":
        return False  # it keeps the size
    if op in _DEFAULTS:
        window, parameter, default = _DEFAULTS[op]
        if parameter not in values and values.get(window) != "1":
            values[parameter] = default
    return True


def _in_order(op: str, values: dict[str, str]) -> str:
    """Return a call of an op with the arguments by position that are usually given so."""
    order = _POSITIONS.get(op, ("out", "k", "stride") if op in ("conv", "upconv") else ())
    arguments, by_position = list[str](), True
    for parameter in sorted(values, key=lambda name: order.index(name) if name in order else len(order)):
        fits = len(arguments) < len(order) and order[len(arguments)] == parameter and parameter != "stride"
        by_position = by_position and fits
        arguments.append(values[parameter] if by_position else f"{parameter} = {values[parameter]}")
    return f"{op}({', '.join(arguments)})" if arguments else op


_POSITIONS: Final = {
    **dict.fromkeys(("maxpool", "avgpool"), ("k", "stride")),
    **dict.fromkeys(("lppool", "depthwise"), ("k",)),
    **dict.fromkeys(("avgpool_to", "maxpool_to", "lrn"), ("size",)),
    **dict.fromkeys(("dropout", "dropout2d", "droppath"), ("p",)),
    **dict.fromkeys(("pixel_shuffle", "pixel_unshuffle"), ("r",)),
    **dict.fromkeys(("gn", "channel_shuffle"), ("groups",)),
    "linear": ("out",), "leaky_relu": ("slope",), "elu": ("alpha",), "upsample": ("scale",), "embedding": ("n", "dim"),
    "pad": ("amount",), "act": ("f",),
}  # fmt: skip
"""The parameters that are usually given by position."""


_REQUIRED: Final = {
    **dict.fromkeys(("conv", "upconv"), frozenset({"out", "k"})),
    **dict.fromkeys(("depthwise", "maxpool", "avgpool", "lppool"), frozenset({"k"})),
    **dict.fromkeys(("avgpool_to", "maxpool_to", "lrn"), frozenset({"size"})),
    "linear": frozenset({"out"}), "upsample": frozenset({"scale"}), "pad": frozenset({"amount"}),
    "embedding": frozenset({"n", "dim"}),
}  # fmt: skip
"""The arguments that a call cannot do without."""
_LEARNING: Final = frozenset({"conv", "upconv", "linear", "bn", "ln", "gn", "instance_norm", "embedding", "prelu"})
"""Ops whose weights a function takes as arguments."""


def _complement(momentum: str) -> str:
    try:
        return f"{round(1 - float(momentum), 10):g}"
    except ValueError:
        return f"1 - {momentum}"
