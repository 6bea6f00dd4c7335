"""Differences as a comment for a code review: Markdown, as GitHub and GitLab show it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from archdsl.diagnostics import printable
from archdsl.differences.text import change_lines, number, relation, summary_lines

if TYPE_CHECKING:
    from archdsl.differences.compare import Difference
    from archdsl.differences.comparison import Comparison

_SIGNS = {"+": "+", "-": "-", "~": "!"}
"""The signs for lines of a `diff` block, where `!` marks a changed line."""


def markdown(found: Comparison) -> str:
    """Return the differences as a comment: the changes of each network, its totals, and what becomes of stored weights."""
    parts = ["## Changes of networks"]
    for entry in found.different:
        parts += [f"### {_escaped(entry.title)}", *_difference(entry.difference)]
    ends = [f"- new network {_escaped(name)}" for name in found.added]
    ends += [f"- removed network {_escaped(name)}" for name in found.removed]
    ends += [f"- {_escaped(failure.file)} is {_escaped(failure.sentence)}" for failure in found.failed]
    parts += ["\n".join(ends)] if ends else []
    if found.is_identical:
        parts.append("No network has changed.")
    elif sentence := found.equal_sentence():
        parts.append(f"{sentence}.")
    return "\n\n".join(parts) + "\n"


def _difference(found: Difference) -> list[str]:
    if found.is_empty:
        parts = ["The graphs are equal."]
    elif found.is_readable:
        lines = [f"{_SIGNS[sign]} {line}" for sign, line in change_lines(found)]
        parts = ["```diff\n" + "\n".join(lines) + "\n```"]
    else:
        parts = ["\n".join(f"- {_escaped(line)}" for line in summary_lines(found))]
    changed = [total for total in found.totals if total.before != total.after]
    if changed:
        rows = [
            f"| {total.name} | {_escaped(number(total.before))} | {_escaped(number(total.after))} | {relation(total)} |"
            for total in changed
        ]
        parts.append("\n".join(["| | before | after | |", "| --- | ---: | ---: | ---: |", *rows]))
    keys = [f"- {_escaped(sentence)}" for sentence in found.keys.sentences()]
    parts += ["Stored weights of the old version in the new one:\n\n" + "\n".join(keys)] if keys else []
    return parts


def _escaped(text: str) -> str:
    """Return a text in which no character is markup."""
    return re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", printable(text))
