"""`maxpool(indices = true)` and `max_unpool`: types, sizes that belong together, and the numbers of SegNet."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import archdsl
from archdsl.driver import check_text
from archdsl.ir import verify

SEGNET = """
## SegNet: Badrinarayanan et al. 2015, arXiv:1511.00561, section 3, with fewer layers.
block unit(out) { conv(out, 3) -> bn -> relu }
block down(out) {
  unit(out)
  full: x
  [small, places]: maxpool(2, indices = true)
}
block up(places, full, out) { max_unpool(places, 2, like = full) -> unit(out) }

network segnet(classes = 4) {
  input image [3, H, W]
  enc[0]: down(8)
  enc[0].small
  enc[1]: down(16)
  enc[1].small
  dec[1]: up(enc[1].places, enc[1].full, 8)
  dec[0]: up(enc[0].places, enc[0].full, 8)
  head: conv(classes, 1)
}
"""


class Unit(nn.Sequential):
    """A convolution with its norm."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__(nn.Conv2d(channels, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU())


class SegNet(nn.Module):
    """The same network in plain PyTorch."""

    def __init__(self) -> None:
        super().__init__()
        self.enc = nn.ModuleList([Unit(3, 8), Unit(8, 16)])
        self.dec = nn.ModuleList([Unit(8, 8), Unit(16, 8)])
        self.head = nn.Conv2d(8, 4, 1)
        self.pool, self.unpool = nn.MaxPool2d(2, return_indices=True), nn.MaxUnpool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        """Scores of each pixel."""
        kept = []
        for unit in self.enc:
            full = unit(x)
            x, places = self.pool(full)
            kept.append((places, full.shape))
        for unit in reversed(self.dec):
            places, size = kept.pop()
            x = unit(self.unpool(x, places, output_size=size))
        return self.head(x)  # type: ignore[no-any-return]


@pytest.mark.parametrize("training", [False, True])
def test_segnet_computes_the_same(training: bool) -> None:
    torch.manual_seed(0)
    theirs, network = SegNet(), archdsl.loads(SEGNET)
    verify(network.graph)
    ours = network.build()
    stored = theirs.state_dict()
    ours.load_state_dict({key: stored[other] for key, other in zip(sorted(ours.state_dict()), sorted(stored), strict=True)})
    for size in ((8, 8), (9, 11), (4, 6)):
        image = torch.randn(2, 3, *size)
        results = [module.train(training)(image) for module in (ours, theirs)]
        torch.testing.assert_close(*results)
        for module, result in zip((ours, theirs), results, strict=True):
            module.zero_grad()
            result.square().mean().backward()
        found, expected = (dict(module.named_parameters()) for module in (ours, theirs))
        for key, other in zip(sorted(found), sorted(expected), strict=True):
            torch.testing.assert_close(found[key].grad, expected[other].grad)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_every_rank(axes: int) -> None:
    sizes = ", ".join(["8"] * axes)
    pooled = "[y, at]: maxpool(3, stride = 2, pad = 1, indices = true)"
    text = f"network n {{ input image [2, {sizes}]; {pooled}; up: y -> max_unpool(at, 2) }}"
    module = archdsl.loads(text).build()
    x = torch.randn(2, 2, *[8] * axes)
    pool, unpool = getattr(F, f"max_pool{axes}d"), getattr(F, f"max_unpool{axes}d")
    y, at = pool(x, 3, 2, 1, return_indices=True)
    assert torch.equal(module(x), unpool(y, at, 2))
    assert f"nn.MaxUnpool{axes}d(" in archdsl.loads(text).source()


@pytest.mark.parametrize("window", [(2,), (3, 2), (3, 2, 1), (2, 3)])
def test_symbolic_sizes_are_decided(window: tuple[int, ...]) -> None:
    """Without `like`, those work at which the result is as large as what was pooled; with it, those that PyTorch takes."""
    given = ", ".join(f"{name} = {number}" for name, number in zip(("k", "stride", "pad"), window, strict=False))
    start = "input image [2, H]; conv(2, 3); full: x"
    text = "network n {{ " + start + "; [y, at]: maxpool({0}, indices = true); y -> max_unpool(at, {0}{1}) }}"
    plain = archdsl.loads(text.format(given, "")).sizes
    free = archdsl.loads(text.format(given, ", like = full")).sizes
    for size in range(1, 30):
        x = torch.randn(1, 2, size)
        assert plain.works({"H": size}) is (_unpooled(x, window) == size), size
        assert free.works({"H": size}) is (_unpooled(x, window, (size,)) == size), size


def _unpooled(x: Tensor, window: tuple[int, ...], size: tuple[int, ...] | None = None) -> int | None:
    """The size that PyTorch gives; None if it refuses."""
    try:
        y, at = F.max_pool1d(x, *window, return_indices=True)
        return F.max_unpool1d(y, at, *window, output_size=size).shape[2]
    except (RuntimeError, ValueError):
        return None


def test_equal_calls_of_other_pools_are_told_apart() -> None:
    text = """block up(places) { max_unpool(places, 2) }
    network n {
      input image [2, 4, 4]
      input other [2, 5, 5]
      [a, at]: maxpool(2, indices = true)
      a -> up(at)
      other -> b_pool: maxpool(2)
    }"""
    text = text.replace("other -> b_pool: maxpool(2)", "[b, of]: other -> maxpool(2, indices = true)\n      b -> up(of)")
    assert [found.code for found in check_text(text) if found.is_error] == ["E0319"]


@pytest.mark.parametrize("text", [
    "[y, at]: maxpool(2, indices = true); y -> max_unpool(y, 2)",
    "[y, at]: maxpool(2, indices = true); at -> max_unpool(at, 2)",
    "[y, at]: maxpool(2, indices = true); at -> relu",
])  # fmt: skip
def test_positions_are_integers(text: str) -> None:
    assert [found.code for found in check_text(f"network n {{ input image [3, 8, 8]; {text} }}") if found.is_error] == ["E0308"]
