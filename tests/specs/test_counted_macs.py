"""The MACs of the shipped networks against PyTorch's counter, on the meta device."""

from __future__ import annotations

import pytest
from torch.utils.flop_counter import FlopCounterMode

from archdsl.loading import load
from archdsl.shapes import value_at
from tests.networks import SHIPPED, meta_inputs, sizes_for

SOME = frozenset({
    "convnextv2_atto", "darknet53", "vit_b_16", "deit_tiny_distilled", "swin_t", "swin_v2_t", "regnet_y_400mf", "fcn_resnet50",
    "retinanet_resnet50_fpn_v2", "yolov8n", "detr_r50", "gpt2", "unet_2015", "ddpm",
})  # fmt: skip
"""Networks of every kind; `make exhaustive` compares all."""


@pytest.mark.parametrize("name", [name if name in SOME else pytest.param(name, marks=pytest.mark.exhaustive) for name in SHIPPED])
def test_macs_are_those_that_pytorch_counts(name: str) -> None:
    network = load(name)
    sizes = sizes_for(network)
    macs = value_at(network.table().macs, sizes)
    with FlopCounterMode(display=False) as counter:  # with gradients: the fused step of attention is not counted
        network.build(device="meta").eval()(*meta_inputs(network, 1, sizes))
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
