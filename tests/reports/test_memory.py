"""The memory in reports against a tracker of storages on the meta device: equal to the byte, or said to be unknown."""

from __future__ import annotations

import pytest

from archdsl.backends.torch.memory.measure import measured
from archdsl.loading import load, loads
from archdsl.network import Network
from archdsl.reports.memory import samples
from tests.storage_tracker import Tracked, tracked

SOME = ("resnet18", "unet", "vit_b_16", "convnext_tiny")
"""A residual network, symbolic sizes, attention, channels that are last."""
MORE = (
    "mobilenet_v2", "googlenet", "resnet50", "resnet101", "resnet152", "resnext50_32x4d", "wide_resnet50_2",
    "resnet50_gn", "vgg16", "vgg16_bn", "alexnet", "alexnet_2012", "densenet121", "densenet201", "densenet40",
    "densenet_bc100", "inception_v3", "googlenet_2014", "efficientnet_b0", "regnet_y_400mf", "regnet_x_800mf",
    "seresnet50", "unet_2015", "preresnet18", "preresnet110", "resnet20", "resnet20_b", "plain20", "darknet53", "lenet",
    "lenet5_1998", "fcn_resnet50", "deeplabv3_resnet50", "resnet18_fpn", "retinanet_resnet50_fpn", "resdrop20",
    "nas_bench_201_largest", "digits_resnet", "deit_tiny", "deit_base_distilled", "vit_b_32", "vit_l_16",
    "convnext_small", "convnext_base", "resnet34", "vgg11", "vgg19_bn", "seresnet101", "regnet_y_8gf",
    "convnextv2_atto", "convnextv2_tiny",
)  # fmt: skip
BLOCKS = {
    "a shared module": "module shared: conv(8, 3)\n shared -> relu -> conv(3, 1)\n shared -> relu",
    "a product": "mul { x; { gap -> conv(3, 1) -> sigmoid } } -> silu -> conv(4, 1)",
    "three branches": "concat { conv(4, 1); conv(5, 3) -> relu; x } -> conv(8, 1) -> gelu",
    "a view": "flatten -> linear(16) -> tanh -> linear(3)",
    "dropout": "conv(8, 3) -> dropout(0.2) -> conv(8, 3) -> droppath(0.3)",
    "an enlargement": "conv(8, 3, stride = 2) -> relu -> upconv(4, 2) -> upsample(2) -> resize(20, mode = bilinear)",
    "an activation that keeps its input": "conv(8, 3) -> relu6 -> conv(8, 3) -> leaky_relu -> maxpool(2) -> avgpool(2)",
    "an auxiliary head": "conv(8, 3)\n aux(weight = 0.3) side: { gap -> flatten -> linear(4) }\n conv(4, 3) -> gap -> flatten",
    "a skip of the input": "conv(3, 1) -> skip { relu -> conv(3, 3) } -> skip { conv(3, 3) -> bn } -> relu",
}


def ours(network: Network, batch: int, *, training: bool, sizes: dict[str, int]) -> Tracked | str:
    found = measured(network.graph, batch=1) if batch == 1 else measured(network.graph)
    trace = found.training if training else found.inference
    if isinstance(trace, str):
        return trace
    before, forward = (trace.at(event).value(batch, sizes) for event in (trace.start, trace.forward))
    return Tracked(before, forward, trace.peak(batch, sizes)[0])


def compare(network: Network, *cases: tuple[int, bool]) -> None:
    sizes = next((at for at in samples(network.graph) if min(at.values(), default=0) >= 64), {})
    for batch, training in cases:
        found = ours(network, batch, training=training, sizes=sizes)
        assert found == tracked(network, batch, training=training, sizes=sizes), (network.name, batch, training)


@pytest.mark.parametrize("name", [*SOME, *[pytest.param(name, marks=pytest.mark.exhaustive) for name in MORE]])
def test_peaks_are_those_of_a_tracker(name: str) -> None:
    compare(load(name), (1, False), (3, True))


@pytest.mark.parametrize("body", BLOCKS.values(), ids=list(BLOCKS))
def test_small_networks(body: str) -> None:
    compare(loads(f"network n {{ input x [3, 16, 16]\n {body} }}"), (1, False), (2, False), (4, True))


def test_an_op_that_is_not_modelled_is_named() -> None:
    network = loads("network n { input x [8, 16, 16]\n conv(8, 3) -> instance_norm -> conv(4, 3) }")
    facts = network.report().facts.memory
    assert facts.inference is facts.training is None and facts.unknown == ("instance_norm",)
    assert "the memory of `instance_norm` is not modelled" in str(network.report()).replace("\n", " ")


def test_what_layers_keep_adds_up() -> None:
    facts = load("resnet18").report().facts.memory
    assert facts.kept is not None
    assert sum(part.of_example for part in facts.kept_by.values()) == facts.kept.of_example


def test_a_formula_has_the_value_of_the_trace() -> None:
    network = load("unet")
    peak = network.report(batch=2).facts.memory.training
    assert peak is not None and peak.value is None
    found = measured(network.graph).training
    assert not isinstance(found, str)
    for height, width in ((64, 64), (256, 512)):
        values = [eval(text.replace(",", ""), {"H": height, "W": width}) for text in peak.formulas]
        assert max(values) == found.peak(2, {"H": height, "W": width})[0]
