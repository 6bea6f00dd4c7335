"""The inside of strings: escapes, and the braces of a label."""

from __future__ import annotations

from collections.abc import Iterator

_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}


def unescape(text: str) -> str:
    """Return the characters that the inside of a string stands for; an escape that is unknown stands for itself."""
    if "\\" not in text:
        return text
    found, characters = "", iter(text)
    for character in characters:
        if character == "\\":
            following = next(characters, "")
            character = _ESCAPES.get(following, character + following)
        found += character
    return found


def in_braces(text: str) -> Iterator[tuple[int, int]]:
    """Yield the start and end of what stands in each pair of braces that hold no brace."""
    opened = None
    for at, character in enumerate(text):
        if character == "{":
            opened = at + 1
        elif character == "}" and opened is not None:
            yield opened, at
            opened = None
