"""DETR in plain PyTorch, after Carion et al. 2020, arXiv:2005.12872, appendix A, with the keys of its published `state_dict`.

Batches have the first axis, where the published code has the second one; images are not padded.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

LAYERS = {"detr_r50": [3, 4, 6, 3], "detr_r101": [3, 4, 23, 3]}


class FrozenBatchNorm2d(nn.Module):
    """Batch normalization by buffers alone."""

    def __init__(self, n: int) -> None:
        super().__init__()
        for key, start in (("weight", 1.0), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0)):
            self.register_buffer(key, torch.full((n,), start))

    def forward(self, x: Tensor) -> Tensor:
        """Same shape."""
        weight, bias, mean, var = (buffer.reshape(1, -1, 1, 1) for buffer in self.buffers())
        scale = weight * (var + 1e-5).rsqrt()
        return x * scale + (bias - mean * scale)


class Bottleneck(nn.Module):
    """1x1, 3x3 with the stride, 1x1."""

    def __init__(self, c: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(c, width, 1, bias=False), FrozenBatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), FrozenBatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, 4 * width, 1, bias=False), FrozenBatchNorm2d(4 * width)
        if stride != 1 or c != 4 * width:
            self.downsample = nn.Sequential(nn.Conv2d(c, 4 * width, 1, stride, bias=False), FrozenBatchNorm2d(4 * width))

    def forward(self, x: Tensor) -> Tensor:
        """`[N, 4 * width, H / stride, W / stride]`."""
        y = self.bn1(self.conv1(x)).relu()
        y = self.bn2(self.conv2(y)).relu()
        y = self.bn3(self.conv3(y))
        return (y + (self.downsample(x) if hasattr(self, "downsample") else x)).relu()  # type: ignore[no-any-return]


class ResNet(nn.Module):
    """ResNet up to its last stage."""

    def __init__(self, layers: list[int]) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), FrozenBatchNorm2d(64)
        c = 64
        for i, n in enumerate(layers):
            units = []
            for j in range(n):
                units.append(Bottleneck(c, 64 * 2**i, 2 if i and not j else 1))
                c = 256 * 2**i
            self.add_module(f"layer{i + 1}", nn.Sequential(*units))

    def forward(self, x: Tensor) -> Tensor:
        """`[N, 2048, H / 32, W / 32]`."""
        x = nn.functional.max_pool2d(self.bn1(self.conv1(x)).relu(), 3, 2, 1)
        for i in range(4):
            x = getattr(self, f"layer{i + 1}")(x)
        return x


def sine_positions(features: Tensor, half: int = 128) -> Tensor:
    """The published `PositionEmbeddingSine(128, normalize=True)` of an image without padding, `[1, 2 * half, h, w]`."""
    ones = torch.ones(1, *features.shape[2:])
    y, x = ones.cumsum(1), ones.cumsum(2)
    y, x = (y / (y[:, -1:] + 1e-6) * 2 * math.pi, x / (x[:, :, -1:] + 1e-6) * 2 * math.pi)
    dim = torch.arange(half, dtype=torch.float)
    dim = 10000 ** (2 * torch.div(dim, 2, rounding_mode="floor") / half)
    found = []
    for axis in (y, x):
        angles = axis[..., None] / dim
        found.append(torch.stack((angles[..., 0::2].sin(), angles[..., 1::2].cos()), 4).flatten(3))
    return torch.cat(found, 3).permute(0, 3, 1, 2)


class EncoderLayer(nn.Module):
    """Self-attention and two dense layers, each with a normalization behind it."""

    def __init__(self, d: int, heads: int) -> None:
        super().__init__()
        self.self_attn = nn.MultiheadAttention(d, heads, dropout=0.1, batch_first=True)
        self.linear1, self.linear2 = nn.Linear(d, 2048), nn.Linear(2048, d)
        self.norm1, self.norm2, self.drop = nn.LayerNorm(d), nn.LayerNorm(d), nn.Dropout(0.1)

    def feed(self, x: Tensor) -> Tensor:
        """Same shape."""
        return x + self.drop(self.linear2(self.drop(self.linear1(x).relu())))  # type: ignore[no-any-return]

    def forward(self, x: Tensor, pos: Tensor) -> Tensor:
        """Same shape."""
        q = x + pos
        x = self.norm1(x + self.drop(self.self_attn(q, q, x, need_weights=False)[0]))
        return self.norm2(self.feed(x))  # type: ignore[no-any-return]


class DecoderLayer(EncoderLayer):
    """Also attends to the features of the encoder."""

    def __init__(self, d: int, heads: int) -> None:
        super().__init__(d, heads)
        self.multihead_attn = nn.MultiheadAttention(d, heads, dropout=0.1, batch_first=True)
        self.norm3 = nn.LayerNorm(d)

    def forward(self, x: Tensor, memory: Tensor, pos: Tensor, query_pos: Tensor) -> Tensor:  # type: ignore[override]
        """Same shape."""
        q = x + query_pos
        x = self.norm1(x + self.drop(self.self_attn(q, q, x, need_weights=False)[0]))
        attended = self.multihead_attn(x + query_pos, memory + pos, memory, need_weights=False)[0]
        return self.norm3(self.feed(self.norm2(x + self.drop(attended))))  # type: ignore[no-any-return]


class DETR(nn.Module):
    """The network up to the logits and boxes of the last layer."""

    def __init__(self, layers: list[int], d: int = 256, classes: int = 91) -> None:
        super().__init__()
        self.backbone = nn.ModuleList([nn.ModuleDict({"body": ResNet(layers)})])
        self.input_proj, self.query_embed = nn.Conv2d(2048, d, 1), nn.Embedding(100, d)
        encoder = nn.ModuleDict({"layers": nn.ModuleList(EncoderLayer(d, 8) for _ in range(6))})
        decoder = nn.ModuleDict({"layers": nn.ModuleList(DecoderLayer(d, 8) for _ in range(6)), "norm": nn.LayerNorm(d)})
        self.transformer = nn.ModuleDict({"encoder": encoder, "decoder": decoder})
        self.class_embed = nn.Linear(d, classes + 1)
        self.bbox_embed = nn.ModuleDict({"layers": nn.ModuleList([nn.Linear(d, d), nn.Linear(d, d), nn.Linear(d, 4)])})

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Logits and boxes, by archdsl's names."""
        features = self.input_proj(self.backbone[0]["body"](x))  # type: ignore[index]
        pos, memory = (value.flatten(2).transpose(1, 2) for value in (sine_positions(features), features))
        for layer in self.transformer["encoder"]["layers"]:  # type: ignore[index]
            memory = layer(memory, pos)
        queries = self.query_embed.weight.expand(len(x), -1, -1)
        y = torch.zeros_like(queries)
        for layer in self.transformer["decoder"]["layers"]:  # type: ignore[index]
            y = layer(y, memory, pos, queries)
        y = self.transformer["decoder"]["norm"](y)  # type: ignore[index]
        first, second, third = self.bbox_embed["layers"]  # type: ignore[misc]
        return {"main": self.class_embed(y), "pred_boxes": third(second(first(y).relu()).relu()).sigmoid()}


def reference(name: str) -> nn.Module:
    """The network of a name such as `detr_r50`."""
    return DETR(LAYERS[name])
