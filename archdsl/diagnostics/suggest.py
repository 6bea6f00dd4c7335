"""The known name that is meant, for "did you mean": by an alias, else by spelling.

Ops, recipe words and parameters declare their aliases themselves and register them here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Final

_sources: Final[list[Callable[[], Iterable[tuple[str, str]]]]] = []


def register_aliases(source: Callable[[], Iterable[tuple[str, str]]]) -> None:
    """Register pairs of a name from PyTorch, Keras or a paper and the name that it has here. They are read when first needed."""
    _sources.append(source)
    _aliases.cache_clear()


@cache
def _aliases() -> dict[str, list[str]]:
    """Return what each alias may mean, without case and `_`."""
    from archdsl.diagnostics.foreign_calls import KEYWORDS  # here: a spec without errors needs no names of others

    found: dict[str, list[str]] = {}
    for source in (*_sources, KEYWORDS.items):
        for alias, name in source():
            found.setdefault(alias.lower().replace("_", ""), []).append(name)
    return found


_COMPARED = 100
"""How many names are compared letter by letter: of more, those that begin alike and are as long."""


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """The help text with the known name that is meant; none where nothing is near."""
    known = list(known)
    stem = name.lower().removesuffix("s")
    parts = (
        [candidate for candidate in known if candidate[-1:].isdecimal() and candidate[:-1] == stem]
        if stem != name.lower()
        else []
    )
    if len(parts) > 1:  # `betas` for `beta1` and `beta2`
        return f"did you mean {' and '.join(f'`{part}`' for part in parts)}?"
    near = nearest(name, known)
    return f"did you mean `{near}`?" if near is not None else None


_OTHERS: Final = frozenset(
    "bilinear glu log_softmax logsoftmax max_unpool pixel_unshuffle se sep_conv sepconv separable_conv softmax2d"
    " transformer".split()
)
"""What other libraries have and no op here is, near as the names of some are."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is meant: by an alias, else the nearest; None if nothing is near."""
    known = list(known)
    if (same := same_name(name, known)) is not None:
        return same
    if name.lower() in _OTHERS:
        return None
    from difflib import get_close_matches  # here, as heapq: most names are known
    from heapq import nsmallest

    candidates = {candidate.lower(): candidate for candidate in known}
    alike = nsmallest(_COMPARED, candidates, key=lambda other: (other[:1] != name[:1].lower(), abs(len(other) - len(name))))
    near = next(iter(get_close_matches(name.lower(), alike, n=1, cutoff=0.7 if len(name) > 2 else 0.6)), None)
    return candidates[near] if near is not None else None


def same_name(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is the same but for its case, `_` or a number of axes, or that has it as an alias."""
    candidates = {candidate.lower(): candidate for candidate in known}
    plain = re.sub(r"_|[1-3]d_?$", "", name.lower())
    meant = next((meant for meant in (name.lower(), *_aliases().get(plain, ()), plain) if meant in candidates), None)
    return candidates[meant] if meant is not None else None
