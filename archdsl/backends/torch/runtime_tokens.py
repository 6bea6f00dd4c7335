"""The modules and functions about tokens that PyTorch lacks: masks, windows and positions. See `runtime.py`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from archdsl.backends.torch.runtime import narrow


@torch.fx.wrap
def masked_bias(mask: Tensor, bias: Tensor) -> Tensor:
    """The bias where a bool mask is true, else minus infinity; the sum with a mask of real numbers."""
    return bias.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else bias + mask


@torch.fx.wrap
def causal_mask(mask: Tensor, query: Tensor, key: Tensor) -> Tensor:
    """A mask or bias without the keys behind each query."""
    earlier = torch.ones(query.shape[-2], key.shape[-2], dtype=torch.bool, device=query.device).tril()
    return mask & earlier if mask.dtype == torch.bool else mask.masked_fill(~earlier, -torch.inf)


@torch.fx.wrap
def attention_mask(query: Tensor, key: Tensor, heads: int, mask: Tensor | None = None, causal: bool = False) -> Tensor:
    """What `nn.MultiheadAttention` takes for a mask `[N, S]` or `[N, L, S]`: a bool one is true there where nothing is seen."""
    length = query.shape[1]
    later = torch.ones(length, key.shape[1], dtype=torch.bool, device=query.device).triu(1)
    if mask is None:
        return later
    hidden = ~mask if mask.dtype == torch.bool else mask
    hidden = (hidden.unsqueeze(1) if hidden.ndim == 2 else hidden).expand(query.shape[0], length, -1)
    if causal:
        hidden = hidden | later if hidden.dtype == torch.bool else hidden.masked_fill(later, -torch.inf)
    return hidden.repeat_interleave(heads, 0)


@torch.fx.wrap
def pad_to(x: Tensor, multiples: tuple[int, ...], axes: tuple[int, ...]) -> Tensor:
    """`x` with zeros at the end of some axes, up to multiples."""
    rows = [0, 0] * x.ndim
    for multiple, axis in zip(multiples, axes, strict=True):
        rows[2 * (x.ndim - axis) - 1] = -x.shape[axis] % multiple
    return F.pad(x, rows)


@torch.fx.wrap
def start_crop(x: Tensor, like: Tensor, axes: tuple[int, ...]) -> Tensor:
    """`x` without what is behind the sizes of `like`, on some axes."""
    for axis in axes:
        x = narrow(x, axis, 0, like.shape[axis])
    return x


def shifts_of(x: Tensor, shifts: tuple[int, ...], windows: tuple[int, ...], axes: tuple[int, ...]) -> list[int]:
    """The shift of each axis; 0 for one of at most a window. Without a branch, so that `torch.export` keeps sizes symbolic."""
    sides = zip(shifts, windows, axes, strict=True)
    return [shift * torch.sym_min((x.shape[axis] - 1) // size, 1) for shift, size, axis in sides]


@torch.fx.wrap
def window_shift(x: Tensor, shifts: tuple[int, ...], windows: tuple[int, ...], axes: tuple[int, ...]) -> Tensor:
    """`x.roll(shifts, axes)` of the axes that are longer than a window (Liu et al. 2021, arXiv:2103.14030)."""
    return x.roll(shifts_of(x, shifts, windows, axes), axes)


@torch.fx.wrap
def window_mask(like: Tensor, windows: tuple[int, ...], shifts: tuple[int, ...], axes: tuple[int, ...]) -> Tensor:
    """-100 between positions of a window that are apart in the image, else 0: `[1, windows..., 1, N, N]`.

    A shifted axis has three regions: whole windows, and the two parts of the last one.
    """
    region = torch.zeros([1] * len(axes), dtype=torch.long, device=like.device)
    for i, (window, shift, axis) in enumerate(zip(windows, shifts_of(like, shifts, windows, axes), axes, strict=True)):
        size = like.shape[axis]
        position = torch.arange(size, device=like.device)
        part = (position >= size - window).long() + (position >= size - shift).long()
        region = 3 * region + part.reshape([-1 if j == i else 1 for j in range(len(axes))])
    for i, window in reversed(list(enumerate(windows))):
        region = region.unflatten(i, (-1, window))
    count = len(windows)
    region = region.permute([*range(0, 2 * count, 2), *range(1, 2 * count, 2)]).flatten(count)
    apart = region.unsqueeze(-2) != region.unsqueeze(-1)
    mask = torch.zeros(apart.shape, dtype=like.dtype, device=like.device).masked_fill(apart, -100.0)
    return mask.unsqueeze(count).unsqueeze(0)


@torch.fx.wrap
def coords(like: Tensor, dim: int) -> Tensor:
    """0, 1, 2, ... along an axis: `[1, n]`."""
    dtype = like.dtype if like.is_floating_point() else torch.get_default_dtype()
    return torch.arange(like.shape[dim], device=like.device, dtype=dtype).unsqueeze(0)


def resized_positions(
    table: Tensor, base: tuple[int, int], size: torch.Size, prefix: int = 0, mode: str = "bicubic", antialias: bool = True
) -> Tensor:
    """Embeddings `[1, prefix + h * w, C]` of the positions of a grid for another grid; those of the prefix stay."""
    images = table[:, prefix:].unflatten(1, base).permute(0, 3, 1, 2)
    images = F.interpolate(images, size, mode=mode, antialias=antialias)
    return torch.cat([table[:, :prefix], images.flatten(2).transpose(1, 2)], 1)


def lookup(tokens: Tensor, table: Tensor) -> Tensor:
    """The row for each token of a table `[N, n, d]`; with N of one, all examples have the same table."""
    if table.shape[0] == 1:
        return F.embedding(tokens, table[0])
    rows = tokens.flatten(1).unsqueeze(2).expand(-1, -1, table.shape[2])
    found: Tensor = table.gather(1, rows).unflatten(1, tokens.shape[1:])
    return found


def relative_position_index(rows: int, columns: int) -> Tensor:
    """For each pair of positions in a window, the row of a table of `(2 * rows - 1) * (2 * columns - 1)` offsets."""
    row, column = (torch.arange(rows * columns) // columns, torch.arange(rows * columns) % columns)
    down, right = (place[:, None] - place[None, :] for place in (row, column))
    return ((down + rows - 1) * (2 * columns - 1) + right + columns - 1).flatten()


def relative_coords(rows: int, columns: int) -> Tensor:
    """Each offset in a window on a logarithmic scale, with a batch axis of one (Liu et al. 2022, arXiv:2111.09883)."""
    sides = [torch.arange(1 - size, size, dtype=torch.float32) / (size - 1) * 8 for size in (rows, columns)]
    table = torch.stack(torch.meshgrid(*sides, indexing="ij"), -1).unsqueeze(0)
    return torch.sign(table) * torch.log2(table.abs() + 1.0) / 3.0


def relative_bias(table: Tensor, index: Tensor) -> Tensor:
    """`[N, heads, L, L]` from a table `[N, offsets, heads]` and the row for each pair of L positions."""
    length = int(index.shape[0] ** 0.5 + 0.5)
    return torch.index_select(table, 1, index).reshape(table.shape[0], length, length, -1).permute(0, 3, 1, 2)
