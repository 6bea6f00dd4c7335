"""Attention in windows of models for a single size: their tables, and stages with one window alone."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import archdsl
from archdsl.importers.importing import Imported, import_loaded
from archdsl.importers.load_module import Loaded
from archdsl.importers.recording import recorded


def _index(side: int) -> Tensor:
    places = torch.stack(torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")).flatten(1)
    offsets = (places[:, :, None] - places[:, None, :]).permute(1, 2, 0) + side - 1
    return offsets[:, :, 0] * (2 * side - 1) + offsets[:, :, 1]


class Attention(nn.Module):
    """Attention in windows of two by two, with a bias of relative positions."""

    def __init__(self, width: int, heads: int, stored: str = "absent") -> None:
        super().__init__()
        self.heads = heads
        self.relative_position_bias_table = nn.Parameter(torch.randn(9, heads))
        index = _index(2).flatten() if stored == "flat" else _index(2)
        self.register_buffer("relative_position_index", index, persistent=stored != "absent")
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        n, length, width = x.shape
        q, k, v = self.qkv(x).reshape(n, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        index: Tensor = self.relative_position_index  # type: ignore[assignment]
        bias = self.relative_position_bias_table[index.view(-1)].view(length, length, -1).permute(2, 0, 1)
        weights = q @ (k * (width // self.heads) ** -0.5).transpose(-2, -1) + bias.unsqueeze(0)
        return self.proj((weights.softmax(-1) @ v).transpose(1, 2).reshape(n, length, width))


class Stage(nn.Module):
    """Halves an image, and attends in its windows, of which the last stage has a single one."""

    def __init__(self, inputs: int, width: int, stored: str = "absent") -> None:
        super().__init__()
        self.down, self.attn = nn.Conv2d(inputs, width, 2, 2), Attention(width, width // 4, stored)

    def forward(self, x: Tensor) -> Tensor:
        x = self.down(x).permute(0, 2, 3, 1)
        b, h, w, c = x.shape
        y = x.view(b, h // 2, 2, w // 2, 2, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, 2, 2, c).view(-1, 4, c)
        y = self.attn(y).view(-1, 2, 2, c).view(b, h // 2, w // 2, 2, 2, c)
        return (x + y.permute(0, 1, 3, 2, 4, 5).reshape(b, h, w, c)).permute(0, 3, 1, 2)


class Stages(nn.Module):
    def __init__(self, stored: str = "absent") -> None:
        super().__init__()
        self.stages = nn.Sequential(Stage(3, 8, stored), Stage(8, 16, stored), Stage(16, 32, stored))

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.stages(x)
        return result


def _imported(make: object, shape: tuple[int, ...]) -> Imported:
    torch.manual_seed(0)
    module, arguments = recorded(make)  # type: ignore[arg-type]
    return import_loaded([Loaded(module, "net", arguments, "here:Here")], shape, fixed=True).require_proved()


@pytest.mark.parametrize("stored", ["flat", "square", "absent"])
def test_the_index_is_stored_as_in_the_model(stored: str) -> None:
    text = _imported(lambda: Stages(stored), (3, 16, 16)).text
    assert ("rel_bias(width // 4, 2)" if stored == "flat" else f"rel_bias(width // 4, 2, index = {stored})") in text, text


def test_a_single_window_is_no_other_block() -> None:
    """Stages with several windows and with a single one are the same text, without a condition."""
    text = _imported(Stages, (3, 16, 16)).text
    assert "if " not in text and "stages: stage(8) -> stage(16) -> stage(32)" in text, text
    assert 'rearrange("(h p) (w q) c -> h w (p q) c", p = 2, q = 2)' in text
    assert 'rearrange("1 h w n l d -> h w l (n d)")' in text


class Blocks(nn.Module):
    """Blocks of an image as an axis of their own, as in NesT: the last level has a single one."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.qkv = nn.LayerNorm(width), nn.Linear(width, 3 * width)

    def forward(self, x: Tensor) -> Tensor:
        b, t, n, c = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(b, t, n, 3, 2, c // 2).permute(3, 0, 4, 1, 2, 5).unbind(0)
        y = nn.functional.scaled_dot_product_attention(q, k, v)
        return x + y.permute(0, 2, 3, 4, 1).reshape(b, t, n, c)


def test_an_axis_of_blocks_may_have_one() -> None:
    assert archdsl.from_module(nn.Sequential(Blocks(8), Blocks(8)), (1, 6, 8), name="nest").proved
