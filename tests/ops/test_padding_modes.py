"""TensorFlow's padding and the binomial filter, compared with their definitions written out."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

import archdsl
from archdsl.backends.torch import runtime


def _same_1d(n: int, k: int, s: int, d: int) -> tuple[int, int]:
    """TensorFlow's rule for one axis: the rows before and after."""
    reach = d * (k - 1) + 1
    total = max(reach - s, 0) if n % s == 0 else max(reach - n % s, 0)
    return total // 2, total - total // 2


@pytest.mark.parametrize(("k", "stride", "dilation"), [(3, 2, 1), (5, 2, 2), (2, 3, 1), (1, 3, 1), (4, 1, 1), (3, 1, 3)])
def test_same_is_that_of_tensorflow(k: int, stride: int, dilation: int) -> None:
    """Padding that depends on the size, for sizes that the stride divides and others."""
    for height, width in [(12, 13), (7, 9), (1, 2)]:
        x = torch.randn(1, 3, height, width)
        (top, bottom), (left, right) = (_same_1d(n, k, stride, dilation) for n in (height, width))
        padded = F.pad(x, [left, right, top, bottom])
        net = archdsl.loads(
            f"network n {{ input image [3, {height}, {width}]; "
            f"conv(4, {k}, stride = {stride}, dilation = {dilation}, pad = tf_same) }}"
        ).build()
        (conv,) = (module for module in net.modules() if isinstance(module, torch.nn.Conv2d))
        assert net(x).equal(F.conv2d(padded, conv.weight, conv.bias, stride, 0, dilation))


def test_same_pools_ignore_the_padding() -> None:
    """The maximum and the mean are those of the elements in the input."""
    x = -1 - torch.rand(2, 3, 5, 6)
    ones = F.avg_pool2d(F.pad(torch.ones(1, 1, 5, 6), [0, 1, 1, 1]), 3, 2, 0)
    maximum = archdsl.loads("network n { input image [3, 5, 6]; maxpool(3, stride = 2, pad = tf_same) }").build()
    mean = archdsl.loads("network n { input image [3, 5, 6]; avgpool(3, stride = 2, pad = tf_same, count_pad = false) }").build()
    assert maximum(x).equal(F.max_pool2d(F.pad(x, [0, 1, 1, 1], value=-torch.inf), 3, 2))
    torch.testing.assert_close(mean(x), F.avg_pool2d(F.pad(x, [0, 1, 1, 1]), 3, 2) / ones)


def test_rules_of_init_reach_same_convolutions() -> None:
    """A rule for one convolution leaves the other alone, and one for all fills both."""
    body = "network n {{ input image [3, 8, 8]; conv(4, 3{}); conv(4, 3, stride = 2, pad = tf_same); {} }}"
    alone = archdsl.loads(body.format(", init = zeros", "relu")).build()
    assert not alone.get_submodule("0").weight.any() and alone.get_submodule("1").weight.all()
    both = archdsl.loads(body.format("", "init { conv = constant(2.0) }")).build()
    assert all(both.get_submodule(key).weight.eq(2).all() for key in "01")


def test_blur_is_binomial() -> None:
    """Row by row and column by column with `[1, 4, 6, 4, 1] / 16`, and no key of its own."""
    x = torch.randn(2, 3, 9, 8)
    taps = torch.tensor([1.0, 4, 6, 4, 1]) / 16
    padded = F.pad(x, [2, 2, 2, 2], "reflect")
    rows = F.conv2d(padded, taps.view(1, 1, 5, 1).expand(3, 1, 5, 1), groups=3)
    expected = F.conv2d(rows, taps.view(1, 1, 1, 5).expand(3, 1, 1, 5), groups=3)[..., ::2, ::2]
    blur = runtime.BlurPool(2, 5)
    torch.testing.assert_close(blur(x), expected)
    assert not blur.state_dict()
