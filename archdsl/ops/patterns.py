"""Patterns of `rearrange`: einops' notation (Rogozhnikov 2022) without the batch axis."""

import re
from functools import cache
from typing import NamedTuple

from archdsl.diagnostics import SpecError, codes

_TOKEN = re.compile(r"\.\.\.|->|[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[()]|\S")
_BATCH = ("b", "batch", "bs")
ELLIPSIS = "..."


class Group(NamedTuple):
    """An axis of a tensor: the names it is split into, without those of size one, and its place in the pattern.

    `(h p)` has two names, `h` one and `1` none; `...` stands for any number of axes.
    """

    names: tuple[str, ...]
    start: int
    end: int


class Pattern(NamedTuple):
    """A pattern that was read: the axes on the left and right of its arrow, and where the left side ends."""

    text: str
    left: tuple[Group, ...]
    right: tuple[Group, ...]
    arrow: int

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the axes, in the order of the left side."""
        return tuple(name for group in self.left for name in group.names if name != ELLIPSIS)

    def expanded(self, rank: int) -> tuple[tuple[Group, ...], tuple[Group, ...]]:
        """Return both sides for an input of a rank, with a name of its own for each axis that `...` stands for."""
        rest = rank - sum(group.names != (ELLIPSIS,) for group in self.left)

        def expand(groups: tuple[Group, ...]) -> tuple[Group, ...]:
            found: list[Group] = []
            for group in groups:
                several = group.names == (ELLIPSIS,)
                found += [group._replace(names=(f"...{i}",)) for i in range(rest)] if several else [group]
            return tuple(found)

        return expand(self.left), expand(self.right)

    @property
    def least_rank(self) -> int:
        """The number of axes that the left side names."""
        return sum(group.names != (ELLIPSIS,) for group in self.left)

    @property
    def any_rank(self) -> bool:
        """Whether the left side has `...`."""
        return any(group.names == (ELLIPSIS,) for group in self.left)


@cache
def read_pattern(text: str) -> Pattern:
    """Return a pattern. Raise `SpecError` E0322, with the place in the text, if it has no meaning."""
    tokens = [(match.group(), match.start(), match.end()) for match in _TOKEN.finditer(text)]
    arrows = [token for token in tokens if token[0] == "->"]
    if len(arrows) != 1:
        start, end = (arrows[1][1], arrows[1][2]) if arrows else (0, len(text))
        found = "found several" if arrows else "found none"
        raise _fault(text, start, end, f"a pattern has one arrow `->`, {found}", 'write `"c h w -> (h w) c"`')
    split = tokens.index(arrows[0])
    left, right = _side(text, tokens[:split]), _side(text, tokens[split + 1 :])
    for side, groups in (("left", left), ("right", right)):
        if not groups:
            reason = f"nothing stands on the {side} of `->`"
            raise _fault(text, arrows[0][1], arrows[0][2], reason, 'write `"c h w -> (h w) c"`')
    first = text[left[0].start : left[0].end]
    if first in _BATCH:
        without = re.sub(rf"\b{first}\b ?", "", text)
        raise SpecError(codes.tokens.BatchInPattern(text, left[0].start, left[0].end, re.sub(r" +", " ", without).strip()))
    _check_both_sides(text, left, right)
    return Pattern(text, left, right, arrows[0][1])


def _side(text: str, tokens: list[tuple[str, int, int]]) -> tuple[Group, ...]:
    """Return the axes of one side of the arrow."""
    groups: list[Group] = []
    inside: list[str] | None = None
    opened = 0
    for token, start, end in tokens:
        if token == "(":
            if inside is not None:
                raise _fault(text, start, end, "parentheses inside parentheses", "one axis has one pair: `(h w)`")
            inside, opened = [], start
        elif token == ")":
            if inside is None:
                raise _fault(text, start, end, "`)` without `(`", "write `(` before the first axis of the group")
            groups.append(Group(tuple(inside), opened, end))
            inside = None
        elif (name := _name(text, token, start, end, inside is not None)) is not None and inside is not None:
            inside.append(name)
        elif inside is None:
            groups.append(Group(() if name is None else (name,), start, end))
    if inside is not None:
        raise _fault(text, opened, opened + 1, "`(` without `)`", "write `)` after the last axis of the group")
    return tuple(groups)


def _name(text: str, token: str, start: int, end: int, inside: bool) -> str | None:
    """Return the name of an axis; None for `1`. Raise `SpecError` for anything else."""
    if token == ELLIPSIS:
        if inside:
            raise _fault(text, start, end, "`...` in parentheses", "name the axes that are merged or split")
        return token
    if token == "1":
        return None
    if token.isdecimal():
        reason = f"the only number in a pattern is 1, found {token}"
        raise _fault(text, start, end, reason, f"name the axis and give its size: `n = {token}`")
    if not token.isidentifier():
        raise _fault(text, start, end, f"`{token}` has no meaning in a pattern", "names, `1`, `...`, parentheses and one `->` do")
    return token


def _check_both_sides(text: str, left: tuple[Group, ...], right: tuple[Group, ...]) -> None:
    """Raise `SpecError` for a name that is on one side alone, or twice on a side."""
    sides = {"left": _places(text, left), "right": _places(text, right)}
    for side, other in (("left", "right"), ("right", "left")):
        for name, (start, end) in sides[side].items():
            if name not in sides[other]:
                raise SpecError(codes.tokens.AxisOnOneSide(text, start, end, side))


def _places(text: str, groups: tuple[Group, ...]) -> dict[str, tuple[int, int]]:
    """Return the place of each name of a side. Raise `SpecError` if one is there twice."""
    found: dict[str, tuple[int, int]] = {}
    for group in groups:
        place = group.start
        for name in group.names:
            pattern = re.escape(name) if name == ELLIPSIS else rf"\b{name}\b"
            match = re.compile(pattern).search(text, place, group.end)
            assert match is not None
            start, place = match.span()
            if name in found:
                reason = f"`{name}` stands twice on one side of `->`"
                raise _fault(text, start, place, reason, "give each axis a name of its own, such as `p` and `q`")
            found[name] = (start, place)
    return found


def _fault(text: str, start: int, end: int, reason: str, advice: str) -> SpecError:
    return SpecError(codes.tokens.UnreadablePattern(text, start, end, reason, advice))
