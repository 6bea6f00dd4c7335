"""Caffe files, written layer by layer as the published deploy and train_val files are."""

from __future__ import annotations

from collections.abc import Callable


def layer(name: str, kind: str, bottom: str | list[str], top: str | None = None, **messages: str) -> str:
    """A layer. Each message is given by its name, as text."""
    bottoms = bottom if isinstance(bottom, list) else [bottom]
    lines = [
        f'layer {{\n  name: "{name}"\n  type: "{kind}"',
        *(f'  bottom: "{one}"' for one in bottoms),
        f'  top: "{top or name}"',
    ]
    return "\n".join([*lines, *(f"  {key} {{ {text} }}" for key, text in messages.items()), "}\n"])


def conv(name: str, bottom: str, out: int, k: int, stride: int = 1, pad: int = 0, more: str = "") -> str:
    text = f'num_output: {out} pad: {pad} kernel_size: {k} stride: {stride} {more} weight_filler {{ type: "xavier" }}'
    return layer(name, "Convolution", bottom, convolution_param=text)


def relu(name: str, blob: str) -> str:
    return layer(name, "ReLU", blob, blob)


def pool(name: str, bottom: str, k: int, stride: int, kind: str = "MAX", more: str = "") -> str:
    return layer(name, "Pooling", bottom, pooling_param=f"pool: {kind} kernel_size: {k} stride: {stride} {more}")


def dense(name: str, bottom: str, out: int) -> str:
    return layer(name, "InnerProduct", bottom, inner_product_param=f"num_output: {out}")


def dropout(name: str, blob: str, ratio: float = 0.5) -> str:
    return layer(name, "Dropout", blob, blob, dropout_param=f"dropout_ratio: {ratio}")


def lrn(name: str, bottom: str) -> str:
    return layer(name, "LRN", bottom, lrn_param="local_size: 5 alpha: 0.0001 beta: 0.75")


def norm(name: str, scale: str, blob: str) -> str:
    """Batch norm in place, which takes two layers."""
    return layer(name, "BatchNorm", blob, blob, batch_norm_param="use_global_stats: true") + layer(
        scale, "Scale", blob, blob, scale_param="bias_term: true"
    )


def head(name: str, size: int) -> str:
    return f'name: "{name}"\ninput: "data"\n' + "".join(f"input_dim: {n}\n" for n in (10, 3, size, size))


def caffenet() -> str:
    text = (
        head("CaffeNet", 227)
        + conv("conv1", "data", 96, 11, 4)
        + relu("relu1", "conv1")
        + pool("pool1", "conv1", 3, 2)
        + lrn("norm1", "pool1")
    )
    text += (
        conv("conv2", "norm1", 256, 5, 1, 2, "group: 2")
        + relu("relu2", "conv2")
        + pool("pool2", "conv2", 3, 2)
        + lrn("norm2", "pool2")
    )
    text += conv("conv3", "norm2", 384, 3, 1, 1) + relu("relu3", "conv3")
    text += conv("conv4", "conv3", 384, 3, 1, 1, "group: 2") + relu("relu4", "conv4")
    text += conv("conv5", "conv4", 256, 3, 1, 1, "group: 2") + relu("relu5", "conv5") + pool("pool5", "conv5", 3, 2)
    for name, bottom in (("fc6", "pool5"), ("fc7", "fc6")):
        text += dense(name, bottom, 4096) + relu(f"relu{name[2]}", name) + dropout(f"drop{name[2]}", name)
    return text + dense("fc8", "fc7", 1000) + layer("prob", "Softmax", "fc8")


def vgg16() -> str:
    text, x = head("VGG_ILSVRC_16_layers", 224), "data"
    for stage, (out, n) in enumerate([(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)], 1):
        for at in range(1, n + 1):
            text += conv(f"conv{stage}_{at}", x, out, 3, 1, 1) + relu(f"relu{stage}_{at}", f"conv{stage}_{at}")
            x = f"conv{stage}_{at}"
        text, x = text + pool(f"pool{stage}", x, 2, 2), f"pool{stage}"
    for name in ("fc6", "fc7"):
        text, x = text + dense(name, x, 4096) + relu(f"relu{name[2]}", name) + dropout(f"drop{name[2]}", name), name
    return text + dense("fc8", x, 1000) + layer("prob", "Softmax", "fc8")


