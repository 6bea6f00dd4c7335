"""Tensors of `layer_scale` and `param` that differ from the network's in axes of size one."""

from __future__ import annotations

import pytest
import torch

import archdsl

TEXT = "network n {{ input a [4, 6, 6]; conv: conv(4, 1, bias = true); gamma: layer_scale({}); p: param({}); mul {{ x; p }} }}"


@pytest.mark.parametrize(("ours", "theirs"), [("0.1", "0.1, flat = true"), ("0.1, flat = true", "0.1")])
@pytest.mark.parametrize("by", ["name", "order"])
def test_either_layout_is_loaded(ours: str, theirs: str, by: str) -> None:
    torch.manual_seed(0)
    mine = archdsl.loads(TEXT.format(ours, "[4, 1, 1], init = normal"))
    other = archdsl.loads(TEXT.format(theirs, "[4, 1, 1], init = normal, batch_axis = true")).build()
    other.gamma.data.normal_()
    module = mine.build()
    report = mine.load_weights(module, other.state_dict(), by=by)
    images = torch.randn(2, 4, 6, 6)
    assert torch.equal(module(images), other(images))
    assert [note for note in report.notes if "`gamma`, `p` reshaped, which differ in axes of size one" in note]


def test_other_shapes_do_not_fit() -> None:
    mine = archdsl.loads(TEXT.format("0.1", "[4, 1, 1]"))
    state = mine.build().state_dict()
    for key, shape in (("gamma", (1, 5)), ("gamma", (2, 2)), ("conv.bias", (4, 1))):
        with pytest.raises(archdsl.SpecError, match=rf"{key}"):
            mine.load_weights(mine.build(), {**state, key: torch.zeros(shape)})
