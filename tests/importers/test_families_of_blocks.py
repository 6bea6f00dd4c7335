"""Blocks with unlike instances, and tables of their calls, as a person writes those of the MobileNets, MixNet and VoVNet."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from archdsl.importers.importing import import_loaded
from archdsl.importers.load_module import Loaded
from archdsl.importers.recording import recorded
from tests.importers.test_constructs import Drops


def text_of(*makes: tuple[str, type[nn.Module], tuple[object, ...]], shape: tuple[int, ...] = (3, 16, 16)) -> str:
    """Return the proved text of models of some classes, with the arguments of their constructors."""
    loaded = []
    for name, made, given in makes:
        module, arguments = recorded(lambda made=made, given=given: made(*given))  # type: ignore[misc]
        loaded.append(Loaded(module.eval(), name, arguments, f"here:{name}"))
    return import_loaded(loaded, shape).require_proved().text


class Mixed(nn.ModuleList):
    """Convolutions with several windows, each of a part of the channels (MixNet, arXiv:1907.09595)."""

    def __init__(self, channels: int, count: int, stride: int = 1) -> None:
        part = channels // count
        super().__init__(
            nn.Conv2d(part, part, 2 * at + 3, stride, at + 1, groups=part, bias=False) for at in range(count)
        )  # fmt: skip
        self.part = part

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([conv(part) for conv, part in zip(self, torch.split(x, self.part, 1), strict=True)], 1)


class MixNet(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(nn.Conv2d(3, 12, 1), Mixed(12, 2), Mixed(12, 3, 2), Mixed(12, 4))


def test_joins_with_other_numbers_of_branches_are_a_loop() -> None:
    text = text_of(("mix", MixNet, ()))
    assert "block mixed(count, stride = 1) {" in text, text
    assert '  concat { for i in 0..count { "{i}": parts[i] -> depthwise(2 * i + 3, stride, bias = false) } }' in text, text


class Osa(nn.Module):
    """The results of all layers, concatenated (VoVNet, arXiv:1904.09730); with `again`, the input is read once more."""

    def __init__(self, width: int, count: int, again: bool = False) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(8 if at == 0 else width, width, 3, padding=1) for at in range(count))
        self.last, self.again = nn.Conv2d(8 + count * width, 8, 1), again

    def forward(self, x: Tensor) -> Tensor:
        results = [x]
        for layer in self.layers:
            results.append(layer(results[-1]))
        return self.last(torch.cat(results, 1)) + x if self.again else self.last(torch.cat(results, 1))


class VoVNet(nn.Module):
    def __init__(self, again: bool = False) -> None:
        super().__init__()
        self.stem, self.one, self.two = nn.Conv2d(3, 8, 1), Osa(4, 3), Osa(6, 4, again)

    def forward(self, x: Tensor) -> Tensor:
        return self.two(self.one(self.stem(x)))


def test_results_of_all_steps_are_a_family() -> None:
    text = text_of(("vov", VoVNet, ()))
    assert "  step[0]: x\n  for i in 0..count { layers[i]: conv(width, 3); step[i + 1]: x }" in text, text
    assert "  concat { for value in step { value } }" in text, text
    text = text_of(("vov", VoVNet, (True,)))
    assert "  before: x\n" in text and "concat { before; for value in step { value } }" in text, text


class Activated(nn.Sequential):
    def __init__(
        self, inputs: int, out: int, k: int, stride: int = 1, groups: int = 1, act: type[nn.Module] | None = None
    ) -> None:
        super().__init__(nn.Conv2d(inputs, out, k, stride, k // 2, groups=groups, bias=False), nn.BatchNorm2d(out))
        if act is not None:
            self.append(act())


class Inverted(nn.Module):
    def __init__(self, inputs: int, k: int, hidden: int, out: int, gate: bool, act: type[nn.Module], stride: int) -> None:
        super().__init__()
        self.block = nn.Sequential(Activated(inputs, hidden, 1, act=act), Activated(hidden, hidden, k, stride, hidden, act))
        self.gate = nn.Conv2d(hidden, hidden, 1) if gate else None
        self.project, self.shortcut = Activated(hidden, out, 1), stride == 1 and inputs == out

    def forward(self, x: Tensor) -> Tensor:
        y = self.block(x)
        if self.gate is not None:
            y = y * torch.sigmoid(self.gate(y.mean((2, 3), keepdim=True)))
        return x + self.project(y) if self.shortcut else self.project(y)


class MobileNet(nn.Module):
    def __init__(self, rows: Sequence[tuple[int, int, int, bool, type[nn.Module], int]]) -> None:
        super().__init__()
        widths = [8, *(row[2] for row in rows)]
        self.stem = nn.Conv2d(3, 8, 1)
        self.units = nn.Sequential(*(Inverted(inputs, *row) for inputs, row in zip(widths, rows, strict=False)))

    def forward(self, x: Tensor) -> Tensor:
        return self.units(self.stem(x))


_R, _H = nn.ReLU, nn.Hardswish
SMALL = [
    (3, 8, 8, True, _R, 2), (3, 20, 12, False, _R, 1), (3, 22, 12, False, _R, 1), (5, 24, 16, True, _H, 2),
    (5, 60, 16, True, _H, 1), (5, 60, 16, True, _H, 1), (3, 30, 24, True, _H, 1), (3, 36, 24, False, _H, 1),
]  # fmt: skip
LARGE = [*SMALL, (5, 50, 28, True, _H, 1)]


def test_many_numbers_are_a_table() -> None:
    text = text_of(("small", MobileNet, (SMALL,)))
    assert "block activated(out, k = 1, stride = 1, groups = 1, act = none) {" in text and "  if act != none { act }\n" in text, (
        text
    )
    assert "    let rows = [\n      [3,  8,  8,      relu,  true, 2],\n" in text, text
    assert "for [k, hidden, out, act, gate, stride] in rows { inverted(k, hidden, out, act, gate, stride) }" in text, text


def test_tables_of_a_family_are_constants() -> None:
    text = text_of(("net_small", MobileNet, (SMALL,)), ("net_large", MobileNet, (LARGE,)))
    assert "let rows_small = [\n" in text and "let rows_large = [\n" in text, text
    assert "network net_small = mobilenet(rows_small) expect" in text, text


class Expanding(nn.Module):
    def __init__(self, inputs: int, expand: int, out: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(inputs, expand * inputs, 1), nn.Conv2d(expand * inputs, out, 3, stride, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv2(torch.relu(self.conv1(x)))


class Fused(Expanding):
    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(self.conv2(self.conv1(x))) * 2


class Doubled(Expanding):
    """The factor is no argument of the constructor."""

    def __init__(self, inputs: int, out: int, expanded: bool) -> None:
        super().__init__(inputs, 6 if expanded else 1, out, 1)


class Units(nn.Sequential):
    def __init__(self, *rows: tuple[type[nn.Module], tuple[object, ...]]) -> None:
        inputs, made = 3, []
        for make, given in rows:
            made.append(make(inputs, *given))
            inputs = made[-1].conv2.out_channels
        super().__init__(*made)


def test_hidden_channels_are_a_multiple_of_those_of_the_input() -> None:
    rows = [(Doubled, (4, False)), (Doubled, (5, True)), (Doubled, (7, True)), (Doubled, (8, True))]
    text = text_of(("net", Units, tuple(rows)))
    assert "block doubled(out, expand = 6) {\n  conv1: conv(expand * x.c, 1); relu\n" in text, text
    assert "for i, out in [4, 5, 7, 8] { doubled(out, expand = 1 if i == 0 else 6) }" in text, text


def test_blocks_with_the_same_parameters_are_rows_of_one_table() -> None:
    first = [(Fused, (1, 4, 1)), (Fused, (4, 6, 2)), (Fused, (4, 8, 1)), (Expanding, (4, 10, 2)), (Expanding, (6, 12, 1))]
    rows = [*first, (Expanding, (6, 16, 2)), (Expanding, (4, 18, 1)), (Expanding, (6, 20, 1))]
    text = text_of(("net", Units, tuple(rows)))
    assert "    [    fused, 1,  4, 1],\n" in text and "    [expanding, 6, 16, 2],\n" in text, text
    assert "  for [unit, expand, out, stride] in rows { unit(expand, out, stride) }" in text, text


class Ghost(nn.Module):
    """A block whose shortcut and further layer only some instances have (GhostNet, arXiv:1911.11907)."""

    def __init__(self, inputs: int, out: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(inputs, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 1), nn.ReLU())
        self.down = nn.Conv2d(16, 16, 3, stride, 1, groups=16) if stride > 1 else None
        self.last = nn.Sequential(nn.Conv2d(16, out, 1), nn.BatchNorm2d(out), nn.Conv2d(out, out, 3, padding=1))
        one = (nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs), nn.Conv2d(inputs, out, 1))
        self.shortcut = nn.Sequential(*one) if stride > 1 or inputs != out else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.first(x)
        y = self.last(y if self.down is None else self.down(y))
        return y + (x if self.shortcut is None else self.shortcut(x))


class GhostNet(nn.Sequential):
    def __init__(self, *rows: tuple[int, int]) -> None:
        widths = [3, *(out for out, _ in rows)]
        super().__init__(*(Ghost(inputs, *row) for inputs, row in zip(widths, rows, strict=False)))


def test_a_shortcut_with_two_layers_is_one_of_some_instances() -> None:
    text = text_of(("ghost", GhostNet, ((8, 2), (8, 1), (12, 1), (12, 1))))
    assert text.count("block ") == 1 and "  skip {\n" in text, text
    assert "} via { if stride != 1 or x.c != out { shortcut: depthwise(3, stride) -> conv(out, 1) } }" in text, text
    assert "if stride != 1 { down: depthwise(3, stride) }" in text, text


class Deep(nn.Sequential):
    def __init__(self, *groups: tuple[type[nn.Module], tuple[tuple[object, ...], ...]]) -> None:
        made, inputs = [], 3
        for make, rows in groups:
            made.append(Units(*((make, row) for row in rows)))
            inputs = made[-1][-1].conv2.out_channels
            assert inputs == 3
        super().__init__(*made)


def test_networks_that_have_little_in_common_are_apart() -> None:
    one = (Deep, ((Expanding, ((2, 4, 1), (3, 3, 1))),))
    other = (Deep, ((Fused, ((2, 3, 1),)), (Expanding, ((5, 3, 2), (2, 7, 1), (1, 3, 1)))))
    text = text_of(("one", *one), ("other", *other))
    assert "network one {" in text and "network other {" in text, text


class RepVGG(nn.Module):
    """A sum of terms, of which some instances lack one (arXiv:2101.03697); with several convolutions, MobileOne's block."""

    def __init__(self, inputs: int, out: int, stride: int, count: int) -> None:
        super().__init__()
        self.scale = nn.Conv2d(inputs, out, 1, stride)
        self.convs = nn.ModuleList(nn.Conv2d(inputs, out, 3, stride, 1) for _ in range(count))
        self.identity = nn.BatchNorm2d(out) if stride == 1 else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.scale(x)
        for conv in self.convs:
            y = y + conv(x)
        return torch.relu(y if self.identity is None else y + self.identity(x))


