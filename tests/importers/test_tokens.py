"""Attention, windows and computed constants: where the batch axis of a model is, and what its tables are."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import archdsl
from archdsl.diagnostics import SpecError
from archdsl.importers.importing import Imported, import_loaded
from archdsl.importers.layouts import BATCH_AXIS, plain, regrouped
from archdsl.importers.load_module import Loaded
from archdsl.importers.model import Apply, Value
from archdsl.importers.rearrangement import rearranged
from archdsl.importers.recording import recorded


def brought(make: Callable[[], nn.Module], shape: tuple[int, ...]) -> Imported:
    torch.manual_seed(0)
    module, arguments = recorded(make)
    return import_loaded([Loaded(module, "net", arguments, "here:Here")], shape, fixed=True).require_proved()


def test_the_batch_moves_and_merges() -> None:
    split = regrouped((16, 24), plain(2, True), (2, 4, 4, 3, 8), 2)
    assert split == ((4, 4, 3, 8), plain(4, True))
    merged = regrouped((4, 4, 6), plain(3, True), (32, 6), 2)
    assert merged == ((4, 4, 6), ((BATCH_AXIS, 0, 1), (2,)))
    assert regrouped((4, 4, 6), merged[1], (2, 16, 6), 2) == ((4, 4, 6), ((BATCH_AXIS,), (0, 1), (2,)))
    assert regrouped((5, 6), plain(2, True), (4, 15), 2) is None


@pytest.mark.parametrize(
    ("shape", "ops", "pattern"),
    [
        ((8, 6, 6), [("permute", (1, 2, 0)), ("reshape", (36, 8))], "c h w -> (h w) c"),
        ((9, 24), [("reshape", (9, 3, 2, 4)), ("permute", (1, 2, 0, 3))], "l (three n d) -> three n l d"),
        ((8, 12, 12), [("reshape", (8, 3, 4, 3, 4)), ("permute", (1, 3, 2, 4, 0))], "c (h p) (w q) -> h w p q c"),
        ((4, 6), [("reshape", (4, 1, 6))], "l c -> l 1 c"),
        ((7, 7, 8), [("reshape", (1, 7, 1, 7, 8)), ("permute", (0, 2, 1, 3, 4)), ("reshape", (1, 1, 49, 8))],
         "(h p) (w q) c -> h w (p q) c"),
        ((7, 7, 8), [("reshape", (7, 1, 7, 1, 8)), ("permute", (0, 2, 1, 3, 4)), ("reshape", (49, 1, 8))],
         "(h p) (w q) c -> (h w) (p q) c"),
        ((1, 1, 49, 8), [("reshape", (1, 1, 7, 7, 8)), ("permute", (0, 2, 1, 3, 4)), ("reshape", (7, 7, 8))],
         "h w (p q) c -> (h p) (w q) c"),
        ((1, 49, 8), [("reshape", (1, 1, 7, 7, 8)), ("permute", (4, 0, 2, 1, 3)), ("reshape", (8, 7, 7))],
         "(h w) (p q) c -> c (h p) (w q)"),
        ((7, 7, 8), [("reshape", (1, 49, 8))], "h w c -> 1 (h w) c"),
        ((8, 7, 7), [("reshape", (8, 1, 7, 1, 7)), ("permute", (1, 3, 2, 4, 0)), ("reshape", (1, 49, 8))],
         "c (h p) (w q) -> (h w) (p q) c"),
    ],
)  # fmt: skip
def test_patterns_of_axes(shape: tuple[int, ...], ops: list[tuple[str, tuple[int, ...]]], pattern: str) -> None:
    value, chain = Value(shape), []
    for op, numbers in ops:
        made = numbers if op == "reshape" else tuple(value.shape[axis] for axis in numbers)
        chain.append(Apply(op, {"sizes": numbers} if op == "reshape" else {"order": numbers}, [value], [Value(made)]))
        value = chain[-1].outputs[0]
    found = rearranged(chain)
    assert found is not None and found["pattern"] == pattern


class Spelled(nn.Module):
    """Attention as arithmetic, with a learned bias."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.proj = nn.Linear(8, 24), nn.Linear(8, 8)
        self.pairs = nn.Parameter(torch.zeros(2, 6, 6))

    def forward(self, x: Tensor) -> Tensor:
        b, n, c = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, 2, 4).permute(2, 0, 3, 1, 4).unbind(0)
        weights = (q * 4**-0.5) @ k.transpose(-2, -1) + self.pairs
        return self.proj((weights.softmax(-1) @ v).transpose(1, 2).reshape(b, n, c))


def test_attention_that_is_spelled_out() -> None:
    text = brought(Spelled, (6, 8)).text
    assert 'rearrange("l (three n d) -> three n l d", three = 3, n = 2)' in text
    assert "[q, k, v]: split(3)" in text and "attend(q, k, v, bias = pairs)" in text
    assert 'rearrange("1 n l d -> l (n d)")' in text


