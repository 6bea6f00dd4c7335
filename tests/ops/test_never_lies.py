"""Thousands of random parameters and sizes: a rule gives PyTorch's shape, and raises exactly where PyTorch does."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from archdsl.backends.torch.runtime import center_crop
from archdsl.diagnostics import SpecError
from archdsl.ops import Op
from archdsl.shapes import SymbolicSize, symbolic_size

SAMPLES = 2000
Sample = tuple[dict[str, Any], tuple[tuple[int, ...], ...]]
Draw = Callable[[random.Random], Sample]
Reference = Callable[..., torch.Tensor]


def _shape(r: random.Random, low: int = 1, high: int = 9, axes: tuple[int, ...] = (1, 2, 3)) -> tuple[int, ...]:
    return (r.randint(1, 8), *(r.randint(low, high) for _ in range(r.choice(axes))))


def _each(r: random.Random, axes: int, low: int, high: int) -> Any:
    return r.randint(low, high) if r.random() < 0.6 else tuple(r.randint(low, high) for _ in range(axes))


def _convolution(r: random.Random) -> Sample:
    shape = _shape(r)
    n = len(shape) - 1
    return {"out": r.randint(1, 4), "k": _each(r, n, 1, 4), "stride": _each(r, n, 1, 3), "pad": _each(r, n, 0, 2),
            "dilation": _each(r, n, 1, 3), "groups": r.choice([1, 1, 1, 2, 3])}, (shape,)  # fmt: skip


def _transposed(r: random.Random) -> Sample:
    arguments, shapes = _convolution(r)
    return arguments | {"output_pad": _each(r, len(shapes[0]) - 1, 0, 2)}, shapes


def _conv(x: torch.Tensor, out: int, k: Any, stride: Any, pad: Any, dilation: Any, groups: int) -> torch.Tensor:
    return getattr(nn, f"Conv{x.ndim - 2}d")(x.shape[1], out, k, stride, pad, dilation, groups)(x)


def _upconv(
    x: torch.Tensor, out: int, k: Any, stride: Any, pad: Any, dilation: Any, groups: int, output_pad: Any
) -> torch.Tensor:
    return getattr(nn, f"ConvTranspose{x.ndim - 2}d")(x.shape[1], out, k, stride, pad, output_pad, groups, True, dilation)(x)


def _pool(r: random.Random, pad: bool = True, dilation: bool = False) -> Sample:
    shape = _shape(r)
    n = len(shape) - 1
    arguments: dict[str, Any] = {"k": _each(r, n, 1, 5), "stride": _each(r, n, 1, 5), "ceil": r.random() < 0.6}
    if r.random() < 0.3:
        del arguments["stride"]
    arguments |= {"pad": _each(r, n, 0, 2)} if pad else {}
    return arguments | ({"dilation": _each(r, n, 1, 3)} if dilation else {}), (shape,)


def _reference_pool(kind: str) -> Reference:
    def reference(x: torch.Tensor, **given: Any) -> torch.Tensor:
        names = {"k": "kernel_size", "pad": "padding", "ceil": "ceil_mode"}
        options = {names.get(key, key): value[0] if isinstance(value, tuple) and x.ndim == 3 else value
                   for key, value in given.items()}  # fmt: skip
        return getattr(nn, f"{kind}{x.ndim - 2}d")(**options)(x)

    return reference


def _padding(r: random.Random) -> Sample:
    shape = _shape(r, high=5)
    mode = r.choice(["zeros", "reflect", "replicate", "circular"])
    return {"before": _each(r, len(shape) - 1, 0, 5), "after": _each(r, len(shape) - 1, 0, 5), "mode": mode}, (shape,)


def _pad(x: torch.Tensor, before: Any, after: Any, mode: str) -> torch.Tensor:
    axes = x.ndim - 2
    sides = [(value,) * axes if isinstance(value, int) else value for value in (before, after)]
    flat = [amount for pair in reversed(list(zip(*sides, strict=True))) for amount in pair]
    return F.pad(x, flat, mode="constant" if mode == "zeros" else mode)


def _upsampling(r: random.Random) -> Sample:
    shape = _shape(r, high=5)
    mode = r.choice(["nearest", "bilinear", "trilinear", "bicubic"])
    return {"scale": _each(r, len(shape) - 1, 1, 3), "mode": mode, "align_corners": r.random() < 0.3}, (shape,)


def _upsample(x: torch.Tensor, scale: Any, mode: str, align_corners: bool) -> torch.Tensor:
    return F.interpolate(x, scale_factor=scale, mode=mode, align_corners=align_corners or None)


def _sliced(r: random.Random) -> Sample:
    start = r.randint(0, 6)
    return {"part": range(start, start + r.randint(1, 5), r.choice([1, 1, 2, 3])), "axis": r.randint(-4, 3)}, (_shape(r),)


def _slice(x: torch.Tensor, part: range, axis: int) -> torch.Tensor:
    whole = [image.narrow(axis, part.start, part.stop - part.start) for image in x]
    return torch.stack([image.transpose(0, axis)[:: part.step].transpose(0, axis) for image in whole])


def _pair(r: random.Random) -> Sample:
    shape = _shape(r, high=4)
    return {}, (shape, tuple(max(1, n - r.randint(-1, 2)) for n in shape))


def _several(r: random.Random) -> list[tuple[int, ...]]:
    shape = tuple(r.randint(1, 3) for _ in range(r.randint(1, 3)))
    return [tuple(r.choice([n, n, n, n, 1, 2]) for n in shape) for _ in range(r.randint(1, 3))]


def _reshaping(r: random.Random) -> Sample:
    return {"sizes": tuple(r.choice([-1, 1, 2, 3, 4, 6]) for _ in range(r.randint(1, 3)))}, (_shape(r, high=6),)


SWEEPS: dict[str, tuple[Draw, Reference]] = {
    "conv": (_convolution, _conv),
    "upconv": (_transposed, _upconv),
    "maxpool": (lambda r: _pool(r, dilation=True), _reference_pool("MaxPool")),
    "avgpool": (_pool, _reference_pool("AvgPool")),
    "lppool": (lambda r: _pool(r, pad=False), lambda x, **given: _reference_pool("LPPool")(x, norm_type=2.0, **given)),
    "pad": (_padding, _pad),
    "upsample": (_upsampling, _upsample),
    "pixel_shuffle": (lambda r: ({"r": r.randint(1, 3)}, ((r.randint(1, 18), *_shape(r, axes=(2,))[1:]),)),
                      lambda x, r: F.pixel_shuffle(x, r)),
    "channel_shuffle": (lambda r: ({"groups": r.randint(1, 5)}, (_shape(r),)), lambda x, groups: F.channel_shuffle(x, groups)),
    "slice": (_sliced, _slice),
    "permute": (lambda r: ({"order": tuple(r.randint(-3, 2) for _ in range(3))}, (_shape(r, axes=(2,)),)),
                lambda x, order: torch.stack([image.permute(order) for image in x])),
    "transpose": (lambda r: ({"a": r.randint(-3, 3), "b": r.randint(-3, 3)}, (_shape(r),)),
                  lambda x, a, b: torch.stack([image.transpose(a, b) for image in x])),
    "reshape": (_reshaping, lambda x, sizes: x.reshape(1, *sizes)),
    "gn": (lambda r: ({"groups": r.randint(1, 5)}, (_shape(r, high=2, axes=(0, 1, 2, 3)),)),
           lambda x, groups: nn.GroupNorm(groups, x.shape[1])(x)),
    "instance_norm": (lambda r: ({}, (_shape(r, high=2),)), lambda x: getattr(nn, f"InstanceNorm{x.ndim - 2}d")(x.shape[1])(x)),
    "lrn": (lambda r: ({"size": r.randint(1, 9)}, (_shape(r, axes=(0, 1, 2, 3)),)),
            lambda x, size: nn.LocalResponseNorm(size)(x)),
    "bn": (lambda r: ({}, (_shape(r, axes=(0, 1, 2, 3)),)),
           lambda x: getattr(nn, f"BatchNorm{max(x.ndim - 2, 1)}d")(x.shape[1]).eval()(x)),
    "concat": (lambda r: ({"axis": r.randint(-3, 2)}, tuple(_several(r))),
               lambda *x, axis: torch.cat([value[0] for value in x], axis)[None]),
}  # fmt: skip


@pytest.mark.parametrize("name", SWEEPS)
def test_faults_exactly_where_pytorch_raises(name: str) -> None:
    """Both raise, or both give one shape."""
    draw, reference = SWEEPS[name]
    r = random.Random(name)
    outcomes = {True: 0, False: 0}
    cls = Op.registry.get(name)
    assert cls is not None
    for _ in range(SAMPLES):
        arguments, shapes = draw(r)
        try:
            result = reference(*(torch.zeros(1, *shape) for shape in shapes), **arguments)
            good = result.numel() > 0 and bool(
                result.isfinite().all()
            )  # transposed convolutions may give nothing, and pools -inf
            real: Any = tuple(result.shape[1:]) if good else None
        except (RuntimeError, ValueError, IndexError, NotImplementedError):
            real = None
        try:
            ours: Any = cls.create(arguments).infer(*shapes)
        except SpecError as error:
            assert error.diagnostic.code.startswith("E") and error.diagnostic.message
            ours = None
        assert ours == real, (name, arguments, shapes)
        outcomes[real is None] += 1
    assert outcomes[False] > SAMPLES // 20


@pytest.mark.parametrize("name", ["conv", "upconv", "maxpool", "avgpool", "lppool"])
def test_open_windows(name: str) -> None:
    """The function of a symbolic size is the rule for numbers, wherever the rule gives something."""
    r = random.Random(name)
    cls = Op.registry.get(name)
    assert cls is not None
    compared = 0
    for _ in range(150):
        arguments, ((channels, *_),) = SWEEPS[name][0](r)
        try:
            op = cls.create({key: value for key, value in arguments.items() if not isinstance(value, tuple) or key == "part"})
            symbolic = op.infer((channels, symbolic_size("n")))[1]
        except SpecError:
            continue
        for n in range(1, 40):
            try:
                size = op.infer((channels, n))[1]
            except SpecError:
                size = None
            at = symbolic.at(n) if isinstance(symbolic, SymbolicSize) else symbolic
            met = all(n >= need.least for need in op.needs((channels, symbolic_size("n"))))
            assert size == at and met if size is not None else at < 1 or not met, (arguments, n)
            compared += 1
    assert compared > 1000


@pytest.mark.parametrize("name", ["pad", "slice", "instance_norm", "gn", "crop_like", "avgpool", "maxpool"])
def test_needs_are_complete(name: str) -> None:
    """A rule raises for a number exactly where the need of the symbolic size, or the output, is not met."""
    r = random.Random(name)
    cls = Op.registry.get(name)
    assert cls is not None
    n = symbolic_size("n")
    for _ in range(200):
        arguments, shapes = SWEEPS[name][0](r) if name in SWEEPS else _pair(r)
        try:
            op = cls.create(arguments)
            symbolic = op.infer((*shapes[0][:-1], n), *shapes[1:])
        except SpecError:
            continue
        needs = op.needs((*shapes[0][:-1], n), *shapes[1:])
        for number in range(1, 10):
            values = [(need.size.at(number) if isinstance(need.size, SymbolicSize) else need.size, need.least) for need in needs]
            values += [(size.at(number) if isinstance(size, SymbolicSize) else size, 1) for size in symbolic]
            try:
                op.infer((*shapes[0][:-1], number), *shapes[1:])
            except SpecError:
                assert any(value < least for value, least in values), (arguments, shapes, number)
            else:
                assert all(value >= least for value, least in values), (arguments, shapes, number)


def test_crop_like_takes_the_middle() -> None:
    """The crop is U-Net's: what is left over is cut in halves."""
    x = torch.arange(49.0).reshape(1, 1, 7, 7)
    assert torch.equal(center_crop(x, torch.zeros(1, 3, 3, 6)), x[:, :, 2:5, 0:6])
    with pytest.raises(RuntimeError):
        center_crop(x, torch.zeros(1, 3, 8, 6))


