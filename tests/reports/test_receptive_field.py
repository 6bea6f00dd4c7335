"""Receptive fields against published figures, and against the gradients of networks in PyTorch."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from archdsl.analysis.reach import Reach
from archdsl.analysis.receptive_field import LayerField, receptive_fields
from archdsl.ir import flatten
from archdsl.loading import load, loads
from archdsl.network import Network
from archdsl.reports.facts import facts_of

PUBLISHED = {
    "alexnet": 195, "vgg16": 212, "inception_v3": 1311, "resnet18": 435, "resnet50": 427, "resnet101": 971, "resnet152": 1451,
}  # fmt: skip
"""Of Araujo, Norris & Sim 2019, in torchvision's form of the networks, whose bottlenecks stride in the 3x3 convolution."""


@pytest.mark.parametrize(("name", "size"), PUBLISHED.items())
def test_published_sizes(name: str, size: int) -> None:
    fields = receptive_fields(flatten(load(name).graph))
    assert max([axis.size or 0 for field in fields for axis in field.first]) == size


def field_of(body: str, shape: str = "[3, 64, 64]") -> LayerField:
    return receptive_fields(flatten(loads(f"network n {{ input x {shape}\n {body} }}").graph))[-1]


@pytest.mark.parametrize(
    ("body", "size", "jump", "center"),
    [
        ("conv(4, 3)", 3, 1, 0),
        ("conv(4, 3, pad = 0)", 3, 1, 1),
        ("conv(4, 3, dilation = 2)", 5, 1, 0),
        ("conv(4, 7, stride = 2) -> maxpool(3, stride = 2, pad = 1)", 11, 4, 0),
        ("conv(4, 2, stride = 2, pad = 0) -> conv(4, 2, stride = 2, pad = 0)", 4, 4, Fraction(3, 2)),
        ("conv(4, 3, pad = tf_same, stride = 2)", 3, 2, 1),
        ("concat { conv(4, 1); conv(4, 5); x }", 5, 1, 0),
        ("skip { conv(3, 3) -> conv(3, 3) }", 5, 1, 0),
        ("slice(8..24, axis = 1) -> conv(4, 3, pad = 0)", 3, 1, 9),
        ("upsample(2)", 1, Fraction(1, 2), 0),
        ("upsample(2) -> conv(4, 3)", 2, Fraction(1, 2), Fraction(-1, 2)),
        ("upsample(2) -> conv(4, 3) -> maxpool(2)", 3, 1, 0),
        ("resize(32, mode = bilinear)", 2, 2, Fraction(1, 2)),
        ("pixel_unshuffle(2) -> pixel_shuffle(2)", 2, 1, Fraction(1, 2)),
        ("conv(4, 3, stride = 2) -> upconv(4, 2)", 3, 1, 0),
        ("avgpool_to(8)", 8, 8, Fraction(7, 2)),
        ('rearrange("c h w -> h w c") -> linear(8, axis = -1) -> permute([2, 0, 1]) -> conv(4, 3)', 3, 1, 0),
        ('conv(8, 4, stride = 4, pad = 0) -> rearrange("c h w -> (h w) c") -> linear(4)', 4, None, None),
    ],
)
def test_small_networks(body: str, size: int, jump: Any, center: Any) -> None:
    axis = field_of(body).first[0]
    assert axis.size == size and axis.known and not axis.whole
    if jump is not None:
        assert (axis.jump, axis.center) == (jump, center)


@pytest.mark.parametrize(
    ("body", "whole", "known"),
    [
        ("conv(4, 3) -> gap", True, True),
        ("conv(4, 3) -> flatten -> linear(3)", True, True),
        ('rearrange("c h w -> (h w) c") -> mha(1)', True, True),
        ("mul { x; { gap -> conv(3, 1) -> sigmoid } }", True, True),
        ("gn(1)", True, True),
        ("reshape([3, 8, 512])", False, False),
        ("resize(48, mode = bilinear, align_corners = true)", False, False),
    ],
)
def test_what_no_window_bounds(body: str, whole: bool, known: bool) -> None:
    axis = field_of(body).first[0]
    assert (axis.whole, axis.known) == (whole, known)


def test_windows_of_attention() -> None:
    """Swin's windows of 7 patches of 4 pixels see 28 pixels, and see further after the shift."""
    fields = receptive_fields(flatten(load("swin_t").graph))
    sizes = [field.first[0].size for field in fields if field.first]
    assert 28 in sizes and max(size or 0 for size in sizes) > 28


def test_unproductive_layers() -> None:
    """At 32 pixels, a network for 224 pixels sees everything early (Richter et al. 2021)."""
    facts = facts_of(load("resnet18", size=(3, 32, 32)).graph)
    assert facts.unproductive and facts.unproductive[0].node.path == "layer1.1.conv2"
    assert all((layer.field.new_from or 0) > 32 for layer in facts.unproductive)
    assert not facts_of(load("resnet20").graph).windows[0].field.new_from_least != 1


