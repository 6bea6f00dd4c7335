"""Shifted windows and positions against Swin's and timm's formulas by hand, at fixed and symbolic sizes."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import archdsl

BLOCK = """
block attention(heads, window, shift) {
  before: x
  pad_to(window, axis = [0, 1])
  padded: x
  window_shift(-shift, window)
  rearrange("(h p) (w q) (n d) -> h w n (p q) d", p = window, q = window, n = heads)
  tokens: x
  bias: rel_bias(heads, window)
  mask: window_mask(padded, window, shift)
  attend(tokens, tokens, tokens, mask, bias)
  rearrange("h w n (p q) d -> (h p) (w q) (n d)", p = window)
  window_shift(shift, window)
  crop_like(before, keep = start, axis = [0, 1])
}
"""


def _network(body: str, shape: str) -> archdsl.Network:
    return archdsl.loads(f"{BLOCK}\nnetwork n {{\n  input image {shape}\n  {body}\n}}\n")


def _index(window: int) -> Tensor:
    """The row of the table for each pair of positions, by its definition."""
    places = [(i, j) for i in range(window) for j in range(window)]
    side = 2 * window - 1
    return torch.tensor([(a - c + window - 1) * side + b - d + window - 1 for a, b in places for c, d in places])


def _expected(x: Tensor, table: Tensor, heads: int, window: int, shift: int) -> Tensor:
    """Attention in shifted windows as in torchvision: each window is a gathered list of positions."""
    height, width = x.shape[1:3]
    rows, columns = (math.ceil(size / window) * window for size in (height, width))
    padded = F.pad(x, (0, 0, 0, columns - width, 0, rows - height))
    down, right = (shift if size > window else 0 for size in (rows, columns))
    made = torch.empty_like(padded)
    bias = table[_index(window)].reshape(window**2, window**2, heads).permute(2, 0, 1)
    for top in range(0, rows, window):
        for left in range(0, columns, window):
            places = [(top + i + down, left + j + right) for i in range(window) for j in range(window)]
            wrapped = torch.tensor([(i >= rows) * 2 + (j >= columns) for i, j in places])
            i, j = (torch.tensor([place[axis] for place in places]) for axis in (0, 1))
            tokens = padded[:, i % rows, j % columns].unflatten(2, (heads, -1)).transpose(1, 2)
            scores = tokens @ tokens.transpose(-1, -2) * tokens.shape[-1] ** -0.5 + bias
            scores = scores - 100.0 * (wrapped[:, None] != wrapped[None, :])
            made[:, i % rows, j % columns] = (scores.softmax(-1) @ tokens).transpose(1, 2).flatten(2)
    return made[:, :height, :width]


@pytest.mark.parametrize("shift", [0, 2])
def test_shifted_windows(shift: int) -> None:
    """One network with symbolic sizes, and one for each size, compute what the definition says."""
    heads, window = 2, 4
    module = _network(f"a: attention({heads}, {window}, {shift})", "[H, W, 6]").build()
    table = torch.randn(49, heads)
    for height, width in ((1, 1), (3, 9), (4, 4), (4, 12), (5, 8), (8, 7), (13, 10)):
        fixed = _network(f"a: attention({heads}, {window}, {shift})", f"[{height}, {width}, 6]").build()
        x = torch.randn(2, height, width, 6)
        for built in (module, fixed):
            assert set(built.state_dict()) == {"a.relative_position_bias_table", "a.relative_position_index"}
            assert torch.equal(built.a.relative_position_index, _index(window))
            built.a.relative_position_bias_table.data.copy_(table)
            torch.testing.assert_close(built(x), _expected(x, table, heads, window, shift), msg=f"{height}, {width}")


def test_valid_sizes() -> None:
    """Padding to multiples leaves no condition on the sizes; without it, they are multiples of the window."""
    padded = _network("a: attention(2, 4, 2)", "[H, W, 6]").sizes.work
    assert all(n in padded[symbol] for n in range(1, 513) for symbol in "HW")
    body = 'mask: window_mask(x, 4, 2)\n  rearrange("h w c -> 1 1 1 (h w) c")'
    plain = _network(f'{body}\n  rearrange("1 1 1 (h w) c -> h w c", h = image.h)', "[H, W, 6]").sizes.work
    assert all((n in plain[symbol]) == (n % 4 == 0) for n in range(1, 513) for symbol in "HW")


@pytest.mark.parametrize("sizes", ["H, 10", pytest.param("H, W", marks=pytest.mark.exhaustive)])
def test_windows_are_exported_with_symbolic_sizes(sizes: str) -> None:
    """`torch.export` keeps the sizes open, also across the size of one window."""
    module = _network("a: attention(2, 4, 2)", f"[{sizes}, 6]").build().eval()
    axes = [1, 2] if "W" in sizes else [1]
    program = torch.export.export(
        module, (torch.randn(2, 13, 10, 6),), dynamic_shapes=(dict.fromkeys(axes, torch.export.Dim.AUTO),)
    )
    exported = program.module()
    for size in ((7, 9), (5, 23)) if "W" in sizes else ((7, 10), (21, 10)):
        x = torch.randn(2, *size, 6)
        torch.testing.assert_close(exported(x), module(x))


def test_a_table_that_is_computed() -> None:
    """Swin v2 computes the table from the offsets: then there is the buffer alone."""
    body = """relative_coords_table: rel_coords(4)
  cpb_mlp: { relative_coords_table -> linear(2, bias = false, axis = -1) }
  rearrange("h w n -> (h w) n")
  table: x
  bias: rel_bias(2, 4, table = table)
  image -> rearrange("h w (n d) -> n (h w) d", n = 2)
  attend(x, x, x, bias = bias)"""
    module = _network(body, "[4, 4, 6]").build()
    assert set(module.state_dict()) == {"cpb_mlp.0.weight", "relative_coords_table", "relative_position_index"}
    offsets = torch.arange(-3.0, 4.0) * 8 / 3
    scaled = offsets.sign() * (offsets.abs() + 1).log2() / 3
    torch.testing.assert_close(module.relative_coords_table[0, :, 0, 0], scaled)
    torch.testing.assert_close(module.relative_coords_table[0, 0, :, 1], scaled)
    table = module.cpb_mlp(module.relative_coords_table).flatten(1, 2)[0]
    x = torch.randn(3, 4, 4, 6)
    q = x.flatten(1, 2).unflatten(2, (2, 3)).transpose(1, 2)
    bias = table[_index(4)].reshape(16, 16, 2).permute(2, 0, 1)
    torch.testing.assert_close(module(x), F.scaled_dot_product_attention(q, q, q, attn_mask=bias.unsqueeze(0)))


@pytest.mark.parametrize(("mode", "antialias"), [("bicubic", True), ("bicubic", False), ("bilinear", True)])
def test_position_embeddings(mode: str, antialias: bool) -> None:
    """At the base grid the parameter is added as it is; at another, those of the grid are interpolated."""
    options = f"prefix = 1, mode = {mode}, antialias = {str(antialias).lower()}"
    body = f"""grid: conv(6, 4, stride = 4, pad = 0)
  rearrange("c h w -> (h w) c")
  cls: param([1, 6])
  concat(axis = 0) {{ cls; x }}
  tokens: scale(0.0)
  pos_embedding: pos_embed([3, 5], grid, {options})"""
    module = archdsl.loads(f"network n {{\n  input image [3, H, W]\n  {body}\n}}\n").build()
    table = module.pos_embedding
    assert table.shape == (1, 16, 6)
    torch.testing.assert_close(module(torch.randn(2, 3, 12, 20)), table.expand(2, -1, -1))
    made = module(torch.randn(2, 3, 8, 29))
    images = table[:, 1:].reshape(1, 3, 5, 6).permute(0, 3, 1, 2)
    other = F.interpolate(images, (2, 7), mode=mode, antialias=antialias).flatten(2).transpose(1, 2)
    torch.testing.assert_close(made, torch.cat([table[:, :1], other], 1).expand(2, -1, -1))
    fixed = archdsl.loads(f"network n {{\n  input image [3, 12, 20]\n  {body}\n}}\n").source()
    assert "+ self.pos_embedding" in fixed and "resized_positions" not in fixed


def test_blocks_that_pad_symbolic_sizes_share_a_class() -> None:
    """Each pads other sizes to other multiples, and both are written alike."""
    text = "block padded(k) { pad_to(k); conv(1, 1) }\nnetwork net { input image [1, H, W]; padded(3); padded(2) }"
    network = archdsl.loads(text)
    assert network.build()(torch.zeros(1, 1, 4, 6)).shape == (1, 1, 6, 6)
