"""Networks that several tests take, and inputs for them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from archdsl.resources import resource_folder
from archdsl.shapes import value_at

if TYPE_CHECKING:
    import torch

    from archdsl.network import Network

SMALL = """
## A small network with a head.
block unit(width) { conv(width, 3) -> bn -> relu }

network small(classes: int = 10, width: int = 4) {
  input image [1, 8, 8]
  stem: unit(width)
  for i in 0..3 { "stage{i}": unit(width) }
  aux(weight = 0.3) early: { gap; flatten; fc: linear(classes) }
  gap; flatten
  fc: linear(classes)
}

train { data = digits; epochs = 1; batch = 256; optimizer = sgd(lr = 0.05); seed = 3 }
"""

SHIPPED = [
    network["name"]
    for file in json.loads((resource_folder("specs") / "index.json").read_text(encoding="utf-8")).values()
    for network in file["networks"]
]
"""The names of all shipped networks."""


def sizes_for(network: Network, least: int = 64) -> dict[str, int]:
    """Return a value for each symbolic size, of at least 64 if the network allows it."""
    from archdsl.reports.memory import samples

    found = samples(network.graph)
    return next((at for at in found if min(at.values(), default=0) >= least), found[-1] if found else {})


def meta_inputs(network: Network, batch: int, sizes: dict[str, int]) -> list[torch.Tensor]:
    """Return inputs on the meta device."""
    import torch

    kinds = {"float": torch.float32, "int": torch.int64, "bool": torch.bool}
    return [
        torch.empty(batch, *[value_at(size, sizes) for size in value.shape], device="meta", dtype=kinds[value.dtype])
        for value in network.graph.inputs
    ]
