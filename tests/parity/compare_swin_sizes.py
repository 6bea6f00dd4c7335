"""Compares what archdsl says about Swin's symbolic sizes with torchvision's module. Run with the references on the path.

    PYTHONPATH=.references:. python tests/parity/compare_swin_sizes.py swin 512

decides all pairs of sizes up to 512, and runs torchvision's module with several hundred of them.
The networks are narrow; sizes do not depend on the width.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import archdsl
from tests.parity.measuring import answer, difference, import_torchvision, scatter

Size = tuple[int, int]
LAYERS, HEADS, WIDTH = (2, 2, 2), (1, 1, 2), 4
SAMPLE = [(3, 60), (40, 2), (4, 4), (5, 31), (28, 29), (57, 113), (200, 56), (225, 37)]
"""Too small, one window, several, a shift along one axis alone, and odd numbers of patches."""


def reference(models: Any, name: str) -> nn.Module:
    """torchvision's network with few channels."""
    swin = models.swin_transformer
    v2 = {"block": swin.SwinTransformerBlockV2, "downsample_layer": swin.PatchMergingV2} if name == "swin_v2" else {}
    window = [8, 8] if name == "swin_v2" else [7, 7]
    return models.SwinTransformer([4, 4], WIDTH, list(LAYERS), list(HEADS), window, num_classes=3, **v2)  # type: ignore[no-any-return]


def symbolic(name: str) -> archdsl.Network:
    """Our network with few channels and symbolic sizes, in place of the sizes and claims of the spec."""
    lines = Path("specs/swin.arch").read_text(encoding="utf-8").splitlines(keepends=True)
    text = "".join(line for line in lines if not line.strip().startswith("expect x"))
    text = text.replace("input image [channels, sizes[0], sizes[1]]", "input image [3, H, W]").replace("sizes = [224, 224], ", "")
    small = f"network small = {{}}swin({WIDTH}, {list(LAYERS)}, {list(HEADS)}{{}}, classes = 3)\n"
    v2 = Path("specs/swin_v2.arch").read_text(encoding="utf-8").partition("\nnetwork ")[0]
    with TemporaryDirectory() as folder:
        Path(folder, "swin.arch").write_text(text + small.format("", ""), encoding="utf-8")
        options = ", window = 8, unit = swin_block, merging = patch_merging"
        Path(folder, "swin_v2.arch").write_text(f"{v2}\n" + small.format("v1.", options), encoding="utf-8")
        return archdsl.load(f"{folder}/{name}.arch:small")


def accepts(network: nn.Module, size: Size) -> bool:
    """Whether a module on the meta device runs at a size."""
    try:
        network(torch.empty(1, 3, *size, device="meta"))
    except (RuntimeError, ValueError):
        return False
    return True


def disagreements(network: archdsl.Network, theirs: nn.Module, sizes: Iterable[Size]) -> list[Size]:
    """The sizes at which the verdict is not what torchvision's module does."""
    theirs.to("meta").eval()
    return [size for size in sizes if network.sizes.works(dict(zip("HW", size, strict=True))) != accepts(theirs, size)]


def compare(models: Any, name: str) -> dict[str, Any]:
    """Everything that the test looks at: the verdict, what the built module takes, its result and its MACs, at a few sizes."""
    network, theirs = symbolic(name), scatter(reference(models, name)).eval()
    module = network.build().eval()
    module.load_state_dict(theirs.state_dict())
    valid = [size for size in SAMPLE if network.sizes.works(dict(zip("HW", size, strict=True)))]
    differences, counted = {}, {}
    for size in valid:
        image = torch.randn(1, 3, *size)
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            expected = theirs(image)
        with torch.no_grad():
            differences[str(size)] = difference(module(image), expected)
        macs = network.table().macs.value(dict(zip("HW", size, strict=True)))
        counted[str(size)] = 2 * macs - counter.get_total_flops()
    ours = [size for size in SAMPLE if accepts(module.to("meta"), size) != (size in valid)]
    return {"verdicts": disagreements(network, theirs, SAMPLE), "checks": ours, "differences": differences, "macs": counted}


def compare_all(models: Any, name: str, largest: int) -> None:
    """Print the verdict on all sizes, and how torchvision's module agrees on a sample of them."""
    network, theirs = symbolic(name), reference(models, name)
    rule = [size for size in product(range(1, largest + 1), repeat=2)
            if network.sizes.works(dict(zip("HW", size, strict=True))) != (min(size) >= 4)]  # fmt: skip
    draw = random.Random(0)
    heights = [*range(1, 40), *range(40, largest + 1, 5)]
    sample = [size for n in heights for size in ((n, draw.randint(1, largest)), (draw.randint(1, largest), n), (n, n))]
    wrong = disagreements(network, theirs, sample)
    print(f"{name}: {largest**2} verdicts, {len(rule)} not the rule `at least 4`; {len(sample)} runs, {len(wrong)} disagree")


if __name__ == "__main__":
    torch.manual_seed(0)
    library = import_torchvision()
    if len(sys.argv) > 1:
        compare_all(library, sys.argv[1], int(sys.argv[2]))
    else:
        answer(lambda name, repeated: compare(library, name))
