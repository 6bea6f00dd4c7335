"""Keras models as JSON, written as `model.to_json()` writes them, in the layout of Keras 2 or Keras 3."""

from __future__ import annotations

import json
from typing import Any


class Keras:
    """Collects layers. `version` is that of Keras, which decides how a layer names what flows into it."""

    def __init__(self, name: str, shape: tuple[int | None, ...], version: int = 2) -> None:
        self.name, self.version = name, version
        self.layers: list[dict[str, Any]] = []
        batch = "batch_input_shape" if version == 2 else "batch_shape"
        self.add("InputLayer", [], "input_1", **{batch: [None, *shape]}, dtype="float32")

    def add(self, kind: str, inputs: list[str] | str, name: str, **config: Any) -> str:
        names = [inputs] if isinstance(inputs, str) else inputs
        entry: dict[str, Any] = {"class_name": kind, "config": {"name": name, "trainable": True, **config}, "name": name}
        if self.version == 2:
            entry["inbound_nodes"] = [[[one, 0, 0, {}] for one in names]] if names else []
        else:
            shape = {"shape": [None, 1], "dtype": "float32"}
            tensors = [{"class_name": "__keras_tensor__", "config": {**shape, "keras_history": [one, 0, 0]}} for one in names]
            args = [tensors] if len(tensors) > 1 else tensors
            entry |= {"module": "keras.layers", "registered_name": None}
            entry["inbound_nodes"] = [{"args": args, "kwargs": {}}] if names else []
        self.layers.append(entry)
        return name

    def conv(self, x: str, name: str, filters: int, k: int, stride: int = 1, padding: str = "valid", **config: Any) -> str:
        options = {"activation": "linear", "use_bias": True} | config
        return self.add("Conv2D", x, name, filters=filters, kernel_size=[k, k], strides=[stride, stride], padding=padding,
                        data_format="channels_last", dilation_rate=[1, 1], groups=1, **options)  # fmt: skip

    def norm(self, x: str, name: str, **config: Any) -> str:
        return self.add("BatchNormalization", x, name, **({"axis": [3], "momentum": 0.99, "epsilon": 1.001e-05} | config))

    def relu(self, x: str, name: str) -> str:
        return self.add("Activation", x, name, activation="relu")

    def pad(self, x: str, name: str, rows: Any) -> str:
        return self.add("ZeroPadding2D", x, name, padding=rows, data_format="channels_last")

    def pool(self, x: str, name: str, k: int, stride: int, kind: str = "MaxPooling2D", padding: str = "valid") -> str:
        return self.add(kind, x, name, pool_size=[k, k], strides=[stride, stride], padding=padding, data_format="channels_last")

    def text(self, *outputs: str) -> str:
        config = {"name": self.name, "layers": self.layers, "input_layers": [["input_1", 0, 0]],
                  "output_layers": [[name, 0, 0] for name in outputs]}  # fmt: skip
        kind = "Functional"
        extra = (
            {"keras_version": "2.15.0", "backend": "tensorflow"}
            if self.version == 2
            else {"module": "keras", "registered_name": "Functional"}
        )
        return json.dumps({"class_name": kind, "config": config, **extra}, indent=1)


