"""Smaller programs that still show the same: lines, and braces with what is in them, are left out one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator


def minimized(text: str, shows: Callable[[str], bool]) -> str:
    """The program with as few lines as still show it, first the long stretches left out and then the short."""
    lines = text.splitlines()
    found = True
    while found:
        found = False
        for start, end, between in _parts(lines):
            smaller = [*lines[:start], *between, *lines[end:]]
            if smaller != lines and shows("\n".join(smaller) + "\n"):
                lines, found = smaller, True
                break
    return "\n".join(lines) + "\n"


def _parts(lines: list[str]) -> Iterator[tuple[int, int, list[str]]]:
    """What may be left out: a line or a whole body; a body's braces alone; one stage of a line."""
    ends = [_end(lines, start) for start in range(len(lines))]
    for start, end in sorted(enumerate(ends), key=lambda part: part[0] - part[1]):
        if end > start:
            yield start, end, []
            if end - start > 2:
                yield start, end, lines[start + 1 : end - 1]
    for number, line in enumerate(lines):
        for mark in (" -> ", "; ", " where "):
            pieces = line.split(mark)
            for i in range(len(pieces)):
                yield number, number + 1, [mark.join(pieces[:i] + pieces[i + 1 :])]


def _end(lines: list[str], start: int) -> int:
    """Behind the line that closes what this one opens; the line itself where it does not stand alone."""
    depth = 0
    for number in range(start, len(lines)):
        for c in lines[number]:
            depth += (c == "{") - (c == "}")
            if depth < 0:
                return start
        if depth == 0:
            return number + 1
    return start
