"""Compares networks with torchvision's, with its weights copied in by key. Run with the references on the path.

    echo resnet18 | PYTHONPATH=.references:. python tests/parity/compare_torchvision.py

Dropout and stochastic depth stay on: both sides draw in the same order from equal seeds.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn

import archdsl
from tests.parity.measuring import answer, compare_numbers, compare_structure, import_torchvision, scatter

PYRAMID = {"main": "pool", "p2": "0", "p3": "1", "p4": "2", "p5": "3"}
DETECTION = {"main": "cls_logits", "bbox_regression": "bbox_regression"}
SEGMENTATION = {"main": "out", "aux_classifier": "aux"}
HEADS = {
    "googlenet": {"main": "logits", "aux1": "aux_logits1", "aux2": "aux_logits2"},
    "inception_v3": {"main": "logits", "AuxLogits": "aux_logits"},
    "resnet18_fpn": PYRAMID, "resnet50_fpn": PYRAMID, "resnet101_fpn": PYRAMID,
    "retinanet_resnet50_fpn": DETECTION, "retinanet_resnet50_fpn_v2": DETECTION,
    "fcn_resnet50": SEGMENTATION, "fcn_resnet101": SEGMENTATION,
    "deeplabv3_resnet50": SEGMENTATION, "deeplabv3_resnet101": SEGMENTATION,
}  # fmt: skip
"""torchvision's names of a result's fields."""

SIDE = 127
"""Training steps run on a part of the image, to save time; where there are heads, on the whole: they need its size."""

SIZES = {"vit_b_32": (224, 224), "swin_t": (127, 60), "swin_v2_t": (127, 60)}
"""Sizes for networks that are compiled for one, or take a single one."""

ANY_SIZES = ((97, 65), (1, 1), (8, 30))
"""Sizes for networks that take any: one for training, and further ones for evaluation."""


def on_cpu(function: Callable[..., Any], **options: Any) -> Any:
    """The function's result, computed on the CPU whatever the default device."""
    with torch.device("cpu"):
        return function(**options)


def reference(models: Any, name: str) -> nn.Module:
    """torchvision's network, without weights of a training."""
    if name == "resnet50_gn":
        bottleneck = models.resnet.Bottleneck
        return models.ResNet(bottleneck, [3, 4, 6, 3], norm_layer=partial(nn.GroupNorm, 32))  # type: ignore[no-any-return]
    if name.startswith("regnet"):  # it computes its widths with tensors
        compute = models.regnet.BlockParams.from_init_params
        with patch.object(models.regnet.BlockParams, "from_init_params", lambda **options: on_cpu(compute, **options)):
            return getattr(models, name)(weights=None)  # type: ignore[no-any-return]
    if name in SPECS["fpn"]:
        backbone = name.removesuffix("_fpn")
        extract = models.detection.backbone_utils.resnet_fpn_backbone
        return extract(backbone_name=backbone, weights=None, trainable_layers=5)  # type: ignore[no-any-return]
    if name in SPECS["retinanet"]:
        return raw_retinanet(models, name)
    if name in models.segmentation.__dict__:
        options = {"weights_backbone": None, "aux_loss": True}
        return getattr(models.segmentation, name)(weights=None, **options)  # type: ignore[no-any-return]
    options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    return getattr(models, name)(weights=None, **options)  # type: ignore[no-any-return]


def raw_retinanet(models: Any, name: str) -> nn.Module:
    """torchvision's RetinaNet up to its heads; the first version with the normalization of its published weights."""
    detection = models.detection
    network: nn.Module = getattr(detection, name)(weights=None, weights_backbone=None)
    if not name.endswith("v2"):
        body = models.resnet50(norm_layer=partial(models.detection.backbone_utils.misc_nn_ops.FrozenBatchNorm2d, eps=0.0))
        extra = network.backbone.fpn.extra_blocks
        network.backbone = detection.backbone_utils._resnet_fpn_extractor(body, 5, [2, 3, 4], extra)
    network.forward = lambda images: network.head(list(network.backbone(images).values()))  # type: ignore[method-assign]
    return network


def fields(name: str, output: Any) -> dict[str, Tensor]:
    """A result's tensors by archdsl's names."""
    if isinstance(output, Tensor):
        return {"main": output}
    found = output if isinstance(output, dict) else output._asdict()
    return {ours: found[theirs] if theirs in found else found[ours] for ours, theirs in HEADS[name].items()}


