"""Networks with several values, compared with the same networks written in PyTorch by hand."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import archdsl

PYRAMID = """
block pyramid(width, levels) {
  let last = len(levels) - 1
  for i, level in levels { inner[i]: level -> conv(width, 1) }
  top[last]: inner[last]
  for step in 0..last {
    let i = last - 1 - step
    top[i + 1] -> upsample(2)
    top[i]: add { inner[i]; x }
  }
  for i in 0..len(levels) { p[i]: top[i] -> conv(width, 3) }
}

network detector {
  input image [3, 32, 32]
  body: {
    low: conv(4, 3, stride = 2) -> relu
    middle: conv(6, 3, stride = 2) -> relu
    high: conv(8, 3, stride = 2) -> relu
  }
  neck: pyramid(5, [body.low, body.middle, body.high])
  second: pyramid(5, neck.p)
  for i in 0..2 { output p[i]: second.p[i] }
  second.p[2]
}
"""


class Pyramid(nn.Module):
    def __init__(self, channels: list[int]) -> None:
        super().__init__()
        self.inner = nn.ModuleList([nn.Conv2d(n, 5, 1) for n in channels])
        self.p = nn.ModuleList([nn.Conv2d(5, 5, 3, padding=1) for _ in channels])

    def forward(self, levels: list[Tensor]) -> list[Tensor]:
        tops = [inner(level) for inner, level in zip(self.inner, levels, strict=True)]
        for i in (1, 0):
            tops[i] = tops[i] + F.interpolate(tops[i + 1], scale_factor=2)
        return [p(top) for p, top in zip(self.p, tops, strict=True)]


class Detector(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        names = {"low": (3, 4), "middle": (4, 6), "high": (6, 8)}
        body = {name: nn.Sequential(nn.Conv2d(*sides, 3, 2, 1), nn.ReLU()) for name, sides in names.items()}
        self.body = nn.ModuleDict(body)
        self.neck = Pyramid([4, 6, 8])
        self.second = Pyramid([5, 5, 5])

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        levels = []
        for part in self.body.values():
            x = part(x)
            levels.append(x)
        first, second, third = self.second(self.neck(levels))
        return third, first, second


NESTED = """
block node(width) { conv1: conv(width, 3); relu }

network nested(depth = 3, widths = [4, 6, 8]) {
  input image [3, 16, 16]
  x_[0][0]: node(widths[0])
  for row in 1..depth {
    x_[row - 1][0] -> maxpool(2)
    x_[row][0]: node(widths[row])
    for column in 1..row + 1 {
      let i = row - column
      x_[i + 1][column - 1] -> upsample(2)
      concat { for v in x_[i] { v }; x }
      x_[i][column]: node(widths[i])
    }
  }
  x_[0][1..depth][1]
}
"""


class Node(nn.Module):
    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, padding=1)

    def forward(self, *xs: Tensor) -> Tensor:
        return F.relu(self.conv1(torch.cat(xs, 1)))


class Nested(nn.Module):
    """U-Net++ (Zhou et al. 2018, arXiv:1807.10165, Figure 1)."""

    def __init__(self) -> None:
        super().__init__()
        widths = [4, 6, 8]
        self.x_ = nn.ModuleList([nn.ModuleList() for _ in widths])
        for row in range(3):
            self.x_[row].append(Node(widths[row - 1] if row else 3, widths[row]))
            for column in range(1, row + 1):
                i = row - column
                self.x_[i].append(Node(column * widths[i] + widths[i + 1], widths[i]))

    def forward(self, image: Tensor) -> Tensor:
        x: dict[tuple[int, int], Tensor] = {(0, 0): self.x_[0][0](image)}
        for row in range(1, 3):
            x[row, 0] = self.x_[row][0](F.max_pool2d(x[row - 1, 0], 2))
            for column in range(1, row + 1):
                i = row - column
                below = F.interpolate(x[i + 1, column - 1], scale_factor=2)
                x[i, column] = self.x_[i][column](*[x[i, j] for j in range(column)], below)
        return x[0, 2]


BRANCHES = """
block fuse(values, to) {
  for i, v in values {
    reduce[i]: v -> conv(values[to].c, 1)
    for step in i..to { avgpool(2) }
    for step in to..i { upsample(2) }
    part[i]: x
  }
  add { for v in part { v } }
  relu
}

