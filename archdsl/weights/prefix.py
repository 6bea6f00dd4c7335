"""Keys that differ by a prefix: a network inside another, such as an encoder, in the file or in the network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from archdsl.weights.entries import Stored, unreadable
from archdsl.weights.names import listed

Shape = tuple[int, ...]


def with_prefix(
    names: Mapping[str, str], wanted: Mapping[str, Shape], stored: Stored, prefix: str
) -> tuple[dict[str, str], tuple[str, ...]]:
    """The stored keys as the network would call them, by a prefix that is in the file or in the network. Raises `SpecError` E0906 if it is in neither."""
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


def found_prefix(names: Mapping[str, str], wanted: Mapping[str, Shape], stored: Stored) -> tuple[dict[str, str], tuple[str, ...]]:
    """The same with the prefix under which most tensors fit, where more do than without and at least half of what could."""
    shapes = {key: stored.entries[s].shape for key, s in names.items()}
    best, most = None, sum(wanted.get(key) == shape for key, shape in shapes.items())
    needed = max(most + 1, (min(len(names), len(wanted)) + 1) // 2)
    for prefix in _prefixes(shapes):
        fitting = sum(wanted.get(key.removeprefix(prefix)) == shape for key, shape in shapes.items() if key.startswith(prefix))
        if fitting >= max(needed, most + 1):
            best, most = (prefix, _without), fitting
    for prefix in _prefixes(wanted):
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


def _prefixes(keys: Iterable[str]) -> dict[str, None]:
    """Every part of a key that ends in a dot, shorter ones first."""
    found: dict[str, None] = {}
    for key in keys:
        parts = key.split(".")
        found |= dict.fromkeys(".".join(parts[:end]) + "." for end in range(1, len(parts)))
    return dict.fromkeys(sorted(found, key=lambda prefix: prefix.count(".")))


def _first_parts(names: Iterable[str]) -> str:
    return listed(dict.fromkeys(key.partition(".")[0] for key in names))