def structure(models: Any, name: str) -> dict[str, Any]:
    """Keys, shapes and the number of parameters, without any numbers."""
    with torch.device("meta"):
        theirs = reference(models, name)
    return compare_structure(archdsl.load(address(name)), theirs)


def numbers(models: Any, name: str) -> dict[str, float]:
    """Outputs in both modes, gradients of the first and the last layer, and running statistics after one step."""
    torch.manual_seed(0)
    theirs, size = scatter(reference(models, name)), SIZES.get(name)
    network = archdsl.load(address(name), size=(3, *size) if size else None)
    symbolic = bool(network.sizes.work)
    shape = (3, *ANY_SIZES[0]) if symbolic else network.graph.inputs[0].shape
    images = torch.randn(2, *shape, generator=torch.Generator().manual_seed(1))
    training = images if name in HEADS or size else images[..., :SIDE, :SIDE]
    others = [torch.randn(1, 3, *size) for size in ANY_SIZES[1:]] if symbolic else []
    assert not symbolic or all(network.sizes.works({"H": height, "W": width}) for height, width in ANY_SIZES)
    return compare_numbers(network, theirs, images, training, partial(fields, name), others)


def address(name: str) -> str:
    """Where a network stands."""
    return f"specs/{next(file for file, networks in SPECS.items() if name in networks)}.arch:{name}"


SPECS = {
    "alexnet": ["alexnet"],
    "vgg": ["vgg11", "vgg13", "vgg16", "vgg19", "vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn"],
    "googlenet": ["googlenet"],
    "inception_v3": ["inception_v3"],
    "resnet": ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d", "resnext101_32x8d",
               "wide_resnet50_2", "wide_resnet101_2", "resnet50_gn"],
    "densenet": ["densenet121", "densenet161", "densenet169", "densenet201"],
    "mobilenet": ["mobilenet_v2"],
    "efficientnet": ["efficientnet_b0"],
    "convnext": ["convnext_tiny", "convnext_small", "convnext_base", "convnext_large"],
    "vit": ["vit_b_16", "vit_b_32", "vit_l_16"],
    "swin": ["swin_t", "swin_s", "swin_b"],
    "swin_v2": ["swin_v2_t"],
    "regnet": ["regnet_y_400mf", "regnet_y_800mf", "regnet_y_1_6gf", "regnet_y_3_2gf", "regnet_y_8gf", "regnet_y_16gf",
               "regnet_y_32gf", "regnet_y_128gf", "regnet_x_400mf", "regnet_x_800mf", "regnet_x_1_6gf", "regnet_x_3_2gf",
               "regnet_x_8gf", "regnet_x_16gf", "regnet_x_32gf"],
    "fpn": ["resnet18_fpn", "resnet50_fpn", "resnet101_fpn"],
    "retinanet": ["retinanet_resnet50_fpn", "retinanet_resnet50_fpn_v2"],
    "fcn": ["fcn_resnet50", "fcn_resnet101"],
    "deeplabv3": ["deeplabv3_resnet50", "deeplabv3_resnet101"],
}  # fmt: skip
"""Every network that torchvision has too."""

STRUCTURE_ALONE = {
    "resnext101_32x8d", "wide_resnet101_2", "convnext_base", "convnext_large", "fcn_resnet101", "resnet50_fpn", "resnet101_fpn",
    "deeplabv3_resnet101", "vit_b_16", "vit_l_16", "swin_s", "swin_b",
    *(name for name in SPECS["regnet"] if not name.endswith("400mf")),
}  # fmt: skip
"""Compared without numbers, for their time and memory: each is a smaller one's blocks, wider and more often."""

REPEATED = {
    "vgg13", "vgg16", "vgg19", "vgg11_bn", "vgg13_bn", "vgg16_bn", "resnet34", "resnet50", "resnet101", "densenet161",
    "densenet169", "densenet201", "convnext_small",
}  # fmt: skip
"""Compared without numbers unless these are asked for, as `make exhaustive` does: another network has the same blocks."""


def compare(models: Any, name: str, repeated: bool) -> dict[str, Any]:
    """Everything that the test of a network looks at."""
    alone = name in STRUCTURE_ALONE or (name in REPEATED and not repeated)
    return {**structure(models, name), "differences": {} if alone else numbers(models, name)}


if __name__ == "__main__":
    answer(partial(compare, import_torchvision()))
