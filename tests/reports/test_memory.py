"""The memory in reports against a tracker of storages on the meta device: equal to the byte, or said to be unknown."""

from __future__ import annotations

import pytest

from archdsl.backends.torch.memory.measure import measured
from archdsl.ir import flatten
from archdsl.loading import load, loads
from archdsl.network import Network
from archdsl.reports.memory import memory_facts
from tests.networks import SHIPPED, sizes_for
from tests.storage_tracker import Tracked, tracked

SOME = ("resnet18", "unet", "convnextv2_atto", "swin_t", "gpt2", "shakeshake20_2x16d")
"""A residual network, symbolic sizes, channels that are last, windows, a transformer, random weights."""
BLOCKS = {
    "a shared module": "module shared: conv(8, 3)\n shared -> relu -> conv(3, 1)\n shared -> relu",
    "a product": "mul { x; { gap -> conv(3, 1) -> sigmoid } } -> silu -> conv(4, 1)",
    "three branches": "concat { conv(4, 1); conv(5, 3) -> relu; x } -> conv(8, 1) -> gelu",
    "a view": "flatten -> linear(16) -> tanh -> linear(3)",
    "dropout": "conv(8, 3) -> dropout(0.2) -> conv(8, 3) -> droppath(0.3)",
    "an enlargement": "conv(8, 3, stride = 2) -> relu -> upconv(4, 2) -> upsample(2) -> resize(20, mode = bilinear)",
    "an activation that keeps its input": "conv(8, 3) -> relu6 -> conv(8, 3) -> leaky_relu -> maxpool(2) -> avgpool(2)",
    "an auxiliary head": "conv(8, 3)\n aux(weight = 0.3) side: { gap -> flatten -> linear(4) }\n conv(4, 3) -> gap -> flatten",
    "one axis": 'rearrange("c h w -> c (h w)") -> conv(4, 3) -> maxpool(2) -> avgpool(2) -> instance_norm(affine = true) -> gap',
    "queries and keys": """rearrange("c h w -> (h w) c") -> linear(8)
 tokens: x
 others: slice(0..100)
 mha(2, others, drop = 0.1)
 attend(x, tokens, tokens, causal = true)""",
    "numbers that are not learned": "add(broadcast = true) { x; const(0.5, [3, 1, 1]) } -> blur_pool -> conv(4, 1)",
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
    sizes = sizes_for(network)
    for batch, training in cases:
        found = ours(network, batch, training=training, sizes=sizes)
        expected = tracked(network, batch, training=training, sizes=sizes)
        assert found == expected, (network.name, batch, training)
        if batch == 1 and not sizes and not training:
            peak = memory_facts(network.graph, flatten(network.graph), 1).inference
            assert peak is not None and peak.value == expected.peak


@pytest.mark.parametrize("name", [name if name in SOME else pytest.param(name, marks=pytest.mark.exhaustive) for name in SHIPPED])
def test_peaks_are_those_of_a_tracker(name: str) -> None:
    compare(load(name), (1, False), (3, True))


@pytest.mark.parametrize("body", BLOCKS.values(), ids=list(BLOCKS))
def test_small_networks(body: str) -> None:
    compare(loads(f"network n {{ input x [3, 16, 16]\n {body} }}"), (1, False), (2, False), (4, True))


def test_an_op_that_is_not_modelled_is_named() -> None:
    network = loads("network n { input x [8, 16, 16]\n conv(8, 3) -> pad(1, mode = circular) -> conv(4, 3) }")
    facts = network.report().facts.memory
    assert facts.inference is facts.training is None and facts.unknown == ("pad",)
    assert "the memory of `pad` is not modelled" in str(network.report()).replace("\n", " ")


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