class Sums(nn.Sequential):
    def __init__(self, *rows: tuple[int, int, int]) -> None:
        widths = [3, *(out for out, *_ in rows)]
        super().__init__(*(RepVGG(inputs, *row) for inputs, row in zip(widths, rows, strict=False)))


def test_terms_of_a_sum_that_some_instances_lack() -> None:
    text = text_of(("net", Sums, ((4, 2, 4), (4, 1, 4), (6, 2, 1), (6, 1, 4))))
    assert text.count("block ") == 1 and "skip" not in text, text
    assert "    for i in 0..count { convs[i]: conv(out, 3, stride) }\n    if stride == 1 { identity: bn }\n" in text, text


class Fusion(nn.Module):
    """Sums of values of several resolutions, as in HRNet."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.ModuleList(nn.Conv2d(3, 4, 3, 2**at, 1) for at in range(3))
        self.fuse = nn.ModuleList(nn.Conv2d(4, 4, 1) for _ in range(3))
        self.down = nn.Conv2d(4, 4, 3, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        high, middle, low = (stem(x) for stem in self.stem)
        y = nn.functional.interpolate(self.fuse[0](middle), scale_factor=2.0)
        z = nn.functional.interpolate(self.fuse[1](low), scale_factor=4.0)
        other = self.down(high) + middle + nn.functional.interpolate(self.fuse[2](low), scale_factor=2.0)
        return torch.cat([high + y + z, nn.functional.interpolate(other, scale_factor=2.0)], 1)


def test_branches_begin_at_other_values() -> None:
    text = text_of(("net", Fusion, ()))
    assert "  add {\n    stem[0]\n    { fuse[0]: stem[1] -> conv(4, 1); upsample(2) }\n" in text, text


class Stages(nn.Sequential):
    """Stages with widths and windows of a table, and stochastic depth that grows through all of them."""

    class Unit(Drops.Unit):
        def __init__(self, inputs: int, width: int, k: int, rate: float) -> None:
            super().__init__(width, rate)
            self.first = nn.Conv2d(inputs, width, k, padding=k // 2)

        def forward(self, x: Tensor) -> Tensor:
            return super().forward(self.first(x))

    def __init__(self, rows: Sequence[tuple[int, int]], layers: Sequence[int]) -> None:
        count, inputs, stages = sum(layers), 3, []
        for (width, k), n in zip(rows, layers, strict=True):
            units = []
            for _ in range(n):
                at = sum(map(len, stages)) + len(units)
                units.append(Stages.Unit(inputs, width, k, 0.1 * at / (count - 1)))
                inputs = width
            stages.append(nn.Sequential(*units))
        super().__init__(*stages)


def test_networks_of_a_family_that_differ_in_layers_share_a_table() -> None:
    rows = [(4, 3), (6, 5), (9, 3), (14, 1), (16, 3)]
    text = text_of(("net_a", Stages, (rows, (1, 2, 2, 1, 3))), ("net_b", Stages, (rows, (2, 2, 3, 1, 3))))
    assert "    let n = layers[i]\n" in text and "(sum(layers) - 1)" in text, text
    assert "network net_a = stages([1, 2, 2, 1, 3]) expect" in text, text


def test_the_numbers_of_layers_are_those_of_the_table() -> None:
    rows, wide = [(4, 3), (6, 5), (9, 3), (14, 1), (16, 3)], [(5, 3), (7, 5), (10, 3), (14, 1), (20, 3)]
    text = text_of(("net_a", Stages, (rows, (1, 2, 2, 1, 3))), ("net_b", Stages, (wide, (2, 2, 3, 1, 3))))
    assert "  let layers = [n for [_, _, n] in rows]\n" in text and "(sum(layers) - 1)" in text, text
    assert "= stages(rows_a)" in text or "= stages([[" in text, text
