"""Without `inplace`, hooks work on every module: no tensor that they see is written over, and gradients pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from torch import Tensor, nn

import archdsl
from archdsl.cli.compile import command

TEXT = """
block unit(out) { conv(out, 3); bn; leaky_relu(0.1) }
block head(classes) { gap; flatten; relu; fc: linear(classes) }
network net {
  input image [3, 16, 16]
  stem: unit(8)
  relu
  chain: conv(8, 3) -> relu -> conv(8, 3) -> elu
  aux(weight = 0.3) aux1: head(5)
  skip { relu -> unit(8) -> relu6 }
  low: relu -> maxpool(2)
  output mask: { conv(1, 1) -> sigmoid }
  head(5)
}
"""


def spec_of(name: str) -> archdsl.Network:
    if name == "net":
        return archdsl.loads(TEXT)
    return archdsl.load(name, width=4, depth=2) if name == "unet" else archdsl.load(name)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.mark.parametrize("name", ["net", "digits_resnet", "resnet20", "shakeshake20_2x16d", "unet"])
def test_hooks_see_what_was_computed(name: str) -> None:
    spec = spec_of(name)
    module = spec.build(inplace=False)
    sizes = [size if isinstance(size, int) else 16 for size in input_shape(spec)]
    image = torch.randn(2, *sizes, requires_grad=True)
    seen: list[tuple[Tensor, Tensor]] = []
    gradients: list[nn.Module] = []
    for part in module.modules():
        part.register_forward_hook(lambda _, __, output: seen.extend((t, t.detach().clone()) for t in tensors(output)))
        part.register_full_backward_hook(lambda part, _, __: gradients.append(part))
    total = torch.stack([value.square().mean() for value in tensors(module.train()(image))]).sum()
    total.backward()
    assert all(torch.equal(tensor, copy) for tensor, copy in seen)
    called = [part for part in module.modules() if not isinstance(part, nn.ModuleList | nn.ModuleDict)]
    assert set(gradients) == set(called) and not any(isinstance(part, nn.ReLU) and part.inplace for part in called)


@pytest.mark.parametrize("name", ["net", "digits_resnet", "resnet20", "unet"])
def test_keys_and_outputs_are_the_same(name: str) -> None:
    spec = spec_of(name)
    plain, hooked = spec.build().eval(), spec.build(inplace=False).eval()
    assert list(plain.state_dict()) == list(hooked.state_dict())
    hooked.load_state_dict(plain.state_dict())
    image = torch.randn(2, *(size if isinstance(size, int) else 16 for size in input_shape(spec)))
    for found, expected in zip(tensors(hooked(image)), tensors(plain(image)), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_activations_are_called_where_the_graph_has_them() -> None:
    module = spec_of("net").build(inplace=False)
    activations = (nn.ReLU, nn.LeakyReLU, nn.ELU, nn.ReLU6, nn.Sigmoid)
    found = {name for name, part in module.named_modules() if isinstance(part, activations)}
    assert {"stem.2", "1", "chain.1", "chain.3", "aux1.2", "low.0", "mask.1"} <= found
    assert "F.relu" not in spec_of("net").source(inplace=False)
    assert "inplace=True" in spec_of("net").source() and "inplace=True" not in spec_of("net").source(inplace=False)


def test_command_line(tmp_path: Path) -> None:
    path = tmp_path / "net.arch"
    path.write_text(TEXT)
    run = CliRunner().invoke(command, [str(path), "--no-inplace"])
    assert run.exit_code == 0 and run.output == archdsl.load(path).source(inplace=False)


def tensors(result: Any) -> list[Tensor]:
    return [result] if isinstance(result, Tensor) else list(result)


def input_shape(spec: archdsl.Network) -> tuple[Any, ...]:
    return spec.graph.inputs[0].shape
