"""The page that says which op reads which axis, measured on the ops themselves."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from archdsl.backends.torch.lowerings import lower
from archdsl.fields import MISSING
from archdsl.literals import show
from archdsl.ops import Op
from archdsl.ops.base import Case
from archdsl.ops.join import Input
from archdsl.shapes import Shape
from tests.ops.cases import tensors
from tests.ops.conftest import Lowered

INTRODUCTION = """The shape of a value has no batch axis. Axes are counted from 0, and -1 is the last. An image is
`[C, H, W]`: channels are axis 0, and the axes behind it are space. Tokens are `[L, C]`: their features are last. No op
looks at what a value stands for, so the layout decides which axis an op reads:

- Convolutions, poolings and most normalizations read channels first, `[C]`, `[C, L]`, `[C, H, W]` or `[C, D, H, W]`.
- `linear` reads the last axis of `[F]` and `[L, F]`. For more axes, as in `[H, W, C]`, confirm the layout:
  `linear(64, axis = -1)`.
- `ln` reads axis 0. For tokens `[L, C]` and for `[H, W, C]`, write `ln(axis = -1)`.
- `mha` takes tokens `[L, C]`. `attend` takes `[..., L, d]` with any leading axes, such as heads or windows.
- `rearrange("c h w -> (h w) c")` turns an image into tokens, and `rearrange("(h w) c -> c h w", h = v.h)` turns them back.

In the following tables, an op *reads* an axis if it combines different positions along it, treats them differently, or changes
its size or place. All other axes run side by side: the op does the same for each of their positions. The tables are measured, for
the arguments in parentheses and in evaluation mode: one slice of the first input is changed, or the slices are exchanged, and the
outputs are compared. The last column has the default of the parameter `axis`, for ops that have it."""

_READS = {
    "none": "## No axis\n\nEach element alone.",
    "0": "## Axis 0, the channels",
    "1...": "## The axes from 1 on\n\nSpace: each channel alone.",
    "last": "## The last axis",
    "all": "## All axes",
    "": "## Axes that the arguments name, or that depend on the shape",
}


def axes_page(note: str) -> str:
    """Return the page."""
    rows: dict[str, list[str]] = {kind: [] for kind in _READS}
    for cls in Op.registry:
        if cls is not Input and cls.arity != 0:
            rows[_kind(cls)].append(_row(cls))
    parts = [f"# Axes\n\n{note}\n\n{INTRODUCTION}"]
    for kind, heading in _READS.items():
        if rows[kind]:
            parts.append(
                f"{heading}\n\n| op | measured on | reads | `axis` |\n| --- | --- | --- | --- |\n" + "\n".join(rows[kind])
            )
    return "\n\n".join(parts) + "\n"


def _row(cls: type[Op]) -> str:
    measured = list(_measured(cls))
    shapes = ", ".join(dict.fromkeys(f"`{list(shape)}`" for shape, _ in measured))
    reads = "; ".join(dict.fromkeys(", ".join(map(str, sorted(read))) or "none" for _, read in measured))
    default = cls.fields["axis"].default if "axis" in cls.fields else None
    given = "" if "axis" not in cls.fields else "required" if default is MISSING else f"`{show(default)}`"
    op = _op(cls)
    return f"| [`{op}`](ops.md#{cls.name}) | {shapes} | {reads} | {given} |"


def _kind(cls: type[Op]) -> str:
    """Return which of the sections an op belongs to: what holds for every rank that was measured."""
    field = cls.fields.get("axis")
    if field is not None and (field.is_required() or isinstance(field.default, tuple)):
        return ""
    found = {
        "none": lambda rank: set(),
        "0": lambda rank: {0},
        "1...": lambda rank: set(range(1, rank)),
        "last": lambda rank: {rank - 1},
        "all": lambda rank: set(range(rank)),
    }
    measured = [(len(shape), read) for shape, read in _measured(cls)]
    ranks = [pair for pair in measured if pair[0] > 1] or measured
    return next((kind for kind, axes in found.items() if all(read == axes(rank) for rank, read in ranks)), "")


def _case(cls: type[Op]) -> Case:
    """Return the case that is measured: one that keeps the axes, or else has an image, or else the first."""
    images = [case for case in cls.cases if any(len(shapes[0]) == 3 for shapes in _inputs(case))]
    return next((case for case in images if case.arguments.get("keep") is True), next(iter(images), cls.cases[0]))


def _inputs(case: Case) -> list[tuple[Shape, ...]]:
    return [given if isinstance(given[0], tuple) else (given,) for given in case.inputs]


def _op(cls: type[Op]) -> Op:
    arguments = _case(cls).arguments
    return cls.create({name: value.create({}) if isinstance(value, type) else value for name, value in arguments.items()})


def _measured(cls: type[Op]) -> Iterator[tuple[Shape, set[int]]]:
    """Yield shapes of an op's first input up to three axes, each with the axes that it reads."""
    op = _op(cls)
    for shapes in _inputs(_case(cls)):
        if len(shapes[0]) <= 3:
            yield shapes[0], {axis for axis in range(len(shapes[0])) if _reads(op, shapes, axis)}


def _reads(op: Op, shapes: tuple[Shape, ...], axis: int) -> bool:
    """Return whether an op combines positions of an axis, tells them apart, or changes the axis."""
    torch.manual_seed(0)
    lowering = lower(op, *shapes)
    form = Lowered(lowering, "module" if lowering.module is not None else "function", len(shapes)).eval()
    for tensor in [*form.parameters(), *form.buffers()]:
        if tensor.is_floating_point():
            tensor.data.uniform_(0.5, 1.5)
    x, *others = tensors(op, shapes)

    def apply(value: Tensor) -> Tensor:
        with torch.no_grad():
            made: Tensor | tuple[Tensor, ...] = form(value, *others) if op.statement or len(shapes) > 1 else form(value)
        return made[0] if isinstance(made, tuple) else made

    made, dim, size = apply(x), axis + 1, x.shape[axis + 1]
    if made.ndim != x.ndim or made.shape[dim] != size:
        return True
    changed = x.clone()
    changed.select(dim, 0).copy_(x.select(dim, 1) if x.dtype == torch.long else x.select(dim, 0) * 2 + 1)
    differs = (apply(changed) != made).movedim(dim, 0).flatten(1).any(1)
    if differs[1:].any():
        return True
    if others:
        return False
    order = torch.arange(size).roll(1)
    return not torch.allclose(apply(x.index_select(dim, order)), made.index_select(dim, order), atol=1e-5)
