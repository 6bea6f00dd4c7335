"""Names of PyTorch, Keras, TensorFlow and JAX, with what is written here, and what no network here can have.

An op declares the names that others give it (`aliases`), and that is enough to find it. These tables hold what more it takes
to write a whole call: the order of the arguments, what is not written here, and defaults that differ.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Sequence
from typing import Final, NamedTuple

ROOTS: Final = frozenset(
    "nn F torch tf keras layers jax jnp hk flax eqx K L np torchvision timm mx paddle tfa snt fluid functional".split()
)
"""What a path into a library begins with."""

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
    "padding": "pad", "output_padding": "output_pad", "ceil_mode": "ceil", "count_include_pad": "count_pad", "output_size": "size",
    "scale_factor": "scale", "upscale_factor": "r", "downscale_factor": "r", "num_embeddings": "n", "embedding_dim": "dim",
    "num_parameters": "-", "init": "init_value", "norm_type": "p", "elementwise_affine": "affine", "activation": "activation",
    "alpha": "alpha", "beta": "beta", "threshold": "threshold", "momentum": "momentum", "affine": "affine",
    "mode": "mode", "align_corners": "align_corners",
}  # fmt: skip
"""Their keywords, with the parameters here."""

_UNWRITTEN: Final = {
    **dict.fromkeys(("in_channels", "num_features", "num_channels"), "the channels of the input are not written"),
    **dict.fromkeys(("in_features", "input_dim", "input_shape", "input_size"), "the size of the input is not written"),
    "normalized_shape": "the sizes of the input are not written; `axis = -1` normalizes the last axis",
    "inplace": "what runs in place follows from the network",
    **dict.fromkeys(("activation", "act", "act_layer"), "an activation is a stage of its own: `conv(64, 3) -> relu`"),
    **dict.fromkeys(("norm", "norm_layer"), "a normalization is a stage of its own: `conv(64, 3) -> bn -> relu`"),
    **dict.fromkeys(("padding_mode", "pad_mode"), "`pad` sets the mode: `pad(1, mode = reflect) -> conv(64, 3, pad = 0)`"),
    **dict.fromkeys(("name", "label"), "a label names a stage: `conv1: conv(64, 7)`"),
    **dict.fromkeys(("dtype", "device"), "the module that is built decides it: `net.to(device)`"),
    "data_format": "channels come first",
    "track_running_stats": "`bn` always has running statistics; `instance_norm` has none",
    "return_indices": "an op has one output",
    **dict.fromkeys(("kernel_regularizer", "weight_decay"), "the recipe sets it: `optimizer = sgd(lr = 0.1, weight_decay = 1e-4)`"),
    **dict.fromkeys(("kernel_initializer", "bias_initializer"), "write `init = he`, or `init { conv = he }` for all of them"),
    "start_dim": "every axis but the batch is merged", "end_dim": "every axis but the batch is merged",
    "trainable": "the recipe sets it: `freeze = [conv1]`",
}  # fmt: skip
"""Parameters of others that have no place here, and why."""

_DEFAULTS: Final = {"conv": ("k", "pad", "0"), "upconv": ("k", "stride", "1")}
"""What their default is, if it is another one: the parameter, and that of a window of more than one position."""

_REGIONS: Final = "end the network at its maps, with `output name: ...`, and apply it to them in Python"
_CHOICES: Final = "end the network at its scores, and apply it to the output in Python"
_MISSING: Final = {
    **dict.fromkeys(
        ("lstm", "gru", "rnn", "lstmcell", "grucell", "rnncell", "simplernn", "bidirectional", "bilstm", "convlstm", "recurrent"),
        ("recurrent layers do not exist", "convolutions read a sequence `[C, L]`, as dilated ones do in WaveNet"),
    ),
    "einsum": ("products of two values by a formula do not exist", "`linear` and `conv(out, 1)` multiply by learned matrices"),
    **dict.fromkeys(
        ("deformconv", "deformableconv", "dcn", "dcnv2", "involution", "dynamicconv", "condconv"),
        ("convolutions with computed positions or weights do not exist", "`conv` has fixed positions; `dilation` spreads them"),
    ),
    **dict.fromkeys(("roialign", "roipool", "psroialign", "psroipool", "roi"), ("pooling of regions does not exist", _REGIONS)),
    **dict.fromkeys(
        ("nms", "batchednms", "softnms", "anchors", "anchorgenerator", "priorbox", "decodeboxes", "boxdecode"),
        ("anchors and the choice of boxes are no part of a network here", _REGIONS),
    ),
    **dict.fromkeys(
        ("argmax", "topk", "sort", "argsort", "where", "gather", "scatter", "cumsum", "nonzero", "maskedfill", "ctcdecode", "crf",
         "beamsearch", "gumbelsoftmax"),
        ("ops that choose by values do not exist", _CHOICES),
    ),
    **dict.fromkeys(
        ("gridsample", "affinegrid", "spatialtransformer", "warp"),
        ("sampling at computed positions does not exist", "`upsample` and `resize_like` sample at fixed ones"),
    ),
    "spectralnorm": ("spectral normalization does not exist", "`bn`, `gn` and `instance_norm` normalize values, not weights"),
    **dict.fromkeys(
        ("gaussiannoise", "randn", "rand", "noise", "gaussiandropout", "alphadropout", "dropblock"),
        ("this kind of randomness does not exist", "`dropout`, `dropout2d`, `droppath` and `shake` are random in training"),
    ),
    **dict.fromkeys(("fft", "rfft", "stft", "melspectrogram"), ("Fourier transforms do not exist", "compute them before the network")),
    **dict.fromkeys(("gcn", "gat", "graphconv", "gcnconv"), ("layers on graphs do not exist", "inputs are tensors of one shape")),
    **dict.fromkeys(
        ("multiheadattention", "multihead", "attention", "selfattention", "mha", "transformer", "transformerencoder",
         "transformerencoderlayer", "transformerdecoder", "scaleddotproductattention"),
        ("attention does not exist", "`mul { x; { ...; sigmoid } }` is a gate; `softmax` and `permute` exist"),
    ),
    "bilinear": ("a bilinear layer does not exist", "`mul { linear(64); linear(64) }` multiplies two projections"),
    "glu": ("`glu` does not exist", "write `mul { conv(64, 1); conv(64, 1) -> sigmoid }`"),
    "se": ("`se` is not built in", "write `mul { x; { let c = x.c; gap; conv(c // 16, 1); relu; conv(c, 1); sigmoid } }`"),
    **dict.fromkeys(("sequential", "modulelist", "moduledict"), ("lists of modules do not exist",
        "stages stand in a row: `conv(64, 3) -> relu`; `blocks: { ... }` names a group of them")),
    **dict.fromkeys(("lambda", "lambdalayer"), ("functions as layers do not exist", "a block is a function from `x` to `x`")),
    "cropping": ("cropping by an amount does not exist", "`slice(1..31, axis = -1)` takes a part of an axis, `crop_like(label)` a size"),
    **dict.fromkeys(("print", "assert_", "breakpoint"), ("a spec prints nothing", "`archdsl check` shows every shape; `expect` claims one")),
    **dict.fromkeys(("squeeze", "unsqueeze", "expanddims"), ("axes of size 1 are not added or removed by name",
        "`flatten` merges all axes, and `reshape([...])` writes the shape")),
    **dict.fromkeys(("module", "model", "layer"), ("a network is no class", "write `network name { ... }` and `block name(...) { ... }`")),
}  # fmt: skip
"""What does not exist here, and what to do instead; of no effect once an op has the name."""

_SINCE: Final = {
    **dict.fromkeys((key for key in _MISSING if "attention" in key or "transformer" in key), ("mha", "attend")),
    "einsum": ("matmul",), **dict.fromkeys(("squeeze", "unsqueeze", "expanddims"), ("rearrange",)),
}  # fmt: skip
"""Ops that come near to something missing, where there are such."""

_JOINED: Final = {
    **dict.fromkeys(("cat", "concat", "concatenate", "stack", "hstack", "vstack"), "concat { a; b }"),
    **dict.fromkeys(("add", "plus"), "add { a; b }"),
    **dict.fromkeys(("mul", "multiply"), "mul { a; b }"),
}
"""Functions of several tensors."""

_STAGES: Final = {
    "identity": "x",
    "separableconv": "depthwise(3) -> conv(64, 1)",
    "sepconv": "depthwise(3) -> conv(64, 1)",
    "globalaveragepooling": "gap -> flatten",
    "globalmaxpooling": "maxpool_to(1) -> flatten",
    "globalmaxpool": "maxpool_to(1)",
    "globalavgpool": "gap",
    "globalpool": "gap",
    "reflectionpad": "pad(1, mode = reflect)",
    "replicationpad": "pad(1, mode = replicate)",
    "circularpad": "pad(1, mode = circular)",
    "upsamplingbilinear": "upsample(2, mode = linear, align_corners = true)",
}
"""What is written for layers that are none of one op, or take other arguments; only for their names."""


class Foreign(NamedTuple):
    """What a name or call of another library is: what is missing, if it is, and what to write."""

    missing: str | None
    advice: str
    written: str | None = None
    """The text to write, if it replaces the whole call."""


Argument = tuple[str | None, str]
"""An argument of a call: its name, or None by position, and its text."""


def plain(name: str) -> str:
    """Return a name without what libraries write differently: `Conv2d`, `conv_2d` and `Conv2DTranspose`."""
    return re.sub(r"_|(?<=[a-z_])[1-3]d(?=$|_|transpose)", "", name.lower())


def why_unwritten(parameter: str) -> str | None:
    """Return why a parameter of others has no place here; None if it is unknown."""
    return _UNWRITTEN.get(parameter.lower())


def foreign(
    path: str, arguments: Sequence[Argument] | None, known: Sequence[str], same: Callable[[str], str | None]
) -> Foreign | None:
    """Return what a name of another library means here, with a path such as `nn` or `tf.keras.layers` before it.

    `arguments` are those of its call, or None without one. `same` finds the op that declares a name.
    """
    *before, name = path.split(".")
    key = plain(name)
    if before[:1] == ["self"]:
        return Foreign(None, "there is no `self`: write the op or block by its name")
    call = _call(before, name, key, arguments, known)
    if call is not None:
        return Foreign(None, f"write `{call}`", call)
    if key in _JOINED:
        return Foreign(None, f"write `{_joined(_JOINED[key], arguments)}`")
    if key in _STAGES:
        return Foreign(None, f"write `{_STAGES[key]}`")
    op = same(name)
    if key in _MISSING and op is None:
        since = [f"`{op}`" for op in _SINCE.get(key, ()) if op in known]
        return Foreign(None, f"did you mean {' or '.join(since)}?") if since else Foreign(*_MISSING[key])
    if not before:
        return None
    if op is not None:
        return Foreign(None, f"did you mean `{op}`?")
    return Foreign(None, "ops are written by their own names, without a library; `archdsl ops` lists them")


def _call(
    before: Sequence[str], name: str, key: str, arguments: Sequence[Argument] | None, known: Container[str]
) -> str | None:
    """Return the stages for a call of another library; None if it cannot be told."""
    keras = re.search(r"\dD", name) is not None or {"keras", "layers"} & {*before} or (key in _KERAS and key not in _PYTORCH)
    function = not name[:1].isupper()
    op, order = (_KERAS if keras else _PYTORCH).get(key, (None, ""))
    if op is None or op not in known or (name == op and not before) or (not before and function):
        return None
    if arguments is None:
        return None if function and key not in _PYTORCH else op
    given = list(arguments)
    parameters = order.split()
    if function:  # the tensor comes first, and weights are no arguments here
        if op in _LEARNING:
            return None
        given, parameters = given[1:], [parameter for parameter in parameters if parameter != "-"]
    values, activation = _by_parameter(given, parameters)
    if values is None or not values.keys() >= _REQUIRED.get(op, set()):
        return None
    return _written(op, values, activation, keras=bool(keras))


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
    if values.get("pad") in ('"same"', '"SAME"'):
        del values["pad"]
        if op not in ("conv", "depthwise"):
            return None
    elif values.get("pad") in ('"valid"', '"VALID"'):
        values["pad"] = "0"
        if op not in ("conv", "depthwise"):
            del values["pad"]
    elif op in _DEFAULTS:
        window, parameter, default = _DEFAULTS[op]
        if parameter not in values and values.get(window) != "1":
            values[parameter] = default
    if op == "bn" and keras and "momentum" in values:
        values["momentum"] = _complement(values["momentum"])
    if op == "avgpool_to" and values.get("size") in ("1", "[1, 1]"):
        op, values = "gap", {}
    if "axis" in values:
        axis = values.pop("axis")
        if axis not in ("0", "1"):
            values["axis"] = str(int(axis) - 1) if axis.isdecimal() else axis
    order = _POSITIONS.get(op, ("out", "k", "stride") if op in ("conv", "upconv") else ())
    arguments, by_position = list[str](), True
    for parameter in sorted(values, key=lambda name: (order.index(name) if name in order else len(order))):
        by_position = by_position and len(arguments) < len(order) and order[len(arguments)] == parameter and parameter != "stride"
        arguments.append(values[parameter] if by_position else f"{parameter} = {values[parameter]}")
    call = f"{op}({', '.join(arguments)})" if arguments else op
    if activation is not None and activation not in ("none", '"linear"'):
        call += f" -> {plain(activation.strip(chr(34)))}"
    return call


_POSITIONS: Final = {
    "linear": ("out",), "depthwise": ("k",), "gn": ("groups",), "maxpool": ("k", "stride"), "avgpool": ("k", "stride"), "lppool": ("k",),
    "avgpool_to": ("size",), "maxpool_to": ("size",), "leaky_relu": ("slope",), "elu": ("alpha",), "dropout": ("p",), "dropout2d": ("p",),
    "droppath": ("p",), "upsample": ("scale",), "pixel_shuffle": ("r",), "pixel_unshuffle": ("r",), "channel_shuffle": ("groups",),
    "embedding": ("n", "dim"), "pad": ("amount",), "lrn": ("size",), "act": ("f",),
}  # fmt: skip
"""The parameters that are usually given by position."""


_REQUIRED: Final = {
    **dict.fromkeys(("conv", "upconv"), {"out", "k"}), "linear": {"out"}, "upsample": {"scale"}, "pad": {"amount"}, "embedding": {"n", "dim"},
    **dict.fromkeys(("depthwise", "maxpool", "avgpool", "lppool"), {"k"}), **dict.fromkeys(("avgpool_to", "maxpool_to", "lrn"), {"size"}),
}  # fmt: skip
"""The arguments that a call cannot do without."""
_LEARNING: Final = frozenset({"conv", "upconv", "linear", "bn", "ln", "gn", "instance_norm", "embedding", "prelu"})
"""Ops whose weights a function takes as arguments."""


def _complement(momentum: str) -> str:
    try:
        return f"{round(1 - float(momentum), 10):g}"
    except ValueError:
        return f"1 - {momentum}"


def _joined(form: str, arguments: Sequence[Argument] | None) -> str:
    """Return a join of the tensors that a function is given."""
    texts = [text for keyword, text in arguments or () if keyword is None]
    parts = texts[0][1:-1].split(",") if len(texts) in (1, 2) and texts[0].startswith("[") else texts
    branches = [part.strip() for part in parts]
    if len(branches) < 2 or not all(branch.isidentifier() for branch in branches):
        return form
    return f"{form.split()[0]} {{ {'; '.join(branches)} }}"
