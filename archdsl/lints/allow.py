"""Comments that suppress warnings and notes: `# arch: allow(W0105, W0101) with a reason, if there is one`.

At the end of a line, such a comment holds for the findings on that line. On a line of its own it holds for the statement or
definition right below it, with all that stands inside. Its codes have to exist, must not be those of errors, and each has
to suppress something: what it is there for may be long gone, and it would hide the next finding.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from typing import Final, NamedTuple

from archdsl.diagnostics import Diagnostic, Edit, codes
from archdsl.diagnostics.suggest import nearest
from archdsl.lints.edits import without_comment
from archdsl.source import Span
from archdsl.syntax import nodes as ast

_MARK: Final = "arch:"
_WORD: Final = "allow"
_OWN: Final = "W0113"
"""The code of what is wrong with these comments."""


class _Allow(NamedTuple):
    """One code of a comment, and the part of the file in which it suppresses findings."""

    comment: Span
    code: Span
    alone: bool
    """Whether it is the only code of its comment."""
    start: int
    end: int

    def covers(self, finding: Diagnostic) -> bool:
        """Whether it suppresses a finding."""
        at = finding.span
        if at is None or finding.is_error or finding.code != self.code.text or finding.code == _OWN:
            return False
        return at.file is self.code.file and self.start <= at.start < self.end

    @property
    def deletion(self) -> Edit:
        """The edit that deletes the code, or the comment."""
        if self.alone:
            return without_comment(self.comment)
        text, start, end = self.code.file.text, self.code.start, self.code.end
        after = text[end : self.comment.end].lstrip()
        if after.startswith(","):
            rest = after[1:].lstrip()
            return Edit(Span(self.code.file, start, self.comment.end - len(rest)), "")
        return Edit(Span(self.code.file, len(text[:start].rstrip().removesuffix(",").rstrip()), end), "")


def suppressed(findings: Iterable[Diagnostic], files: Iterable[ast.File], decided: Container[str]) -> list[Diagnostic]:
    """Return the findings that no comment in the files suppresses, and what is wrong with the comments in the first file.

    `decided` are the codes of which everything that there is to find is among the findings, so that a comment which suppresses
    nothing is useless.
    """
    allows, own, wrong = list[_Allow](), list[_Allow](), list[Diagnostic]()
    for number, file in enumerate(files):
        found, unread = _allows(file)
        allows += found
        if number == 0:
            wrong, own = unread, found
    if not allows and not wrong:
        return list(findings)
    kept, used = list[Diagnostic](), set[_Allow]()
    for finding in findings:
        covering = [allow for allow in allows if allow.covers(finding)]
        used.update(covering)
        kept += [] if covering else [finding]
    return [*kept, *wrong, *_useless(own, used, decided)]


def is_suppressed(finding: Diagnostic, files: Iterable[ast.File]) -> bool:
    """Return whether a comment in the files suppresses a finding, which may come up long after they were checked."""
    return any(allow.covers(finding) for file in files for allow in _allows(file)[0])


def _useless(allows: list[_Allow], used: set[_Allow], decided: Container[str]) -> Iterator[Diagnostic]:
    """Yield what is wrong with the codes of comments."""
    from archdsl.diagnostics.codes.table import CODES  # here: most files have no such comments

    for allow in allows:
        code = allow.code.text
        if code not in CODES:
            near = nearest(code, [name for name in CODES if not name.startswith("E")])
            finding: Diagnostic = codes.source_warnings.UnknownAllow(code, allow.deletion, near)
        elif code.startswith("E") or code == _OWN:
            finding = codes.source_warnings.ErrorAllow(code, allow.deletion)
        elif allow not in used and code in decided:
            finding = codes.source_warnings.UselessAllow(code, allow.deletion)
        else:
            continue
        yield finding.at(allow.code)


def _allows(file: ast.File) -> tuple[list[_Allow], list[Diagnostic]]:
    """Return the codes in the comments of a file, and what is wrong with comments of which none can be read."""
    comments = [comment for comment in file.comments if _MARK in comment.text and _is_meant(comment)]
    if not comments:
        return [], []
    from archdsl.syntax.trivia import Position, Trivia  # here: most files have no such comments

    below = {comment.span: comment.node for comment in Trivia(file).comments if comment.position is Position.BEFORE}
    found, wrong = list[_Allow](), list[Diagnostic]()
    for comment in comments:
        listed = _codes(comment)
        if not listed:
            wrong.append(codes.source_warnings.UnreadAllow().at(comment))
        start, end = _scope(comment, below.get(comment))
        found += [_Allow(comment, code, len(listed) == 1, start, end) for code in listed]
    return found, wrong


def _is_meant(comment: Span) -> bool:
    """Whether a comment is one that suppresses, or is meant to be."""
    text = comment.text
    if text.startswith("##") or not text[1:].lstrip().startswith(_MARK):
        return False
    word = text.partition(_MARK)[2].lstrip().partition("(")[0].split(maxsplit=1)
    return bool(word) and nearest(word[0], [_WORD]) is not None


def _codes(comment: Span) -> list[Span]:
    """Return the places of the codes in `allow(...)`; none if it is written in another way."""
    word, opening, listed = comment.text.partition(_MARK)[2].partition("(")
    inside, closing, _ = listed.partition(")")
    if word.strip() != _WORD or not opening or not closing:
        return []
    at = comment.end - len(listed)
    found = []
    for item in inside.split(","):
        start = at + len(item) - len(item.lstrip())
        if item.strip():
            found.append(Span(comment.file, start, start + len(item.strip())))
        at += len(item) + 1
    return found


def _scope(comment: Span, below: ast.Node | None) -> tuple[int, int]:
    """Return the part of the file that a comment is about."""
    source = comment.file
    line, column = comment.line_column
    if source.line_text(line)[: column - 1].strip():
        return source.line_starts[line - 1], comment.start
    if below is None:
        return comment.start, comment.start
    between = range(line + 1, below.span.line_column[0])
    directly = all(source.line_text(number).strip() for number in between)
    return (below.span.start, below.span.end) if directly else (comment.start, comment.start)
