"""The networks that no library has: they run, and every parameter gets a gradient."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from archdsl.loading import load

SPECS = Path(__file__).parents[2] / "specs"


@pytest.mark.parametrize(
    "address", ["lenet.arch:lenet", "lenet.arch:lenet5_1998", "alexnet.arch:alexnet_2012", "googlenet.arch:googlenet_2014"]
)
def test_runs_in_both_modes(address: str) -> None:
    network = load(f"{SPECS / address}")
    module = network.build()
    image = torch.randn(2, *network.graph.inputs[0].shape)
    classes = 10 if address.startswith("lenet") else 1000
    assert module.eval()(image).shape == (2, classes)
    results = module.train()(image)
    results = [results] if isinstance(results, torch.Tensor) else list(results)
    sum(result.square().mean() for result in results).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in module.parameters())


def test_lenet_of_1998_connects_as_in_table_1() -> None:
    module = load(f"{SPECS / 'lenet.arch'}:lenet5_1998").build().eval()
    table = [[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5], [0, 4, 5], [0, 1, 5], [0, 1, 2, 3], [1, 2, 3, 4], [2, 3, 4, 5],
             [0, 3, 4, 5],
             [0, 1, 4, 5], [0, 1, 2, 5], [0, 1, 3, 4], [1, 2, 4, 5], [0, 2, 3, 5], [0, 1, 2, 3, 4, 5]]  # fmt: skip
    maps = torch.randn(1, 6, 14, 14, requires_grad=True)
    columns = module.C3(torch.cat([maps, maps], 1))
    for column, seen in enumerate(table):
        (gradient,) = torch.autograd.grad(columns[0, column].sum(), maps, retain_graph=True)
        assert gradient.abs().sum((0, 2, 3)).nonzero().flatten().tolist() == seen
