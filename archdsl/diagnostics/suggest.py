"""The nearest known name, for "did you mean"."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """The help text that names the nearest known name, or none where nothing is near."""
    from difflib import get_close_matches  # here: most names are known

    candidates = {candidate.lower(): candidate for candidate in known}
    near = get_close_matches(name.lower(), candidates, n=1, cutoff=0.6)
    return f"did you mean `{candidates[near[0]]}`?" if near else None
