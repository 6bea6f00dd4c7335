"""The changes from one network to another as data: one for all instances of a block, with their number."""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple, TypeAlias

from archdsl.differences.forms import ArgumentChange

ChangeKind: TypeAlias = Literal["added", "removed", "changed", "repeated", "rewired", "input", "output", "init"]
"""What changed: ops that are new or gone, arguments, how often a part is repeated, what an op takes, or the ends of a network."""

ARROW: Final = " -> "
_MOST_VALUES = 4
"""Values of an argument that a line shows."""
_MOST_CHARACTERS: Final = 100
"""Characters of a value, and of the values of an argument that are all shown."""


_LONG: Final = re.compile(r"\b\d+\.\d{7,}(?:e[+-]?\d+)?\b")
"""A number with many digits, such as a rate that grows with depth."""
_DIGITS: Final = (4, 7, 10)


class Argument(NamedTuple):
    """An argument that changed, with each old and new value that it has in some instance; None where there is none."""

    name: str
    values: tuple[tuple[str | None, str | None], ...]

    def __str__(self) -> str:
        shown = [ARROW.join(map(_cut, _rounded(old, new))) for old, new in self.values]
        most = _MOST_VALUES if sum(map(len, shown)) <= _MOST_CHARACTERS else 2
        if len(shown) > most:
            shown = [*shown[: most - 1], f"and {len(shown) - most + 1} more"]
        return f"{self.name} {', '.join(shown)}".lstrip()


class Change(NamedTuple):
    """A change, once for all places in which it is the same.

    `where` is the block, the group or nothing for the network itself, in so many `instances`; `times` is how many times the
    change is there in all. `what` says which ops, and `named` how many of an instance; `arguments` are those that changed.
    `before` and `after` are the keys of the ops, or of the parts, in both networks; `places` are `file:line:column` in both
    texts, where they are known.
    """

    kind: ChangeKind
    where: str
    what: str
    instances: int = 1
    times: int = 1
    arguments: tuple[Argument, ...] = ()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    places: tuple[str | None, str | None] = (None, None)
    named: int = 1

    @property
    def sign(self) -> str:
        """`+`, `-` or `~`."""
        return {"added": "+", "removed": "-"}.get(self.kind, "~")

    @property
    def is_of_ends(self) -> bool:
        """Whether it is about an input or a result, and not about ops."""
        return self.kind in ("input", "output") or (self.kind in ("added", "removed") and not (self.before or self.after))

    @property
    def home(self) -> str:
        """Where it is, with the number of instances: `basic ×6`."""
        return f"{self.where} ×{self.instances}" if self.instances > 1 else self.where

    @property
    def text(self) -> str:
        """What changed, without where."""
        arguments = "; ".join(map(str, self.arguments))
        text = f"{self.what}: {arguments}" if self.what and arguments else self.what or arguments
        return text if self.times == self.instances * self.named else f"{text}, {self.times} times"


def merged_arguments(changes: list[tuple[ArgumentChange, ...]]) -> tuple[Argument, ...]:
    """Return the arguments that changed in several instances, which have the same names."""
    return tuple([
        Argument(one[0].name, tuple(dict.fromkeys([(change.before, change.after) for change in one])))
        for one in zip(*changes, strict=True)
    ])  # fmt: skip


def _rounded(old: str | None, new: str | None) -> tuple[str | None, str | None]:
    """Return two values with as few digits of long fractions as tell them apart."""
    if old is None or new is None:
        return old, new
    for digits in _DIGITS:
        found = _with_digits(old, digits), _with_digits(new, digits)
        if found[0] != found[1]:
            return found
    return old, new


def _with_digits(text: str, digits: int) -> str:
    """Return a text whose long fractions have so many digits."""

    def shortened(number: re.Match[str]) -> str:
        return f"{float(number[0]):.{digits}g}"

    return _LONG.sub(shortened, text)


def _cut(value: str | None) -> str:
    """Return a value as a line shows it."""
    if value is None:
        return "nothing"
    return value if len(value) <= _MOST_CHARACTERS else f"{value[: _MOST_CHARACTERS - 1]}…"
