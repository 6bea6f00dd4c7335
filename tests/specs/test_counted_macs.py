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
    "regnet:regnet_y_400mf": (),
    "regnet:regnet_x_400mf": (),
    "fcn:fcn_resnet50": (65, 97),
    "deeplabv3:deeplabv3_resnet50": (520, 390),
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
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        loaded.build(device="meta").eval()(torch.empty(1, *shape, device="meta"))
    assert counter.get_total_flops() == 2 * macs
