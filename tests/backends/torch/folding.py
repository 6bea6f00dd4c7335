"""What comparisons of plain and optimized modules share: weights that show a mistake, inputs of valid sizes, and the error."""

from __future__ import annotations

from itertools import count

import torch
from torch import Tensor, nn

from archdsl.network import Network
from archdsl.shapes import SymbolicSize

TOLERANCE = 1e-5
"""The largest difference that is allowed, as a fraction of the largest value."""


def scatter(module: nn.Module, seed: int = 0) -> nn.Module:
    """Set statistics, scales and shifts that are far from those of a fresh network, with which folding changes little."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for part in module.modules():
            if isinstance(getattr(part, "running_var", None), Tensor):
                part.running_mean.uniform_(-0.3, 0.3, generator=random)
                part.running_var.uniform_(0.5, 1.5, generator=random)
                for name, least, most in (("weight", 0.5, 1.5), ("bias", -0.3, 0.3)):
                    if getattr(part, name) is not None:
                        getattr(part, name).uniform_(least, most, generator=random)
        for parameter in module.parameters():
            if parameter.numel() > 1 and parameter.min() == parameter.max():  # biases, and tokens that begin with zeros
                parameter += torch.empty_like(parameter).uniform_(-0.1, 0.1, generator=random)
    return module


def inputs_for(network: Network, batch: int = 2, least: int = 32) -> list[Tensor]:
    """Return random inputs; symbolic sizes get the first valid value from `least` on."""
    torch.manual_seed(1)
    sizes = {}
    if network.sizes.work:
        n = next(n for n in count(least) if network.sizes.works(dict.fromkeys(network.sizes.work, n)))
        sizes = dict.fromkeys(network.sizes.work, n)
    found = []
    for value in network.graph.inputs:
        shape = [size.value(sizes) if isinstance(size, SymbolicSize) else size for size in value.shape]
        if value.dtype == "int":
            found.append(torch.randint(0, 10, (batch, *shape)))
        else:
            found.append(torch.rand(batch, *shape) < 0.8 if value.dtype == "bool" else torch.randn(batch, *shape))
    return found


def error(plain: nn.Module, optimized: nn.Module, inputs: list[Tensor]) -> float:
    """Return the largest difference of the outputs in evaluation, as a fraction of the largest value of each."""
    with torch.inference_mode():
        pairs = zip(_tensors(plain.eval()(*inputs)), _tensors(optimized(*inputs)), strict=True)
        return max(float((one - other).abs().max() / one.abs().max()) for one, other in pairs)


def folding_error(network: Network, batch: int = 2) -> float:
    """Return the error of the optimized module with the weights of a plain one."""
    torch.manual_seed(0)
    plain = scatter(network.build())
    return error(plain, network.build(optimize=True, weights=plain.state_dict()), inputs_for(network, batch))


def _tensors(output: Tensor | tuple[Tensor, ...]) -> list[Tensor]:
    return [output] if isinstance(output, Tensor) else list(output)
