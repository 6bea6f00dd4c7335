"""Paths by length, expected variance, and savings, against closed forms and against PyTorch."""

from __future__ import annotations

from math import comb

import pytest
import torch

from archdsl.analysis.activation_moments import activated
from archdsl.analysis.expected_variance import expected_moments
from archdsl.analysis.path_lengths import Lengths, PathLengths, path_lengths
from archdsl.analysis.savings import savings, totals
from archdsl.analysis.weight_moments import Moments, drawn
from archdsl.initializers import Constant, He, Initializer, Normal, Orthogonal, TruncatedNormal, Uniform, Xavier
from archdsl.ir import flatten
from archdsl.loading import load, loads
from archdsl.network import Network
from archdsl.ops import Op


def residual(blocks: int, branch: str = "conv(4, 3) -> relu -> conv(4, 3)") -> Network:
    return loads(f"network n {{\n input x [4, 8, 8]\n repeat {blocks} {{ skip {{ {branch} }} }}\n}}")


def paths_of(network: Network) -> PathLengths:
    flat = flatten(network.graph)
    return path_lengths(flat, flat.outputs[0])


def test_54_blocks() -> None:
    """Veit et al. 2016, section 4.3: paths of 5 to 17 blocks are 0.45 % of all."""
    blocks = paths_of(residual(54)).blocks
    assert blocks == Lengths(0, tuple(comb(54, k) for k in range(55)))
    assert blocks.share(5, 17) == pytest.approx(0.0045, abs=0.00005) and blocks.mean == 27
    assert paths_of(load("resnet110")).blocks == blocks


def test_4_blocks() -> None:
    """There are 16 paths, and each block is in 8 of them."""
    paths = paths_of(residual(4))
    assert paths.blocks is not None and paths.blocks.total == 16 and paths.in_each == (8, 8, 8, 8)
    assert paths.layers == Lengths(0, (1, 0, 4, 0, 6, 0, 4, 0, 1))


@pytest.mark.parametrize(
    ("body", "layers", "blocks"),
    [
        ("conv(4, 1) -> conv(4, 1)", Lengths(2, (1,)), None),
        ("concat { conv(4, 1); conv(4, 1) -> conv(4, 1); x }", Lengths(0, (1, 1, 1)), None),
        ("add { conv(4, 1); conv(4, 1) -> conv(4, 3) }", Lengths(1, (1, 1)), Lengths(0, (1, 1))),
        ("add { conv(4, 1); conv(4, 3) }", Lengths(1, (2,)), None),
        ("add { x; conv(4, 1); conv(4, 3) }", Lengths(0, (1, 2)), Lengths(0, (1, 2))),
        ("mul { conv(4, 1); { gap -> conv(4, 1) -> sigmoid } }", Lengths(1, (1,)), None),
    ],
)
def test_other_graphs(body: str, layers: Lengths, blocks: Lengths | None) -> None:
    found = paths_of(loads(f"network n {{ input x [4, 8, 8]\n {body} }}"))
    assert (found.layers, found.blocks) == (layers, blocks)


def variances(network: Network, op: str) -> list[float | None]:
    flat = flatten(network.graph)
    moments = expected_moments(network.graph, flat)
    return [None if one is None else one.variance for node, one in zip(flat.nodes, moments, strict=True) if node.op.name == op]


def test_a_block_without_normalization_doubles_the_variance() -> None:
    text = "network n {\n input x [16, 8, 8]\n init { conv = he }\n repeat 6 { skip { relu -> conv(16, 3, bias = false) } }\n}"
    assert variances(loads(text), "add") == pytest.approx([2.0**n for n in range(1, 7)])


def test_a_block_with_normalization_adds_one() -> None:
    text = "network n {\n input x [16, 8, 8]\n init { conv = he }\n repeat 6 { skip { bn -> relu -> conv(16, 3) } }\n}"
    assert variances(loads(text), "add") == pytest.approx([1.0 + n for n in range(1, 7)])


def test_unknown_until_a_normalization() -> None:
    text = 'network n {\n input x [8, 4, 4]\n rearrange("c h w -> (h w) c")\n mha(2)\n ln(axis = -1)\n linear(8)\n}'
    assert variances(loads(text), "mha") == [None] and variances(loads(text), "ln") == [1.0]


