"""Further constructs of published models, each as a tiny module that becomes a text and is proved."""

from __future__ import annotations

import torch
from torch import Tensor, nn

import archdsl


class Gates(nn.Module):
    """Attention over channels and positions by means and maxima, as in CBAM; a trace also has the positions of the maxima."""

    def __init__(self) -> None:
        super().__init__()
        self.average, self.largest = nn.AdaptiveAvgPool2d(1), nn.AdaptiveMaxPool2d(1)
        self.channels = nn.Sequential(nn.Conv2d(4, 2, 1), nn.ReLU(), nn.Conv2d(2, 4, 1))
        self.positions = nn.Conv2d(2, 1, 7, padding=3)

    def forward(self, x: Tensor) -> Tensor:
        x = x * torch.sigmoid(self.channels(self.average(x)) + self.channels(self.largest(x)))
        both = torch.cat([x.max(dim=1)[0].unsqueeze(1), x.mean(dim=1).unsqueeze(1)], 1)
        return x * torch.sigmoid(self.positions(both))


def test_maxima_without_their_positions() -> None:
    text = archdsl.from_module(Gates(), (4, 8, 8), name="gates").text
    assert "maxpool_to(1)" in text and "max(axis = 0" in text and "[4, H, W]" in text, text
