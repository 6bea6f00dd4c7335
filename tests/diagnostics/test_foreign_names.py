"""What is offered for a call of another library is a call of the language that does the same."""

from __future__ import annotations

import re

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from archdsl.analysis import Costs
from archdsl.diagnostics.fixes import edited
from archdsl.diagnostics.foreign_calls import _KERAS, _PYTORCH, KEYWORDS, plain, why_unwritten
from archdsl.diagnostics.foreign_names import _MISSING, foreign
from archdsl.diagnostics.suggest import same_name
from archdsl.driver import check_text, compile_text
from archdsl.ops import Op

OPS = Op.registry.names()
IMAGE, VECTOR = (8, 12, 10), (8,)
TORCH = [
    "nn.Conv2d(8, 16, 3)", "nn.Conv2d(8, 16, 1)", "nn.Conv2d(8, 16, kernel_size=3, padding=1, bias=False)",
    "nn.Conv2d(8, 16, (3, 5), (1, 2), padding=(1, 2))", "nn.Conv2d(8, 16, 3, 2, 1, 1, 4)",
    "nn.ConvTranspose2d(8, 4, 2, stride=2)", "nn.ConvTranspose2d(8, 4, 3)", "nn.BatchNorm2d(8)",
    "nn.BatchNorm2d(8, eps=1e-3, momentum=0.01)", "nn.GroupNorm(4, 8)", "nn.InstanceNorm2d(8)", "nn.ReLU(inplace=True)",
    "nn.LeakyReLU(0.2, inplace=True)", "nn.PReLU()", "nn.PReLU(1, 0.1)", "nn.ELU(1.0)", "nn.GELU()", "nn.SiLU()",
    "nn.Softmax(dim=1)",
    "nn.MaxPool2d(2)", "nn.MaxPool2d(3, stride=2, padding=1)", "nn.MaxPool2d(3, 2, 1)", "nn.AvgPool2d(2, 2)",
    "nn.LPPool2d(2, 3, stride=2)", "nn.AdaptiveAvgPool2d(1)", "nn.AdaptiveAvgPool2d((1, 1))", "nn.AdaptiveAvgPool2d(4)",
    "nn.AdaptiveMaxPool2d(4)", "nn.Dropout(0.3)", "nn.Dropout2d(p=0.3)", "nn.Flatten()", "nn.Upsample(scale_factor=2)",
    'nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)', "nn.PixelShuffle(2)", "nn.ZeroPad2d(2)",
    "nn.LocalResponseNorm(5)", "nn.Identity()", "F.relu(x)", "F.max_pool2d(x, 2)", "F.interpolate(x, scale_factor=2)",
    "torch.sigmoid(x)", "torch.flatten(x, 1)",
]  # fmt: skip
"""Calls for images."""
NAMES = """Conv1d Conv2d Conv3d ConvTranspose2d Conv2DTranspose DepthwiseConv2D SeparableConv2D Linear Dense LazyLinear
    BatchNorm1d BatchNorm2d BatchNorm3d SyncBatchNorm BatchNormalization LayerNorm LayerNormalization GroupNorm
    GroupNormalization InstanceNorm2d LocalResponseNorm ReLU ReLU6 LeakyReLU PReLU ELU SELU GELU SiLU Swish Mish
    Sigmoid Tanh Softmax Softmax2d Hardswish Hardsigmoid Softplus Activation MaxPool1d MaxPool2d MaxPool3d
    MaxPooling2D AvgPool2d AveragePooling2D LPPool2d AdaptiveAvgPool2d AdaptiveMaxPool2d GlobalAveragePooling2D
    GlobalMaxPooling2D Dropout Dropout2d SpatialDropout2D DropPath StochasticDepth Flatten Reshape Permute Upsample
    UpSampling2D UpsamplingBilinear2d UpsamplingNearest2d PixelShuffle ChannelShuffle Embedding ZeroPad2d
    ZeroPadding2D ReflectionPad2d ReplicationPad2d CircularPad2d ConstantPad2d Cropping2D Identity Concatenate Add
    Multiply Sequential ModuleList LSTM GRU RNN Bidirectional ConvLSTM2D MultiheadAttention Transformer DeformConv2d
    RoIAlign NMS Bilinear GLU""".split()


def offered(call: str, shape: tuple[int, ...]) -> str | None:
    """The network with the text that is offered for a call; None if none is."""
    call = re.sub(r"\bTrue\b", "true", re.sub(r"\bFalse\b", "false", re.sub(r"(?<!\w)\((\d+), (\d+)\)", r"[\1, \2]", call)))
    text = f"network n {{ input i [{', '.join(map(str, shape))}]; {call} }}"
    (error,) = [found for found in check_text(text) if found.is_error]
    return edited(text, error.fix.edits) if error.fix is not None else None


@pytest.mark.parametrize("call", TORCH)
def test_the_call_does_what_pytorch_does(call: str) -> None:
    text = offered(call, IMAGE)
    if text is None:
        assert call in ("nn.Identity()", "torch.flatten(x, 1)")  # a sentence, without an edit
        return
    graph = compile_text(text).require()
    x = torch.rand(2, *IMAGE)
    module = eval(call, {"nn": nn, "F": F, "torch": torch, "x": x})
    expected = module.eval()(x) if isinstance(module, nn.Module) else module
    assert graph.main.outputs[0].shape == expected.shape[1:]
    learned = sum(p.numel() for p in module.parameters()) if isinstance(module, nn.Module) else 0
    assert Costs().counts(graph.main).params == learned


@pytest.mark.parametrize("name", NAMES)
def test_a_class_is_known(name: str) -> None:
    """A bare name, and one behind the name of a library, has a remedy that is no list of all ops."""
    for written in (name, f"nn.{name}", f"tf.keras.layers.{name}"):
        errors = check_text(f"network n {{ input i [8, 8, 8]; {written}(3) }}")
        (error,) = [found for found in errors if found.is_error]
        assert error.code == "E0201" and error.help is not None
        assert "lists the ops" not in error.help and "lists them" not in error.help, error.help


def test_ops_are_never_missing() -> None:
    """Once an op has a name, or declares it, it is offered, and not called missing."""
    names = [*OPS, *(alias for op in Op.registry for alias in op.aliases)]
    for name in names:
        found = foreign(f"nn.{name}", None, OPS, lambda name: same_name(name, OPS))
        assert found is not None and found.missing is None, name


def test_tables_are_about_ops_and_their_parameters() -> None:
    parameters = {name for op in Op.registry for name in op.parameters_in_order()} | {"-", "?", "activation"}
    later = {"log_softmax", "rms_norm", "pixel_unshuffle"}
    for table in (_PYTORCH, _KERAS):
        for key, (op, order) in table.items():
            assert plain(key) == key or key.endswith("2d"), key
            assert op in OPS or op in later, op
            if op in OPS:
                cls = Op.registry.get(op)
                assert cls is not None
                assert set(order.split()) <= {*cls.parameters_in_order(), "-", "?", "activation", "pad"}, (key, order)
    assert set(KEYWORDS.values()) <= parameters
    assert all(missing and advice for missing, advice in _MISSING.values())


def test_a_parameter_without_a_place_has_a_reason() -> None:
    for name in ("in_channels", "in_features", "inplace", "activation", "dtype", "data_format", "name"):
        (error,) = [found for found in check_text(f"network n {{ input i [8, 8, 8]; conv(8, 3, {name} = 3) }}") if found.is_error]
        assert error.code == "E0202" and error.help == why_unwritten(name)
