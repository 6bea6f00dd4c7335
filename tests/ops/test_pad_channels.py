"""Channels of zeros: what `pad_channels` adds, and what it refuses."""

from __future__ import annotations

import torch

import archdsl

SPEC = "network padded {{\n  input image [8, 4, 4]\n  pad_channels({})\n}}\n"


def test_zeros_come_after_the_last_channel() -> None:
    image = torch.randn(2, 8, 4, 4)
    result = archdsl.loads(SPEC.format(11)).build()(image)
    assert torch.equal(result, torch.cat([image, torch.zeros(2, 3, 4, 4)], 1))


def test_it_only_adds() -> None:
    (found,) = archdsl.check(SPEC.format(6))
    assert found.code == "E0402"
    assert found.message == "`pad_channels(6)` can only add channels, found 8"
    assert found.help is not None and "slice(0..6)" in found.help
