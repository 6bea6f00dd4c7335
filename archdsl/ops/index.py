"""The ops of each family, which is a module of this package: a command imports only the families of the ops that it meets.

A test compares this with the classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

FAMILIES: Final[Mapping[str, tuple[str, ...]]] = {
    "activation": (
        "relu", "relu6", "leaky_relu", "prelu", "elu", "selu", "gelu", "silu", "mish", "sigmoid", "tanh", "softmax",
        "log_softmax", "hardswish", "hardsigmoid", "softplus", "act",
    ),
    "join": ("input", "add", "mul", "concat", "shake"),
    "reduction": ("mean", "sum", "var", "norm"),
    "arithmetic": ("sub", "div", "min", "max"),
    "attention": ("attend", "mha"),
    "convolution": ("conv", "bottleneck", "depthwise", "upconv"),
    "crop": ("crop_like",),
    "dense": ("linear", "flatten", "reshape", "embedding", "lookup", "unembed"),
    "elementwise": ("pow", "sqrt", "exp", "log", "abs", "clamp", "sin", "cos", "real"),
    "normalization": ("bn", "frozen_bn", "gn", "ln", "rms_norm", "grn", "instance_norm", "lrn"),
    "pooling": ("maxpool", "avgpool", "lppool", "blur_pool", "maxpool_to", "avgpool_to", "gap"),
    "positions": ("pos_embed", "coords", "rel_coords", "rel_bias"),
    "product": ("matmul",),
    "rearrange": ("pixel_shuffle", "pixel_unshuffle", "roll", "unfold", "channel_shuffle", "slice", "permute", "transpose"),
    "regularization": ("dropout", "dropout2d", "droppath"),
    "resizing": ("pad", "pad_channels", "resize_like", "resize", "upsample"),
    "scale": ("scale", "layer_scale"),
    "split": ("split",),
    "tokens": ("rearrange",),
    "unpooling": ("max_unpool",),
    "value": ("param", "const"),
    "windows": ("pad_to", "window_shift", "window_mask"),
}  # fmt: skip
JOIN_FAMILIES: Final = ("join", "arithmetic")
"""The families with joins, whose names the lexer has to know."""
MODULES: Final[Mapping[str, str]] = {name: f"archdsl.ops.{family}" for family, names in FAMILIES.items() for name in names}
"""The module of each op."""
