"""Drop false claims that may follow from an error in a definition that their network draws on."""

from __future__ import annotations

from archdsl.diagnostics import Diagnostic
from archdsl.elaborate.values import Module
from archdsl.frozen_record import record
from archdsl.source import Span
from archdsl.syntax import nodes as ast


@record
class FalseClaim:
    """An `expect` that does not hold; `definition`, of `module`, is the network or block that was being checked."""

    module: Module
    definition: ast.Definition
    diagnostic: Diagnostic
    unread: bool = False
    """Whether the network uses a definition that a syntax error hides, so that the claim may well hold."""


def not_explained(claims: list[FalseClaim], errors: list[Diagnostic]) -> list[Diagnostic]:
    """Return the false claims that follow from none of the errors."""
    places = [error.span for error in errors if error.is_error]
    reaches = {id(claim.definition): reach(claim.module, claim.definition) for claim in claims} if places else {}
    return [
        claim.diagnostic for claim in claims
        if not claim.unread and not any(_within(place, reaches[id(claim.definition)], claim.module) for place in places)
    ]  # fmt: skip


def reach(module: Module, definition: ast.Definition) -> list[Span]:
    """Return the parts of files that a definition draws on: its own, those of the definitions in it, and whole imported files.

    A part ends where the next one begins: the rest of a network that a stray brace cuts off stands between them.
    """
    from archdsl.syntax.extract import needed  # here: most claims hold

    file = module.file
    names = needed(file, definition.name)
    starts = [item.span.start for item in file.usable] + [len(file.source.text) + 1]
    found = [
        Span(file.source, item.span.start, end) for item, end in zip(file.usable, starts[1:], strict=True)
        if item is definition or (not isinstance(item, ast.Train) and item.name in names)
    ]  # fmt: skip
    for name in names & module.imports.keys():
        found += _whole(module.imports[name])
    return found


def _whole(module: Module) -> list[Span]:
    """Return the whole of a file, and of all that it imports."""
    source = module.file.source
    return [Span(source, 0, len(source.text) + 1), *(span for inner in module.imports.values() for span in _whole(inner))]


def _within(place: Span | None, parts: list[Span], module: Module) -> bool:
    """Return whether a place is in one of the parts; an error without a place in a file, as of a setting, may be in any."""
    if place is None or place.file.is_setting:
        return True
    return any(part.file is place.file and part.start <= place.start < part.end for part in parts)
