"""DDPM's U-Net and GPT-2 against modules written by hand: keys, shapes and counts at full size, numbers at a small one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import archdsl
from archdsl.ir import state
from tests.parity.handwritten_ddpm import UNet2DModel
from tests.parity.handwritten_gpt2 import GPT2LMHeadModel
from tests.parity.measuring import difference, scatter

LIMIT = 1e-5
"""Of the largest value."""
TIED = {"lm_head.weight"}


class Pair(NamedTuple):
    """A network with the module that it equals: at full size, and with small numbers and their inputs."""

    address: str
    full: Callable[[], nn.Module]
    arguments: dict[str, Any]
    small: Callable[[], nn.Module]
    inputs: tuple[tuple[Tensor, ...], ...]


def _unet(height: int, width: int) -> tuple[Tensor, ...]:
    return torch.randn(2, 3, height, width), torch.tensor([[3], [999]])


def _deep() -> nn.Module:
    return UNet2DModel((128, 128, 256, 256, 512, 512), (False, False, False, False, True, False), drop=0.0)


_TOKENS = torch.arange(40).reshape(2, 20) * 7 % 50
PAIRS = (
    Pair(
        "specs/ddpm.arch:denoiser",
        UNet2DModel,
        {"widths": [64, 128], "attended": [False, True], "depth": 2, "drop": 0.1},
        lambda: UNet2DModel((64, 128), (False, True)),
        (_unet(8, 8), _unet(4, 6)),
    ),
    Pair(
        "specs/gpt2.arch:gpt",
        GPT2LMHeadModel,
        {"width": 32, "depth": 2, "heads": 4, "vocab": 50, "context": 20},
        lambda: GPT2LMHeadModel(32, 2, 4, 50, 20),
        ((_TOKENS,), (_TOKENS[:, :5],), (_TOKENS[:1, :1],)),
    ),
)
FULL = (("specs/ddpm.arch:ddpm", UNet2DModel), ("specs/ddpm.arch:ddpm_256", _deep), ("specs/gpt2.arch:gpt2", GPT2LMHeadModel))


@pytest.mark.parametrize(("address", "made"), FULL, ids=[address for address, _ in FULL])
def test_same_tensors(address: str, made: Callable[[], nn.Module]) -> None:
    """The keys, shapes and number of parameters are the same."""
    with torch.device("meta"):
        theirs = made()
    expected = {key: tuple(value.shape) for key, value in theirs.state_dict().items() if key not in TIED}
    network = archdsl.load(address)
    assert state(network.graph) == expected
    assert {key: tuple(value.shape) for key, value in network.build(device="meta").state_dict().items()} == expected
    assert network.table().params == sum(p.numel() for p in theirs.parameters())


@pytest.mark.parametrize("pair", PAIRS, ids=[pair.address for pair in PAIRS])
def test_same_numbers(pair: Pair) -> None:
    """The outputs in both modes, from the same random numbers, and the gradients are the same."""
    torch.manual_seed(0)
    theirs = scatter(pair.small())
    ours = archdsl.load(pair.address, **pair.arguments).build()
    ours.load_state_dict({key: value for key, value in theirs.state_dict().items() if key not in TIED})
    for inputs in pair.inputs:
        steps = tuple(value[:, 0] if value.shape[1:] == (1,) and len(inputs) > 1 else value for value in inputs)
        with torch.no_grad():
            assert difference(ours.eval()(*inputs), theirs.eval()(*steps)) < LIMIT
        outputs = []
        for network, given in ((theirs, steps), (ours, inputs)):
            network.zero_grad()
            torch.manual_seed(1)
            outputs.append(network.train()(*given))
            outputs[-1].square().mean().backward()
        assert difference(outputs[1], outputs[0]) < LIMIT
        expected = dict(theirs.named_parameters())
        assert expected.keys() == dict(ours.named_parameters()).keys()
        largest = max(float(parameter.grad.abs().max()) for parameter in theirs.parameters() if parameter.grad is not None)
        for key, parameter in ours.named_parameters():
            grad = expected[key].grad
            assert parameter.grad is not None and grad is not None, key
            scale = max(float(grad.abs().max()), 1e-3 * largest)  # some are zero but for rounding, as that of a bias of keys
            assert float((parameter.grad - grad).abs().max()) < 2 * LIMIT * scale, key


@pytest.mark.parametrize(
    ("address", "size"),
    [
        ("specs/ddpm.arch:ddpm", {"image": (3, 32, 40), "step": (1,)}),
        ("specs/ddpm.arch:ddpm_256", {"image": (3, 64, 32), "step": (1,)}),
        ("specs/gpt2.arch:gpt2", {"tokens": (77,)}),
    ],
)
def test_macs(address: str, size: dict[str, tuple[int, ...]]) -> None:
    """The MACs are half the FLOPs that PyTorch counts."""
    network = archdsl.load(address, size=size)
    dtypes = {"image": torch.float32}
    inputs = [torch.zeros(1, *shape, dtype=dtypes.get(name, torch.long), device="meta") for name, shape in size.items()]
    with FlopCounterMode(display=False) as counter:
        network.build(device="meta").eval()(*inputs)
    assert counter.get_total_flops() == 2 * network.table().macs
