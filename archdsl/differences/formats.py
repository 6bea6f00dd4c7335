"""The formats in which differences are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, get_args

if TYPE_CHECKING:
    from archdsl.differences.comparison import Comparison

Format = Literal["text", "json", "markdown", "html", "svg"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
SUFFIXES: Final[dict[str, Format]] = {
    "txt": "text", "json": "json", "md": "markdown", "html": "html", "svg": "svg",
}  # fmt: skip
"""Formats by the suffixes of files."""


def written(found: Comparison, form: Format) -> bytes:
    """Return differences in a format. Raise `SpecError` for a picture that cannot be drawn, as `archdsl render` does."""
    if form == "json":
        from archdsl.diagnostics import json_text  # here and below: each format needs modules of its own

        return f"{json_text(found.as_data())}\n".encode()
    if form == "markdown":
        from archdsl.differences.markdown import markdown

        return markdown(found).encode()
    if form == "html":
        from archdsl.differences.html import difference_page

        return difference_page(found).encode()
    if form == "svg":
        from archdsl.differences.picture import picture_of

        return picture_of(found)
    return found.text().encode()
