"""Remove what frameworks wrap around a `state_dict`: dictionaries, and prefixes of keys."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final

from archdsl.weights.stored import unreadable

_WRAPPERS: Final = ("state_dict", "model_state_dict", "model", "net", "network", "module", "weights", "params")
"""The keys under which training loops save a `state_dict`, most common first."""
_COMPILED: Final = "_orig_mod."
_PREFIXES: Final = ("averaged.module.", "module.", _COMPILED, "model.", "net.", "network.")
"""Prefixes of averaged weights in archdsl's checkpoints, of DataParallel, of torch.compile, and of attributes for networks."""
_NORMED: Final = (("weight_g", "parametrizations.weight.original0"), ("weight_v", "parametrizations.weight.original1"))
"""The tensors of a layer with weight normalization, as `torch.nn.utils.weight_norm` and its successor name them."""
_DEEPEST = 4
COUNTER: Final = "num_batches_tracked"
"""The number of batches that a normalization has seen. Older files lack it, and no result depends on it."""


def unwrap(name: str, loaded: Any, is_tensor: Callable[[Any], bool]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the tensors in a loaded object by key, and notes. Raise `SpecError` E0906 if there are none."""
    notes: list[str] = []
    for _ in range(_DEEPEST):
        if not isinstance(loaded, Mapping):
            break
        found = {key: value for key, value in loaded.items() if isinstance(key, str) and is_tensor(value)}
        inner = _inner(loaded, is_tensor) if not found else None
        if inner is None:
            others = [str(key) for key in loaded if key not in found]
            if found and others:
                notes.append(f"{listed(others)} in the file: no tensor, left aside")
            return _known(name, found, loaded), tuple(notes)
        notes.append(f"taken from `{inner}` in the file")
        loaded = loaded[inner]
    raise unreadable(name, "holds no state_dict, which is tensors by key")


def _inner(loaded: Mapping[Any, Any], is_tensor: Callable[[Any], bool]) -> str | None:
    """Return the key of the `state_dict`: a common name, or the only entry that contains tensors; else None."""
    for name in _WRAPPERS:
        if isinstance(loaded.get(name), Mapping):
            return name
    inside = [key for key, value in loaded.items() if isinstance(value, Mapping) and any(map(is_tensor, value.values()))]
    return inside[0] if len(inside) == 1 and isinstance(inside[0], str) else None


def _known(name: str, found: dict[str, Any], loaded: Mapping[Any, Any]) -> dict[str, Any]:
    if not found:
        held = f"; it has {listed([str(key) for key in loaded])}" if loaded else ""
        raise unreadable(name, f"holds no tensors by key{held}")
    return found


def bare(keys: Iterable[str], wanted: Collection[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the keys without prefixes that the network does not have, mapped to the stored keys, and notes."""
    names = {key: key for key in keys}
    notes: list[str] = []
    while (prefix := _prefix(names, wanted)) is not None:
        outside = [stored for key, stored in names.items() if not key.startswith(prefix)]
        names = {key.removeprefix(prefix): stored for key, stored in names.items() if key.startswith(prefix)}
        notes.append(f"the prefix `{prefix}` taken off" + (f"; without it, and left aside: {listed(outside)}" if outside else ""))
    inner = f".{_COMPILED}"
    if any(inner in key for key in names) and not any(inner in key for key in wanted):
        names = {key.replace(inner, "."): stored for key, stored in names.items()}
        notes.append(f"`{_COMPILED}` taken out of names")
    for older, newer in _NORMED:  # before torch 2.1, `torch.nn.utils.weight_norm` had names of its own
        renamed = {key: key.removesuffix(older) + newer for key in names if key.endswith(f".{older}")}
        if renamed and all(key not in wanted and new in wanted for key, new in renamed.items()):
            names = {renamed.get(key, key): stored for key, stored in names.items()}
            notes.append(f"`{older}` read as `{newer}`")
    return names, tuple(notes)


def _prefix(names: Collection[str], wanted: Collection[str]) -> str | None:
    """Return a known prefix of most keys, or of all wanted keys, that the network does not have; else None."""
    for prefix in _PREFIXES:
        most = 2 * sum(key.startswith(prefix) for key in names) > len(names)
        if (most or (wanted and all(prefix + key in names for key in wanted))) and not any(
            key.startswith(prefix) for key in wanted
        ):
            return prefix
    return None


def listed(names: Iterable[str], most: int = 8) -> str:
    """Format names as a list in a sentence; of many, only the first ones."""
    shown = [f"`{name}`" for name in names]
    return ", ".join(shown[:most]) + (f" and {len(shown) - most:,} more" if len(shown) > most else "")