def resnet50(version: int = 2, layers: tuple[int, ...] = (3, 4, 6, 3), size: int = 224) -> str:
    """`keras.applications.ResNet50`, with its names: 25,636,712 parameters, 25,583,592 of them trained."""
    k = Keras("resnet50", (size, size, 3), version)
    x = k.pad("input_1", "conv1_pad", [[3, 3], [3, 3]])
    x = k.conv(x, "conv1_conv", 64, 7, 2)
    x = k.relu(k.norm(x, "conv1_bn"), "conv1_relu")
    x = k.pool(k.pad(x, "pool1_pad", [[1, 1], [1, 1]]), "pool1_pool", 3, 2)
    for stage, (width, n) in enumerate(zip((64, 128, 256, 512), layers, strict=True), 2):
        for block in range(1, n + 1):
            name, stride, shortcut = f"conv{stage}_block{block}", 2 if stage > 2 and block == 1 else 1, x
            if block == 1:
                shortcut = k.norm(k.conv(x, f"{name}_0_conv", 4 * width, 1, stride), f"{name}_0_bn")
            y = k.relu(k.norm(k.conv(x, f"{name}_1_conv", width, 1, stride), f"{name}_1_bn"), f"{name}_1_relu")
            y = k.relu(k.norm(k.conv(y, f"{name}_2_conv", width, 3, padding="same"), f"{name}_2_bn"), f"{name}_2_relu")
            y = k.norm(k.conv(y, f"{name}_3_conv", 4 * width, 1), f"{name}_3_bn")
            x = k.relu(k.add("Add", [shortcut, y], f"{name}_add"), f"{name}_out")
    x = k.add("GlobalAveragePooling2D", x, "avg_pool", keepdims=False, data_format="channels_last")
    return k.text(k.add("Dense", x, "predictions", units=1000, activation="softmax", use_bias=True))


def vgg16(version: int = 2) -> str:
    """`keras.applications.VGG16`: 138,357,544 parameters."""
    k = Keras("vgg16", (224, 224, 3), version)
    x = "input_1"
    for stage, (width, n) in enumerate([(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)], 1):
        for at in range(1, n + 1):
            x = k.conv(x, f"block{stage}_conv{at}", width, 3, padding="same", activation="relu")
        x = k.pool(x, f"block{stage}_pool", 2, 2)
    x = k.add("Flatten", x, "flatten", data_format="channels_last")
    for name in ("fc1", "fc2"):
        x = k.add("Dense", x, name, units=4096, activation="relu", use_bias=True)
    return k.text(k.add("Dense", x, "predictions", units=1000, activation="softmax", use_bias=True))


def mobilenet_v2(version: int = 2) -> str:
    """`keras.applications.MobileNetV2`: 3,538,984 parameters, 3,504,872 of them trained."""
    k = Keras("mobilenetv2_1.00_224", (224, 224, 3), version)

    def norm(x: str, name: str) -> str:
        return k.norm(x, name, epsilon=1e-3, momentum=0.999)

    def relu6(x: str, name: str) -> str:
        return k.add("ReLU", x, name, max_value=6.0, negative_slope=0.0, threshold=0.0)

    def depthwise(x: str, name: str, stride: int) -> str:
        padding = "same" if stride == 1 else "valid"
        return k.add("DepthwiseConv2D", x, name, kernel_size=[3, 3], strides=[stride, stride], padding=padding,
                     depth_multiplier=1, use_bias=False, activation="linear", dilation_rate=[1, 1])  # fmt: skip

    x = relu6(norm(k.conv("input_1", "Conv1", 32, 3, 2, "same", use_bias=False), "bn_Conv1"), "Conv1_relu")
    x = relu6(norm(depthwise(x, "expanded_conv_depthwise", 1), "expanded_conv_depthwise_BN"), "expanded_conv_depthwise_relu")
    x = norm(k.conv(x, "expanded_conv_project", 16, 1, padding="same", use_bias=False), "expanded_conv_project_BN")
    width, block = 16, 0
    for out, n, first in [(24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1)]:
        for at in range(n):
            block += 1
            name, stride, before = f"block_{block}", first if at == 0 else 1, x
            y = relu6(norm(k.conv(x, f"{name}_expand", 6 * width, 1, padding="same", use_bias=False), f"{name}_expand_BN"),
                      f"{name}_expand_relu")  # fmt: skip
            y = k.pad(y, f"{name}_pad", [[0, 1], [0, 1]]) if stride == 2 else y
            y = relu6(norm(depthwise(y, f"{name}_depthwise", stride), f"{name}_depthwise_BN"), f"{name}_depthwise_relu")
            x = norm(k.conv(y, f"{name}_project", out, 1, padding="same", use_bias=False), f"{name}_project_BN")
            if at > 0:
                x = k.add("Add", [before, x], f"{name}_add")
            width = out
    x = relu6(norm(k.conv(x, "Conv_1", 1280, 1, use_bias=False), "Conv_1_bn"), "out_relu")
    x = k.add("GlobalAveragePooling2D", x, "global_average_pooling2d")
    return k.text(k.add("Dense", x, "predictions", units=1000, activation="softmax", use_bias=True))


