"""Compares networks with pytorchcv's, with its weights copied in by position. Run with the references on the path.

    echo resnet20_b | PYTHONPATH=.references:. python tests/parity/compare_pytorchcv.py

pytorchcv's names are its own, so the tensors of both `state_dict`s are paired in order; none of these networks needs another
order.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn

import archdsl
from archdsl.ir import flatten
from archdsl.ops.regularization import DropPath
from tests.parity.measuring import answer, difference, import_torchvision, scatter

NETWORKS = {
    "resnet20": ("cifar_resnet", "resnet_cifar", "resnet20_cifar10"),
    "resnet56": ("cifar_resnet", "resnet_cifar", "resnet56_cifar10"),
    "resnet110": ("cifar_resnet", "resnet_cifar", "resnet110_cifar10"),
    "resnet20_b": ("cifar_resnet", "resnet_cifar", "resnet20_cifar10"),
    "resnet56_b": ("cifar_resnet", "resnet_cifar", "resnet56_cifar10"),
    "resnet110_b": ("cifar_resnet", "resnet_cifar", "resnet110_cifar10"),
    "plain20": ("cifar_resnet", "resnet_cifar", "resnet20_cifar10"),
    "plain56": ("cifar_resnet", "resnet_cifar", "resnet56_cifar10"),
    "preresnet18": ("preresnet", "preresnet", "preresnet18"),
    "preresnet20": ("preresnet", "preresnet_cifar", "preresnet20_cifar10"),
    "preresnet110": ("preresnet", "preresnet_cifar", "preresnet110_cifar10"),
    "preresnet164": ("preresnet", "preresnet_cifar", "preresnet164bn_cifar10"),
    "preresnet1001": ("preresnet", "preresnet_cifar", "preresnet1001_cifar10"),
    "densenet40_c": ("cifar_densenet", "densenet_cifar", "densenet40_k12_cifar10"),
    "densenet_bc100": ("cifar_densenet", "densenet_cifar", "densenet100_k12_bc_cifar10"),
    "densenet_bc190": ("cifar_densenet", "densenet_cifar", "densenet190_k40_bc_cifar10"),
    "densenet_bc250": ("cifar_densenet", "densenet_cifar", "densenet250_k24_bc_cifar10"),
    "resdrop20": ("resdrop", "resdropresnet_cifar", "resdropresnet20_cifar10"),
    "shakeshake20_2x16d": ("shakeshake", "shakeshakeresnet_cifar", "shakeshakeresnet20_2x16d_cifar10"),
    "shakeshake26_2x32d": ("shakeshake", "shakeshakeresnet_cifar", "shakeshakeresnet26_2x32d_cifar10"),
    "seresnet50": ("seresnet", "seresnet", "seresnet50"),
    "seresnet101": ("seresnet", "seresnet", "seresnet101"),
    "seresnet152": ("seresnet", "seresnet", "seresnet152"),
}
"""Our name, its file, and pytorchcv's module and name."""

OPTION_A, WITHOUT_SKIPS = "with option A for its projections", "without its skips"
CHANGES = {
    "resnet20": OPTION_A, "resnet56": OPTION_A, "resnet110": OPTION_A, "plain20": WITHOUT_SKIPS, "plain56": WITHOUT_SKIPS,
}  # fmt: skip
"""Networks that pytorchcv lacks, and what is done to the one that it has."""

STRUCTURE_ALONE = {"densenet_bc190", "densenet_bc250", "seresnet101", "seresnet152"}
"""Compared without numbers, for their time: each is another one's blocks, wider or more often."""

REPEATED = {
    "resnet56", "resnet110", "resnet56_b", "resnet110_b", "plain56", "preresnet110", "preresnet1001", "shakeshake26_2x32d",
}  # fmt: skip
"""Compared without numbers unless these are asked for, as `make exhaustive` does: another network has the same blocks."""


class OptionA(nn.Module):
    """Every second pixel and zeros for new channels, by other operators than ours."""

    def forward(self, x: Tensor) -> Tensor:
        """Twice the channels, half the size."""
        half = x[:, :, ::2, ::2]
        return torch.cat([half, torch.zeros_like(half)], 1)


