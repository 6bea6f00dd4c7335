"""Match keys that differ by a prefix: a network inside another one, such as an encoder, in the file or in the network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from archdsl.weights.stored import StoredWeights, unreadable
from archdsl.weights.unwrap import listed

Shape = tuple[int, ...]


def with_prefix(
    names: Mapping[str, str], wanted: Mapping[str, Shape], stored: StoredWeights, prefix: str
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the stored keys under the names of the network, given a prefix in the file or in the network.

    Raise `SpecError` E0906 if neither has the prefix.
    """
    prefix = prefix.rstrip(".") + "."
    if any(key.startswith(prefix) for key in names):
        return _without(names, prefix)
    if any(key.startswith(prefix) for key in wanted):
        return _under(names, prefix)
    raise unreadable(
        stored.name,
        f"has no keys under `{prefix}`, and neither has the network",
        f"the file's keys begin with {_first_parts(names)}",
    )


def found_prefix(
    names: Mapping[str, str], wanted: Mapping[str, Shape], stored: StoredWeights
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the stored keys under the names of the network, with the prefix for which most tensors fit.

    A prefix is used only if more tensors fit than without it, and at least half of the possible ones.
    """
    shapes = {key: stored.entries[s].shape for key, s in names.items()}
    best, most = None, sum(wanted.get(key) == shape for key, shape in shapes.items())
    needed = max(most + 1, (min(len(names), len(wanted)) + 1) // 2)
    for prefix, keys in _prefixes(shapes).items():
        if keys < max(needed, most + 1):
            continue  # no more than these can fit
        fitting = sum(wanted.get(key.removeprefix(prefix)) == shape for key, shape in shapes.items() if key.startswith(prefix))
        if fitting >= max(needed, most + 1):
            best, most = (prefix, _without), fitting
    for prefix, keys in _prefixes(wanted).items():
        if keys < max(needed, most + 1):
            continue
        fitting = sum(wanted.get(prefix + key) == shape for key, shape in shapes.items())
        if fitting >= max(needed, most + 1):
            best, most = (prefix, _under), fitting
    return best[1](names, best[0]) if best is not None else (dict(names), ())


def _without(names: Mapping[str, str], prefix: str) -> tuple[dict[str, str], tuple[str, ...]]:
    outside = [stored for key, stored in names.items() if not key.startswith(prefix)]
    note = f"the prefix `{prefix}` taken off" + (f"; without it, and left aside: {listed(outside)}" if outside else "")
    return {key.removeprefix(prefix): stored for key, stored in names.items() if key.startswith(prefix)}, (note,)


def _under(names: Mapping[str, str], prefix: str) -> tuple[dict[str, str], tuple[str, ...]]:
    return {prefix + key: stored for key, stored in names.items()}, (f"the prefix `{prefix}` put before the keys of the file",)


def _prefixes(keys: Iterable[str]) -> dict[str, int]:
    """Return all prefixes of keys that end in a dot, shorter ones first, each with the number of its keys."""
    found = Counter[str]()
    for key in keys:
        parts = key.split(".")
        found.update([".".join(parts[:end]) + "." for end in range(1, len(parts))])
    return {prefix: found[prefix] for prefix in sorted(found, key=lambda prefix: prefix.count("."))}


def _first_parts(names: Iterable[str]) -> str:
    return listed(dict.fromkeys(key.partition(".")[0] for key in names))
