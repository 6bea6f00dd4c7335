"""The few modules and functions that PyTorch lacks. The emitter copies those that a network uses into its source.

Each definition uses `torch`, `nn`, `F` and other definitions of this file only. What asks for sizes is wrapped, so that
`torch.fx` does not look into it.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ChannelLayerNorm(nn.Module):
    """Layer normalization over the channels of `[N, C, ...]`, at each position (Liu et al. 2022, arXiv:2201.03545)."""

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """Same shape."""
        last = x.movedim(1, -1)
        return F.layer_norm(last, self.weight.shape, self.weight, self.bias, self.eps).movedim(-1, 1)

    def extra_repr(self) -> str:
        """The parameters, as in `nn.LayerNorm`."""
        return f"{self.weight.shape[0]}, eps={self.eps}"


class ChannelRMSNorm(nn.Module):
    """Root-mean-square normalization over the channels of `[N, C, ...]`, at each position (arXiv:1910.07467)."""

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """Same shape."""
        return F.rms_norm(x.movedim(1, -1), self.weight.shape, self.weight, self.eps).movedim(-1, 1)

    def extra_repr(self) -> str:
        """The parameters, as in `nn.RMSNorm`."""
        return f"{self.weight.shape[0]}, eps={self.eps}"


class GlobalResponseNorm(nn.Module):
    """Global response normalization of `[N, C, ...]`, or of `[N, ..., C]` for `axis=-1` (Woo et al. 2023, arXiv:2301.00808)."""

    def __init__(self, channels: int, eps: float = 1e-6, axis: int = 1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.eps = eps
        self.axis = axis

    def forward(self, x: Tensor) -> Tensor:
        """Same shape."""
        positions = list(range(2, x.ndim)) if self.axis == 1 else list(range(1, x.ndim - 1))
        norms = x.norm(p=2, dim=positions, keepdim=True)
        scale = norms / (norms.mean(dim=self.axis, keepdim=True) + self.eps)
        shape = [-1] + [1] * (x.ndim - 2) if self.axis == 1 else [-1]
        return x + torch.addcmul(self.bias.view(shape), self.weight.view(shape), x * scale)

    def extra_repr(self) -> str:
        """The parameters."""
        return f"{self.weight.shape[0]}, eps={self.eps}, axis={self.axis}"


class FrozenBatchNorm(nn.Module):
    """Batch normalization by fixed statistics, with a fixed scale and shift, in both modes."""

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.register_buffer("weight", torch.ones(channels))
        self.register_buffer("bias", torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """Same shape."""
        scale = self.weight * (self.running_var + self.eps).rsqrt()
        shift = self.bias - self.running_mean * scale
        shape = [-1] + [1] * (x.ndim - 2)
        return x * scale.view(shape) + shift.view(shape)

    def extra_repr(self) -> str:
        """The parameters."""
        return f"{self.weight.shape[0]}, eps={self.eps}"


@torch.fx.wrap
class TransposedLinear(nn.Module):
    """`nn.Linear` whose weight is stored as `[in, out]`."""

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__()
        usual = nn.Linear(in_features, out_features, bias)
        self.weight = nn.Parameter(usual.weight.detach().t().contiguous())
        self.bias = usual.bias

    def forward(self, x: Tensor) -> Tensor:
        """`[..., in]` to `[..., out]`."""
        return F.linear(x, self.weight.t(), self.bias)

    def extra_repr(self) -> str:
        """The parameters, as in `nn.Linear`."""
        return f"in_features={self.weight.shape[0]}, out_features={self.weight.shape[1]}, bias={self.bias is not None}"


def same_pad(
    x: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...], value: float = 0.0
) -> Tensor:
    """`x`, padded so that there are `ceil(n / stride)` windows, as TensorFlow's `SAME`: what is not even goes to the end."""
    rows: list[int] = []
    for size, k, s, d in zip(x.shape[2:], kernel, stride, dilation, strict=True):
        missing = torch.sym_max((-(-size // s) - 1) * s + d * (k - 1) + 1 - size, 0)
        rows = [missing // 2, missing - missing // 2, *rows]
    return F.pad(x, rows, value=value)


class SameConv1d(nn.Conv1d):
    """A convolution of `same_pad(x)`."""

    def forward(self, x: Tensor) -> Tensor:
        """`[N, out, ceil(L / stride)]`."""
        x = same_pad(x, self.kernel_size, self.stride, self.dilation)
        return F.conv1d(x, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


class SameConv2d(nn.Conv2d):
    """A convolution of `same_pad(x)`."""

    def forward(self, x: Tensor) -> Tensor:
        """`[N, out, ceil(H / stride), ceil(W / stride)]`."""
        x = same_pad(x, self.kernel_size, self.stride, self.dilation)
        return F.conv2d(x, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


class SameConv3d(nn.Conv3d):
    """A convolution of `same_pad(x)`."""

    def forward(self, x: Tensor) -> Tensor:
        """`[N, out, ceil(D / stride), ceil(H / stride), ceil(W / stride)]`."""
        x = same_pad(x, self.kernel_size, self.stride, self.dilation)
        return F.conv3d(x, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


def same_max_pool(x: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...]) -> Tensor:
    """The maximum of each window of `same_pad(x)`, where the padding is never the maximum."""
    x = same_pad(x, kernel, stride, (1,) * len(kernel), -torch.inf)
    if len(kernel) == 1:
        return max_pool1d(x, kernel[0], stride[0])
    return (F.max_pool2d, F.max_pool3d)[len(kernel) - 2](x, kernel, stride)


def same_avg_pool(x: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...], count_include_pad: bool = True) -> Tensor:
    """The mean of each window of `same_pad(x)`, with the zeros of the padding or, as in TensorFlow, without."""
    pool = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[len(kernel) - 1]
    once = (1,) * len(kernel)
    mean = pool(same_pad(x, kernel, stride, once), kernel, stride)
    if count_include_pad:
        return mean
    return mean / pool(same_pad(torch.ones_like(x[:1, :1]), kernel, stride, once), kernel, stride)


class BlurPool(nn.Module):
    """Blurs with a binomial filter of `k` taps, and takes every `stride`-th position (Zhang 2019, arXiv:1904.11486)."""

    def __init__(self, axes: int, k: int = 3, stride: int = 2, mode: str = "reflect") -> None:
        super().__init__()
        taps = torch.ones(1)
        for _ in range(k - 1):
            taps = (F.pad(taps, [0, 1]) + F.pad(taps, [1, 0])) / 2
        window = taps
        for _ in range(axes - 1):
            window = window.unsqueeze(-1) * taps
        self.window: Tensor
        self.register_buffer("window", window, persistent=False)
        self.k = k
        self.stride = stride
        self.mode = mode

    def forward(self, x: Tensor) -> Tensor:
        """`[N, C, ...]`, where each size is divided by the stride."""
        axes, channels = x.ndim - 2, x.shape[1]
        x = F.pad(x, [(self.stride + self.k - 2) // 2] * (2 * axes), self.mode)
        window = self.window.to(x.dtype).expand(channels, 1, *self.window.shape)
        return (F.conv1d, F.conv2d, F.conv3d)[axes - 1](x, window, None, self.stride, groups=channels)

    def extra_repr(self) -> str:
        """The parameters."""
        return f"k={self.k}, stride={self.stride}, mode={self.mode!r}"


def stochastic_depth(x: Tensor, p: float, mode: str, training: bool) -> Tensor:
    """Zero the whole of `x` with probability p, each image (`row`) or the batch, and scale by `1 / (1 - p)`."""
    if not training or p == 0.0:
        return x
    size = [x.shape[0] if mode == "row" else 1] + [1] * (x.ndim - 1)
    kept = torch.empty(size, dtype=x.dtype, device=x.device).bernoulli_(1.0 - p)
    return x * (kept / (1.0 - p) if p < 1.0 else kept)


class StochasticDepth(nn.Module):
    """`stochastic_depth` as a module (Huang et al. 2016, arXiv:1603.09382)."""

    def __init__(self, p: float, mode: str = "row") -> None:
        super().__init__()
        self.p = p
        self.mode = mode

    def forward(self, x: Tensor) -> Tensor:
        """Same shape; the input itself in evaluation."""
        return stochastic_depth(x, self.p, self.mode, self.training)

    def extra_repr(self) -> str:
        """The parameters."""
        return f"p={self.p}, mode={self.mode!r}"


def max_pool1d(x: Tensor, kernel_size: int, stride: int, padding: int = 0, dilation: int = 1, ceil_mode: bool = False) -> Tensor:
    """`F.max_pool1d` for any length under `torch.export`, which would fix it, and not that of a height of one."""
    images = x.unsqueeze(-2)
    return F.max_pool2d(images, (1, kernel_size), (1, stride), (0, padding), (1, dilation), ceil_mode).squeeze(-2)


class MaxPool1d(nn.MaxPool1d):
    """`max_pool1d` as a module."""

    def forward(self, x: Tensor) -> Tensor:
        """As in `nn.MaxPool1d`."""
        return max_pool1d(x, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode)  # type: ignore[arg-type]


@torch.fx.wrap
def narrow(x: Tensor, axis: int, start: int, length: int) -> Tensor:
    """`x.narrow`, copied: `torch.export` would set apart the size at which a view is all of `x`."""
    after = x.shape[axis] - start - length
    if not torch.jit.is_tracing() and (start < 0 or after < 0):
        raise RuntimeError(f"{start} to {start + length} reaches past the ends of axis {axis} of {list(x.shape)}")
    return F.pad(x, [0, 0] * (x.ndim - 1 - axis) + [-start, -after])


@torch.fx.wrap
def every(x: Tensor, axis: int, start: int, length: int, step: int) -> Tensor:
    """Every `step`-th position of a part of an axis."""
    return narrow(x, axis, start, length).transpose(0, axis)[::step].transpose(0, axis)


@torch.fx.wrap
def center_crop(x: Tensor, like: Tensor, axes: tuple[int, ...] | None = None) -> Tensor:
    """The middle of `x`, with the size of `like` on some axes: by default the spatial ones."""
    for axis in range(2, x.ndim) if axes is None else axes:
        size = like.shape[axis]
        x = narrow(x, axis, (x.shape[axis] - size) // 2, size)
    return x


class ShakeShake(torch.autograd.Function):
    """A weighted sum of branches whose gradient uses other weights."""

    @staticmethod
    def forward(ctx: Any, weights: Tensor, gradient_weights: Tensor, *branches: Tensor) -> Tensor:
        """The sum of `weights[i] * branches[i]`."""
        ctx.save_for_backward(gradient_weights)
        total = weights[0] * branches[0]
        for i in range(1, len(branches)):
            total = total + weights[i] * branches[i]
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """`gradient_weights[i]` times the gradient, for each branch."""
        (weights,) = ctx.saved_tensors
        return None, None, *(weights[i] * gradients[0] for i in range(weights.shape[0]))


def shake(branches: list[Tensor], training: bool) -> Tensor:
    """Shake-shake (Gastaldi 2017, arXiv:1705.07485): the mean; in training a random convex sum for each image."""
    count, first = len(branches), branches[0]
    if not training:
        return torch.stack(branches).mean(0)
    draws = torch.rand([2, count, first.shape[0]] + [1] * (first.ndim - 1), dtype=first.dtype, device=first.device)
    weights = draws / draws.sum(1, keepdim=True)
    if count == 2:
        weights = torch.stack([draws[:, 0], 1.0 - draws[:, 0]], 1)
    return ShakeShake.apply(weights[0], weights[1], *branches)  # type: ignore[no-any-return]
