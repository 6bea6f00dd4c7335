"""A small network with a head, its module and weights."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from archdsl import Network, loads

SMALL = """
block unit(width) { conv(width, 3) -> bn -> relu }

network small(classes: int = 10, width: int = 4) {
  input image [1, 8, 8]
  stem: unit(width)
  for i in 0..3 { "stage{i}": unit(width) }
  aux(weight = 0.3) early: { gap; flatten; fc: linear(classes) }
  gap; flatten
  fc: linear(classes)
}
"""


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


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
