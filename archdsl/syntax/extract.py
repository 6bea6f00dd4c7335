"""A file of some definitions of another: one network with what it draws on, and the comments that belong to them."""

from __future__ import annotations

from typing import NamedTuple

from archdsl.syntax import nodes as ast


class _Part(NamedTuple):
    """An import, definition or recipe, with what stands above it and the rest of its last line."""

    item: ast.Import | ast.Definition | ast.Train
    above: str
    text: str

    @property
    def joined(self) -> bool:
        """Whether it stands under the comment of the part before."""
        return not self.above.strip() and not any(_is_blank(line) for line in self.above.split("\n")[:-1])

    @property
    def comment(self) -> str:
        """The comment right above."""
        *lines, _ = self.above.split("\n")
        first = next((i for i in range(len(lines), 0, -1) if _is_blank(lines[i - 1])), 0)
        return "\n".join(lines[first:])


def _is_blank(line: str) -> bool:
    return not line.strip(" \t")


def needed(file: ast.File, name: str) -> set[str]:
    """The names of the definitions and imports that one definition draws on, itself included.

    A name in the braces of a label counts. One in a comment or a string does not, nor one that a parameter takes.
    """
    known = {item.name: item for item in file.usable if not isinstance(item, ast.Train)}
    found: set[str] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            item = known[current]
            waiting += [] if isinstance(item, ast.Import) else _Reads(item).names & known.keys()
    return found


class _Reads(ast.Visitor):
    """Gathers the names that a definition reads from its file. A default sees the parameters before it."""

    def __init__(self, definition: ast.Definition) -> None:
        self.names: set[str] = set()
        self._parameters: set[str] = set()
        self.visit(definition)

    def visit_Parameter(self, node: ast.Parameter) -> None:
        """Take the name of a parameter as the definition's own."""
        self.visit_children(node)
        self._parameters.add(node.name)

    def visit_Name(self, node: ast.Name) -> None:
        """Keep a name that no parameter has."""
        if node.id not in self._parameters:
            self.names.add(node.id)


def excerpt(file: ast.File, definition: ast.Definition, new_name: str) -> str:
    """The text of a file with one network, renamed, what it draws on, and the recipe; comments go where their parts go."""
    keep = needed(file, definition.name)
    constants = {item.name for item in file.definitions if isinstance(item, ast.Constant)}
    for name in {name.id for name in ast.names(*file.recipes)} & constants:
        keep |= needed(file, name)
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
    text = "".join(written)
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text.strip("\n") + "\n"


def _renamed(part: _Part, definition: ast.Definition, name: str) -> str:
    at = definition.name_span.start - part.item.span.start
    rest = part.text[at + len(definition.name) :]
    return part.text[:at] + name + (" " + rest.lstrip(" ") if rest.startswith(" ") else rest)


def _parts(file: ast.File) -> list[_Part]:
    text = file.source.text
    parts = []
    end = 0
    all_items = file.usable
    for index, item in enumerate(all_items):
        above = text[end : item.span.start].lstrip("; ")
        line_end = text.find("\n", item.span.end) + 1 or len(text)
        alone = index + 1 == len(all_items) or all_items[index + 1].span.start >= line_end
        end = line_end if alone else item.span.end
        parts.append(_Part(item, above, text[item.span.start : end] if alone else text[item.span.start : end] + "\n"))
    return parts
