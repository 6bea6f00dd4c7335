"""`bias = auto` omits a bias only where it cannot change the output."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import archdsl
from archdsl.ops import Op
from tests.ops.cases import Shapes, cases, each_case, tensors

CONVOLUTIONS = ("conv(8, 3{})", "depthwise(3{})", "bottleneck(8{})", "upconv(8, 1{})")


def removes_mean(op: Op, shapes: Shapes) -> bool:
    return op.removes_channel_mean(*shapes)


def network(convolution: str, op: Op, shape: tuple[int, ...], bias: str = "") -> archdsl.Network:
    given = f", {bias}" if bias else ""
    return archdsl.loads(f"network n {{ input image {list(shape)}; c: {convolution.format(given)} -> {op} }}")


def outputs(op: Op, shapes: Shapes, convolution: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what both versions compute in training, the second one with a random bias for each channel."""
    without, biased = (network(convolution, op, shapes[0], f"bias = {word}").build() for word in ("false", "true"))
    biased.load_state_dict(without.state_dict(), strict=False)
    (bias,) = (value for key, value in biased.named_parameters() if key not in without.state_dict())
    torch.manual_seed(3)
    torch.nn.init.normal_(bias)
    (image,) = tensors(op, shapes)
    return without.train()(image), biased.train()(image)


@pytest.mark.parametrize("convolution", CONVOLUTIONS)
@each_case(lambda op, shapes: removes_mean(op, shapes) and len(shapes[0]) > 1)
def test_an_omitted_bias_changes_nothing(op: Op, shapes: Shapes, convolution: str) -> None:
    keys = network(convolution, op, shapes[0]).build().state_dict().keys()
    assert not any(key.endswith("bias") and key.startswith("c.0") for key in keys), keys
    plain, shifted = outputs(op, shapes, convolution)
    torch.testing.assert_close(shifted, plain, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("op", ["ln", "gn(4)", "gn(1)", "gn(4, affine = false)", "lrn(3)", "relu"])
def test_a_bias_that_counts_is_kept(op: str) -> None:
    graph = archdsl.loads(f"network n {{ input image [3, 8, 8]; conv(8, 3) -> {op} }}").build()
    assert "0.bias" in graph.state_dict()


def test_the_ops_that_remove_the_mean() -> None:
    found = {str(case.values[0]) for case in cases(removes_mean)}
    assert {name.partition("(")[0] for name in found} == {"bn", "instance_norm", "gn"}
    assert {name for name in found if name.startswith("gn")} == {"gn(groups = 8)"}


def test_the_shift_of_groups_and_positions_counts() -> None:
    """The reason: a bias per channel before `ln` or `gn` with several channels per group changes the output."""
    wide: Any = Op.registry.get("gn").create({"groups": 4}), Op.registry.get("ln").create({})
    for op in wide:
        plain, shifted = outputs(op, ((8, 12, 10),), "conv(8, 3{})")
        assert (plain - shifted).abs().max() > 0.1
