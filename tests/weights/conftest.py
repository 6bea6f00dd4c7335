"""A small network with a head, its module and weights."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from archdsl import Network, loads
from tests.networks import SMALL


@pytest.fixture
def network() -> Network:
    return loads(SMALL)


@pytest.fixture
def five() -> Network:
    """The same with other classes."""
    return loads(SMALL, classes=5)


@pytest.fixture
def state(network: Network) -> dict[str, Tensor]:
    """Its weights, of which none is a fresh module's."""
    return {key: torch.randn(t.shape) if t.is_floating_point() else t + 7 for key, t in network.build().state_dict().items()}
