"""What papers say of their networks beyond counts: depths, option A of ResNet, plain networks, and the U-Net of 2015."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from archdsl.ir import flatten, state
from archdsl.loading import load
from archdsl.ops.join import Add

SPECS = Path(__file__).parents[2] / "specs"
DEPTHS = {
    "cifar_resnet:resnet20": 20, "cifar_resnet:resnet56": 56, "cifar_resnet:resnet110": 110, "cifar_resnet:plain20": 20,
    "cifar_resnet:plain56": 56, "cifar_resnet:resnet110_b": 110, "preresnet:preresnet18": 18, "preresnet:preresnet20": 20,
    "preresnet:preresnet110": 110, "preresnet:preresnet164": 164, "preresnet:preresnet1001": 1001, "resdrop:resdrop110": 110,
    "cifar_densenet:densenet40": 40, "cifar_densenet:densenet_bc100": 100, "cifar_densenet:densenet_bc190": 190,
    "cifar_densenet:densenet_bc250": 250, "shakeshake:shakeshake26_2x32d": 26, "unet:unet_2015": 23,
}  # fmt: skip


@pytest.mark.parametrize("name", DEPTHS)
def test_as_deep_as_the_name_says(name: str) -> None:
    assert load(f"{SPECS}/{name.replace(':', '.arch:')}").table().depth == DEPTHS[name]


def test_option_a_subsamples_and_fills_with_zeros() -> None:
    unit = load(f"{SPECS}/cifar_resnet.arch:resnet20").build().layer2[0].eval()
    torch.nn.init.zeros_(unit.conv2.weight)
    image = torch.rand(2, 16, 32, 32)
    assert torch.equal(unit(image), torch.cat([image[:, :, ::2, ::2], torch.zeros(2, 16, 16, 16)], 1))


def test_plain_networks_are_the_residual_ones_without_additions() -> None:
    plain, residual = (load(f"{SPECS}/cifar_resnet.arch:{name}20") for name in ("plain", "resnet"))
    assert sum(isinstance(node.op, Add) for node in flatten(residual.graph).nodes) == 9
    assert not any(isinstance(node.op, Add) for node in flatten(plain.graph).nodes)
    assert state(plain.graph) == state(residual.graph)


def test_unet_of_2015_is_figure_1() -> None:
    """Written down once more, with the module's weights, on the smallest image whose sizes halve evenly."""
    module = load(f"{SPECS}/unet.arch:unet_2015").build(check_sizes=False).eval()
    weights = iter(list(module.parameters()))

    def double(x: torch.Tensor) -> torch.Tensor:
        for _ in range(2):
            x = F.conv2d(x, next(weights), next(weights)).relu()
        return x

    image = torch.randn(1, 1, 188, 188)
    levels = [double(image)]
    for _ in range(4):
        levels.append(double(F.max_pool2d(levels[-1], 2)))
    x = levels.pop()
    ups = [(module.up[i].weight, module.up[i].bias) for i in range(4)]
    weights = iter([p for part in (module.dec, module.head) for p in part.parameters()])
    for weight, bias in ups:
        x = F.conv_transpose2d(x, weight, bias, stride=2)
        left = levels.pop()
        edge = (left.shape[2] - x.shape[2]) // 2
        x = double(torch.cat([left[:, :, edge : edge + x.shape[2], edge : edge + x.shape[3]], x], 1))
    x = F.conv2d(x, next(weights), next(weights))
    with torch.no_grad():
        assert x.shape == (1, 2, 4, 4)
        torch.testing.assert_close(module(image), x)
