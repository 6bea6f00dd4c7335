"""The modules that PyTorch lacks, against their papers and against PyTorch's tracers."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from archdsl.backends.torch.runtime import ChannelLayerNorm, StochasticDepth, center_crop, shake, stochastic_depth


@pytest.mark.parametrize("shape", [(2, 5), (2, 5, 3), (2, 5, 3, 4), (2, 5, 3, 4, 2)])
def test_channel_layer_norm(shape: tuple[int, ...]) -> None:
    """Every position has mean zero and variance one over its channels."""
    y = ChannelLayerNorm(5)(torch.randn(shape) * 3 + 2)
    torch.testing.assert_close(y.mean(1), torch.zeros(y.mean(1).shape), atol=1e-5, rtol=0)
    torch.testing.assert_close(y.var(1, correction=0), torch.ones(y.mean(1).shape), atol=1e-2, rtol=0)


@pytest.mark.parametrize("mode", ["row", "batch"])
def test_stochastic_depth(mode: str) -> None:
    """Whole images or the whole batch go; the rest is scaled so that the mean stays."""
    torch.manual_seed(0)
    x = torch.ones(400, 2, 3)
    kept = torch.stack([stochastic_depth(x, 0.25, mode, True)[:, 0, 0] for _ in range(100)])
    assert set(kept.unique().tolist()) == {0.0, torch.tensor(1 / 0.75).item()}
    assert abs(kept.mean().item() - 1) < 0.2
    per_draw = {len(row.unique()) for row in kept}
    assert per_draw == ({2} if mode == "row" else {1})
    assert stochastic_depth(x, 0.25, mode, False) is x
    assert torch.equal(stochastic_depth(x, 1.0, mode, True), torch.zeros(x.shape))
    assert torch.equal(stochastic_depth(x, 0.0, mode, True), x)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_shake(count: int) -> None:
    """Weights of an image are convex; the gradient has its own; evaluation is the mean."""
    torch.manual_seed(0)
    branches = [torch.zeros(6, count, 2, 2) for _ in range(count)]
    for i, branch in enumerate(branches):
        branch[:, i] = 1.0
        branch.requires_grad_()
    y = shake(branches, True)
    weights = y[:, :, 0, 0]
    torch.testing.assert_close(weights.sum(1), torch.ones(6))
    assert (weights >= 0).all() and torch.equal(y, weights[:, :, None, None].expand(y.shape))
    y.sum().backward()
    gradients = torch.stack([branch.grad[:, 0, 0, 0] for branch in branches if branch.grad is not None], 1)
    torch.testing.assert_close(gradients.sum(1), torch.ones(6))
    assert count == 1 or not torch.allclose(gradients, weights)
    assert count == 1 or len(weights.unique(dim=0)) == 6
    torch.testing.assert_close(shake(branches, False), torch.full_like(y, 1 / count))


class _All(nn.Module):
    """Uses every definition of the runtime."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = ChannelLayerNorm(4)
        self.drop = StochasticDepth(0.5)

    def forward(self, x: Tensor, like: Tensor) -> Tensor:
        return center_crop(shake([self.norm(x), self.drop(x)], self.training), like)


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # PyTorch's tracer does it
@pytest.mark.parametrize("training", [True, False])
def test_traces_whole(training: bool) -> None:
    """`torch.compile` takes it without a break, with gradients."""
    model = _All().train(training)
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    x, like = torch.randn(2, 4, 6, 6), torch.zeros(2, 1, 4, 4)
    y = compiled(x, like)
    y.sum().backward()
    assert y.shape == (2, 4, 4, 4) and model.norm.weight.grad is not None
    if not training:
        torch.testing.assert_close(y, model(x, like))


def test_exports() -> None:
    """`torch.export` takes the evaluation form, for any batch."""
    model = _All().eval()
    x, like = torch.randn(2, 4, 7, 6), torch.zeros(2, 1, 4, 4)
    batch = torch.export.Dim("batch")
    exported = torch.export.export(model, (x, like), dynamic_shapes=({0: batch}, {0: batch})).module()
    x, like = torch.randn(3, 4, 7, 6), torch.zeros(3, 1, 4, 4)
    torch.testing.assert_close(exported(x, like), model(x, like))
