"""The severities of warnings and notes as the user wants them: `--warn`, `--deny`, `--allow` and `--select`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from archdsl.diagnostics import Diagnostic, Severity, did_you_mean

ERRORS_ALONE: Final = "E"
"""What is selected in place of a code if neither warnings nor notes are to be reported."""


class Levels(NamedTuple):
    """A severity for each code that is to have another one than by default; None if it is not to be reported."""

    by_code: Mapping[str, Severity | None] = {}

    def applied(self, findings: Iterable[Diagnostic]) -> list[Diagnostic]:
        """Return the findings with these severities, without those that are allowed."""
        by_code = self.by_code
        if not by_code:
            return list(findings)
        kept = list[Diagnostic]()
        for finding in findings:
            severity = by_code.get(finding.code, finding.severity)
            if severity is not None:
                kept.append(finding if severity is finding.severity else finding.with_severity(severity))
        return kept


def levels_from(*, warn: Iterable[str] = (), deny: Iterable[str] = (), allow: Iterable[str] = ()) -> Levels:
    """Return the levels for codes that are given for each; `warn` wins over `deny`, and that over `allow`.

    Raise `ValueError` for a code that does not exist, or is that of an error.
    """
    by_code: dict[str, Severity | None] = {}
    for severity, given in ((None, allow), (Severity.ERROR, deny), (Severity.WARNING, warn)):
        by_code |= {_checked(code): severity for code in given}
    return Levels(by_code)


def only(selected: Iterable[str], levels: Levels) -> Levels:
    """Return the levels with which no other warnings and notes than the selected codes are reported. `E` selects none.

    Raise `ValueError` for a code that does not exist, or is that of an error.
    """
    from archdsl.diagnostics.codes.table import CODES  # here, as below

    kept = {_checked(code) for code in selected if code != ERRORS_ALONE}
    others = {code: None for code in CODES if not code.startswith("E") and code not in kept}
    return Levels({**levels.by_code, **others})


def _checked(code: str) -> str:
    from archdsl.diagnostics.codes.table import CODES  # here: most checks change no severity

    upper = code.upper()
    if upper not in CODES:
        near = did_you_mean(upper, [known for known in CODES if not known.startswith("E")])
        raise ValueError(f"there is no code {code!r}" + (f"; {near}" if near else "; `archdsl explain` lists them"))
    if upper.startswith("E"):
        raise ValueError(f"{upper} is an error, and stays one: only warnings and notes have another severity")
    return upper
