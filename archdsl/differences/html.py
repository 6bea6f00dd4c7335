"""Differences as a page: totals, changes, what becomes of stored weights, and both networks side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Final

from archdsl.diagnostics import SpecError, printable
from archdsl.differences.changes import ARROW
from archdsl.differences.text import number, relation, summary_lines
from archdsl.html_page import HtmlCell, HtmlRow, html_page, html_table

if TYPE_CHECKING:
    from archdsl.differences.changes import Change
    from archdsl.differences.compare import Difference
    from archdsl.differences.comparison import Comparison
    from archdsl.differences.keys import KeyChanges

_STYLE: Final = """\
td.sign { font-weight: bold; text-align: center }
tr.added { background: var(--added-band) } tr.added .sign { color: var(--added) }
tr.removed { background: var(--removed-band) } tr.removed .sign { color: var(--removed) }
tr.changed { background: var(--changed-band) } tr.changed .sign { color: var(--changed) }
details { margin: .25rem 0 } summary { cursor: pointer }
.picture { overflow: auto; max-height: 90vh; border: 1px solid var(--line); background: #ffffff }
.picture svg { display: block; margin: 0 auto }
"""
_CLASSES: Final = {"+": "added", "-": "removed", "~": "changed"}
_WORDS: Final = {"added": "added", "removed": "removed", "repeated": "repeats", "rewired": "connections"}
"""Words for kinds of changes; others are changes of arguments."""


def difference_page(found: Comparison) -> str:
    """Return the page of some differences. A network that cannot be drawn has a sentence in place of its picture."""
    titles = [entry.title for entry in found.entries]
    title = f"Differences of {titles[0]}" if len(titles) == 1 else "Differences of networks"
    parts = [f"<h1>{_text(title)}</h1>"]
    shown = found.entries if len(found.entries) == 1 else found.different
    for entry in shown:
        parts += [f"<h2>{_text(entry.title)}</h2>"] if len(found.entries) > 1 else []
        parts += _difference(entry.difference, entry.title)
    ends = [("added", "+", name) for name in found.added] + [("removed", "-", name) for name in found.removed]
    if ends:
        rows = [HtmlRow((HtmlCell(sign, "sign"), kind, printable(name)), kind) for kind, sign, name in ends]
        parts.append(html_table("Networks that only one version has", ("", "", "network"), rows))
    if found.failed:
        failures = [(printable(failure.file), printable(failure.sentence)) for failure in found.failed]
        parts.append(html_table("Files with errors", ("file", "error"), failures))
    if sentence := found.equal_sentence():
        parts.append(f"<p>{_text(sentence)}.</p>")
    return html_page(title, "\n".join(parts), style=_STYLE)


def _difference(found: Difference, title: str) -> list[str]:
    if found.is_identical:
        return ["<p>The networks are equal.</p>"]
    parts = [_totals(found)]
    if found.is_empty:
        parts.append("<p>The graphs are equal: only keys of stored weights differ.</p>")
    elif not found.is_readable:
        parts.append("".join(f"<p>{_text(line)}</p>" for line in summary_lines(found)))
        parts.append(f"<details><summary>{len(found.changes):,} changes</summary>{_changes(found.changes)}</details>")
    else:
        parts.append(_changes(found.changes))
    return [*parts, _keys(found.keys), _picture(found, title)]


def _totals(found: Difference) -> str:
    rows = [
        (HtmlCell(total.name, is_head=True), number(total.before), number(total.after), relation(total)) for total in found.totals
    ]
    return html_table("Totals", ("", printable(found.before.name), printable(found.after.name), "change"), rows, align="<>>>")


def _changes(changes: Sequence[Change]) -> str:
    titles = ("", "kind", "where", "what", "places in the text")
    return html_table("Changes of the graph", titles, [_change(change) for change in changes])


def _change(change: Change) -> HtmlRow:
    sign, kind = _CLASSES[change.sign], _WORDS.get(change.kind, "changed")
    where = HtmlCell(printable(change.home)) if change.home else HtmlCell("network", "faint")
    places = printable(ARROW.join([place for place in change.places if place is not None]))
    cells = (HtmlCell(change.sign, "sign", label=sign), kind, where, printable(change.text), HtmlCell(places, "faint"))
    return HtmlRow(cells, sign)


def _keys(keys: KeyChanges) -> str:
    """Return what becomes of stored weights, with all keys to unfold."""
    if keys.same:
        return "<p>All stored weights load.</p>"
    lists = [
        ("missing", keys.missing),
        ("unexpected", keys.unexpected),
        ("of another shape", [f"{one.key}: {list(one.before)}{ARROW}{list(one.after)}" for one in keys.reshaped]),
        ("renamed", [f"{one.before}{ARROW}{one.after}" for one in keys.renamed]),
        ("loaded from the key of another layer", [f"{one.key} from {one.stored}" for one in keys.misplaced]),
    ]
    folded = [_unfolded(f"{len(names):,} {what}", names) for what, names in lists if names]
    notes = "".join(f"<p>{_text(note)}</p>" for note in keys.notes)
    loads = f"{keys.loads:,} of the {keys.wanted:,} tensors of the new version load by name from the old one."
    return f"<h2>Stored weights</h2><p>{loads}</p>" + notes + "".join(folded)


def _unfolded(title: str, lines: Iterable[str]) -> str:
    return f"<details><summary>{title}</summary><pre>{chr(10).join(map(_text, lines))}</pre></details>"


def _picture(found: Difference, title: str) -> str:
    from archdsl.differences.picture import difference_picture  # here: a page of equal networks has no picture

    try:
        drawn = difference_picture(found, title).decode()
    except SpecError as error:
        return f"<p>There is no picture: {_text(error.diagnostic.message)}.</p>"
    return f'<h2>Both networks</h2><div class="picture" tabindex="0">{drawn}</div>'


def _text(text: str) -> str:
    return escape(printable(text))
