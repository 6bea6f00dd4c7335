"""Numbers that PyTorch has no room for are refused; the largest that are taken build, and run."""

from __future__ import annotations

import pytest
import torch

import archdsl
from archdsl import limits
from archdsl.driver import check_text


def network(body: str, image: str = "[4, 8, 8]") -> str:
    return f"network n {{ input image {image}; {body} }}"


BIG = 2**62
FRACTIONS = [
    "conv(4, 1, init = constant({}))",
    "conv(4, 1, init = uniform(low = -{0}, high = {0}))",
    "conv(4, 1, init = xavier(gain = {}))",
    "conv(4, 1, init = xavier(gain = {}, distribution = normal))",
    "conv(4, 1, init = normal(std = {}))",
    "conv(4, 1, init = he(nonlinearity = leaky_relu, slope = {}))",
    "conv(4, 1, init = orthogonal(gain = {}))",
    "prelu({})",
    "layer_scale({})",
    "skip(scale = {}) {{ relu }}",
    "bn(eps = {})",
    "ln(eps = {})",
    "leaky_relu({})",
    "elu({})",
    "softplus(beta = {})",
]


def codes(text: str) -> list[str]:
    return [found.code for found in check_text(text) if found.code.startswith("E")]


@pytest.mark.parametrize("body", FRACTIONS)
def test_fractions(body: str) -> None:
    """Those beyond the limit are refused, and the limit itself builds and runs."""
    assert codes(network(body.format("1e300"))) == ["E0402"]
    assert codes(network(body.format(10**60))) == ["E0402"]
    text = network(body.format(limits.FLOAT))
    assert codes(text) == []
    assert archdsl.loads(text).build()(torch.zeros(2, 4, 8, 8)).shape == (2, 4, 8, 8)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (f"conv({BIG}, 1)", "E0402"),
        (f"conv(4, {BIG}, pad = {BIG})", "E0402"),
        (f"conv(4, 3, pad = [{BIG}, 1])", "E0402"),
        (f"pad({BIG})", "E0402"),
        (f"upsample({BIG})", "E0402"),
        (f"pad({limits.SIZE})", "E0502"),
        (f"upsample({limits.SIZE})", "E0502"),
        ("repeat 4 { upsample(2^15) }", "E0502"),
        ("repeat 9 { concat { x; x; x; x; x; x; x; x; x; x; x; x; x; x; x; x } }", "E0502"),
        (f"gap; flatten; linear({limits.SIZE}); linear({limits.SIZE})", "E0502"),
        ("flatten; linear(2^20) -> linear(2^20) -> linear(2^21)", "E0502"),
    ],
)
def test_sizes(body: str, code: str) -> None:
    assert codes(network(body)) == [code]


@pytest.mark.parametrize("image", [f"[{BIG}, 8]", f"[{limits.SIZE}, {limits.SIZE}]", f"[{limits.SIZE + 1}]", "[2^30, 2^30, W]"])
def test_inputs(image: str) -> None:
    assert codes(network("relu", image)) == ["E0502"]


@pytest.mark.parametrize(
    "body", [f"gap; flatten; linear({limits.SIZE})", "upsample(2^16)", "gap; flatten; linear(2^20); linear(2^20)"]
)
def test_the_largest_build(body: str) -> None:
    """PyTorch counts what is within the limits."""
    module = archdsl.loads(network(body)).build(device="meta")
    assert module(torch.zeros(2, 4, 8, 8, device="meta")).numel() <= 2 * limits.ELEMENTS


def test_the_limit_is_named() -> None:
    (found,) = check_text(network(f"pad({BIG})"))
    assert f"must be at most {limits.SIZE:,}, found {BIG}" in found.message
    (found,) = check_text(network(f"pad({limits.SIZE})"))
    assert f"a size is at most {limits.SIZE:,}" in found.message
