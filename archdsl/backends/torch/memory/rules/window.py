"""The memory of convolutions, pooling, padding and interpolation."""

from __future__ import annotations

from math import inf

from archdsl.backends.torch.memory import aten
from archdsl.backends.torch.memory import aten_layers as layers
from archdsl.backends.torch.memory import aten_products as products
from archdsl.backends.torch.memory import aten_reductions as reductions
from archdsl.backends.torch.memory.rules.base import Applied, Unmodelled, allocates
from archdsl.backends.torch.memory.tensors import Tensor, empty
from archdsl.shapes import Dim, Shape


def weight_of(at: Applied) -> Tensor:
    """Return the weight of a module, which weight normalization computes."""
    weight = at.stored.get("weight")
    if weight is not None:
        return weight
    names = [f"parametrizations.weight.original{i}" for i in range(2)]
    return products.weight_normed(at.stored[names[1]], at.stored[names[0]])


@allocates("conv", "bottleneck", "depthwise", "upconv")
def convolution(at: Applied) -> Tensor:
    """Return `torch.nn.Conv2d` and its kin, behind a padding if that is not one of zeros or depends on the size."""
    given, x = at.given, at.x
    weight = weight_of(at)
    mode = given.get("pad_mode", "zeros")
    if given.get("tf_same"):
        x = layers.resized(x, _same_padded(at))
    elif mode != "zeros":
        rows = zip(x.shape[2:], given["pad"], strict=True)
        x = padded(at, x, (*x.shape[:2], *[size + 2 * pad for size, pad in rows]), mode)
    return layers.convolution(x, weight, at.stored.get("bias"), at.shape)


def padded(at: Applied, x: Tensor, shape: Shape, mode: str) -> Tensor:
    """Return `F.pad`: zeros keep nothing, other modes the input."""
    if mode == "circular":
        raise Unmodelled(at.op.name)
    return layers.keeping(x, shape) if mode in ("reflect", "replicate") else layers.resized(x, shape)


def _same_padded(at: Applied) -> Shape:
    """Return the shape behind the runtime's `same_pad`."""
    given, x = at.given, at.x
    dilations = given.get("dilation") or (1,) * at.rank
    sizes: list[Dim] = []
    for size, count, k, stride, dilation in zip(x.shape[2:], at.shape[2:], given["k"], given["stride"], dilations, strict=True):
        least = (count - 1) * stride + dilation * (k - 1) + 1
        if not isinstance(size, int) or not isinstance(least, int):
            raise Unmodelled(at.op.name)
        sizes.append(max(size, least))
    return (*x.shape[:2], *sizes)


@allocates("maxpool")
def max_pool(at: Applied) -> list[Tensor]:
    """Return `F.max_pool2d` and its kin; over one axis it is that of a height of one."""
    x = layers.resized(at.x, _same_padded(at)) if at.given["tf_same"] else at.x
    made, positions = _max_pool(at, x)
    return [made, positions] if at.op.indices else [made]


def _max_pool(at: Applied, x: Tensor) -> tuple[Tensor, Tensor]:
    if at.rank != 1:
        return layers.max_pool(x, at.shape)
    batch, channels, length = at.shape
    found = layers.max_pool(aten.unit_axis(x, 2), (batch, channels, 1, length))
    values, positions = (aten.viewed(one, at.shape) for one in found)
    return values, positions


@allocates("maxpool_to")
def max_pool_to(at: Applied) -> Tensor:
    """Return `F.adaptive_max_pool2d` and its kin."""
    return _max_pool(at, at.x)[0]


@allocates("max_unpool")
def max_unpool(at: Applied) -> Tensor:
    """Return `F.max_unpool2d` and its kin, whose gradient needs the positions."""
    return layers.taken(at.x, at.inputs[1], at.shape, added=False)


@allocates("avgpool")
def average_pool(at: Applied) -> Tensor:
    """Return `F.avg_pool2d` and its kin; for `same`, the quotient by the share of each window that is no padding."""
    if not at.given["tf_same"]:
        return layers.keeping(at.x, at.shape)
    shape = _same_padded(at)
    made = layers.keeping(layers.resized(at.x, shape), at.shape)
    if at.op.count_pad:
        return made
    ones = empty(at.meter, (1, 1, *at.x.shape[2:]))
    ones = layers.resized(ones, (1, 1, *shape[2:]))
    ones = layers.keeping(ones, (1, 1, *at.shape[2:]))
    return aten.divide(made, ones)


@allocates("avgpool_to", "gap")
def average_pool_to(at: Applied) -> Tensor:
    """Return `F.adaptive_avg_pool2d` and its kin, which is a mean if one position is left."""
    return reductions.global_mean(at.x, at.shape) if set(at.shape[2:]) == {1} else layers.keeping(at.x, at.shape)


@allocates("lppool")
def lp_pool(at: Applied) -> Tensor:
    """Return `F.lp_pool2d` and its kin: of powers, a mean, its sign times its size, and the root."""
    if at.op.p == inf:
        raise Unmodelled(at.op.name)
    means = layers.keeping(aten.from_input(at.x, 2), at.shape)
    positive = aten.multiply(aten.without_gradient(means), aten.from_output(aten.from_input(means, 1)))
    made = aten.from_input(aten.by_number(positive), 2)
    del means  # a variable of that function, which lasts until it returns
    return made


@allocates("blur_pool")
def blur_pool(at: Applied) -> Tensor:
    """Return the runtime's `BlurPool`: a padding, and a convolution with the filter for each channel."""
    amount = 2 * ((at.op.stride + at.op.k - 2) // 2)
    mode = "constant" if at.op.pad_mode == "zeros" else at.op.pad_mode
    x = padded(at, at.x, (*at.x.shape[:2], *[size + amount for size in at.x.shape[2:]]), mode)
    return layers.convolution(x, at.stored["window"], None, at.shape)


@allocates("pad", "pad_channels", "pad_to")
def pad(at: Applied) -> Tensor:
    """Return `F.pad`."""
    return padded(at, at.x, at.shape, getattr(at.op, "mode", "zeros"))


@allocates("crop_like")
def crop(at: Applied) -> Tensor:
    """Return the runtime's `center_crop` or `start_crop`, which copies once for each axis."""
    x = at.x
    for axis in at.given["axis"]:
        x = layers.resized(x, (*x.shape[: axis + 1], at.shape[axis + 1], *x.shape[axis + 2 :]))
    return x


@allocates("upsample", "resize", "resize_like")
def interpolate(at: Applied) -> Tensor:
    """Return `F.interpolate`."""
    return layers.resized(at.x, at.shape)
