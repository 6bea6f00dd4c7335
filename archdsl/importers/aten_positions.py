"""Relative positions and masks of windows: tables of numbers that ops of the language have a name for."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from archdsl.backends.torch.runtime_tokens import relative_position_index, window_mask
from archdsl.importers.aten import Refused, Step, rule
from archdsl.importers.layouts import Dims
from archdsl.importers.model import Apply, Value
from archdsl.ops.positions import INDEX, TABLE


@rule("index.Tensor")
def _index(s: Step) -> list[Apply]:
    """The rows of a table for each pair of positions in a window: `rel_bias`."""
    table, places = s.node.args[0], s.node.args[1]
    index = s.constant(places[0]) if len(places) == 1 else None
    if index is None:
        raise Refused(f"PyTorch's `{s.node.target}`, in `{s.place.code}`: it reads a tensor at computed places")
    key = s.t.constants.key_of(places[0])
    rows, heads = s.shape(table)[-2:] if len(s.shape(table)) == 2 else (0, 0)
    window = _window(rows, index)
    if window is None:
        raise Refused(f"PyTorch's `{s.node.target}`, in `{s.place.code}`: rows of a table by index, but for windows")
    if key is None or not key.endswith(INDEX):
        raise Refused(f"a bias of relative positions whose index is no part of the `state_dict`, in `{s.place.code}`")
    if len(s.t.tensor(key).shape) != 1:
        raise Refused(
            f"a bias of relative positions whose index is stored as {tuple(s.t.tensor(key).shape)}, and not as one axis"
        )
    path = key.rpartition(".")[0]
    positions = window[0] * window[1]
    args: dict[str, Any] = {"heads": heads, "window": window[0] if window[0] == window[1] else window}
    value = Value((heads, positions, positions), batched=False)
    dims: Dims = ((1, 2), (0,)) if index.dim() == 1 else ((1,), (2,), (0,))
    node = Apply("rel_bias", args, [], [value], None, "", s.place)
    if s.is_stored(table):
        if s.t.key(table) != f"{path}.{TABLE}".removeprefix("."):
            raise Refused(f"a bias of relative positions whose table is called `{s.t.key(table)}`")
    else:
        node.operands = {"table": s.value(table)}
    value.producer = node
    s.let(value, dims)
    return [*s.extra, node]


def _window(rows: int, index: Tensor) -> tuple[int, int] | None:
    """Return the window whose relative positions an index has; None if it has others."""
    count = round(index.numel() ** 0.5)
    for height in range(1, count + 1):
        width = count // height
        if height * width == count and (2 * height - 1) * (2 * width - 1) == rows:
            if torch.equal(relative_position_index(height, width).flatten(), index.flatten()):
                return height, width
    return None


def mask_of_windows(s: Step, tensor: Tensor) -> tuple[Value, Dims] | None:
    """Return `window_mask` for a constant that is one, with its layout: the windows have been rolled before."""
    sizes = [n for n in tensor.shape if n > 1]
    if len(sizes) not in (2, 3) or sizes[-1] != sizes[-2] or not s.t.rolled:
        return None
    roll = s.t.rolled[-1]
    like, axes = roll.inputs[0], roll.args["axis"]
    shift = roll.args["shift"]
    if axes != (0, 1) or len(like.shape) != 3:
        return None
    shifts = tuple(-n for n in ((shift, shift) if isinstance(shift, int) else shift))
    height, width = like.shape[:2]
    for rows in (n for n in range(1, height + 1) if height % n == 0 and sizes[-1] % n == 0):
        columns = sizes[-1] // rows
        if width % columns or min(shifts) < 0:
            continue
        found = window_mask(torch.zeros(1, *like.shape), (rows, columns), shifts, (1, 2))
        if found.numel() == tensor.numel() and torch.equal(found.flatten(), tensor.flatten()):
            window = rows if rows == columns else (rows, columns)
            args = {"window": window, "shift": shifts[0] if shifts[0] == shifts[1] else shifts}
            shape = (height // rows, width // columns, 1, sizes[-1], sizes[-1])
            value = Value(shape, batched=False)
            node = Apply("window_mask", args, [], [value], None, s.place.module, s.place, {"like": like})
            value.producer = node
            s.extra.append(node)
            return value, _layout(tuple(tensor.shape), shape)
    return None


def _layout(tensor: tuple[int, ...], shape: tuple[int, ...]) -> Dims:
    entries: list[tuple[int, ...]] = [()] * (len(tensor) - 2)
    for at, size in enumerate(tensor[:-2]):
        if size > 1:
            entries[at] = tuple(axis for axis in (0, 1) if shape[axis] > 1)
    return (*entries, (3,), (4,))