network branches {
  input image [3, 16, 16]
  y[0]: conv(4, 3)
  for stage in 1..3 {
    y[stage - 1] -> maxpool(2)
    y[stage]: conv(4 * 2^stage, 3)
    let before = y[0..stage + 1]
    fused[stage]: {
      for i in 0..stage + 1 { at[i]: fuse(before, i) }
    }
    for i in 0..stage + 1 { y[i]: fused[stage].at[i] }
  }
  concat { for i, v in y { v -> upsample(2^i) } }
}
"""


class Fuse(nn.Module):
    def __init__(self, widths: list[int], to: int) -> None:
        super().__init__()
        self.reduce = nn.ModuleList([nn.Conv2d(width, widths[to], 1) for width in widths])
        self.to = to

    def forward(self, values: list[Tensor]) -> Tensor:
        parts = []
        for i, (conv, value) in enumerate(zip(self.reduce, values, strict=True)):
            part = conv(value)
            for _ in range(i, self.to):
                part = F.avg_pool2d(part, 2)
            parts.append(F.interpolate(part, scale_factor=2 ** max(i - self.to, 0)))
        return F.relu(torch.stack(parts).sum(0))


class Branches(nn.Module):
    """The exchange between resolutions of HRNet (Sun et al. 2019, arXiv:1902.09212, Figure 2)."""

    def __init__(self) -> None:
        super().__init__()
        widths = [4, 8, 16]
        self.y = nn.ModuleList([nn.Conv2d(before, width, 3, padding=1) for before, width in zip([3, 4, 8], widths, strict=True)])
        stages = [nn.Module(), nn.Module()]
        for stage, module in enumerate(stages, 1):
            module.fuses = nn.ModuleList([Fuse(widths[: stage + 1], i) for i in range(stage + 1)])
        self.fused = nn.ModuleDict({str(stage): module for stage, module in enumerate(stages, 1)})

    def forward(self, x: Tensor) -> Tensor:
        values = [self.y[0](x)]
        for stage in (1, 2):
            values.append(self.y[stage](F.max_pool2d(values[-1], 2)))
            values = [fuse(values) for fuse in self.fused[str(stage)].fuses]
        return torch.cat([F.interpolate(value, scale_factor=2**i) for i, value in enumerate(values)], 1)


SPLIT = """
network tokens {
  input image [6, 8]
  "to-qkv": linear(12)
  [q, k, v]: split(3, axis = -1)
  [left, _, right]: q -> split([1, 2, 3])
  concat { left; right; k -> relu; v -> sigmoid }
}
"""


def _same(text: str, reference: nn.Module, shape: tuple[int, ...]) -> None:
    network = archdsl.loads(text)
    module = network.build()
    state = {key: torch.randn_like(value) for key, value in reference.state_dict().items()}
    assert set(module.state_dict()) == set(state)
    module.load_state_dict(state)
    reference.load_state_dict(state)
    x = torch.randn(2, *shape)
    for found, expected in zip(_values(module(x)), _values(reference(x)), strict=True):
        torch.testing.assert_close(found, expected)


def _values(found: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return (found,) if isinstance(found, Tensor) else tuple(found)


def test_pyramid_of_several_values() -> None:
    """A block that takes a list of values, and gives a family: once of a group's values, once of its own."""
    _same(PYRAMID, Detector(), (3, 32, 32))
    assert archdsl.loads(PYRAMID).build()(torch.randn(1, 3, 32, 32))._fields == ("main", "p0", "p1")


def test_two_indices() -> None:
    _same(NESTED, Nested(), (3, 16, 16))


def test_lists_of_values() -> None:
    """Values of a family that a loop replaces, as a list for a block that is called for each of them."""
    network, reference = archdsl.loads(BRANCHES), Branches()
    module = network.build()
    state = dict(zip(module.state_dict(), [torch.randn_like(value) for value in reference.state_dict().values()], strict=True))
    module.load_state_dict(state)
    reference.load_state_dict(dict(zip(reference.state_dict(), state.values(), strict=True)))
    assert [key for key in state if key.endswith("weight")][-1] == "fused.2.at.2.reduce.2.weight"
    image = torch.randn(2, 3, 16, 16)
    torch.testing.assert_close(module(image), reference(image))


class Tokens(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.add_module("to-qkv", nn.Linear(8, 12))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.get_submodule("to-qkv")(x).chunk(3, -1)
        left, _, right = q.split([1, 2, 3], 1)
        return torch.cat([left, right, k.relu(), v.sigmoid()], 1)


def test_split() -> None:
    _same(SPLIT, Tokens(), (6, 8))
    assert "q, k, v = x.chunk(3, 2)" in archdsl.loads(SPLIT).source()
    assert "left, _, right = q.split((1, 2, 3), 1)" in archdsl.loads(SPLIT).source()


NAMES = ["block1-0", "1x1", "_x", "__y", "lambda", 'a"b\\', "two words", "ﬁ", "²", "7", "None", "x/y"]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_of_a_submodule(name: str) -> None:
    """A label in quotes is a key of the real module, alone, in a chain, around a class, and in a rule of initialization."""
    written = name.replace("\\", "\\\\").replace('"', '\\"')
    text = f"""network n {{
      input image [3, 8, 8]
      "{written}": conv(3, 3, init = normal(std = 0.01))
      chain: {{ "{written}": conv(3, 3); relu }}
      group: {{ "{written}": {{ skip {{ conv(3, 3) -> bn }} }}; relu }}
      conv(3, 3)
    }}"""
    network = archdsl.loads(text)
    module = network.build()
    module(torch.randn(2, 3, 8, 8))
    keys = [key for key in module.state_dict() if key.endswith(".weight")]
    assert keys[:3] == [f"{name}.weight", f"chain.{name}.weight", f"group.{name}.0.weight"]
    assert float(module.get_submodule(name).weight.detach().std()) < 0.02


CONTAINERS = (nn.Module, nn.Sequential, nn.ModuleList, nn.ModuleDict, nn.ParameterList, nn.ParameterDict)


def test_labels_leave_out_what_modules_keep() -> None:
    """Every attribute that PyTorch's modules have is refused as a label, so that no submodule hides it."""
    kept = {name for container in CONTAINERS for name in dir(container()) if not name.startswith("___")}  # marks of a compiler
    for name in sorted(kept):
        found = archdsl.check(f'network n {{ input image [3, 8, 8]; "{name}": conv(3, 3) }}')
        if hasattr(nn.Module(), name) or hasattr(nn.Sequential(), name) or name.startswith("_"):
            assert [diagnostic.code for diagnostic in found] == ["E0207"], name
