"""Further constructs of published models, each as a tiny module that becomes a text and is proved."""

from __future__ import annotations

import torch
from torch import Tensor, nn

import archdsl
from archdsl.importers.importing import import_loaded
from archdsl.importers.load_module import Loaded
from archdsl.importers.recording import recorded


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


class Pair(nn.Module):
    """Two values in, two values out, as in networks of several resolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.high, self.low = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, values: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        high, low = torch.relu(self.high(values[0])), torch.relu(self.low(values[1]))
        return high + nn.functional.interpolate(low, scale_factor=2), low + nn.functional.avg_pool2d(high, 2)


class Resolutions(nn.Module):
    """Numbered modules whose values are read outside: a path leads to those of a family alone."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.down = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 3, 2, 1)
        self.stage = nn.Sequential(Pair(), Pair())

    def forward(self, x: Tensor) -> Tensor:
        high, low = self.stage((self.stem(x), self.down(x)))
        return torch.cat([nn.functional.max_pool2d(high, 2), low], 1)


def test_values_of_numbered_modules_are_read_by_paths() -> None:
    text = archdsl.from_module(Resolutions(), (3, 8, 8), name="net").text
    assert "stage[0]: {" in text and "stage[1]: {" in text and "stage[0]." in text, text


class Drops(nn.Module):
    """Stochastic depth that grows through all stages, whose widths are multiples of the first."""

    class Unit(nn.Module):
        class StochasticDepth(nn.Module):
            def __init__(self, p: float, mode: str) -> None:
                super().__init__()
                self.p, self.mode = p, mode

            def forward(self, x: Tensor) -> Tensor:
                if not self.training or self.p == 0:
                    return x
                return x * torch.empty(x.shape[0], 1, 1, 1).bernoulli_(1 - self.p).div_(1 - self.p)

        def __init__(self, width: int, rate: float) -> None:
            super().__init__()
            self.conv, self.norm = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
            self.drop = Drops.Unit.StochasticDepth(rate, "row")

        def forward(self, x: Tensor) -> Tensor:
            return x + self.drop(torch.relu(self.norm(self.conv(x))))

    def __init__(self, width: int, rate: float, layers: tuple[int, ...]) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, width, 1)
        rates = [rate * at / (sum(layers) - 1) for at in range(sum(layers))]
        for i, n in enumerate(layers):
            units: list[nn.Module] = [nn.Conv2d(width * 2 ** (i - 1), width * 2**i, 2, 2)] if i else [nn.Conv2d(width, width, 1)]
            units += [Drops.Unit(width * 2**i, rates[sum(layers[:i]) + j]) for j in range(n)]
            setattr(self, f"stage{i}", nn.Sequential(*units))
        self.count = len(layers)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for i in range(self.count):
            x = getattr(self, f"stage{i}")(x)
        return x


def test_numbers_of_a_family_follow_from_those_of_its_networks() -> None:
    loaded = []
    for name, arguments in (("drop10", (4, 0.1, (2, 2, 2))), ("drop20", (6, 0.2, (2, 3, 2)))):
        module, given = recorded(lambda arguments=arguments: Drops(*arguments))  # type: ignore[misc]
        loaded.append(Loaded(module.eval(), name, given, f"here:{name}"))
    text = import_loaded(loaded, (3, 16, 16)).require_proved().text
    assert "* (sum(layers[0..i]) + j) / (sum(layers) - 1)" in text and "* 2^i" in text, text
    assert "[2, 2, 2])" in text and "network drop(" in text and text == archdsl.format(text), text


class UNet(nn.Module):
    """Numbered levels: the lowest one is written like the others."""

    def __init__(self) -> None:
        super().__init__()
        self.enc = nn.ModuleList(nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.ReLU()) for a, b in ((3, 4), (4, 8), (8, 16)))
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * a, a, 2, 2) for a in (4, 8))
        self.dec = nn.ModuleList(nn.Sequential(nn.Conv2d(2 * a, a, 3, padding=1), nn.ReLU()) for a in (4, 8))

    def forward(self, x: Tensor) -> Tensor:
        kept = []
        for at, level in enumerate(self.enc):
            kept.append(level(x if at == 0 else nn.functional.max_pool2d(kept[-1], 2)))
        x = kept[-1]
        for at in (1, 0):
            x = self.dec[at](torch.cat([kept[at], self.up[at](x)], 1))
        return x


def test_levels_of_a_unet_are_written_alike() -> None:
    imported = archdsl.from_module(UNet(), (3, 16, 16), name="net")
    assert "  enc[2]:" in imported.text and "concat { enc[1]; x }" in imported.text, imported.text
    assert archdsl.loads(imported.text).sizes.sentences()[0].startswith("H and W must be multiples of 4"), imported.text


