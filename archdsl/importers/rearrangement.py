"""Reshapes and permutations, one after another, as one pattern of `rearrange`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from archdsl.importers.model import Apply, Value

ARRANGING = ("reshape", "permute", "transpose", "flatten")


class _Axis:
    """A part of an axis that no reshape divides."""

    def __init__(self, size: int) -> None:
        self.size, self.name = size, ""


class _Arrangement:
    """What a chain of ops makes of the axes of its input, those of size one included."""

    def __init__(self, value: Value) -> None:
        self.source = [[_Axis(size)] for size in value.shape]
        if _is_a_part(value):
            self.source[0] = []
        self.target = [list(group) for group in self.source]

    def apply(self, op: Apply) -> bool:
        """Add an op to the chain. Return whether a pattern can tell what it does."""
        if op.op == "permute":
            self.target = [self.target[axis] for axis in op.args["order"]]
        elif op.op == "transpose":
            a, b = op.args["a"], op.args["b"]
            self.target[a], self.target[b] = self.target[b], self.target[a]
        else:
            return self._reshape(op.outputs[0].shape)
        return True

    def _reshape(self, shape: tuple[int, ...]) -> bool:
        left = [axis for group in self.target for axis in group]
        groups: list[list[_Axis]] = []
        sizes = [axis.size for axis in left]
        ones_behind = _ones_behind(shape if shape.count(1) > sizes.count(1) else sizes)
        for at in reversed(range(len(shape))):
            wanted, group = shape[at], list[_Axis]()
            if wanted == 1:
                group.append(left.pop() if left and left[-1].size == 1 else self._added(groups, left, ones_behind))
            while wanted > 1:
                axis = left.pop()
                if wanted % axis.size == 0:
                    wanted //= axis.size
                    group.insert(0, axis)
                elif axis.size % wanted == 0:
                    outer, inner = self._split(axis, wanted)
                    left.append(outer)
                    group.insert(0, inner)
                    wanted = 1
                else:
                    return False
            while left and left[-1].size == 1 and (at == 0 or (shape[at - 1] != 1 and not ones_behind)):
                group.insert(0, left.pop())
            groups.insert(0, group)
        self.target = groups
        return not left

    def _added(self, groups: list[list[_Axis]], left: list[_Axis], behind: bool) -> _Axis:
        """Return a new axis of size one, split off from the one behind it, or from the one that it is `behind`."""
        added = _Axis(1)
        neighbour, offset = (left[-1], 1) if left and (behind or not groups) else (groups[0][0], 0)
        for group in self.source:
            if neighbour in group:
                group.insert(group.index(neighbour) + offset, added)
        return added

    def _split(self, axis: _Axis, inner: int) -> tuple[_Axis, _Axis]:
        parts = [_Axis(axis.size // inner), _Axis(inner)]
        for group in [*self.source, *self.target]:
            if axis in group:
                at = group.index(axis)
                group[at : at + 1] = parts
        return parts[0], parts[1]

    def changes(self) -> bool:
        """Whether the output is another than the input."""
        return self.source != self.target

    def drop_ones(self) -> None:
        """Leave out axes of size one that are only put beside an axis, or taken off, where the pattern has a `1` or nothing."""
        ones = {axis for group in self.source for axis in group if axis.size == 1}
        kept = {axis for axis in ones if _moved(axis, self.source, self.target) or _moved(axis, self.target, self.source)}
        kept |= {axis for axis in ones if [axis] in self.source and [axis] in self.target}
        for groups in (self.source, self.target):
            for group in groups:
                group[:] = [axis for axis in group if axis not in ones - kept]


def _ones_behind(sizes: Sequence[int]) -> bool:
    """Whether axes of size one belong to those before them, as a single window's to `[7, 1, 7, 1, c]`, and not behind them."""
    ones = [at for at, size in enumerate(sizes) if size == 1]
    if not ones or ones[0] == 0:
        return False
    if ones[-1] == len(sizes) - 1:
        return True
    return len({sizes[at - 1] for at in ones}) < len({sizes[at + 1] for at in ones})


def rearranged(chain: Sequence[Apply]) -> dict[str, Any] | None:
    """Return the arguments of `rearrange` for a chain of ops, none if nothing changes; None if there is no pattern."""
    arrangement = _Arrangement(chain[0].inputs[0])
    if not all(arrangement.apply(op) for op in chain):
        return None
    arrangement.drop_ones()
    if not arrangement.changes():
        return {}
    _name(arrangement.source, arrangement.target, _usual(chain[0], len(arrangement.source[-1]) < 2))
    args: dict[str, Any] = {"pattern": f"{_shown(arrangement.source)} -> {_shown(arrangement.target)}"}
    for group in arrangement.source:
        free = next((axis for axis in group if axis.name in ("h", "w", "l")), group[-1] if group else None)
        args |= {axis.name: axis.size for axis in group if axis is not free}
    return args


