"""Match stored tensors to parameters, by name or by position. Only keys, shapes and dtypes are compared."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from archdsl.weights import Channels, MatchBy
from archdsl.weights.prefix import found_prefix, with_prefix
from archdsl.weights.stored import StoredTensor, StoredWeights
from archdsl.weights.unwrap import COUNTER, bare, listed

POSITIONS = "relative_position_index"
"""The role of a buffer of integers, which is computed and not learned."""

Shape = tuple[int, ...]

_ROLES: Final = {
    "weight": "weight", "gamma": "weight", "bias": "bias", "beta": "bias", "running_mean": "running_mean",
    "moving_mean": "running_mean", "running_var": "running_var", "moving_variance": "running_var",
}  # fmt: skip
"""The role of a tensor by the last part of its key. The four tensors of a normalization have the same shape."""


class Reason(StrEnum):
    """The reason why a tensor is not loaded."""

    SHAPE = "shape"
    DTYPE = "dtype"
    ORDER = "order"
    MISSING = "missing"
    UNEXPECTED = "unexpected"
    VALUES = "values"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A tensor that is not loaded: its keys and shapes in the network and in the file; None where it is missing."""

    reason: Reason
    key: str | None
    stored: str | None
    wanted: Shape | None = None
    found: StoredTensor | None = None
    spoiled: int = 0
    """How many of its values are NaN or infinite, or become so in the dtype of the network."""


@dataclass(frozen=True, slots=True)
class Fit:
    """The result of matching: for keys of the network the keys in the file, the mismatches, and notes."""

    pairs: Mapping[str, str]
    problems: tuple[Mismatch, ...]
    notes: tuple[str, ...] = ()
    heads_left: tuple[str, ...] = ()
    adapted: Mapping[str, Channels] = field(default_factory=dict)
    """The adaptation of weights to another number of input channels, by key."""

    @property
    def useless(self) -> bool:
        """Whether nothing can be loaded, not even partially: no tensor fits, or the positions do not correspond."""
        return not self.pairs or any(problem.reason is Reason.ORDER for problem in self.problems)


def match(
    wanted: Mapping[str, Shape],
    stored: StoredWeights,
    *,
    by: MatchBy = "name",
    optional: Collection[str] = (),
    spare: Collection[str] = (),
    prefix: str | None = None,
    adaptable: str | None = None,
    loose: Collection[str] = (),
) -> Fit:
    """Match the tensors of a network to stored ones. `optional` keys may be missing, and `spare` keys are ignored.

    `prefix` is that of a network inside another one; default: detected when matching by name. `adaptable` is the key of a weight
    that may have another number of input channels. Tensors of `loose` keys may differ in axes of size one.
    """
    names, notes = bare(stored.entries, wanted)
    if prefix is not None or by == "name":
        names, more = with_prefix(names, wanted, stored, prefix) if prefix is not None else found_prefix(names, wanted, stored)
        notes += more
    if by == "order":
        return _by_order(wanted, stored, names, notes, optional, loose)
    pairs = {key: names[key] for key in wanted if key in names}
    entries, more = _reshaped(stored.entries, pairs, wanted, loose)
    notes += more
    problems = [problem for key in pairs if (problem := _misfit(key, wanted[key], pairs[key], entries[pairs[key]]))]
    absent = [key for key in wanted if key not in names]
    uncounted = {key for key in absent if _is_counter(key) and _beside(key, "running_mean") in names}
    absent = [key for key in absent if key not in uncounted]
    left = tuple(key for key in absent if key in optional)
    problems += [Mismatch(Reason.MISSING, key, None, wanted[key]) for key in absent if key not in optional]
    others = {key: s for key, s in names.items() if key not in wanted}
    problems += [Mismatch(Reason.UNEXPECTED, None, s, None, entries[s]) for key, s in others.items() if key not in spare]
    unused = [s for key, s in others.items() if key in spare]
    notes += (f"left in the file: {listed(unused)} of heads that the module does not have",) if unused else ()
    problems = [problem for problem in problems if problem.key is None or not _other_channels(problem, adaptable)]
    for problem in problems:
        pairs.pop(problem.key or "", None)
    return Fit(pairs, tuple(problems), notes + _counters(uncounted), left)


def without_spoiled(fit: Fit, wanted: Mapping[str, Shape], stored: StoredWeights) -> Fit:
    """Remove tensors with NaN or infinite values from a match, since a single one corrupts every result."""
    if fit.useless:
        return fit
    counts = {
        key: stored.spoiled(other, key)
        for key, other in fit.pairs.items()
        if _number_kind(stored.entries[other].dtype) == "float"
    }
    problems = tuple(
        Mismatch(Reason.VALUES, key, fit.pairs[key], wanted[key], stored.entries[fit.pairs[key]], count)
        for key, count in counts.items() if count
    )  # fmt: skip
    pairs = {key: other for key, other in fit.pairs.items() if not counts.get(key)}
    return replace(fit, pairs=pairs, problems=fit.problems + problems) if problems else fit


def _reshaped(
    entries: Mapping[str, StoredTensor], pairs: Mapping[str, str], wanted: Mapping[str, Shape], loose: Collection[str]
) -> tuple[Mapping[str, StoredTensor], tuple[str, ...]]:
    """Return the stored tensors, those of loose keys with the axes of size one that the network's have, and a note about them."""
    changed = {
        key: entries[other]
        for key, other in pairs.items()
        if key in loose and entries[other].shape != wanted[key] and _long_axes(entries[other].shape) == _long_axes(wanted[key])
    }
    if not changed:
        return entries, ()
    one = next(iter(changed))
    shapes = f"from {list(changed[one].shape)} to {list(wanted[one])}"
    note = f"{listed(list(changed))} reshaped, which differ{'s' if len(changed) == 1 else ''} in axes of size one: {shapes}"
    return {**entries, **{pairs[key]: entry._replace(shape=wanted[key]) for key, entry in changed.items()}}, (note,)


