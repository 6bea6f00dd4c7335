"""A file's parts as text: what documents a definition, and a file of some of its definitions alone.

Definitions without a blank line between them stand under one comment. The first comment of a file speaks of all of it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from archdsl.session import Session
from archdsl.syntax import nodes as ast

_BLANK = re.compile(r"\n[ \t]*\n")


class _Part(NamedTuple):
    """An import, definition or recipe, with what stands above it and the rest of its last line."""

    item: ast.Import | ast.Definition | ast.Train
    above: str
    text: str

    @property
    def joined(self) -> bool:
        """Whether it stands under the comment of the part before."""
        return _BLANK.search("\n" + self.above) is None and not self.above.strip()

    @property
    def comment(self) -> str:
        """The comment right above."""
        return _BLANK.split("\n" + self.above)[-1].strip("\n")


def documentation(file: ast.File, definition: ast.Definition, session: Session) -> str:
    """Return the `##` lines right above a definition, or above the group it stands in."""
    return definition.doc or session.cached(_above, file)[id(definition)]


def _above(file: ast.File) -> dict[int, str]:
    """What documents each part, or the group it stands in, by the part's id."""
    found, group = {}, ""
    for part in _parts(file):
        group = group if part.joined else part.comment
        found[id(part.item)] = _plain(group)
    return found


def introduction(file: ast.File, mark: str = "##") -> str:
    """The comment at the start of a file, which speaks of all of it; `mark` is what its lines begin with."""
    lines = file.source.text.lstrip().splitlines()
    end = next((i for i, line in enumerate(lines) if not line.startswith(mark)), len(lines))
    return "\n".join(line.lstrip("#").strip() for line in lines[:end])


def items(file: ast.File) -> list[ast.Import | ast.Definition | ast.Train]:
    """All that a file holds, in order."""
    return sorted([*file.imports, *file.definitions, *file.recipes], key=lambda item: item.span.start)


def needed(file: ast.File, name: str) -> set[str]:
    """The names of the definitions and imports that one definition draws on, itself included.

    A name in a comment or a string counts for nothing, and neither does one that a parameter takes; one in the braces of a label counts.
    """
    known = {item.name: item for item in items(file) if not isinstance(item, ast.Train)}
    found: set[str] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            item = known[current]
            waiting += [] if isinstance(item, ast.Import) else _names(item) & known.keys()
    return found


def _names(definition: ast.Definition) -> set[str]:
    """The names that a definition reads from its file."""
    if isinstance(definition, ast.Alias):
        return {name.id for name in ast.names(definition.target, *definition.claims)}
    assert isinstance(definition, ast.Block | ast.Network)
    found, own = set[str](), set[str]()
    for parameter in definition.parameters:  # a default sees the parameters before it
        found |= {name.id for name in ast.names(parameter.default)} - own
        own.add(parameter.name)
    return found | ({name.id for name in ast.names(definition.body)} - own)


def excerpt(file: ast.File, definition: ast.Definition, new_name: str) -> str:
    """The text of a file with one network, renamed, what it draws on, and the recipe; comments go where their parts go."""
    keep = needed(file, definition.name)
    written: list[str] = []
    group = ""
    for index, part in enumerate(_parts(file)):
        group = group if part.joined else part.comment
        kept = isinstance(part.item, ast.Train) or part.item.name in keep
        if not kept:
            written += [part.above + "\n"] if index == 0 and part.above.strip() else []
            continue
        headed = any(group and group in text for text in written[-1:])
        written.append(part.above if part.comment or headed or not group or index == 0 else f"\n{group}\n")
        written.append(_renamed(part, definition, new_name) if part.item is definition else part.text)
        group = "" if part.joined else group
    return re.sub(r"\n{3,}", "\n\n", "".join(written)).strip("\n") + "\n"


def _renamed(part: _Part, definition: ast.Definition, name: str) -> str:
    at = definition.name_span.start - part.item.span.start
    rest = part.text[at + len(definition.name) :]
    return part.text[:at] + name + (" " + rest.lstrip(" ") if rest.startswith(" ") else rest)


def _parts(file: ast.File) -> list[_Part]:
    text = file.source.text
    parts = []
    end = 0
    all_items = items(file)
    for index, item in enumerate(all_items):
        above = text[end : item.span.start].lstrip("; ")
        line_end = text.find("\n", item.span.end) + 1 or len(text)
        alone = index + 1 == len(all_items) or all_items[index + 1].span.start >= line_end
        end = line_end if alone else item.span.end
        parts.append(_Part(item, above, text[item.span.start : end] if alone else text[item.span.start : end] + "\n"))
    return parts


def _plain(comment: str) -> str:
    lines = (line.strip() for line in comment.splitlines())
    return "\n".join(line[2:].strip() for line in lines if line.startswith("##"))
