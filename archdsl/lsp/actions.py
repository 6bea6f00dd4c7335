"""Code actions: the remedies of findings, a comment that suppresses a warning, and the extraction of a block."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lsprotocol import types

from archdsl.diagnostics import Applicability, Diagnostic, Edit, Severity
from archdsl.diagnostics.fixes import certain_fixes, edits_of
from archdsl.lsp.analysis import Analysis
from archdsl.lsp.extract_block import extract_block
from archdsl.lsp.positions import range_of, span_of
from archdsl.session import Session
from archdsl.source import Span

FIX_ALL = f"{types.CodeActionKind.SourceFixAll.value}.archdsl"
"""Applies every certain fix: what an editor can run when a file is saved."""
KINDS = [types.CodeActionKind.QuickFix, types.CodeActionKind.RefactorExtract, FIX_ALL]


def code_actions(
    analysis: Analysis, range_: types.Range, shown: Iterable[types.Diagnostic], only: Iterable[str] | None, session: Session
) -> list[types.CodeAction]:
    """Return what can be done about a range; `only` are the kinds that are wanted, of which others may be parts."""
    place = span_of(analysis.source, range_)
    wanted = list(only) if only is not None else None
    found: list[types.CodeAction] = []
    if _is_wanted(types.CodeActionKind.QuickFix, wanted):
        for diagnostic in analysis.diagnostics:
            if _meets(diagnostic.span, place, analysis):
                same = [one for one in shown if _is_same(one, diagnostic)]
                found += [*_fixes(analysis, diagnostic, same), *_suppressions(analysis, diagnostic, same)]
    if _is_wanted(types.CodeActionKind.RefactorExtract, wanted) and place.start < place.end:
        extracted = extract_block(analysis, place, session)
        if extracted is not None:
            found.append(
                types.CodeAction(
                    f"Extract block `{extracted.name}`" + (" (keys of the state_dict change)" if extracted.changes_keys else ""),
                    kind=types.CodeActionKind.RefactorExtract,
                    edit=_workspace_edit(analysis, extracted.edits),
                )
            )
    if _is_wanted(FIX_ALL, wanted):
        found += _all_fixes(analysis)
    return found


def _is_wanted(kind: str, wanted: list[str] | None) -> bool:
    """Return whether a kind of action is asked for: `source.fixAll` asks for `source.fixAll.archdsl`, too."""
    text = str(getattr(kind, "value", kind))
    if wanted is None:  # without being asked, an editor does not offer to change the whole file
        return text != FIX_ALL
    return any(text == one or text.startswith(f"{one}.") for one in (str(getattr(one, "value", one)) for one in wanted))


def _meets(span: Span | None, place: Span, analysis: Analysis) -> bool:
    return span is not None and analysis.of_this_file(span) and span.start <= place.end and place.start <= span.end


def _is_same(shown: types.Diagnostic, found: Diagnostic) -> bool:
    return found.span is not None and shown.code == found.code and shown.range == range_of(found.span)


def _fixes(analysis: Analysis, diagnostic: Diagnostic, shown: list[types.Diagnostic]) -> Iterator[types.CodeAction]:
    """Yield the remedy of a finding, if edits carry it out."""
    fix = diagnostic.fix
    edit = _workspace_edit(analysis, fix.edits) if fix is not None else None
    if fix is not None and edit is not None:
        certain = fix.applicability is Applicability.CERTAIN
        title = fix.text[:1].upper() + fix.text[1:]
        yield types.CodeAction(
            title.partition("\n")[0], kind=types.CodeActionKind.QuickFix, diagnostics=shown, is_preferred=certain, edit=edit
        )


def _suppressions(analysis: Analysis, diagnostic: Diagnostic, shown: list[types.Diagnostic]) -> Iterator[types.CodeAction]:
    """Yield the comment that suppresses a warning on its line, if there is none on the line yet."""
    if diagnostic.severity is Severity.ERROR or diagnostic.span is None or diagnostic.code.startswith("E"):
        return
    source = analysis.source
    line = diagnostic.span.line_column[0]
    if any(comment.line_column[0] == line for comment in analysis.file.comments):
        return
    end = source.line_starts[line - 1] + len(source.line_text(line).rstrip())
    edit = Edit(Span(source, end, end), f"  # arch: allow({diagnostic.code})")
    yield types.CodeAction(
        f"Suppress {diagnostic.code} on this line",
        kind=types.CodeActionKind.QuickFix,
        diagnostics=shown,
        edit=_workspace_edit(analysis, [edit]),
    )


def _all_fixes(analysis: Analysis) -> Iterator[types.CodeAction]:
    chosen = certain_fixes(analysis.diagnostics, [analysis.source])
    edits = [edit for edits in edits_of(chosen).values() for edit in edits]
    if edits:
        yield types.CodeAction("Apply all certain fixes", kind=FIX_ALL, edit=_workspace_edit(analysis, edits))


def _workspace_edit(analysis: Analysis, edits: Iterable[Edit]) -> types.WorkspaceEdit | None:
    """Return edits as a change of the files that they are in; None if one is in no file, such as the value of a setting."""
    changes: dict[str, list[types.TextEdit]] = {}
    for edit in edits:
        uri = analysis.uri(edit.span.file)
        if uri is None:
            return None
        changes.setdefault(uri, []).append(types.TextEdit(range_of(edit.span), edit.text))
    return types.WorkspaceEdit(changes=changes)