def squeezenet() -> str:
    def fire(number: int, bottom: str, squeeze: int, expand: int) -> str:
        n = f"fire{number}/"
        text = conv(f"{n}squeeze1x1", bottom, squeeze, 1) + relu(f"{n}relu_squeeze1x1", f"{n}squeeze1x1")
        text += conv(f"{n}expand1x1", f"{n}squeeze1x1", expand, 1) + relu(f"{n}relu_expand1x1", f"{n}expand1x1")
        text += conv(f"{n}expand3x3", f"{n}squeeze1x1", expand, 3, 1, 1) + relu(f"{n}relu_expand3x3", f"{n}expand3x3")
        return text + layer(f"{n}concat", "Concat", [f"{n}expand1x1", f"{n}expand3x3"])

    text = (
        head("squeezenet_v1.1", 227)
        + conv("conv1", "data", 64, 3, 2)
        + relu("relu_conv1", "conv1")
        + pool("pool1", "conv1", 3, 2)
    )
    text += fire(2, "pool1", 16, 64) + fire(3, "fire2/concat", 16, 64) + pool("pool3", "fire3/concat", 3, 2)
    text += fire(4, "pool3", 32, 128) + fire(5, "fire4/concat", 32, 128) + pool("pool5", "fire5/concat", 3, 2)
    text += (
        fire(6, "pool5", 48, 192)
        + fire(7, "fire6/concat", 48, 192)
        + fire(8, "fire7/concat", 64, 256)
        + fire(9, "fire8/concat", 64, 256)
    )
    text += dropout("drop9", "fire9/concat") + conv("conv10", "fire9/concat", 1000, 1) + relu("relu_conv10", "conv10")
    return (
        text
        + layer("pool10", "Pooling", "conv10", pooling_param="pool: AVE global_pooling: true")
        + layer("prob", "Softmax", "pool10")
    )


def resnet50() -> str:
    def unit(name: str, bottom: str, out: int, k: int, stride: int = 1, pad: int = 0, act: bool = True) -> str:
        text = conv(f"res{name}", bottom, out, k, stride, pad, "bias_term: false") + norm(
            f"bn{name}", f"scale{name}", f"res{name}"
        )
        return text + (relu(f"res{name}_relu", f"res{name}") if act else "")

    text = (
        head("ResNet-50", 224)
        + conv("conv1", "data", 64, 7, 2, 3)
        + norm("bn_conv1", "scale_conv1", "conv1")
        + relu("conv1_relu", "conv1")
    )
    text, x = text + pool("pool1", "conv1", 3, 2), "pool1"
    for stage, (out, n) in enumerate([(64, 3), (128, 4), (256, 6), (512, 3)], 2):
        for at in range(n):
            name, shortcut = f"{stage}{'abcdef'[at]}", x
            stride = 2 if stage > 2 and at == 0 else 1
            if at == 0:
                text, shortcut = text + unit(f"{name}_branch1", x, 4 * out, 1, stride, act=False), f"res{name}_branch1"
            text += unit(f"{name}_branch2a", x, out, 1, stride) + unit(f"{name}_branch2b", f"res{name}_branch2a", out, 3, 1, 1)
            text += unit(f"{name}_branch2c", f"res{name}_branch2b", 4 * out, 1, act=False)
            text += layer(f"res{name}", "Eltwise", [shortcut, f"res{name}_branch2c"]) + relu(f"res{name}_relu", f"res{name}")
            x = f"res{name}"
    return text + pool("pool5", x, 7, 1, "AVE") + dense("fc1000", "pool5", 1000) + layer("prob", "Softmax", "fc1000")


