"""Max pooling takes no window of padding alone: exactly the sizes for which PyTorch has an element in each window."""

from __future__ import annotations

from itertools import product
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import archdsl
from archdsl.diagnostics import SpecError
from archdsl.ops import Op

MOST = 12
MAXPOOL: Any = Op.registry.get("maxpool")


def works(setting: dict[str, Any], *sizes: int) -> bool:
    try:
        MAXPOOL.create(setting).infer((1, *sizes))
    except SpecError as error:
        assert error.diagnostic.code == "E0304" and error.diagnostic.help
        return False
    return True


def has_elements(k: int, stride: int, pad: int, dilation: int, ceil: bool) -> np.ndarray:
    """For each size up to `MOST`: whether there are windows, and each has an element, by PyTorch's count of windows."""
    sizes = np.arange(1, MOST + 1)
    room = sizes + 2 * pad - dilation * (k - 1) - 1 + (stride - 1 if ceil else 0)
    count = room // stride + 1
    count -= ceil & ((count - 1) * stride >= sizes + pad)
    windows = np.arange(max(count.max(), 1))
    places = (windows * stride - pad)[:, None] + np.arange(k) * dilation
    inside = ((places >= 0) & (places < sizes[:, None, None])).any(2)
    result: np.ndarray = (count >= 1) & (inside | (windows >= count[:, None])).all(1)
    return result


def settings() -> list[dict[str, Any]]:
    each = range(1, MOST + 1)
    return [
        {"k": k, "stride": stride, "pad": pad, "dilation": dilation, "ceil": ceil}
        for k, stride, dilation, ceil in product(each, each, each, (False, True))
        for pad in range(k // 2 + 1)
    ]


@pytest.mark.parametrize("part", [5, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_every_setting(part: int) -> None:
    for setting in settings()[::part]:
        expected = has_elements(**setting)
        assert [works(setting, n) for n in range(1, MOST + 1)] == expected.tolist(), setting


def test_each_axis_for_itself() -> None:
    """With a setting for each axis; a symbolic size works where its number does."""
    random, every = Random(1), settings()
    refused = 0
    for _ in range(300):
        ceil = random.random() < 0.5
        axes = random.sample(
            [setting for setting in every[ceil::2] if setting["ceil"] == ceil and setting["k"] <= 4], random.choice((2, 3))
        )
        setting = {"ceil": ceil} | {name: tuple(axis[name] for axis in axes) for name in ("k", "stride", "pad", "dilation")}
        for _ in range(5):
            sizes = [random.randint(1, MOST) for _ in axes]
            expected = all(has_elements(**axis)[n - 1] for axis, n in zip(axes, sizes, strict=True))
            assert works(setting, *sizes) == expected, (setting, sizes)
            refused += not expected
    assert refused > 100
    for setting in random.sample([setting for setting in every if setting["pad"] % setting["dilation"]], 100):
        arguments = ", ".join(f"{name} = {str(value).lower()}" for name, value in setting.items())
        sizes = archdsl.loads(f"network n {{ input a [1, H]; maxpool({arguments}) }}").sizes
        assert [sizes.works({"H": n}) for n in range(1, MOST + 1)] == has_elements(**setting).tolist(), setting


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_pytorch(axes: int) -> None:
    """What is accepted has finite maxima and gradients, and indices in range; PyTorch's -inf is all that is refused."""
    pool = getattr(F, f"max_pool{axes}d")
    for k, stride, dilation, ceil in product((2, 3, 4), (1, 3), (1, 2, 3, 5), (False, True)):
        for pad, n in product(range(k // 2 + 1), (1, 2, 3, 4, 6)):
            x = torch.rand(1, 1, *[n] * axes)
            try:
                padded = not pool(x, k, stride, pad, dilation, ceil_mode=ceil).isfinite().all()
            except RuntimeError:
                padded = None
            accepted = works({"k": k, "stride": stride, "pad": pad, "dilation": dilation, "ceil": ceil}, *[n] * axes)
            assert accepted == (padded is False), (k, stride, pad, dilation, ceil, n)
            if accepted:
                values, places = pool(x.requires_grad_(), k, stride, pad, dilation, ceil_mode=ceil, return_indices=True)
                values.sum().backward()
                assert places.min() >= 0 and places.max() < n**axes and x.grad is not None and x.grad.sum() == values.numel()


def test_the_message() -> None:
    (found,) = archdsl.check("network n { input a [3, 1, 8]; maxpool(2, 1, pad = 1, dilation = 2) }")
    assert found.code == "E0304" and "the maximum of padding only" in found.message and "found 1" in found.message
    assert found.help is not None and "reduce the dilation" in found.help
    network = archdsl.loads("network n { input a [3, H, W]; maxpool(2, 1, pad = 1, dilation = 2) }")
    assert network.sizes.sentences()[0].startswith("H and W must be at least 2:")
    with pytest.raises(ValueError, match="H and W must be at least 2; H is 1, W is 8"):
        network.build()(torch.zeros(1, 3, 1, 8))
