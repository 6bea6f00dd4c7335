"""Symbolic sizes of imported texts: where the compiler decides them, and why they stay fixed elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import Result
from torch import Tensor, nn
from torch.nn import functional as F

import archdsl


class Segments(nn.Module):
    """A U-Net of one step, whose result has the size of the image."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.down = nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 8, 3, 2, 1)
        self.out = nn.Conv2d(12, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        high = self.stem(x)
        low = F.interpolate(self.down(high), size=high.shape[2:], mode="bilinear")
        return F.interpolate(self.out(torch.cat([high, low], 1)), size=x.shape[2:])


def test_sizes_are_open_where_the_compiler_decides_them() -> None:
    imported = archdsl.from_module(Segments(), (3, 16, 16), name="segments")
    assert "input image [3, H, W]" in imported.text and "resize_like(image)" in imported.text
    assert "## MACs at 3x16x16: 13_056." in imported.text and "expect macs" not in imported.text
    lines = imported.reports["segments"].lines
    assert {"evaluation at 3x16x16: bit for bit", "evaluation at 3x48x80: bit for bit", "evaluation at 3x40x49: bit for bit"} <= {
        *lines
    }
    assert archdsl.loads(imported.text).sizes.sentences() == ["H and W can be any size"]


def test_sizes_can_be_kept() -> None:
    imported = archdsl.from_module(Segments(), (3, 16, 16), name="segments", fixed=True)
    assert "input image [3, 16, 16]" in imported.text and "expect macs == 13_056" in imported.text
    assert "sizes of the input are fixed" not in imported.text


class Pools(nn.Module):
    """Sizes must be at least 8, and multiples of 4."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + F.interpolate(F.max_pool2d(self.conv(x), 4), scale_factor=4) + F.avg_pool2d(x, 8).mean((2, 3), keepdim=True)


def test_the_proof_is_at_valid_sizes() -> None:
    report = archdsl.from_module(Pools(), (3, 16, 16), name="pools").reports["pools"]
    assert "evaluation at 3x40x52: bit for bit" in report.lines, report


class Picky(nn.Module):
    """Fully convolutional, but it refuses other sizes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        assert x.shape[2:] == (16, 16)
        result: Tensor = self.conv(x)
        return result


class Frozen16(nn.Module):
    """Only one size is valid."""

    def __init__(self) -> None:
        super().__init__()
        self.position = nn.Parameter(torch.zeros(1, 3, 16, 16))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.position


class Halved(nn.Module):
    """A resize to half of the image, which the language can only do to a fixed size."""

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(x, size=(x.shape[2] // 2, x.shape[3] // 2))


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: nn.Sequential(nn.Flatten(), nn.Linear(768, 4)), "The sizes of the input are fixed: "),
        (Frozen16, "The sizes of the input are fixed: "),
        (Picky, "The sizes of the input are fixed: the model takes no other sizes"),
        (Halved, "The text is the model at this size alone: evaluation at 3x48x80: (1, 3, 8, 8) for (1, 3, 24, 40)"),
    ],
)
def test_the_header_says_why_sizes_are_fixed(make: Callable[[], nn.Module], why: str) -> None:
    imported = archdsl.from_module(make(), (3, 16, 16), name="net")
    assert "input image [3, 16, 16]" in imported.text
    assert f"{why}" in imported.text, imported.text


def test_signals_and_volumes() -> None:
    signal = archdsl.from_module(nn.Sequential(nn.Conv1d(2, 4, 3, padding=1), nn.ReLU()), (2, 16), name="signal_net")
    assert "input signal [2, L]" in signal.text or "[2, L]" in signal.text
    tokens = archdsl.from_module(nn.Sequential(nn.Linear(8, 4), nn.ReLU()), (16, 8), name="tokens_net")
    assert "[L, 8]" in tokens.text
    words = archdsl.from_module(
        nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 2)), torch.zeros(2, 6, dtype=torch.long), name="words_net"
    )
    assert ": int [L]" in words.text and "evaluation at 38: bit for bit" in words.reports["words_net"].lines
    volume = archdsl.from_module(nn.Sequential(nn.Conv3d(1, 2, 3, padding=1)), (1, 4, 6, 8), name="volume_net")
    assert "[1, D, H, W]" in volume.text


def test_the_option_keeps_sizes(cli: Callable[..., Result]) -> None:
    Path("open_net.py").write_text("from torch import nn\nclass Net(nn.Sequential):\n    def __init__(self):\n"
                                   "        super().__init__(nn.Conv2d(3, 4, 3), nn.ReLU())\n")  # fmt: skip
    result: Any = cli("import", "open_net:Net", "--input", "3x8x8")
    assert result.exit_code == 0 and "[3, H, W]" in result.stdout
    result = cli("import", "open_net:Net", "--input", "3x8x8", "--fixed")
    assert result.exit_code == 0 and "[3, 8, 8]" in result.stdout and "expect macs" in result.stdout
    result = cli("check", "open_net:Net")
    assert result.exit_code == 0 and "H and W must be at least 3" in result.stdout
    result = cli("check", "open_net:Net", "--size", "3x8x8")
    assert result.exit_code == 0 and "[4, 6, 6]" in result.stdout


class Frozen(nn.Module):
    """Numbers of a trace that are sizes: of global pools, a crop, and an interpolation; one is to a fixed size."""

    def __init__(self) -> None:
        super().__init__()
        self.same, self.valid, self.gate = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(3, 4, 5), nn.Conv2d(4, 4, 1)

    def forward(self, x: Tensor) -> Any:
        y = self.valid(x)
        z = self.same(x)[:, :, : y.shape[2], : y.shape[3]] * y
        z = z * torch.sigmoid(self.gate(F.avg_pool2d(z, z.shape[2:])))
        up = F.interpolate(z, size=(2 * z.shape[2], 2 * z.shape[3]), mode="bilinear")
        return F.max_pool2d(up, up.shape[2:]), up, F.interpolate(z, size=(12, 12))


def test_numbers_that_are_sizes_follow_them() -> None:
    imported = archdsl.from_module(Frozen(), (3, 16, 16), name="frozen")
    text = imported.text
    assert "input image [3, H, W]" in text and "crop_like(valid, start)" in text, text
    assert "gap" in text and "upsample(2, mode = bilinear)" in text and "maxpool_to(1)" in text and "resize(12)" in text, text


class Crops(nn.Module):
    """The crop of the first U-Net: the middle of a larger value."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.valid = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 5)

    def forward(self, x: Tensor) -> Tensor:
        high = self.stem(x)
        low = self.valid(high)
        top, left = (high.shape[2] - low.shape[2]) // 2, (high.shape[3] - low.shape[3]) // 2
        return torch.cat([high[:, :, top : top + low.shape[2], left : left + low.shape[3]], low], 1)


def test_copy_and_crop() -> None:
    text = archdsl.from_module(Crops(), (3, 16, 16), name="crops").text
    assert "input image [3, H, W]" in text and "crop_like(valid)" in text, text
