"""The U-Net of Ho et al. 2020 in plain PyTorch, with the keys of diffusers' `UNet2DModel`, from the paper and its code."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def time_embedding(steps: Tensor, dim: int) -> Tensor:
    """Sines and cosines of the steps, as in the code's `get_timestep_embedding`."""
    exponent = -math.log(10000) * torch.arange(dim // 2, dtype=torch.float32) / (dim // 2 - 1)
    angles = steps[:, None].float() * torch.exp(exponent)[None]
    return torch.cat([angles.sin(), angles.cos()], 1)


class TimestepEmbedding(nn.Module):
    """Two dense layers."""

    def __init__(self, dim: int, out: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(dim, out)
        self.linear_2 = nn.Linear(out, out)

    def forward(self, x: Tensor) -> Tensor:
        """A vector per image."""
        return self.linear_2(F.silu(self.linear_1(x)))  # type: ignore[no-any-return]


class ResnetBlock2D(nn.Module):
    """Two convolutions, with the time added between them."""

    def __init__(self, channels: int, out: int, time: int, drop: float) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(32, channels, eps=1e-6)
        self.conv1 = nn.Conv2d(channels, out, 3, padding=1)
        self.time_emb_proj = nn.Linear(time, out)
        self.norm2 = nn.GroupNorm(32, out, eps=1e-6)
        self.dropout = nn.Dropout(drop)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1)
        if channels != out:
            self.conv_shortcut = nn.Conv2d(channels, out, 1)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """The sum with the shortcut."""
        y = self.conv1(F.silu(self.norm1(x))) + self.time_emb_proj(F.silu(time))[:, :, None, None]
        y = self.conv2(self.dropout(F.silu(self.norm2(y))))
        return y + (self.conv_shortcut(x) if hasattr(self, "conv_shortcut") else x)  # type: ignore[no-any-return]


class Attention(nn.Module):
    """Attention between all positions, with one head."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.group_norm = nn.GroupNorm(32, channels, eps=1e-6)
        self.to_q = nn.Linear(channels, channels)
        self.to_k = nn.Linear(channels, channels)
        self.to_v = nn.Linear(channels, channels)
        self.to_out = nn.ModuleList([nn.Linear(channels, channels), nn.Dropout(0.0)])

    def forward(self, x: Tensor) -> Tensor:
        """The sum with the input."""
        tokens = self.group_norm(x).flatten(2).transpose(1, 2)
        scores = self.to_q(tokens) @ self.to_k(tokens).transpose(1, 2) / math.sqrt(x.shape[1])
        tokens = self.to_out[0](scores.softmax(-1) @ self.to_v(tokens))
        return tokens.transpose(1, 2).reshape(x.shape) + x  # type: ignore[no-any-return]


class Downsample2D(nn.Module):
    """A convolution of stride 2, with zeros on the right and below."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """Half the size."""
        return self.conv(F.pad(x, (0, 1, 0, 1)))  # type: ignore[no-any-return]


class Upsample2D(nn.Module):
    """The nearest pixels, and a convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Twice the size."""
        return self.conv(x.repeat_interleave(2, 2).repeat_interleave(2, 3))  # type: ignore[no-any-return]


class Block(nn.Module):
    """Residual blocks at one resolution, perhaps each with attention."""

    def __init__(self, channels: list[int], out: int, time: int, drop: float, attended: bool) -> None:
        super().__init__()
        if attended:
            self.attentions = nn.ModuleList([Attention(out) for _ in channels])
        self.resnets = nn.ModuleList([ResnetBlock2D(c, out, time, drop) for c in channels])

    def step(self, i: int, x: Tensor, time: Tensor) -> Tensor:
        """What one residual block gives."""
        x = self.resnets[i](x, time)
        return self.attentions[i](x) if hasattr(self, "attentions") else x  # type: ignore[no-any-return]


class UNetMidBlock2D(nn.Module):
    """Attention between two residual blocks."""

    def __init__(self, width: int, time: int, drop: float) -> None:
        super().__init__()
        self.attentions = nn.ModuleList([Attention(width)])
        self.resnets = nn.ModuleList([ResnetBlock2D(width, width, time, drop) for _ in range(2)])

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """The same shape."""
        return self.resnets[1](self.attentions[0](self.resnets[0](x, time)), time)  # type: ignore[no-any-return]


class UNet2DModel(nn.Module):
    """The network; the defaults are those for CIFAR-10."""

    def __init__(
        self,
        widths: tuple[int, ...] = (128, 256, 256, 256),
        attended: tuple[bool, ...] = (False, True, False, False),
        depth: int = 2,
        drop: float = 0.1,
        channels: int = 3,
    ) -> None:
        super().__init__()
        first, time = widths[0], 4 * widths[0]
        self.first = first
        self.conv_in = nn.Conv2d(channels, first, 3, padding=1)
        self.time_embedding = TimestepEmbedding(first, time)
        self.down_blocks = nn.ModuleList()
        kept, x = [first], first
        for i, width in enumerate(widths):
            block = Block([x] + [width] * (depth - 1), width, time, drop, attended[i])
            kept += [width] * depth
            if i < len(widths) - 1:
                block.downsamplers = nn.ModuleList([Downsample2D(width)])
                kept.append(width)
            self.down_blocks.append(block)
            x = width
        self.up_blocks = nn.ModuleList()
        self.mid_block = UNetMidBlock2D(x, time, drop)
        for i, width in reversed(list(enumerate(widths))):
            taken = [kept.pop() for _ in range(depth + 1)]
            before = [x] + [width] * depth
            block = Block([a + b for a, b in zip(before, taken, strict=True)], width, time, drop, attended[i])
            if i > 0:
                block.upsamplers = nn.ModuleList([Upsample2D(width)])
            self.up_blocks.append(block)
            x = width
        self.conv_norm_out = nn.GroupNorm(32, first, eps=1e-6)
        self.conv_out = nn.Conv2d(first, channels, 3, padding=1)

    def forward(self, image: Tensor, steps: Tensor) -> Tensor:
        """The noise in an image."""
        time = self.time_embedding(time_embedding(steps, self.first))
        x = self.conv_in(image)
        kept = [x]
        for block in self.down_blocks:
            for i in range(len(block.resnets)):
                x = block.step(i, x, time)
                kept.append(x)
            if hasattr(block, "downsamplers"):
                x = block.downsamplers[0](x)
                kept.append(x)
        x = self.mid_block(x, time)
        for block in self.up_blocks:
            for i in range(len(block.resnets)):
                x = block.step(i, torch.cat([x, kept.pop()], 1), time)
            if hasattr(block, "upsamplers"):
                x = block.upsamplers[0](x)
        return self.conv_out(F.silu(self.conv_norm_out(x)))  # type: ignore[no-any-return]
