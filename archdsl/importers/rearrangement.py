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
    """What a chain of ops makes of the axes of its input."""

    def __init__(self, shape: Sequence[int]) -> None:
        self.source = [[_Axis(size)] if size > 1 else [] for size in shape]
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

    def _reshape(self, shape: Sequence[int]) -> bool:
        left = [axis for group in self.target for axis in group]
        groups: list[list[_Axis]] = []
        for wanted in reversed(shape):
            group: list[_Axis] = []
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
            groups.insert(0, group)
        self.target = groups
        return not left

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


def rearranged(chain: Sequence[Apply]) -> dict[str, Any] | None:
    """Return the arguments of `rearrange` for a chain of ops, none if nothing changes; None if there is no pattern."""
    arrangement = _Arrangement(chain[0].inputs[0].shape)
    if not all(arrangement.apply(op) for op in chain):
        return None
    if not arrangement.changes():
        return {}
    _name(arrangement.source, _usual(chain[0]))
    args: dict[str, Any] = {"pattern": f"{_shown(arrangement.source)} -> {_shown(arrangement.target)}"}
    for group in arrangement.source:
        free = next((axis for axis in group if axis.name in ("h", "w", "l")), group[-1] if group else None)
        args |= {axis.name: axis.size for axis in group if axis is not free}
    return args


def _shown(groups: Iterable[list[_Axis]]) -> str:
    return " ".join(
        "1" if not group else group[0].name if len(group) == 1 else f"({' '.join(axis.name for axis in group)})"
        for group in groups
    )


def _usual(first: Apply) -> list[str]:
    """Return the names that the axes of the first input usually have."""
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
    usual = ["s", "t", "h", "w", "n", "l", "d"]
    return usual[len(usual) - rank :] if rank <= len(usual) else [f"a{at}" for at in range(rank)]


def _maker(value: Value) -> Apply | None:
    """Return the op that gives a value its axes: those that work on each number do not."""
    maker = value.producer
    while isinstance(maker, Apply) and maker.inputs and maker.op in _KEEPING:
        maker = maker.inputs[0].producer
    return maker if isinstance(maker, Apply) else None


_KEEPING = ("dropout", "add", "mul", "gelu", "relu", "silu", "window_shift", "roll", "pad_to", "crop_like", "scale", "droppath")


def _features_last(maker: Apply | None, shape: Sequence[int]) -> bool:
    if maker is not None and maker.args.get("axis") == -1:
        return True
    return shape[0] == shape[1] != shape[2]


_PARTS = {"h": ("h", "p"), "w": ("w", "q"), "l": ("h", "w")}


def _name(groups: Sequence[list[_Axis]], usual: Sequence[str]) -> None:
    taken: set[str] = set()

    def take(axis: _Axis, *wanted: str) -> None:
        letters = [*wanted, *"abefgijkmoruvxyz"]
        axis.name = next(letter for letter in letters if letter not in taken)
        taken.add(axis.name)

    for group, name in sorted(zip(groups, usual, strict=True), key=lambda pair: len(pair[0])):
        if len(group) == 1:
            take(group[0], name)
        elif len(group) == 2 and name in _PARTS:
            parts = ("p", "q") if name == "l" and "h" in usual else _PARTS[name]
            for axis, part in zip(group, parts, strict=True):
                take(axis, part)
        else:
            first = {2: "two", 3: "three"}.get(group[0].size if group else 0)
            rest = list(group)
            if first is not None and len(group) > 1:
                take(rest.pop(0), first)
            for axis, part in zip(rest, ["n", "d"] if len(rest) > 1 else ["c" if first else "n"], strict=False):
                take(axis, part)
            for axis in rest[2:]:
                take(axis)
