"""Keras models as texts: of Keras 2 and Keras 3, with the rules of TensorFlow."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.functional import conv2d, conv_transpose2d, pad

import archdsl
from archdsl.driver import check_text
from archdsl.importers.configs.importing import ImportedConfig, import_file
from tests.importers.configs import keras_files as files

PARAMS: dict[Callable[..., str], int] = {
    files.resnet50: 25_583_592, files.vgg16: 138_357_544, files.mobilenet_v2: 3_504_872, files.densenet121: 7_978_856,
}  # fmt: skip
"""The trained parameters of `keras.applications`."""


def imported(tmp_path: Path, text: str, **options: object) -> ImportedConfig:
    (tmp_path / "net.json").write_text(text)
    return import_file(tmp_path / "net.json", **options)  # type: ignore[arg-type]


def sequential(tmp_path: Path, shape: list[int], *layers: tuple[str, dict[str, Any]], version: str = "2.15.0") -> ImportedConfig:
    first = ("InputLayer", {"name": "input_1", "batch_input_shape": [None, *shape]})
    named = [(kind, {"name": f"{kind.lower()}_{at}", **config}) for at, (kind, config) in enumerate(layers)]
    return imported(tmp_path, files.sequential(first, *named, version=version))


@pytest.mark.parametrize("file", PARAMS, ids=lambda file: file.__name__)
def test_published_networks(file: Callable[..., str], tmp_path: Path) -> None:
    found = imported(tmp_path, file())
    assert next(iter(found.reports.values())).claims["params"] == PARAMS[file]
    assert len(found.text.splitlines()) <= 45
    assert check_text(found.text) == []


def test_both_layouts_are_one_text(tmp_path: Path) -> None:
    two, three = (imported(tmp_path, files.resnet50(version, (1, 2, 2, 1), 64)).text for version in (2, 3))
    assert two.replace(" (Keras 2.15.0)", "") == three
    assert '"conv{i + 2}": for j in 0..n {' in two


def test_names_that_keras_gives_by_itself(tmp_path: Path) -> None:
    text = imported(tmp_path, files.unet()).text
    assert "conv2d_transpose: upconv(64, 2)" in text and "concat { x; kept }" in text
    assert check_text(text) == []


@pytest.mark.parametrize("size", [11, 12])
@pytest.mark.parametrize(("k", "stride"), [(3, 2), (2, 1), (5, 3), (4, 2), (1, 2)])
def test_same_padding_is_that_of_tensorflow(size: int, k: int, stride: int, tmp_path: Path) -> None:
    config = {"filters": 4, "kernel_size": [k, k], "strides": [stride, stride], "padding": "same", "activation": "relu"}
    module = archdsl.loads(sequential(tmp_path, [size, size, 3], ("Conv2D", config)).text).build()
    x, layer = torch.randn(1, 3, size, size), module.conv2d_0
    total = max((-(-size // stride) - 1) * stride + k - size, 0)
    sides = (total // 2, total - total // 2) * 2
    assert torch.allclose(module(x), conv2d(pad(x, sides), layer.weight, layer.bias, stride).relu(), atol=1e-5)


@pytest.mark.parametrize(("k", "stride"), [(2, 2), (3, 2), (4, 2), (5, 2), (2, 3), (3, 1)])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_transposed_convolutions_are_those_of_tensorflow(k: int, stride: int, padding: str, tmp_path: Path) -> None:
    """For `same`, TensorFlow computes the gradient of a convolution that pads the odd row at the end."""
    config = {"filters": 4, "kernel_size": [k, k], "strides": [stride, stride], "padding": padding}
    module = archdsl.loads(sequential(tmp_path, [6, 6, 3], ("Conv2DTranspose", config)).text).build()
    x, layer = torch.randn(1, 3, 6, 6), module.conv2dtranspose_0
    full = conv_transpose2d(x, layer.weight, layer.bias, stride)
    size = 6 * stride + (0 if padding == "same" else max(k - stride, 0))
    start = max(k - stride, 0) // 2 if padding == "same" else 0
    full = torch.cat([full, layer.bias[:, None, None].expand(1, 4, size, full.shape[3])], 2)[:, :, start : start + size]
    full = torch.cat([full, layer.bias[:, None, None].expand(1, 4, size, size)], 3)[:, :, :, start : start + size]
    assert torch.allclose(module(x), full, atol=1e-5)


def test_averages_at_the_edge_leave_out_the_padding(tmp_path: Path) -> None:
    found = sequential(tmp_path, [5, 5, 1], ("AveragePooling2D", {"pool_size": [2, 2], "strides": [2, 2], "padding": "same"}))
    x = torch.arange(25.0).reshape(1, 1, 5, 5)
    assert archdsl.loads(found.text).build()(x)[0, 0, 2].tolist() == [20.5, 22.5, 24.0]


def test_separable_convolutions_and_momentum(tmp_path: Path) -> None:
    found = sequential(
        tmp_path, [32, 32, 8], ("SeparableConv2D", {"filters": 16, "kernel_size": 3, "padding": "same", "use_bias": False}),
        ("BatchNormalization", {"axis": -1, "momentum": 0.8, "epsilon": 0.002}),
        ("DepthwiseConv2D", {"kernel_size": 3, "strides": 2, "padding": "same", "depth_multiplier": 2}),
    )  # fmt: skip
    assert "separableconv2d_0: { depthwise: depthwise(3, bias = false); pointwise: conv(16, 1) }" in found.text
    assert "bn(eps = 0.002, momentum = 0.2)" in found.text
    assert "depthwise(3, stride = 2, mult = 2, pad = tf_same)" in found.text


def test_batch_norm_with_a_shift_alone(tmp_path: Path) -> None:
    found = sequential(tmp_path, [8, 8, 3], ("BatchNormalization", {"axis": -1, "scale": False}))
    assert "beta: param([3, 1, 1])" in found.text and "affine = false" in found.text
    assert next(iter(found.reports.values())).claims["params"] == 3


def test_preprocessing_says_what_is_left_out(tmp_path: Path) -> None:
    found = sequential(
        tmp_path, [16, 16, 3], ("RandomFlip", {}), ("Rescaling", {"scale": 0.5, "offset": -1.0}), ("Normalization", {"axis": -1}),
        ("Flatten", {}), ("Dense", {"units": 4, "activation": "softmax"}),
    )  # fmt: skip
    assert "scale(0.5) -> add(-1) -> flatten" in found.text
    for said in ("`RandomFlip` is left out", "`Normalization` is left out", "`Flatten` has channels first here"):
        assert said in found.text


def test_tokens_keep_their_features_last(tmp_path: Path) -> None:
    found = sequential(
        tmp_path, [20], ("Embedding", {"input_dim": 100, "output_dim": 16}),
        ("Conv1D", {"filters": 8, "kernel_size": 3, "padding": "causal"}),
        ("GlobalMaxPooling1D", {}), ("Dense", {"units": 1, "activation": "sigmoid"}),
    )  # fmt: skip
    assert "input features: int [20]" in found.text and "transpose(0, 1) -> pad(before = 2, after = 0)" in found.text
    assert check_text(found.text) == []


def test_the_hard_sigmoid_of_each_version(tmp_path: Path) -> None:
    layer = ("Activation", {"activation": "hard_sigmoid"})
    assert "scale(0.2) -> add(0.5) -> clamp(0, high = 1)" in sequential(tmp_path, [8, 8, 3], layer).text
    assert "  hardsigmoid\n" in sequential(tmp_path, [8, 8, 3], layer, version="3.4.1").text


def test_a_model_in_a_model(tmp_path: Path) -> None:
    encoder = files.Keras("encoder", (16, 16, 3))
    encoder.relu(encoder.norm(encoder.conv("input_1", "conv", 8, 3, padding="same"), "norm"), "out")
    inner = json.loads(encoder.text("out"))
    outer = files.Keras("whole", (16, 16, 3))
    entry = {"class_name": "Functional", "name": "encoder", "config": inner["config"], "inbound_nodes": [[["input_1", 0, 0, {}]]]}
    outer.layers.append(entry)
    text = outer.text(outer.add("GlobalAveragePooling2D", "encoder", "pool"))
    assert (
        "encoder: { conv: conv(8, 3, bias = true); norm: bn(eps = 1.001e-5, momentum = 0.01); relu }"
        in imported(tmp_path, text).text
    )


def test_a_layer_that_runs_several_times_is_a_module(tmp_path: Path) -> None:
    """A Siamese network: its weights count once; an activation is no part of the module."""
    k = files.Keras("siamese", (16, 16, 3))
    k.add("InputLayer", [], "input_2", batch_input_shape=[None, 16, 16, 3])
    k.conv("input_1", "tower", 3, 3, padding="same", activation="relu")
    k.layers[-1]["inbound_nodes"].append([["input_2", 0, 0, {}]])
    k.add("Add", ["tower", "tower"], "sum")
    k.layers[-1]["inbound_nodes"] = [[["tower", 0, 0, {}], ["tower", 1, 0, {}]]]
    found = imported(tmp_path, k.text("sum"))
    assert "module tower: conv(3, 3)" in found.text and "image2 -> tower -> relu" in found.text, found.text
    assert next(iter(found.reports.values())).claims["params"] == 3 * 3 * 9 + 3


def test_a_model_that_runs_several_times_is_a_module(tmp_path: Path) -> None:
    inner = json.loads(files.sequential(
        ("InputLayer", {"name": "input_3", "batch_input_shape": [None, 16, 16, 3]}),
        ("Conv2D", {"name": "conv", "filters": 3, "kernel_size": [3, 3], "padding": "same", "activation": "relu"}),
        ("BatchNormalization", {"name": "norm"}),
    ))  # fmt: skip
    k = files.Keras("twice", (16, 16, 3))
    k.add("Sequential", "input_1", "tower")
    k.layers[-1]["config"] = {**inner["config"], "name": "tower"}
    k.layers[-1]["inbound_nodes"].append([["tower", 0, 0, {}]])
    k.relu("tower", "last")
    k.layers[-1]["inbound_nodes"] = [[["tower", 1, 0, {}]]]
    text = imported(tmp_path, k.text("last")).text
    assert "module tower: {" in text and "tower -> tower -> relu" in text, text
    assert "conv: conv(3, 3); relu" in text, text


def test_a_layer_without_weights_runs_anywhere(tmp_path: Path) -> None:
    k = files.Keras("pools", (16, 16, 3))
    k.pool("input_1", "pool", 2, 2)
    k.layers[-1]["inbound_nodes"].append([["conv", 0, 0, {}]])
    k.conv("pool", "conv", 4, 3)
    k.relu("pool", "last")
    k.layers[-1]["inbound_nodes"] = [[["pool", 1, 0, {}]]]
    text = imported(tmp_path, k.text("last")).text
    assert text.count("maxpool(2)") == 2 and "module" not in text, text


def test_open_sizes_have_a_number(tmp_path: Path) -> None:
    k = files.Keras("open", (None, None, 3))
    text = k.text(k.conv("input_1", "conv", 8, 3))
    assert "input image [3, 224, 224]" in imported(tmp_path, text).text
    assert "input image [3, 64, 96]" in imported(tmp_path, text, sizes=[(3, 64, 96)]).text