def test_dropped_rows() -> None:
    facts = facts_of(loads("network n { input x [3, H, W]\n conv(4, 3, stride = 2, pad = 0) -> conv(4, 1, stride = 2) }").graph)
    first, *_, last = facts.dropped
    assert (first.last, first.always) == (1, False) and last.between == 1
    fixed = facts_of(loads("network n { input x [3, 8, 9]\n conv(4, 3, stride = 2, pad = 0) }").graph)
    assert [(one.axis, one.last) for one in fixed.dropped] == [(1, 1)]


def test_several_inputs_have_fields_of_their_own() -> None:
    inputs = "input a [3, 16, 16]\n input b [3, 16, 16]"
    text = f"network n {{\n {inputs}\n one: {{ a -> conv(4, 3) }}\n two: {{ b -> conv(4, 5) }}\n add {{ one; two }}\n}}"
    field = receptive_fields(flatten(loads(text).graph))[-1]
    assert {number: axes[0].size for number, axes in field.fields.items()} == {0: 3, 1: 5}


def test_reach_joins_only_equal_speeds() -> None:
    assert Reach().joined(Reach(step=2)) is None
    assert Reach((0,), (2,)).joined(Reach((-1,), (1,))) == Reach((-1,), (2,))


class _Found(Exception):
    """Carries the output of the layer out of the forward pass."""


def _stop(module: torch.nn.Module, inputs: object, output: torch.Tensor) -> None:
    raise _Found(output)


def gradient_extents(network: Network, path: str, positions: list[int], monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Return the first and the last row on which positions of a layer depend.

    All weights are positive, means take the place of maxima, and activations have no upper bound, where gradients would vanish.
    """

    def mean(
        x: torch.Tensor,
        k: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> torch.Tensor:
        assert dilation == 1 and not return_indices
        return F.avg_pool2d(x, k, stride, padding, ceil_mode)

    def unbounded(x: torch.Tensor, *bounds: object) -> torch.Tensor:
        return x.relu()

    monkeypatch.setattr(F, "max_pool2d", mean)
    for bounded in ("hardtanh", "relu6"):
        monkeypatch.setattr(F, bounded, unbounded)
    module = network.build().eval().double()
    for parameter in module.parameters():
        torch.nn.init.constant_(parameter, 1.0 if parameter.ndim == 1 else 1.0 / parameter[0].numel())
    dict(module.named_modules())[path].register_forward_hook(_stop)
    image = torch.rand(1, *[int(n) for n in network.graph.inputs[0].shape], dtype=torch.float64, requires_grad=True)  # type: ignore[call-overload]
    try:
        module(image)
    except _Found as found:
        output = found.args[0]
    extents = []
    for position in positions:
        (gradient,) = torch.autograd.grad(output[0, :, position, output.shape[3] // 2].sum(), image, retain_graph=True)
        rows = gradient.abs().sum((0, 1, 3)).nonzero()
        extents.append((int(rows[0]), int(rows[-1])))
    return extents


NETWORKS = {
    "digits_resnet": 64, "resnet20": 128, "lenet": 96, "plain20": 128, "resnet18": 640, "resnet34": 1100, "preresnet20": 128,
    "vgg11": 256, "vgg16": 320, "vgg16_bn": 320, "alexnet": 420, "resnet50": 640, "densenet40": 288, "mobilenet_v2": 704,
    "darknet53": 928, "unet_2015": 572, "resnext50_32x4d": 640, "googlenet": 608, "wide_resnet50_2": 640, "densenet_bc100": 352,
}  # fmt: skip
IN_SUITE = ("digits_resnet", "lenet")


@pytest.mark.parametrize(
    "name", [name if name in IN_SUITE else pytest.param(name, marks=pytest.mark.exhaustive) for name in NETWORKS]
)
def test_fields_are_the_support_of_gradients(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    channels = load(name).graph.inputs[0].shape[0]
    network = load(name, size=(channels, NETWORKS[name], NETWORKS[name]))
    convolutions = [layer for layer in facts_of(network.graph).windows if layer.node.op.weight_layer]
    layer = max(convolutions, key=lambda layer: layer.field.first[0].size or 0)
    axis = layer.field.first[0]
    assert axis.size is not None and axis.jump is not None and axis.center is not None
    middle = int(layer.node.shape[1]) // 2  # type: ignore[arg-type]
    extents = gradient_extents(network, layer.node.path, list(range(middle, middle + 4)), monkeypatch)
    assert max([last - first + 1 for first, last in extents]) == axis.size
    enlarges = any(node.op.name == "upconv" for node in flatten(network.graph).nodes)  # then neighbours differ in what they see
    if axis.jump.denominator == 1 and not enlarges:
        first = axis.center + middle * axis.jump - Fraction(axis.size - 1, 2)
        assert extents[0][0] == first
