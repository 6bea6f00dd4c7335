"""Layers under weight normalization: their keys, rules of initialization, and weights of older files."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

import archdsl

PLAIN = (
    "network n { input image [3, 8, 8]; conv(4, 3, weight_norm = true); conv(4, 3); gap; flatten; "
    "linear(2, weight_norm = true) INIT }"
)


def test_equals_a_module_written_by_hand() -> None:
    """The keys, and the outputs with the same weights."""
    norm = nn.utils.parametrizations.weight_norm
    hand = nn.Sequential(
        norm(nn.Conv2d(3, 4, 3, padding=1)), nn.Conv2d(4, 4, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        norm(nn.Linear(4, 2)),
    )  # fmt: skip
    built = archdsl.loads(PLAIN.replace("INIT", "")).build()
    assert list(built.state_dict()) == list(hand.state_dict())
    built.load_state_dict(hand.state_dict())
    x = torch.randn(2, 3, 8, 8)
    assert built(x).equal(hand(x))


def test_rules_fill_the_weight() -> None:
    """What the layer computes with is the filled weight: lengths and directions follow."""
    both = archdsl.loads(PLAIN.replace("INIT", "; init { conv = constant(2.0); linear = constant(3.0) }")).build()
    layers = [both.get_submodule(key) for key in "014"]
    assert [layer.weight.unique().tolist() for layer in layers] == [[2.0], [2.0], [3.0]]
    one = archdsl.loads(
        PLAIN.replace("weight_norm = true); conv", "weight_norm = true, init = constant(2.0)); conv").replace("INIT", "")
    )
    first, second = (one.build().get_submodule(key).weight for key in "01")
    assert first.eq(2).all() and not second.eq(2).any()


def test_older_names_load(tmp_path: Path) -> None:
    """`weight_g` and `weight_v` are read as what they are called now."""
    net = archdsl.loads(PLAIN.replace("INIT", ""))
    state = net.build().state_dict()
    older = {
        key.replace("parametrizations.weight.original0", "weight_g").replace(
            "parametrizations.weight.original1", "weight_v"
        ): value
        for key, value in state.items()
    }
    torch.save(older, tmp_path / "old.pt")
    loaded = net.build(weights=tmp_path / "old.pt").state_dict()
    assert all(loaded[key].equal(value) for key, value in state.items())