@pytest.mark.parametrize(("name", "arguments", "shapes", "code"), [
    ("linear", {"out": 3}, ((8, 4, 4),), "E0305"),
    ("linear", {"out": 3}, ((symbolic_size("n"),),), "E0307"),
    ("reshape", {"sizes": (3, -1)}, ((8, 4),), "E0309"),
    ("bn", {}, ((symbolic_size("n"),),), "E0307"),
    ("gn", {"groups": 3}, ((8, 4),), "E0306"),
    ("pixel_shuffle", {"r": 3}, ((8, 4, 4),), "E0306"),
    ("pixel_shuffle", {"r": 2}, ((8, 4),), "E0305"),
    ("maxpool", {"k": 3, "pad": 2}, ((8, 4, 4),), "E0402"),
    ("maxpool", {"k": 5}, ((8, 4, 4),), "E0304"),
    ("pad", {"amount": 4, "mode": "reflect"}, ((8, 4, 4),), "E0304"),
    ("pad", {}, ((8, 4, 4),), "E0402"),
    ("pad", {"amount": 1, "before": 1}, ((8, 4, 4),), "E0402"),
    ("pad", {"amount": 1, "value": 1.0, "mode": "reflect"}, ((8, 4, 4),), "E0402"),
    ("crop_like", {}, ((8, 4, 4), (8, 5, 4)), "E0304"),
    ("crop_like", {}, ((8, 4), (8, 4, 4)), "E0305"),
    ("crop_like", {}, ((8, symbolic_size("H") // 4099), (8, symbolic_size("H") // 4111)), "E0307"),
    ("upsample", {"scale": 2, "mode": "bicubic"}, ((8, 4),), "E0305"),
    ("upsample", {"scale": 2, "align_corners": True}, ((8, 4),), "E0402"),
    ("slice", {"part": range(3, 3)}, ((8,),), "E0402"),
    ("slice", {"part": range(3, 9)}, ((8,),), "E0304"),
    ("ln", {"axis": 1}, ((8, 4, 4),), "E0402"),
    ("dropout", {"p": 1.5}, ((8,),), "E0402"),
    ("droppath", {"p": 0.5, "mode": "column"}, ((8,),), "E0402"),
    ("scale", {"factor": float("inf")}, ((8,),), "E0401"),
], ids=str)  # fmt: skip
def test_codes(name: str, arguments: dict[str, Any], shapes: Any, code: str) -> None:
    """Each kind of mistake has its code."""
    cls = Op.registry.get(name)
    assert cls is not None
    with pytest.raises(SpecError) as caught:
        cls.create(arguments).infer(*shapes)
    assert caught.value.diagnostic.code == code
