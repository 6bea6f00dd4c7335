"""Shipped networks that are built and imported again: the same keys, counts and structure."""

from __future__ import annotations

import pytest

from archdsl.addresses import shipped_networks
from archdsl.loading import load, loads
from benchmarks.round_trips import compared, text_of
from benchmarks.structures import structure

EQUAL = ("lenet", "unet", "mobilenet_v2", "convnext_v2", "resnet18")


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


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", sorted(set(shipped_networks()) - set(EQUAL)))
def test_every_network_returns_or_is_refused(name: str) -> None:
    """A text differs in no key and no count. What the importer cannot tell is refused with a code."""
    from archdsl.diagnostics import SpecError

    network = load(name)
    try:
        text = text_of(network)
    except SpecError as error:
        assert error.diagnostics[0].code.startswith("E12")
        return
    assert [found for found in compared(network, text) if not found.startswith("structure")] == []
