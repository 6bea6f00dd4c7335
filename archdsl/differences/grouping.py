"""From changes in single places to lines: what is equal in all instances of a block, or of a place in the text, is one change."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence

from archdsl.differences.changes import Change, merged_arguments
from archdsl.differences.instances import Instance, Instances
from archdsl.differences.matching import Matching
from archdsl.differences.op_texts import listed_ops
from archdsl.differences.side import Side
from archdsl.differences.wiring import Reshared, Rewired

_MOST_NAMES = 4


def changes_of(
    before: Side, after: Side, matching: Matching, rewirings: Iterable[Rewired], reshared: Iterable[Reshared]
) -> list[Change]:
    """Return the changes of ops, in the order of the network."""
    instances = Instances(before, after)
    found = [one for pair in matching.pairs if (one := instances.changed(pair)) is not None]
    found += [instances.rewired(one) for one in rewirings]
    found += [instances.reshared(one) for one in reshared]
    orders = _orders(matching)
    for run, order in zip(matching.runs, orders, strict=True):
        found.append(instances.repeated(run, order) if run.repeat is not None else instances.alone(run, order))
    groups: dict[Hashable, list[Instance]] = {}
    for one in sorted(found, key=lambda one: one.order):
        groups.setdefault((one.kind, one.home.origin, one.key), []).append(one)
    changes = [_merged(group) for group in _across_parts(groups.values())]
    return _joined(_joined(changes, _read_the_same, _first), _changed_alike, _side_by_side)


def _across_parts(groups: Iterable[list[Instance]]) -> Iterable[list[Instance]]:
    """Return groups of which those are one that read the same in several labelled groups or blocks."""
    found: dict[Hashable, list[Instance]] = {}
    for group in groups:
        one = _merged(group)
        apart = one.kind in ("added", "removed", "changed") and one.where and one.instances == 1
        found.setdefault((one.kind, one.what, one.arguments) if apart else len(found), []).extend(group)
    return found.values()


def _joined(changes: Iterable[Change], key: Callable[[Change], Hashable], join: Callable[[list[Change]], Change]) -> list[Change]:
    """Return changes of which those with one key are joined; those without a key stay as they are."""
    found: dict[Hashable, list[Change]] = {}
    for number, one in enumerate(changes):
        shared = key(one)
        found.setdefault(("alone", number) if shared is None else ("shared", shared), []).append(one)
    return [join(group)._replace(
        times=sum([one.times for one in group]),
        before=tuple([path for one in group for path in one.before]), after=tuple([path for one in group for path in one.after]),
    ) for group in found.values()]  # fmt: skip


def _read_the_same(one: Change) -> Hashable:
    """Two statements in a block that change alike."""
    return None if one.kind == "repeated" else (one.kind, one.where, one.what, one.instances, one.arguments)


def _first(group: list[Change]) -> Change:
    return group[0]


def _changed_alike(one: Change) -> Hashable:
    """Several ops of a part whose arguments change alike."""
    return (one.where, one.instances, one.times, one.arguments) if one.kind == "changed" else None


def _side_by_side(group: list[Change]) -> Change:
    return group[0]._replace(what=_listed([one.what for one in group]), named=sum([one.named for one in group]))


def _orders(matching: Matching) -> list[float]:
    """Return the positions of runs in the network before: an added one follows the pair before it."""
    found: list[float] = []
    pairs, at = matching.pairs, 0
    for run in matching.runs:
        while run.sign == "+" and at < len(pairs) and pairs[at].after < run.start:
            at += 1
        found.append(run.start if run.sign == "-" else pairs[at - 1].before + 0.5 if at else -0.5)
    return found


def _merged(group: Sequence[Instance]) -> Change:
    """Return one change for all instances of it."""
    first = group[0]
    where = _listed(dict.fromkeys([one.home.name for one in group]))
    instances = len({one.home.path for one in group}) if len({one.home.name for one in group}) == 1 else 1
    return Change(
        first.kind, where, _what(group), instances, len(group), merged_arguments([one.arguments for one in group]),
        tuple([path for one in group for path in one.before]), tuple([path for one in group for path in one.after]), first.places,
        len(group) if _differ_in_size(group) else 1,
    )  # fmt: skip


def _listed(names: Iterable[str]) -> str:
    found = list(names)
    shown = found if len(found) <= _MOST_NAMES else [*found[: _MOST_NAMES - 1], f"and {len(found) - _MOST_NAMES + 1} more"]
    return ", ".join(shown)


def _differ_in_size(group: Sequence[Instance]) -> bool:
    """Whether the instances are labelled groups of one statement with different numbers of ops."""
    return len({len(one.ops) for one in group}) > 1


def _what(group: Sequence[Instance]) -> str:
    """Return which ops a change is about."""
    first, labels = group[0], {one.name for one in group}
    if _differ_in_size(group):
        parts = _listed([path for one in group for path in one.before + one.after])
        return f"{parts} ({sum([len(one.ops) for one in group])} ops)"
    ops = listed_ops(list(zip(*[one.ops for one in group], strict=True)))
    rests = {one.rest for one in group}
    rest = first.rest if len(rests) == 1 else ""
    if first.kind == "repeated":
        return f"{first.name or ops} {rest}"
    if first.kind in ("added", "removed"):
        return " ".join([part for part in (f"{first.name} ({ops})" if first.name else ops, rest) if part])
    label = first.name if len(labels) == 1 else ""
    if label and not label.endswith(":"):
        return label
    exchanged = first.arguments[0].name == ""  # which tells the op
    return " ".join([part for part in (label.removesuffix(":") if exchanged else label, "" if exchanged else ops) if part])
