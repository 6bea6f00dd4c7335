"""YOLOv8 in plain PyTorch, after github.com/ultralytics/ultralytics, with the keys of its `state_dict`.

The layers are those of `yolov8.yaml`, and the classes are called as there.
"""

from __future__ import annotations

from math import ceil

import torch
from torch import Tensor, nn

SCALES = {"n": (0.33, 0.25, 1024), "s": (0.33, 0.5, 1024), "m": (0.67, 0.75, 768), "l": (1.0, 1.0, 512), "x": (1.0, 1.25, 512)}
"""Depth, width and the most channels before the width, by the letter of a scale."""

BACKBONE = [
    (-1, "Conv", 64), (-1, "Conv", 128), (-1, "C2f", 128, 3, True), (-1, "Conv", 256), (-1, "C2f", 256, 6, True),
    (-1, "Conv", 512), (-1, "C2f", 512, 6, True), (-1, "Conv", 1024), (-1, "C2f", 1024, 3, True), (-1, "SPPF", 1024),
]  # fmt: skip
NECK = [
    (-1, "Up"), (6, "Concat"), (-1, "C2f", 512, 3, False), (-1, "Up"), (4, "Concat"), (-1, "C2f", 256, 3, False),
    (-1, "Conv", 256), (12, "Concat"), (-1, "C2f", 512, 3, False), (-1, "Conv", 512), (9, "Concat"),
    (-1, "C2f", 1024, 3, False),
]  # fmt: skip
"""Where a layer takes its input (`Concat` a second one) from, its kind, and its arguments at the largest scale."""


class Conv(nn.Module):
    """Convolution, batch normalization, SiLU."""

    def __init__(self, c1: int, c2: int, k: int = 1, s: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c1, c2, k, s, k // 2, bias=False)
        self.bn = nn.BatchNorm2d(c2, eps=1e-3, momentum=0.03)

    def forward(self, x: Tensor) -> Tensor:
        """`[N, c2, H / s, W / s]`."""
        return nn.functional.silu(self.bn(self.conv(x)))


class Bottleneck(nn.Module):
    """Two 3x3 convolutions, in a part of the layers with a shortcut."""

    def __init__(self, c: int, shortcut: bool) -> None:
        super().__init__()
        self.cv1, self.cv2, self.shortcut = Conv(c, c, 3), Conv(c, c, 3), shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Same shape."""
        return x + self.cv2(self.cv1(x)) if self.shortcut else self.cv2(self.cv1(x))


class C2f(nn.Module):
    """Bottlenecks on one half of the channels, whose steps are all part of the result."""

    def __init__(self, c1: int, c2: int, n: int, shortcut: bool) -> None:
        super().__init__()
        self.cv1, self.cv2 = Conv(c1, c2), Conv((2 + n) * (c2 // 2), c2)
        self.m = nn.ModuleList(Bottleneck(c2 // 2, shortcut) for _ in range(n))

    def forward(self, x: Tensor) -> Tensor:
        """`[N, c2, H, W]`."""
        steps = list(self.cv1(x).chunk(2, 1))
        for unit in self.m:
            steps.append(unit(steps[-1]))
        return self.cv2(torch.cat(steps, 1))  # type: ignore[no-any-return]


class SPPF(nn.Module):
    """A chain of pools."""

    def __init__(self, c1: int, c2: int) -> None:
        super().__init__()
        self.cv1, self.cv2, self.m = Conv(c1, c1 // 2), Conv(2 * c1, c2), nn.MaxPool2d(5, 1, 2)

    def forward(self, x: Tensor) -> Tensor:
        """`[N, c2, H, W]`."""
        steps = [self.cv1(x)]
        for _ in range(3):
            steps.append(self.m(steps[-1]))
        return self.cv2(torch.cat(steps, 1))  # type: ignore[no-any-return]


class DFL(nn.Module):
    """The mean of a distribution over 16 distances, as a convolution whose weights are the distances."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(16, 1, 1, bias=False).requires_grad_(False)
        self.conv.weight.data = torch.arange(16, dtype=torch.float).view(1, 16, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """`[N, 4, A]`."""
        n, _, a = x.shape
        return self.conv(x.view(n, 4, 16, a).transpose(2, 1).softmax(1)).view(n, 4, a)  # type: ignore[no-any-return]


class Detect(nn.Module):
    """The heads of the three levels."""

    def __init__(self, classes: int, ch: list[int]) -> None:
        super().__init__()
        c2, c3 = max(16, ch[0] // 4, 64), max(ch[0], min(classes, 100))
        self.cv2 = nn.ModuleList(nn.Sequential(Conv(c, c2, 3), Conv(c2, c2, 3), nn.Conv2d(c2, 64, 1)) for c in ch)
        self.cv3 = nn.ModuleList(nn.Sequential(Conv(c, c3, 3), Conv(c3, c3, 3), nn.Conv2d(c3, classes, 1)) for c in ch)
        self.dfl, self.classes = DFL(), classes

    def forward(self, levels: list[Tensor]) -> dict[str, Tensor]:
        """The raw maps, and distances with probabilities, by archdsl's names."""
        raw = [torch.cat([box(x), cls(x)], 1) for x, box, cls in zip(levels, self.cv2, self.cv3, strict=True)]
        box, cls = torch.cat([x.view(len(x), 64 + self.classes, -1) for x in raw], 2).split([64, self.classes], 1)
        return {"main": torch.cat([self.dfl(box), cls.sigmoid()], 1), "p3": raw[0], "p4": raw[1], "p5": raw[2]}


class YOLOv8(nn.Module):
    """A scale of YOLOv8 without the decoding of boxes."""

    def __init__(self, scale: str, classes: int = 80) -> None:
        super().__init__()
        depth, width, most = SCALES[scale]
        ch, layers = [3], []
        for source, kind, *arguments in BACKBONE + NECK:  # type: ignore[operator, misc]
            c1, c2 = ch[-1], ceil(min(arguments[0], most) * width / 8) * 8 if arguments else ch[-1]
            if kind == "Conv":
                layers.append(Conv(c1, c2, 3, 2))
            elif kind == "C2f":
                layers.append(C2f(c1, c2, max(round(arguments[1] * depth), 1), arguments[2]))
            elif kind == "SPPF":
                layers.append(SPPF(c1, c2))
            else:
                layers.append(nn.Upsample(scale_factor=2.0) if kind == "Up" else nn.Identity())
                c2 = c1 if kind == "Up" else c1 + ch[source + 1]
            ch.append(c2)
        self.model = nn.Sequential(*layers, Detect(classes, [ch[16], ch[19], ch[22]]))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """The result of the heads."""
        values: list[Tensor] = []
        for layer, (source, kind, *_) in zip(self.model, BACKBONE + NECK, strict=False):  # type: ignore[operator]
            x = torch.cat([x, values[source]], 1) if kind == "Concat" else layer(x)
            values.append(x)
        return self.model[-1]([values[15], values[18], values[21]])  # type: ignore[no-any-return]


def reference(name: str) -> nn.Module:
    """The network of a name such as `yolov8n`."""
    return YOLOv8(name[-1])
