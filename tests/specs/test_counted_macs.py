"""The MACs of the shipped networks against PyTorch's counter, on the meta device."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from archdsl.loading import load

NETWORKS = {
    "convnext_v2:convnextv2_atto": (),
    "convnext_v2:convnextv2_tiny": (),
    "darknet53:darknet53": (),
    "vit:vit_b_16": (),
    "vit:vit_b_32": (),
    "vit:vit_l_16": (),
    "deit:deit_tiny": (),
    "deit:deit_tiny_distilled": (),
    "swin:swin_t": (),
    "swin:swin_b": (),
    "swin_v2:swin_v2_t": (),
    "regnet:regnet_y_400mf": (),
    "regnet:regnet_x_400mf": (),
    "fcn:fcn_resnet50": (65, 97),
    "deeplabv3:deeplabv3_resnet50": (520, 390),
    "fpn:resnet18_fpn": (65, 97),
    "retinanet:retinanet_resnet50_fpn_v2": (65, 97),
    "yolov8:yolov8n": (64, 96),
    "detr:detr_r50": (65, 97),
}
"""Sizes are for networks that take any."""


@pytest.mark.parametrize("name", NETWORKS)
def test_macs_are_those_that_pytorch_counts(name: str) -> None:
    file, _, network = name.partition(":")
    loaded = load(f"specs/{file}.arch:{network}")
    shape = (3, *(NETWORKS[name] or loaded.graph.inputs[0].shape[1:]))
    macs = loaded.table().macs
    if NETWORKS[name]:
        macs = macs.value(dict(zip(("H", "W"), NETWORKS[name], strict=True)))
    with FlopCounterMode(display=False) as counter:  # with gradients: the fused step of attention is not counted
        loaded.build(device="meta").eval()(torch.empty(1, *shape, device="meta"))
    assert counter.get_total_flops() == 2 * macs


@pytest.mark.parametrize(("name", "sizes", "billions"), [
    ("yolov8:yolov8n", (640, 640), 8.7 / 2),
    ("yolov8:yolov8s", (640, 640), 28.6 / 2),
    ("yolov8:yolov8m", (640, 640), 78.9 / 2),
    ("yolov8:yolov8l", (640, 640), 165.2 / 2),
    ("yolov8:yolov8x", (640, 640), 257.8 / 2),
    ("retinanet:retinanet_resnet50_fpn", (800, 800), 151.54),
])  # fmt: skip
def test_macs_are_the_published_ones(name: str, sizes: tuple[int, int], billions: float) -> None:
    """Of Ultralytics' table, which counts two operations for each, and of torchvision's `_ops`."""
    macs = load(f"specs/{name.replace(':', '.arch:')}").table().macs
    assert macs.value(dict(zip("HW", sizes, strict=True))) / 1e9 == pytest.approx(billions, abs=0.03)