def densenet121(version: int = 3) -> str:
    """`keras.applications.DenseNet121`: 8,062,504 parameters, 7,978,856 of them trained."""
    k = Keras("densenet121", (224, 224, 3), version)
    x = k.conv(k.pad("input_1", "zero_padding2d", [[3, 3], [3, 3]]), "conv1_conv", 64, 7, 2, use_bias=False)
    x = k.relu(k.norm(x, "conv1_bn"), "conv1_relu")
    x = k.pool(k.pad(x, "zero_padding2d_1", [[1, 1], [1, 1]]), "pool1", 3, 2)
    channels = 64
    for stage, n in enumerate((6, 12, 24, 16), 2):
        for block in range(1, n + 1):
            name = f"conv{stage}_block{block}"
            y = k.relu(k.norm(x, f"{name}_0_bn"), f"{name}_0_relu")
            y = k.relu(k.norm(k.conv(y, f"{name}_1_conv", 128, 1, use_bias=False), f"{name}_1_bn"), f"{name}_1_relu")
            y = k.conv(y, f"{name}_2_conv", 32, 3, padding="same", use_bias=False)
            x = k.add("Concatenate", [x, y], f"{name}_concat", axis=3)
            channels += 32
        if stage < 5:
            channels //= 2
            x = k.relu(k.norm(x, f"pool{stage}_bn"), f"pool{stage}_relu")
            x = k.pool(k.conv(x, f"pool{stage}_conv", channels, 1, use_bias=False), f"pool{stage}_pool", 2, 2, "AveragePooling2D")
    x = k.relu(k.norm(x, "bn"), "relu")
    x = k.add("GlobalAveragePooling2D", x, "avg_pool", keepdims=False)
    return k.text(k.add("Dense", x, "predictions", units=1000, activation="softmax", use_bias=True))


def unet(version: int = 3) -> str:
    """A U-Net with the names that Keras gives by itself."""
    k = Keras("functional", (128, 128, 1), version)
    counts: dict[str, int] = {}

    def auto(kind: str) -> str:
        counts[kind] = counts.get(kind, -1) + 1
        return kind if counts[kind] == 0 else f"{kind}_{counts[kind]}"

    def double(x: str, width: int) -> str:
        for _ in range(2):
            x = k.conv(x, auto("conv2d"), width, 3, padding="same", activation="relu")
        return x

    x, kept = "input_1", []
    for width in (16, 32, 64):
        x = double(x, width)
        kept.append(x)
        x = k.pool(x, auto("max_pooling2d"), 2, 2)
    x = double(x, 128)
    for width, low in zip((64, 32, 16), reversed(kept), strict=True):
        x = k.add(
            "Conv2DTranspose", x, auto("conv2d_transpose"), filters=width, kernel_size=[2, 2], strides=[2, 2], padding="same"
        )
        x = double(k.add("Concatenate", [x, low], auto("concatenate"), axis=-1), width)
    return k.text(k.conv(x, auto("conv2d"), 1, 1, activation="sigmoid"))


def sequential(*layers: tuple[str, dict[str, Any]], version: str = "2.15.0") -> str:
    """A sequential model of layers, each with its configuration."""
    entries = [{"class_name": kind, "config": config} for kind, config in layers]
    return json.dumps(
        {"class_name": "Sequential", "config": {"name": "sequential", "layers": entries}, "keras_version": version}, indent=1
    )
