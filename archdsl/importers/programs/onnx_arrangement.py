"""Operations of ONNX that only arrange elements, in PyTorch: reshapes, permutations, parts, padding and resizing."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from archdsl.importers.aten import Refused
from archdsl.importers.programs.onnx_step import Step, operation


def _with_batch(s: Step, sizes: list[int]) -> list[int]:
    """Return sizes in which the batch of the file is that of the input."""
    fixed = s.file_batch is not None and sizes and sizes[0] == s.file_batch and s.x.shape[0] == s.batch
    return [s.batch, *sizes[1:]] if fixed else sizes


@operation("Reshape")
def _reshape(s: Step) -> Tensor:
    sizes = s.numbers(1, "shape") or []
    if not s.attribute("allowzero", 0):
        sizes = [int(s.x.shape[at]) if size == 0 else size for at, size in enumerate(sizes)]
    found = s.x.reshape(_with_batch(s, sizes))
    if len(sizes) == 1:
        found.flattened = s.x  # type: ignore[attr-defined]  # see `_gather`
    return found


@operation("Flatten")
def _flatten(s: Step) -> Tensor:
    if s.attribute("axis", 1) != 1:
        raise Refused(f"a flattening from axis {s.attribute('axis')}, expected 1")
    return s.x.flatten(1)


@operation("Squeeze", "Unsqueeze")
def _squeeze(s: Step) -> Tensor:
    axes = s.numbers(1, "axes")
    shape = [int(n) for n in s.x.shape]
    if s.node.op == "Squeeze":
        axes = axes if axes is not None else [at for at, size in enumerate(shape) if size == 1]
        gone = {axis % len(shape) for axis in axes}
        return s.x.reshape([size for at, size in enumerate(shape) if at not in gone])
    for axis in sorted(axis % (len(shape) + len(axes or [])) for axis in axes or []):
        shape.insert(axis, 1)
    return s.x.reshape(shape)


@operation("Transpose")
def _transpose(s: Step) -> Tensor:
    return s.x.permute(list(s.attribute("perm") or range(s.x.dim())[::-1]))


@operation("Expand")
def _expand(s: Step) -> Tensor:
    sizes = s.numbers(1, "shape") or []
    lead = [1] * (len(sizes) - s.x.dim())
    if s.file_batch is not None and sizes and sizes[0] == s.file_batch:
        sizes = [s.batch, *sizes[1:]]
    now = [*lead, *(int(n) for n in s.x.shape)]
    return s.x.expand([max(size, n) for size, n in zip(sizes, now, strict=True)])


@operation("Concat")
def _concat(s: Step) -> Tensor:
    tensors = []
    for value in s.inputs:
        if not isinstance(value, Tensor):
            raise Refused("it joins a constant of the file that is no parameter")
        if value.shape[0] != s.batch and value.shape[0] in (1, s.file_batch):
            value = value[:1].expand(s.batch, *(-1,) * (value.dim() - 1))
        tensors.append(value)
    return torch.cat(tensors, s.attribute("axis"))


@operation("Split")
def _split(s: Step) -> Any:
    axis, sizes = s.attribute("axis", 0), s.numbers(1, "split")
    if axis % s.x.dim() == 0:
        raise Refused("it works on the batch axis")
    if sizes is None:
        return torch.chunk(s.x, len(s.node.outputs), axis)
    return torch.split(s.x, sizes, axis)


@operation("Slice")
def _slice(s: Step) -> Tensor:
    starts, ends = s.numbers(1, "starts") or [], s.numbers(2, "ends") or []
    axes, steps = s.numbers(3, "axes"), s.numbers(4, "steps") or [1] * len(starts)
    x = s.x
    for axis, start, end, step in zip(axes if axes is not None else range(len(starts)), starts, ends, steps, strict=True):
        if step < 0:
            raise Refused("a slice backwards")
        size = int(x.shape[axis])
        first, last = (max(0, n + size) if n < 0 else min(n, size) for n in (start, end))
        x = torch.ops.aten.slice.Tensor(x, axis, first, last, step)
    return x


@operation("Gather")
def _gather(s: Step) -> Tensor:
    indices, axis = s.constant(1), s.attribute("axis", 0)
    assert indices is not None
    source = getattr(s.x, "flattened", None)
    if source is not None and np.array_equal(indices.flatten(), np.arange(indices.size)):
        per_batch = indices.size // (s.file_batch or s.batch)
        if per_batch * s.batch == source.numel() and tuple(indices.shape[1:]) == tuple(source.shape[1:]):
            return source  # type: ignore[no-any-return]  # PyTorch's `as_strided` that changes nothing, as exporters write it
    if indices.ndim == 0:
        return s.x.select(axis, int(indices))
    at = [int(n) % int(s.x.shape[axis]) for n in indices.flatten()]
    if indices.ndim != 1 or at != list(range(at[0], at[0] + len(at))):
        raise Refused("it picks elements by a list of places")
    return torch.ops.aten.slice.Tensor(s.x, axis, at[0], at[-1] + 1, 1)  # type: ignore[no-any-return]


@operation("Pad")
def _pad(s: Step) -> Tensor:
    pads, mode = s.numbers(1, "pads") or s.attribute("paddings"), s.attribute("mode", "constant")
    axes = s.numbers(3, "axes") or list(range(len(pads) // 2))
    rank, half = s.x.dim(), len(pads) // 2
    sides = [(0, 0)] * rank
    for at, axis in enumerate(axes):
        sides[axis % rank] = (pads[at], pads[half + at])
    if mode == "wrap":
        raise Refused("a circular padding")
    first = next((at for at, side in enumerate(sides) if side != (0, 0)), rank)
    sides = sides[min(first, 2) if mode == "constant" else 2 :]
    amounts = [amount for side in reversed(sides) for amount in side]
    if mode == "constant":
        value = s.number(2) if s.has(2) else s.attribute("value", 0.0)
        return F.pad(s.x, amounts, value=float(value or 0.0))
    return F.pad(s.x, amounts, mode={"edge": "replicate"}.get(mode, mode))


@operation("Resize", "Upsample")
def _resize(s: Step) -> Tensor:
    mode, x = s.attribute("mode", "nearest"), s.x
    where = s.attribute("coordinate_transformation_mode", "half_pixel" if s.node.op == "Resize" else "asymmetric")
    scales = s.constant(2 if s.node.op == "Resize" and s.opset >= 11 else 1)
    sizes = s.constant(3) if s.node.op == "Resize" else None
    if mode == "linear" and x.dim() == 4:
        mode = "bilinear"
    mode = {"cubic": "bicubic", "linear": {3: "linear", 5: "trilinear"}.get(x.dim(), "linear")}.get(mode, mode)
    options: dict[str, Any] = {"mode": mode}
    if mode != "nearest":
        options["align_corners"] = where == "align_corners"
        options["antialias"] = bool(s.attribute("antialias", 0))
        if where not in ("align_corners", "half_pixel", "pytorch_half_pixel"):
            raise Refused(f"an interpolation with the coordinates {where!r}")
    if scales is not None and scales.size:
        factors = [float(f) for f in scales.flatten()[2:]]
        if all(f == int(f) for f in factors):
            return F.interpolate(x, scale_factor=factors, **options)
        return F.interpolate(x, size=[int(np.floor(int(n) * f)) for n, f in zip(x.shape[2:], factors, strict=True)], **options)
    if sizes is None:
        raise Refused("an interpolation without a size")
    return F.interpolate(x, size=[int(n) for n in sizes.flatten()[2:]], **options)


@operation("DepthToSpace")
def _depth_to_space(s: Step) -> Tensor:
    if s.attribute("mode", "DCR") != "CRD" and s.x.shape[1] != s.attribute("blocksize") ** 2:
        raise Refused("`DepthToSpace` in the order DCR, expected CRD")
    return F.pixel_shuffle(s.x, s.attribute("blocksize"))


@operation("SpaceToDepth")
def _space_to_depth(s: Step) -> Tensor:
    if s.x.shape[1] != 1:
        raise Refused("`SpaceToDepth` of several channels: its order is another one than that of `pixel_unshuffle`")
    return F.pixel_unshuffle(s.x, s.attribute("blocksize"))


@operation("Cast", "CastLike")
def _cast(s: Step) -> Tensor:
    floats = {1, 10, 11, 16}
    if s.node.op == "CastLike" or s.attribute("to") not in floats or not s.x.is_floating_point():
        raise Refused("a conversion to another type")
    return s.x
