"""Shipped networks that are built and imported again: the same keys, counts and structure."""

from __future__ import annotations

import pytest

from archdsl.addresses import shipped_networks
from archdsl.loading import load, loads
from benchmarks.round_trips import compared, text_of
from benchmarks.structures import structure

EQUAL = ("lenet", "unet_2015", "resnet18", "deit_tiny", "resdrop20", "alexnet_2012")


@pytest.mark.parametrize("name", EQUAL)
def test_a_network_returns(name: str) -> None:
    network = load(name)
    assert compared(network, text_of(network)) == []


def test_differences_are_found() -> None:
    """The comparison can fail: each change of the text is found."""
    network = load("lenet")
    text = text_of(network)
    assert compared(network, text) == []
    assert "structure" in compared(network, text.replace("tanh", "sigmoid"))[0]
    assert any("parameters for" in found for found in compared(network, text.replace("linear(84)", "linear(85)")))
    assert structure(loads(text).graph) == structure(network.graph)


def test_the_order_of_elements_counts() -> None:
    text = """network folded {
  input image [4, 6, 8]
  rearrange("c (h p) (w q) -> h w (p q c)", p = 2, q = 2)
  fc: linear(3, axis = -1)
}
"""
    network = loads(text)
    assert compared(network, text.replace("(p q c)", "(q p c)"))[0].startswith("structure")
    steps = "reshape([4, 3, 2, 4, 2]) -> permute([1, 3, 2, 4, 0]) -> reshape([3, 4, 16])"
    assert compared(network, text.replace('rearrange("c (h p) (w q) -> h w (p q c)", p = 2, q = 2)', steps)) == []


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", sorted(set(shipped_networks()) - set(EQUAL)))
def test_every_network_returns(name: str) -> None:
    network = load(name)
    assert compared(network, text_of(network)) == []