def googlenet(train_val: bool = False) -> str:
    def inception(name: str, bottom: str, *widths: int) -> str:
        n = f"inception_{name}/"

        def part(label: str, source: str, out: int, k: int, pad: int = 0) -> str:
            return conv(n + label, source, out, k, 1, pad) + relu(f"{n}relu_{label}", n + label)

        a, b, c, d, e, f = widths
        text = part("1x1", bottom, a, 1) + part("3x3_reduce", bottom, b, 1) + part("3x3", f"{n}3x3_reduce", c, 3, 1)
        text += part("5x5_reduce", bottom, d, 1) + part("5x5", f"{n}5x5_reduce", e, 5, 2)
        text += pool(f"{n}pool", bottom, 3, 1, "MAX", "pad: 1") + part("pool_proj", f"{n}pool", f, 1)
        return text + layer(f"{n}output", "Concat", [f"{n}1x1", f"{n}3x3", f"{n}5x5", f"{n}pool_proj"])

    def auxiliary(number: int, bottom: str) -> str:
        n = f"loss{number}/"
        text = (
            pool(f"{n}ave_pool", bottom, 5, 3, "AVE")
            + conv(f"{n}conv", f"{n}ave_pool", 128, 1)
            + relu(f"{n}relu_conv", f"{n}conv")
        )
        text += dense(f"{n}fc", f"{n}conv", 1024) + relu(f"{n}relu_fc", f"{n}fc") + dropout(f"{n}drop_fc", f"{n}fc", 0.7)
        return text + dense(f"{n}classifier", f"{n}fc", 1000) + _loss(f"{n}loss", f"{n}classifier", 0.3)

    def _loss(name: str, bottom: str, weight: float) -> str:
        bottoms = f'bottom: "{bottom}" bottom: "label"'
        return f'layer {{ name: "{name}" type: "SoftmaxWithLoss" {bottoms} top: "{name}" loss_weight: {weight} }}\n'

    crop = "transform_param { crop_size: 224 }"
    data = "".join(
        f'layer {{ name: "data" type: "Data" top: "data" top: "label" {crop} include {{ phase: {phase} }} }}\n'
        for phase in ("TRAIN", "TEST")
    )
    text = f'name: "GoogleNet"\n{data}' if train_val else head("GoogleNet", 224)
    text += (
        conv("conv1/7x7_s2", "data", 64, 7, 2, 3)
        + relu("conv1/relu_7x7", "conv1/7x7_s2")
        + pool("pool1/3x3_s2", "conv1/7x7_s2", 3, 2)
    )
    text += (
        lrn("pool1/norm1", "pool1/3x3_s2")
        + conv("conv2/3x3_reduce", "pool1/norm1", 64, 1)
        + relu("conv2/relu_3x3_reduce", "conv2/3x3_reduce")
    )
    text += (
        conv("conv2/3x3", "conv2/3x3_reduce", 192, 3, 1, 1)
        + relu("conv2/relu_3x3", "conv2/3x3")
        + lrn("conv2/norm2", "conv2/3x3")
    )
    text += pool("pool2/3x3_s2", "conv2/norm2", 3, 2)
    text += inception("3a", "pool2/3x3_s2", 64, 96, 128, 16, 32, 32) + inception(
        "3b", "inception_3a/output", 128, 128, 192, 32, 96, 64
    )
    text += pool("pool3/3x3_s2", "inception_3b/output", 3, 2) + inception("4a", "pool3/3x3_s2", 192, 96, 208, 16, 48, 64)
    text += auxiliary(1, "inception_4a/output") if train_val else ""
    text += inception("4b", "inception_4a/output", 160, 112, 224, 24, 64, 64) + inception(
        "4c", "inception_4b/output", 128, 128, 256, 24, 64, 64
    )
    text += inception("4d", "inception_4c/output", 112, 144, 288, 32, 64, 64)
    text += auxiliary(2, "inception_4d/output") if train_val else ""
    text += inception("4e", "inception_4d/output", 256, 160, 320, 32, 128, 128) + pool(
        "pool4/3x3_s2", "inception_4e/output", 3, 2
    )
    text += inception("5a", "pool4/3x3_s2", 256, 160, 320, 32, 128, 128) + inception(
        "5b", "inception_5a/output", 384, 192, 384, 48, 128, 128
    )
    text += pool("pool5/7x7_s1", "inception_5b/output", 7, 1, "AVE") + dropout("pool5/drop_7x7_s1", "pool5/7x7_s1", 0.4)
    text += dense("loss3/classifier", "pool5/7x7_s1", 1000)
    if not train_val:
        return text + layer("prob", "Softmax", "loss3/classifier")
    bottoms = 'bottom: "loss3/classifier" bottom: "label"'
    accuracy = f'layer {{ name: "accuracy" type: "Accuracy" {bottoms} top: "accuracy" include {{ phase: TEST }} }}\n'
    return text + _loss("loss3/loss3", "loss3/classifier", 1) + accuracy


