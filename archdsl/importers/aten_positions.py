"""Relative positions and masks of windows: tables of numbers that ops of the language have a name for."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from archdsl.backends.torch.runtime_tokens import relative_coords, relative_position_index, window_mask
from archdsl.importers.aten import Refused, Step, rule
from archdsl.importers.layouts import Dims
from archdsl.importers.model import Apply, Value
from archdsl.ops.positions import INDEX, TABLE


@rule("index.Tensor")
def _index(s: Step) -> list[Apply]:
    """The rows of a table for each pair of positions in a window: `rel_bias`."""
    table, places = s.node.args[0], s.node.args[1]
    fixed = [place for place in places if place is not None]
    if len(places) > 1 and all(s.constant(place) is not None for place in fixed):
        reason = "entries of a tensor at fixed places; the language has those of windows alone, as `rel_bias`"
        raise Refused(f"PyTorch's `{s.node.target}`, in `{s.place.code}`: {reason}")
    if len(places) != 1:
        raise Refused(f"PyTorch's `{s.node.target}`, in `{s.place.code}`: it reads a tensor at computed places")
    return _rows(s, table, places[0])


@rule("index_select")
def _index_select(s: Step) -> list[Apply]:
    """The same along an axis, for a table that may have an axis for the examples."""
    table, dim, places = s.node.args
    shape = s.shape(table)
    if dim != len(shape) - 2 or shape[:-2] not in ((), (1,)):
        raise Refused(f"PyTorch's `{s.node.target}`, in `{s.place.code}`: places along axis {dim}")
    if str(getattr(table, "target", "")).startswith("aten.unsqueeze"):
        table = table.args[0]
    return _rows(s, table, places)


def _rows(s: Step, table: Any, places: Any) -> list[Apply]:
    index = s.constant(places)
    if index is None:
        raise Refused(f"PyTorch's `{s.node.target}`, in `{s.place.code}`: it reads a tensor at computed places")
    rows, heads = s.shape(table)[-2:] if len(s.shape(table)) > 1 else (0, 0)
    window = _window(rows, index)
    if window is None:
        raise Refused(f"PyTorch's `{s.node.target}`, in `{s.place.code}`: rows of a table by index, but for windows")
    scope, stored = _stored_index(s, places, index)
    positions = window[0] * window[1]
    args: dict[str, Any] = {"heads": heads, "window": window[0] if window[0] == window[1] else window, "index": stored}
    value = Value((heads, positions, positions), batched=False)
    dims: Dims = ((1, 2), (0,)) if index.dim() == 1 else ((1,), (2,), (0,))
    dims = ((),) * (len(s.shape()) - len(dims)) + dims
    node = Apply("rel_bias", args, [], [value], None, "", s.place)
    if s.is_stored(table):
        key = s.t.key(table)
        path, _, name = key.rpartition(".")
        if name != TABLE or scope not in (None, path):
            raise Refused(f"a bias of relative positions whose table is called `{key}`, and not `{TABLE}`")
        known = s.t.values.get(table.name)
        if isinstance(known, Value) and isinstance(known.producer, Apply) and len(table.users) == 1:
            known.producer.key = None  # the bias has the table, and no other op reads it
    else:
        node.operands = {"table": s.value(table)}
    value.producer = node
    s.let(value, dims)
    return [*s.extra, node]


def _stored_index(s: Step, places: Any, index: Tensor) -> tuple[str | None, str]:
    """Return the module whose buffer the index of a bias is, and how the `state_dict` has it; none if it is not there."""
    key = s.t.constants.key_of(places)
    if key is None:
        return None, "absent"
    scope, _, name = key.rpartition(".")
    shape, pairs = tuple(s.t.tensor(key).shape), index.numel()
    side = round(pairs**0.5)
    if name != INDEX or shape not in ((pairs,), (side, side)):
        raise Refused(f"a bias of relative positions whose index is stored as `{key}` of shape {list(shape)}")
    return scope, "flat" if len(shape) == 1 else "square"


def offsets_of_windows(s: Step, node: Any, tensor: Tensor) -> Value | None:
    """Return `rel_coords` for a stored buffer that is one."""
    key = s.t.constants.key_of(node)
    if key is None or tensor.dim() != 4 or tensor.shape[0] != 1 or tensor.shape[-1] != 2 or min(tensor.shape[1:3]) < 3:
        return None
    window = tuple((int(size) + 1) // 2 for size in tensor.shape[1:3])
    if not torch.equal(relative_coords(*window), tensor):
        return None
    value = Value(tuple(tensor.shape[1:]), batched=False)
    args = {"window": window[0] if window[0] == window[1] else window}
    value.producer = Apply("rel_coords", args, [], [value], key, "", s.place)
    s.extra.append(value.producer)
    return value


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
    if len(sizes) not in (2, 3, 4) or sizes[-1] != sizes[-2] or not s.t.rolled:
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
    """Return the layout of a mask: its windows are one axis, or rows and columns of windows apart."""
    entries: list[tuple[int, ...]] = [()] * (len(tensor) - 2)
    windows = [at for at, size in enumerate(tensor[:-2]) if size > 1]
    axes = tuple(axis for axis in (0, 1) if shape[axis] > 1)
    for at, own in zip(windows, [axes] if len(windows) == 1 else [(axis,) for axis in axes], strict=True):
        entries[at] = own
    return (*entries, (3,), (4,))