def _long_axes(shape: Shape) -> list[int]:
    return [size for size in shape if size != 1]


def _misfit(key: str, wanted: Shape, stored: str, entry: StoredTensor) -> Mismatch | None:
    if entry.shape != wanted:
        return Mismatch(Reason.SHAPE, key, stored, wanted, entry)
    kinds = (_number_kind(entry.dtype), "int" if _is_counter(key) or _role(key) == POSITIONS else "float")
    if kinds[0] != kinds[1] and not (_is_counter(key) and kinds[0] == "float"):
        return Mismatch(Reason.DTYPE, key, stored, wanted, entry)
    return None


def _other_channels(problem: Mismatch, adaptable: str | None) -> bool:
    """Return whether a weight differs only in the number of input channels, and may be adapted."""
    if problem.reason is not Reason.SHAPE or problem.key != adaptable or problem.found is None or problem.wanted is None:
        return False
    found, wanted = problem.found.shape, problem.wanted
    return len(found) == len(wanted) > 2 and found[0] == wanted[0] and found[2:] == wanted[2:] and found[1] > 0


def _number_kind(dtype: str) -> str:
    if dtype.startswith(("float", "bfloat")):
        return "float"
    return "int" if dtype.startswith(("int", "uint")) else dtype


def _is_counter(key: str) -> bool:
    return _role(key) == COUNTER


def _role(key: str) -> str:
    return key.rpartition(".")[2]


def _counters(absent: Collection[str]) -> tuple[str, ...]:
    """Return a note about counters that older files do not contain."""
    return (
        (f"{len(absent):,} counters `{COUNTER}` are not in the file, as in older ones, and keep their values",) if absent else ()
    )


# ---- By position -------------------------------------------------------------------------------


def _by_order(
    wanted: Mapping[str, Shape],
    stored: StoredWeights,
    names: Mapping[str, str],
    notes: tuple[str, ...],
    optional: Collection[str],
    loose: Collection[str],
) -> Fit:
    """Match the n-th tensor of the network to the n-th stored one.

    Counters follow the other tensors of their layer, or their order.
    """
    theirs = [key for key in names if not _is_counter(key)]
    ours = [key for key in wanted if not _is_counter(key)]
    left: tuple[str, ...] = ()
    if len(ours) != len(theirs) and optional:
        left = tuple(key for key in wanted if key in optional)
        ours = [key for key in ours if key not in optional]
    in_order = {key: names[other] for key, other in zip(ours, theirs, strict=False)}
    entries, more = _reshaped(stored.entries, in_order, wanted, loose)
    stored, notes = replace(stored, entries=entries), notes + more
    problems = _order_problems(wanted, stored, ours, [names[key] for key in theirs])
    counters = [key for key in wanted if _is_counter(key) and key not in left]
    if problems:
        return Fit({}, tuple(problems), notes, left)
    pairs: dict[str, str] = {}
    for key, other in zip(ours, theirs, strict=True):
        misfit = _misfit(key, wanted[key], names[other], stored.entries[names[other]])
        if misfit is not None:
            problems.append(misfit)
            continue
        pairs[key] = names[other]
        counter, stored_counter = _beside(key), names.get(_beside(other))
        if _role(key) == "running_mean" and counter in wanted and stored_counter is not None:
            pairs[counter] = stored_counter
    used = set(pairs.values())
    unpaired, free = (
        [key for key in counters if key not in pairs],
        [s for key, s in names.items() if _is_counter(key) and s not in used],
    )
    if len(unpaired) != len(free):
        notes += (
            _counters(unpaired)
            if not free
            else (
                f"{len(unpaired):,} counters `{COUNTER}` keep their values: the file has {len(free):,} that belong to no layer",
            )
        )
    elif not problems:
        pairs |= dict(zip(unpaired, free, strict=True))
    return Fit(pairs, tuple(problems), notes, left)


def _beside(key: str, role: str = COUNTER) -> str:
    """Return the key of another tensor of the same layer."""
    scope, dot, _ = key.rpartition(".")
    return f"{scope}{dot}{role}"


def _order_problems(wanted: Mapping[str, Shape], stored: StoredWeights, ours: list[str], theirs: list[str]) -> list[Mismatch]:
    """Return the first position at which the tensors do not correspond, in a list, or an empty list.

    Tensors correspond if their ranks, roles and shapes are equal, except for one size that differs consistently, such as the
    number of classes. Any other difference may mean another order of the layers.
    """
    changes = {
        change for key, other in zip(ours, theirs, strict=False) for change in _changes(wanted[key], stored.entries[other].shape)
    }
    for key, other in zip(ours, theirs, strict=False):
        entry = stored.entries[other]
        roles = _ROLES.get(_role(key)), _ROLES.get(_role(other))
        differs = wanted[key] != entry.shape and len(changes) > 1
        if differs or len(wanted[key]) != len(entry.shape) or (None not in roles and roles[0] != roles[1]):
            return [Mismatch(Reason.ORDER, key, other, wanted[key], entry)]
    if len(ours) > len(theirs):
        key = ours[len(theirs)]
        return [Mismatch(Reason.ORDER, key, None, wanted[key])]
    if len(theirs) > len(ours):
        other = theirs[len(ours)]
        return [Mismatch(Reason.ORDER, None, other, None, stored.entries[other])]
    return []


def _changes(wanted: Shape, found: Shape) -> set[tuple[int, int]]:
    """Return the pairs of sizes in which two shapes of the same rank differ."""
    return {pair for pair in zip(wanted, found, strict=False) if pair[0] != pair[1]}