class StarRelu(nn.Module):
    """A rectifier with a learned factor and shift, whose tensors have one number (Yu et al. 2022, arXiv:2210.13452)."""

    def __init__(self) -> None:
        super().__init__()
        self.scale, self.bias = nn.Parameter(torch.ones(1)), nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * torch.relu(x) ** 2 + self.bias


class Factor(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale.view(-1, 1, 1)


class ScaledShortcut(nn.Module):
    """A residual connection with a factor of each channel, behind a norm that has no shift."""

    def __init__(self) -> None:
        super().__init__()
        self.res_scale, self.conv, self.act = Factor(4), nn.Conv2d(4, 4, 3, padding=1), StarRelu()
        self.norm = nn.GroupNorm(2, 4)
        self.norm.bias = None  # type: ignore[assignment]
        self.shift = nn.Parameter(torch.zeros(4))

    def forward(self, x: Tensor) -> Tensor:
        return self.res_scale(x) + self.act(self.conv(self.norm(x)) + self.shift.view(1, -1, 1, 1))


def test_tensors_that_are_called_like_ops() -> None:
    """A key may be the name of an op; a tensor that only gets axes of size one is stored flat."""
    text = archdsl.from_module(ScaledShortcut(), (4, 8, 8), name="net").text
    assert "scale: param([1, 1, 1], flat = true)" in text and "shift: param([4, 1, 1], flat = true)" in text, text
    assert "via { res_scale: { scale: layer_scale(1, flat = true) } }" in text, text
    assert "gn(groups = 2, affine = false)" in text and "weight: layer_scale(1, flat = true)" in text, text


class Plain(nn.Module):
    """VGG in small, with and without batch norm."""

    def __init__(self, layers: tuple[int, ...], batch_norm: bool) -> None:
        super().__init__()
        made: list[nn.Module] = []
        inputs = 3
        for stage, count in enumerate(layers):
            for _ in range(count):
                made += [nn.Conv2d(inputs, 4 * 2**stage, 3, padding=1), *[nn.BatchNorm2d(4 * 2**stage)] * batch_norm, nn.ReLU()]
                inputs = 4 * 2**stage
            made.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*made)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.features(x)
        return result


def test_loops_of_a_family_may_differ_in_a_norm() -> None:
    """A loop of one network is that of the other, though each round has one op more."""
    loaded = []
    for name, layers, norm in (("plain", (1, 1, 2), False), ("normed", (2, 2, 3), True)):
        module, arguments = recorded(lambda layers=layers, norm=norm: Plain(layers, norm))  # type: ignore[misc]
        loaded.append(Loaded(module, name, arguments, f"here:{name}"))
    text = import_loaded(loaded, (3, 16, 16)).require_proved().text
    assert "{ bn }; relu" in text and text.count("conv(") == 1, text


class Small(nn.Module):
    def __init__(self, gated: bool) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 3, padding=1) if gated else nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        y = self.two(self.one(x).sigmoid())
        return y.tanh() if isinstance(self.two, nn.Linear) else nn.functional.max_pool2d(y, 3, 1, 1) * y


def test_blocks_of_one_class_are_named_by_what_they_have() -> None:
    net = nn.Sequential(Small(True), Small(True), Small(False), Small(False))  # a product and a pool, or a dense layer
    text = archdsl.from_module(net, (4, 8, 8), name="net", fixed=True).text
    assert "block small {" in text and "block small_with_" in text, text


class Branches(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.unit_1, self.unit_2, self.other = Small(True), Small(True), nn.Conv2d(4, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.unit_2(self.unit_1(x)) * self.other(x)
        return y


def test_two_stages_with_names_are_two_lines() -> None:
    """They are no loop: a formula of the names would be harder to read."""
    text = archdsl.from_module(nn.Sequential(Branches(), Branches()), (4, 8, 8), name="net").text
    assert "unit_1: small" in text and "unit_2: small" in text and "unit_{" not in text, text


class Windows(nn.Module):
    """A convolution of its own for each part of the channels, as in MixNet."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(2, 2, 3, padding=1), nn.Conv2d(2, 2, 5, padding=2)])

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([conv(part) for conv, part in zip(self.convs, x.split(2, 1), strict=True)], 1)


def test_parts_are_branches() -> None:
    text = archdsl.from_module(Windows(), (4, 8, 8), name="net").text
    assert "concat { a -> conv(2, 3); b -> conv(2, 5) }" in text, text
