"""From changes in single places to lines: what is equal in all instances of a block, or of a place in the text, is one change."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

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
    return _without_repetition([_merged(group) for group in groups.values()])


def _without_repetition(changes: Iterable[Change]) -> list[Change]:
    """Return changes of which those that read the same are one: of two statements in a block that change alike."""
    found: dict[Hashable, Change] = {}
    for one in changes:
        key = one.kind, one.where, one.what, one.instances, one.arguments
        first = found.get(key)
        if first is None or one.kind == "repeated":
            found[key if first is None else (key, len(found))] = one
        else:
            found[key] = first._replace(
                times=first.times + one.times, before=first.before + one.before, after=first.after + one.after
            )
    return list(found.values())


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
    homes = list(dict.fromkeys([one.home.name for one in group]))
    where = ", ".join(
        homes if len(homes) <= _MOST_NAMES else [*homes[: _MOST_NAMES - 1], f"and {len(homes) - _MOST_NAMES + 1} more"]
    )
    instances = len({one.home.path for one in group}) if len(homes) == 1 else 1
    return Change(
        first.kind, where, _what(group), instances, len(group), merged_arguments([one.arguments for one in group]),
        tuple([path for one in group for path in one.before]), tuple([path for one in group for path in one.after]), first.places,
    )  # fmt: skip


def _what(group: Sequence[Instance]) -> str:
    """Return which ops a change is about."""
    first, labels = group[0], {one.name for one in group}
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
