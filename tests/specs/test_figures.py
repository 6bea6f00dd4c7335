"""The counts of the shipped networks, to the unit: those of the libraries that have them, and those of papers."""

from __future__ import annotations

from pathlib import Path

import pytest

from archdsl.driver import check_address
from archdsl.loading import load

SPECS = Path(__file__).parents[2] / "specs"
FIGURES = {
    "lenet": (61_706, 416_520, 5),
    "lenet:lenet5_1998": (60_850, 328_096, 7),
    "alexnet": (61_100_840, 714_188_480, 8),
    "alexnet:alexnet_2012": (60_965_224, 724_406_816, 8),
    "vgg:vgg11": (132_863_336, 7_609_090_048, 11),
    "vgg:vgg13": (133_047_848, 11_308_466_176, 13),
    "vgg:vgg16": (138_357_544, 15_470_264_320, 16),
    "vgg:vgg19": (143_667_240, 19_632_062_464, 19),
    "vgg:vgg16_bn": (138_365_992, 15_470_264_320, 16),
    "vgg:vgg19_bn": (143_678_248, 19_632_062_464, 19),
    "googlenet": (13_004_888, 1_498_376_192, 22),
    "googlenet:googlenet_2014": (13_378_280, 1_582_671_872, 22),
    "inception_v3": (27_161_264, 5_713_216_096, 48),
    "resnet:resnet18": (11_689_512, 1_814_073_344, 18),
    "resnet:resnet34": (21_797_672, 3_663_761_408, 34),
    "resnet:resnet50": (25_557_032, 4_089_184_256, 50),
    "resnet:resnet101": (44_549_160, 7_801_405_440, 101),
    "resnet:resnet152": (60_192_808, 11_513_626_624, 152),
    "resnet:resnext50_32x4d": (25_028_904, 4_230_479_872, 50),
    "resnet:wide_resnet50_2": (68_883_240, 11_398_021_120, 50),
    "densenet:densenet121": (7_978_856, 2_834_161_664, 121),
    "densenet:densenet161": (28_681_000, 7_727_907_072, 161),
    "densenet:densenet169": (14_149_480, 3_359_843_328, 169),
    "densenet:densenet201": (20_013_928, 4_291_365_888, 201),
    "mobilenet": (3_504_872, 300_774_272, 53),
    "efficientnet": (5_288_548, 385_814_752, None),
    "convnext:convnext_tiny": (28_589_128, 4_455_531_264, None),
    "convnext_v2:convnextv2_atto": (3_708_400, 547_332_480, None),
    "convnext_v2:convnextv2_femto": (5_233_240, 779_629_824, None),
    "convnext_v2:convnextv2_pico": (9_066_280, 1_367_055_360, None),
    "convnext_v2:convnextv2_nano": (15_623_800, 2_445_528_320, None),
    "convnext_v2:convnextv2_tiny": (28_635_496, 4_455_531_264, None),
    "darknet53": (41_609_928, 9_285_115_904, 53),
    "vit:vit_b_16": (86_567_656, 17_563_828_224, 50),
    "vit:vit_b_32": (88_224_232, 4_409_186_304, None),
    "vit:vit_l_16": (304_326_632, 61_554_712_576, None),
    "deit:deit_tiny": (5_717_416, 1_253_683_200, None),
    "deit:deit_small": (22_050_664, 4_598_882_304, None),
    "deit:deit_base": (86_567_656, 17_563_828_224, 50),
    "deit:deit_tiny_distilled": (5_910_800, 1_261_003_776, None),
    "swin:swin_t": (28_288_354, 4_490_566_656, None),
    "swin:swin_s": (49_606_258, 8_740_875_264, None),
    "swin:swin_b": (87_768_224, 15_430_946_816, None),
    "swin_v2:swin_v2_t": (28_351_570, 5_939_690_496, None),
    "regnet:regnet_y_400mf": (4_344_144, 401_842_848, None),
    "regnet:regnet_y_128gf": (644_812_894, 127_517_815_680, None),
    "regnet:regnet_x_400mf": (5_495_976, 413_812_608, None),
    "regnet:regnet_x_32gf": (107_811_560, 31_735_929_792, None),
}
"""Parameters with heads, MACs of one image without them, and the depth that the name or the paper tells."""


@pytest.mark.parametrize("name", FIGURES)
def test_figures(name: str) -> None:
    file, _, network = name.partition(":")
    table = load(f"{SPECS / file}.arch:{network}" if network else f"{SPECS / file}.arch").table()
    params, macs, depth = FIGURES[name]
    assert (table.params, table.macs) == (params, macs)
    assert depth in (None, table.depth)


@pytest.mark.parametrize("path", sorted(SPECS.glob("*.arch")), ids=lambda path: path.stem)
def test_every_network_holds_its_claims(path: Path) -> None:
    assert check_address(str(path)).diagnostics == []


@pytest.mark.parametrize("path", sorted(SPECS.glob("*.arch")), ids=lambda path: path.stem)
def test_specs_are_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 120
