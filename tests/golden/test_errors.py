"""Each file in `errors/` is a source, a line of dashes, and what is said about it.

A first line `# set: NAME=VALUE, ...` gives settings, and `# size: 3x160x160` sizes of inputs; then the network is
compiled, not the whole file checked. A first line `# limits: NAME=N, ...` changes limits.
`pytest --update-golden` rewrites the second part.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from archdsl.diagnostics import render_text
from archdsl.diagnostics.codes.table import CODES
from archdsl.driver import check_text, compile_text
from archdsl.input_sizes import parse_sizes
from archdsl.limits import limits_from
from archdsl.session import Session

FOLDER = Path(__file__).parent / "errors"
CASES = sorted(FOLDER.glob("*.txt"))
BREAK = "\n" + "-" * 60 + "\n"


def said(source: str) -> str:
    """What the compiler says about a source."""
    limits = re.match(r"# limits: (.*)", source)
    if limits is not None:
        changed = limits_from({name: int(value) for name, value in _pairs(limits[1]).items()})
        return render_text(check_text(source, "net.arch", session=Session(changed)))
    settings, size = re.match(r"# set: (.*)", source), re.search(r"^# size: (.*)", source, re.MULTILINE)
    if settings is None and size is None:
        return render_text(check_text(source, "net.arch"))
    given = _pairs(settings[1]) if settings is not None else {}
    sizes = parse_sizes(size[1]) if size is not None else ()
    return render_text(compile_text(source, settings=given, shown="net.arch", sizes=sizes).diagnostics)


def _pairs(text: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in text.split(", "))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_error(path: Path, request: pytest.FixtureRequest) -> None:
    source, _, expected = path.read_text(encoding="utf-8").partition(BREAK)
    found = said(source)
    if request.config.getoption("--update-golden", default=False):
        path.write_text(source + BREAK + found, encoding="utf-8")
    else:
        assert found == expected


def test_every_code_of_the_front_end_has_a_case() -> None:
    shown = set(
        re.findall(r"^(?:error|warning|note)\[(\w+)\]", "".join(p.read_text(encoding="utf-8") for p in CASES), re.MULTILINE)
    )
    assert {code for code, entry in CODES.items() if entry.bad} <= shown