def mobilenet() -> str:
    def unit(name: str, bottom: str, out: int, k: int, stride: int = 1, more: str = "") -> str:
        text = conv(name, bottom, out, k, stride, k // 2, f"bias_term: false {more}") + norm(f"{name}/bn", f"{name}/scale", name)
        return text + relu(f"relu{name[4:]}", name)

    text, x, channels = head("MOBILENET", 224) + unit("conv1", "data", 32, 3, 2), "conv1", 32
    table = [("2_1", 64, 1), ("2_2", 128, 2), ("3_1", 128, 1), ("3_2", 256, 2), ("4_1", 256, 1), ("4_2", 512, 2)]
    for name, out, stride in [*table, *((f"5_{n}", 512, 1) for n in range(1, 6)), ("5_6", 1024, 2), ("6", 1024, 1)]:
        text += unit(f"conv{name}/dw", x, channels, 3, stride, f"group: {channels}") + unit(
            f"conv{name}/sep", f"conv{name}/dw", out, 1
        )
        x, channels = f"conv{name}/sep", out
    text += layer("pool6", "Pooling", x, pooling_param="pool: AVE global_pooling: true")
    return text + conv("fc7", "pool6", 1000, 1) + layer("prob", "Softmax", "fc7")


def every_layer() -> str:
    """The types that the other files do not have, in one small network."""
    text = 'layer { name: "data" type: "Input" top: "data" input_param { shape: { dim: 1 dim: 3 dim: 17 dim: 17 } } }\n'
    text += (
        conv("a", "data", 8, 3, 1, 1, "dilation: 1") + layer("a_prelu", "PReLU", "a", "a") + layer("bn", "BatchNorm", "a", "bn")
    )
    text += layer("parts", "Slice", "bn", "left", slice_param="slice_point: 4").replace('top: "left"', 'top: "left" top: "right"')
    text += layer("sum", "Eltwise", ["left", "right"], eltwise_param="operation: SUM coeff: 1 coeff: -1")
    text += layer("most", "Eltwise", ["left", "right"], eltwise_param="operation: MAX")
    text += (
        layer("both", "Concat", ["sum", "most"])
        + layer("elu", "ELU", "both")
        + layer("power", "Power", "elu", power_param="power: 2 scale: 0.5 shift: 1")
    )
    text += layer("shuffled", "ShuffleChannel", "power", shuffle_channel_param="group: 2")
    text += layer(
        "up",
        "Deconvolution",
        "shuffled",
        convolution_param="num_output: 8 kernel_size: 4 stride: 2 pad: 1 group: 8 bias_term: false",
    )
    text += layer("cut", "Crop", ["up", "shuffled"], crop_param="axis: 2 offset: 3") + layer("tanh", "TanH", "cut", "cut")
    text += layer("pooled", "Pooling", "cut", pooling_param="pool: AVE kernel_h: 3 kernel_w: 2 stride: 2 pad_h: 1 pad_w: 1")
    text += layer("gated", "Eltwise", ["pooled", "pooled"], eltwise_param="operation: PROD") + layer(
        "absolute", "AbsVal", "gated"
    )
    text += layer("clipped", "Clip", "absolute", clip_param="min: 0 max: 6") + layer("soft", "BNLL", "clipped")
    text += layer("flat", "Flatten", "soft") + layer("shaped", "Reshape", "flat", reshape_param="shape { dim: 0 dim: 8 dim: -1 }")
    return (
        text
        + layer("turned", "Permute", "shaped", permute_param="order: 0 order: 2 order: 1")
        + dense("scores", "turned", 5)
        + layer("prob", "Sigmoid", "scores")
    )


PARAMS: dict[Callable[[], str], int] = {
    caffenet: 60_965_224, vgg16: 138_357_544, squeezenet: 1_235_496, googlenet: 6_998_552, mobilenet: 4_231_976,
    resnet50: 25_557_096,  # as published, with a bias in the first convolution
}  # fmt: skip
"""Parameters of the networks, as published for them."""