def reference(name: str) -> nn.Module:
    """pytorchcv's network, or one made of its parts."""
    _, module, theirs = NETWORKS[name]
    network: nn.Module = getattr(import_module(f"pytorchcv.models.{module}"), theirs)()
    for stage in network.features.children():
        for key, unit in list(stage.named_children()):
            if CHANGES.get(name) == OPTION_A and getattr(unit, "resize_identity", False):
                unit.identity_conv = OptionA()
            if CHANGES.get(name) == WITHOUT_SKIPS and hasattr(unit, "body"):
                stage.add_module(key, nn.Sequential(unit.body, unit.activ))
            if hasattr(unit, "life_prob"):
                unit.life_prob = 1.0
    network.features.final_pool = nn.AdaptiveAvgPool2d(1)  # for smaller images than 224
    return network


def settle(network: nn.Module, images: Tensor) -> nn.Module:
    """Running statistics of a batch: with others the numbers of a thousand layers would overflow."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        network.train()(images)
    for norm in norms:
        norm.momentum = 0.1
    return network


@contextmanager
def fixed_weights() -> Iterator[None]:
    """Random weights in [0, 1), as of shake-shake, are all a quarter: the two sides draw other shapes."""
    with patch.object(
        torch, "rand", lambda *size, **options: torch.full(size[0] if isinstance(size[0], list) else size, 0.25, **options)
    ):
        yield


@cache
def ours(name: str) -> Any:
    """Our network, with stochastic depth off."""
    return archdsl.load(f"specs/{NETWORKS[name][0]}.arch:{name}", **{"p": 0.0} if name == "resdrop20" else {})


def structure(name: str) -> dict[str, Any]:
    """Shapes in order and the number of parameters, without any numbers."""
    with torch.device("meta"):
        theirs = reference(name)
    module = ours(name).build(device="meta")
    return {
        "shapes": [list(value.shape) for value in module.state_dict().values()]
        == [list(value.shape) for value in theirs.state_dict().values()],
        "params": ours(name).table().params == sum(p.numel() for p in theirs.parameters()),
    }


def numbers(name: str) -> dict[str, float]:
    """Outputs in both modes, gradients of the first and the last layer, and running statistics after one step."""
    torch.manual_seed(0)
    images = torch.randn(2, 3, 32, 32) if NETWORKS[name][2].endswith("cifar10") else torch.randn(2, 3, 96, 96)
    theirs = settle(scatter(reference(name)), images)
    module = ours(name).build(device="meta", check_sizes=False).to_empty(device="cpu")
    module.load_state_dict(dict(zip(module.state_dict(), theirs.state_dict().values(), strict=True)))
    with torch.no_grad():
        result = {"evaluation": difference(module.eval()(images), theirs.eval()(images))}
    outputs = []
    for network in (theirs, module):
        with fixed_weights():
            output = network.train()(images + 0.1)
            output.square().mean().backward()
        outputs.append(output)
    assert all(output.isfinite().all() and output.abs().max() > 0 for output in outputs)
    result["training"] = difference(outputs[1], outputs[0])
    gradients = [[p.grad for p in network.parameters()] for network in (theirs, module)]
    result |= {f"gradient {i}": difference(gradients[1][i], gradients[0][i]) for i in (0, -2, -1)}
    statistics = [[b for key, b in network.named_buffers() if "running" in key] for network in (theirs, module)]
    result["statistics"] = max(difference(b, a) for a, b in zip(*statistics, strict=True))
    return result


def drop_rates() -> list[float]:
    """How far our probabilities of dropping a unit are from pytorchcv's."""
    network = import_module("pytorchcv.models.resdropresnet_cifar").resdropresnet20_cifar10()
    theirs = [1 - unit.life_prob for unit in network.modules() if hasattr(unit, "life_prob")]
    graph = archdsl.load("specs/resdrop.arch:resdrop20").graph
    mine = [node.op.p for node in flatten(graph).nodes if isinstance(node.op, DropPath)]
    return [abs(a - b) for a, b in zip(mine, theirs, strict=True)]


def compare(name: str, repeated: bool) -> dict[str, Any]:
    """Everything that the test of a network looks at."""
    alone = name in STRUCTURE_ALONE or (name in REPEATED and not repeated)
    rates = {"drop rates": max(drop_rates())} if name == "resdrop20" else {}
    return {**structure(name), "differences": {} if alone else numbers(name) | rates}


if __name__ == "__main__":
    import_torchvision()  # pytorchcv imports it
    answer(compare)