@pytest.mark.parametrize(
    "rule",
    [
        He(), He(mode="fan_out", distribution="uniform"), He(nonlinearity="leaky_relu", slope=0.3), Xavier(gain=2.0),
        Xavier(distribution="normal"), Orthogonal(gain=0.5), Normal(std=0.2, mean=0.1), Uniform(low=-0.3, high=0.5),
        TruncatedNormal(std=0.5, low=-0.4, high=0.9), Constant(value=0.25),
    ],
    ids=str,
)  # fmt: skip
def test_weights_have_these_moments(rule: Initializer) -> None:
    torch.manual_seed(0)
    weight = getattr(torch.nn.init, rule.function)(torch.empty(128, 64, 3, 3), **rule.arguments())
    expected = drawn(rule, (128, 64, 3, 3))
    assert expected is not None
    assert float(weight.mean()) == pytest.approx(expected.mean, abs=0.003)
    assert float(weight.var()) == pytest.approx(expected.variance, rel=0.02, abs=1e-6)


@pytest.mark.parametrize(
    "name", ["relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "sigmoid", "tanh", "hardswish", "softplus"]
)
def test_activations_have_these_moments(name: str) -> None:
    op = Op.registry.get(name)
    assert op is not None
    torch.manual_seed(0)
    x = torch.randn(400_000, dtype=torch.float64) * 1.5 + 0.3
    y = getattr(torch.nn.functional, name)(x)
    found = activated(op(), Moments(0.3, 2.25))
    assert found is not None
    assert (found.mean, found.variance) == pytest.approx((float(y.mean()), float(y.var())), rel=0.02)


def test_variance_of_a_plain_network_in_pytorch() -> None:
    """On average over initializations, a chain of dense layers and rectifiers has the expected variance."""
    body = " -> ".join(["linear(256) -> relu"] * 4)
    network = loads(f"network n {{\n input x [256]\n init {{ linear = he }}\n {body}\n}}")
    squares = []
    for seed in range(30):
        torch.manual_seed(seed)
        with torch.no_grad():
            squares.append(float(network.build()(torch.randn(16, 256)).square().mean()))
    flat = flatten(network.graph)
    expected = expected_moments(network.graph, flat)[-1]
    assert expected is not None and sum(squares) / len(squares) == pytest.approx(expected.square, rel=0.15)


def saved(body: str, shape: str = "[64, 8, 8]") -> list[tuple[str, int, int]]:
    found = savings(flatten(loads(f"network n {{ input x {shape}\n {body} }}").graph))
    return [(one.kind, one.params, one.params_replaced) for one in found]


def test_savings() -> None:
    bottleneck = "conv(16, 1) -> bn -> relu -> conv(16, 3) -> bn -> relu -> conv(64, 1)"
    assert saved(bottleneck) == [("bottleneck", 64 * 16 * 2 + 9 * 16 * 16, 2 * 9 * 64 * 64)]
    assert saved("conv(64, 3) -> relu -> conv(64, 3)") == [("stacked windows", 18 * 64 * 64, 25 * 64 * 64)]
    assert saved("conv(64, 3) -> conv(64, 3) -> conv(64, 3)") == [("stacked windows", 27 * 64 * 64, 49 * 64 * 64)]
    assert saved("conv(64, [1, 7]) -> conv(64, [7, 1])") == [("factorized window", 14 * 64 * 64, 49 * 64 * 64)]
    assert saved("depthwise(3) -> bn -> conv(32, 1)") == [("depthwise separable", 9 * 64 + 64 * 32, 9 * 64 * 32)]
    assert saved("conv(64, 3, groups = 4)") == [("grouped", 9 * 64 * 64 // 4, 9 * 64 * 64)]
    assert saved("conv(64, 3) -> skip { relu } -> conv(64, 1)") == []


def test_what_replaces_has_the_costs_that_are_named() -> None:
    """Two 3x3 of the same width cost what such a network costs."""
    plain = loads("network n { input x [64, 8, 8]\n conv(64, 3, bias = false) -> conv(64, 3, bias = false) }").table()
    (one,) = savings(flatten(loads("network n { input x [64, 8, 8]\n conv(16, 1) -> conv(16, 3) -> conv(64, 1) }").graph))
    assert (one.params_replaced, one.macs_replaced) == (plain.params, plain.macs)


def test_totals_count_places() -> None:
    (found, times), *rest = totals(savings(flatten(load("resnet50").graph)))
    assert (found.kind, times, rest) == ("bottleneck", 16, []) and found.params_replaced > 16 * found.params
