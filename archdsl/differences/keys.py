"""What becomes of stored weights: which keys of one network load into the other, and which are merely renamed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from archdsl.differences.matching import Pair
from archdsl.differences.side import Side
from archdsl.ir import state, tensor_key
from archdsl.weights.match import Reason
from archdsl.weights.of_graph import stored_of
from archdsl.weights.report import report_on

_MOST_SHOWN: Final = 3


class Reshaped(NamedTuple):
    """A tensor that has another shape."""

    key: str
    before: tuple[int, ...]
    after: tuple[int, ...]


class Renamed(NamedTuple):
    """A tensor of corresponding ops with one shape and two keys."""

    before: str
    after: str


class Misplaced(NamedTuple):
    """A tensor that loads by its name and shape, from a key that is not that of the corresponding op; `stored` is that key."""

    key: str
    stored: str


class KeyChanges(NamedTuple):
    """The result of loading weights of the network before into the network after, by name, as `archdsl` and PyTorch do it.

    `stored` and `wanted` count the tensors of both, and `loads` those of the network after that load. Of the `renamed` tensors
    some may load nevertheless, from another key: `misplaced` has all that do, also of ops that are new.
    """

    stored: int
    wanted: int
    loads: int
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    reshaped: tuple[Reshaped, ...]
    renamed: tuple[Renamed, ...]
    misplaced: tuple[Misplaced, ...]
    notes: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether every tensor loads, and into the op that corresponds to its own."""
        return not (self.missing or self.unexpected or self.reshaped or self.misplaced or self.renamed)

    def sentences(self) -> list[str]:
        """Return what becomes of the keys as short sentences."""
        if self.same:
            return []
        counts = ((self.missing, "missing"), (self.unexpected, "unexpected"), (self.reshaped, "of another shape"))
        parts = [f"{len(found):,} {what}{_example(found)}" for found, what in counts if found]
        found = [f"{self.loads:,} of {self.wanted:,} load" + "".join(f"; {part}" for part in parts)]
        if self.renamed:
            found.append(
                f"{len(self.renamed):,} renamed: {_listed([f'{old} -> {new}' for old, new in renamed_parts(self.renamed)])}"
            )
        if self.misplaced:
            one = self.misplaced[0]
            count = len(self.misplaced)
            verb = "loads" if count == 1 else "load"
            found.append(f"{count:,} {verb} from the key of another layer: {one.key}" + _more(count - 1))
        return found + list(self.notes)

    def as_data(self) -> dict[str, Any]:
        """Return all keys as plain data."""
        return {
            "stored": self.stored, "wanted": self.wanted, "loads": self.loads,
            "missing": list(self.missing), "unexpected": list(self.unexpected),
            "reshaped": [{"key": one.key, "before": list(one.before), "after": list(one.after)} for one in self.reshaped],
            "renamed": [one._asdict() for one in self.renamed],
            "misplaced": [one._asdict() for one in self.misplaced],
            "notes": list(self.notes),
        }  # fmt: skip


def key_changes(before: Side, after: Side, pairs: Sequence[Pair]) -> KeyChanges:
    """Return what becomes of weights of the network before in the network after."""
    stored = stored_of(before.graph, before.graph.name)
    wanted = state(after.graph)
    fit = report_on(after.graph, stored, wanted=wanted).fit
    origins: dict[str, set[str]] = {}
    renamed: dict[Renamed, None] = {}
    for pair in pairs:
        old, new = before.tensors(pair.before), after.tensors(pair.after)
        paths = before.nodes[pair.before].path, after.nodes[pair.after].path
        for name in new:
            if name in old:
                keys = Renamed(tensor_key(paths[0], name), tensor_key(paths[1], name))
                origins.setdefault(keys.after, set()).add(keys.before)
                if keys.before != keys.after and old[name] == new[name]:
                    renamed[keys] = None
    wrong = [Misplaced(key, other) for key, other in fit.pairs.items() if other not in origins.get(key, ())]
    return KeyChanges(
        len(stored.entries),
        len(wanted),
        len(fit.pairs),
        tuple([one.key or "" for one in fit.problems if one.reason is Reason.MISSING]),
        tuple([one.stored or "" for one in fit.problems if one.reason is Reason.UNEXPECTED]),
        tuple(
            [
                Reshaped(one.key or "", one.found.shape, one.wanted)
                for one in fit.problems
                if one.found is not None and one.wanted is not None
            ]
        ),
        tuple(renamed),
        tuple(wrong),
        fit.notes,
    )


def renamed_parts(renamed: Iterable[Renamed]) -> list[tuple[str, str]]:
    """Return the parts of keys that were renamed, each once: `stem` and `conv1` for all tensors below `stem`."""
    found: dict[tuple[str, str], None] = {}
    for one in renamed:
        old, new = one.before.split("."), one.after.split(".")
        while len(old) > 1 and len(new) > 1 and old[-1] == new[-1]:
            old, new = old[:-1], new[:-1]
        found[".".join(old), ".".join(new)] = None
    return list(found)


def _example(found: Sequence[Any]) -> str:
    """Return the first key of several."""
    one = found[0]
    return f" ({one.key if isinstance(one, Reshaped) else one}{', ...' if len(found) > 1 else ''})"


def _listed(texts: Sequence[str]) -> str:
    return ", ".join(texts[:_MOST_SHOWN]) + _more(len(texts) - _MOST_SHOWN)


def _more(count: int) -> str:
    return f" and {count:,} more" if count > 0 else ""