class Windows(nn.Module):
    """Attention in shifted windows of two by two, as in Swin, written for any size."""

    def __init__(self, shift: int) -> None:
        super().__init__()
        self.shift = shift
        self.relative_position_bias_table = nn.Parameter(torch.randn(9, 2))
        places = torch.stack(torch.meshgrid(torch.arange(2), torch.arange(2), indexing="ij")).flatten(1)
        offsets = (places[:, :, None] - places[:, None, :]).permute(1, 2, 0) + 1
        self.register_buffer("relative_position_index", (offsets[:, :, 0] * 3 + offsets[:, :, 1]).flatten())
        self.qkv, self.proj = nn.Linear(8, 24), nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        b, h, w, c = x.shape
        y = nn.functional.pad(x, (0, 0, 0, w % 2, 0, h % 2))
        _, rows, columns, _ = y.shape
        shift = self.shift if min(rows, columns) > 2 else 0
        if shift:
            y = torch.roll(y, (-shift, -shift), (1, 2))
        count = (rows // 2) * (columns // 2)
        y = y.view(b, rows // 2, 2, columns // 2, 2, c).permute(0, 1, 3, 2, 4, 5).reshape(b * count, 4, c)
        q, k, v = self.qkv(y).reshape(b * count, 4, 3, 2, 4).permute(2, 0, 3, 1, 4).unbind(0)
        weights = (q * 0.5) @ k.transpose(-2, -1)
        index: Tensor = self.relative_position_index  # type: ignore[assignment]
        weights = weights + self.relative_position_bias_table[index].view(4, 4, 2).permute(2, 0, 1).unsqueeze(0)
        if shift:
            region = x.new_zeros((rows, columns))
            for n, rest in enumerate((slice(0, -2), slice(-2, -shift), slice(-shift, None))):
                for m, other in enumerate((slice(0, -2), slice(-2, -shift), slice(-shift, None))):
                    region[rest, other] = 3 * n + m
            region = region.view(rows // 2, 2, columns // 2, 2).permute(0, 2, 1, 3).reshape(count, 4)
            apart = region.unsqueeze(1) - region.unsqueeze(2)
            mask = apart.masked_fill(apart != 0, -100.0).masked_fill(apart == 0, 0.0)
            weights = (weights.view(b, count, 2, 4, 4) + mask.unsqueeze(1).unsqueeze(0)).view(-1, 2, 4, 4)
        y = (weights.softmax(-1) @ v).transpose(1, 2).reshape(b * count, 4, c)
        y = self.proj(y).view(b, rows // 2, columns // 2, 2, 2, c).permute(0, 1, 3, 2, 4, 5).reshape(b, rows, columns, c)
        if shift:
            y = torch.roll(y, (shift, shift), (1, 2))
        return y[:, :h, :w]


class Shifted(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 2, 2)
        self.blocks = nn.Sequential(Windows(0), Windows(1))

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.blocks(self.patches(x).permute(0, 2, 3, 1))
        return result


def test_windows_are_those_of_any_size() -> None:
    """At this size nothing is padded; the text has been traced at one at which everything happens."""
    imported = brought(Shifted, (3, 16, 16))
    for words in ("pad_to(2, axis = [0, 1])", "window_shift(-1, 2)", "window_mask(", "rel_bias(2, 2)", "crop_like("):
        assert words in imported.text, imported.text
    assert any("evaluation at 3x40x49" in line and "only" not in line for line in imported.reports["net"].lines)


class Tables(nn.Module):
    """Constants that follow from nothing: few numbers are written, and many as the ops that compute them."""

    def __init__(self, count: int = 4) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, count, 1)
        self.count = count

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.conv(x) * (torch.arange(self.count) * 0.5 + 1).view(1, -1, 1, 1)
        return result


class Weighted(nn.Module):
    """A table of numbers that nothing computes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 40, 1)
        self.register_buffer("table", torch.randn(40, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.conv(x) * self.table
        return result


def test_constants() -> None:
    assert "const([1, 1.5, 2, 2.5], shape = [4, 1, 1])" in brought(Tables, (3, 8, 8)).text
    assert "const(0..40) -> scale(0.5) -> add(1)" in brought(lambda: Tables(40), (3, 8, 8)).text
    with pytest.raises(SpecError) as caught:
        archdsl.from_module(Weighted(), (3, 8, 8))
    assert "a table of 40 fixed numbers" in str(caught.value)


class Resized(nn.Module):
    """A decoder that follows the sizes of its input."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.head = nn.Conv2d(3, 4, 3, 4, 1), nn.Conv2d(4, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.head(self.down(x))
        return nn.functional.interpolate(y, size=x.shape[-2:], mode="bilinear", align_corners=False)


def test_interpolation_follows_a_value() -> None:
    imported = brought(Resized, (3, 16, 16))
    assert "resize_like(image, bilinear)" in imported.text
    assert "evaluation at 3x40x49: bit for bit" in imported.reports["net"].lines


class Siamese(nn.Module):
    """Two inputs, one tower."""

    def __init__(self) -> None:
        super().__init__()
        self.tower = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())
        self.last = nn.Linear(4, 1)

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        result: Tensor = self.last((self.tower(left) * self.tower(right)).mean((2, 3)))
        return result


def test_a_module_that_runs_twice_is_declared() -> None:
    torch.manual_seed(0)
    imported = archdsl.from_module(Siamese(), [(3, 8, 8), (3, 8, 8)], name="siamese")  # type: ignore[list-item]
    assert "module tower: conv(4, 3" in imported.text and imported.text.count("tower") == 3, imported.text