def _moved(axis: _Axis, shared: Sequence[list[_Axis]], other: Sequence[list[_Axis]]) -> bool:
    """Whether an axis shares a group with one that is its neighbour there, but not on the other side of the pattern."""
    group = next(group for group in shared if axis in group)
    order = [item for entry in other for item in entry]
    at, place = group.index(axis), order.index(axis)
    before, behind = group[at - 1 : at], group[at + 1 : at + 2]
    return (bool(before) and order[place - 1 : place] != before) or (bool(behind) and order[place + 1 : place + 2] != behind)


def _shown(groups: Iterable[list[_Axis]]) -> str:
    return " ".join(
        "1" if not group else group[0].name if len(group) == 1 else f"({' '.join(axis.name for axis in group)})"
        for group in groups
    )


def _usual(first: Apply, apart: bool) -> list[str]:
    """Return the names that the axes of the first input usually have. `apart` says whether heads may be an axis of it."""
    value = first.inputs[0]
    rank = len(value.shape)
    maker = _maker(value)
    heads = maker is not None and maker.op in ("attend", "matmul", "split")
    if rank < 3:
        return ["l", "c"][2 - rank :]
    if not heads and rank < 5:
        if rank == 3 and not _features_last(maker, value.shape):
            return ["c", "h", "w"]
        return ["h", "w", "c"] if rank == 3 else ["h", "w", "l", "c"]
    usual = ["s", "t", "h", "w", "n", "l", "d"] if apart else ["s", "t", "h", "w", "l", "d"]
    return usual[len(usual) - rank :] if rank <= len(usual) else [f"a{at}" for at in range(rank)]


def _maker(value: Value) -> Apply | None:
    """Return the op that gives a value its axes: those that work on each number do not."""
    maker = value.producer
    while isinstance(maker, Apply) and maker.inputs and maker.op in _KEEPING:
        maker = maker.inputs[0].producer
    return maker if isinstance(maker, Apply) else None


_KEEPING = ("dropout", "add", "mul", "gelu", "relu", "silu", "window_shift", "roll", "pad_to", "crop_like", "scale", "droppath")


def _is_a_part(value: Value) -> bool:
    """Whether the first axis of a value is of size one since it is a part of a split, as of queries, keys and values."""
    maker = value.producer
    while isinstance(maker, Apply) and maker.inputs and maker.op in (*_KEEPING, "attend"):
        maker = maker.inputs[0].producer
    return isinstance(maker, Apply) and maker.op == "split" and maker.args["axis"] == 0 and value.shape[0] == 1


def _features_last(maker: Apply | None, shape: Sequence[int]) -> bool:
    if maker is not None and maker.args.get("axis") == -1:
        return True
    return shape[0] == shape[1] != shape[2]


_PARTS = {"h": ("h", "p"), "w": ("w", "q"), "l": ("h", "w")}


def _name(groups: Sequence[list[_Axis]], target: Sequence[list[_Axis]], usual: Sequence[str]) -> None:
    taken: set[str] = set()

    def take(axis: _Axis, *wanted: str) -> None:
        letters = [*wanted, *"abefgijkmoruvxyz"]
        axis.name = next(letter for letter in letters if letter not in taken)
        taken.add(axis.name)

    windows = _windows(groups, target)
    for axis, name in zip(windows, "hpwq", strict=False):
        take(axis, name)
    for group, name in sorted(zip(groups, usual, strict=True), key=lambda pair: len(pair[0])):
        if group and group[0] not in windows:
            split = group[:1] == target[0]
            wanted = ["c"] if windows and len(group) == 1 else _parts(group, name, "h" in usual, split)
            for axis, part in zip(group, [*wanted, *[""] * len(group)], strict=False):
                take(axis, *([part] if part else []))


def _parts(group: list[_Axis], name: str, is_image: bool, split: bool) -> list[str]:
    """Return the usual names of the parts of an axis. `split` says whether the first of them is to be split off."""
    if len(group) == 1:
        return [name]
    if len(group) == 2 and name in _PARTS:
        return ["p", "q"] if name == "l" and is_image else list(_PARTS[name])
    first = {2: "two", 3: "three"}.get(group[0].size) if split else None
    rest = ["n", "d"] if len(group) - bool(first) > 1 else ["c" if first else "n"]
    return [first, *rest] if first else rest


def _windows(source: Sequence[list[_Axis]], target: Sequence[list[_Axis]]) -> list[_Axis]:
    """Return the rows and columns of windows, each with its part inside, of an image that becomes windows or is made of them."""
    sides = [(source, target), (target, source)]
    if len(target[0]) == 1 < len(source[0]):  # the channels of an image come first
        sides.reverse()
    for divided, other in sides:
        pairs = [group for group in divided if len(group) == 2]
        if len(pairs) == 2:
            (h, p), (w, q) = pairs
            order = [axis for group in other for axis in group]
            if order.index(w) == order.index(h) + 1 and order.index(q) == order.index(p) + 1:
                return [h, p, w, q]
    return []
