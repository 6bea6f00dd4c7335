"""How generated source writes the names of submodules, which may be any text without a dot."""

from __future__ import annotations

import json
import keyword


def is_attribute(name: str) -> bool:
    """Return whether source can write `self.name`. Inside a class `__name` is another, and Python rewrites what is not ASCII."""
    return name.isascii() and name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("__")


def identifier(label: str) -> str:
    """Return what of a label can stand in an identifier: `enc[0]` becomes `enc0`."""
    return "".join([c for c in label if c.isascii() and (c.isalnum() or c == "_")])


def quoted(name: str) -> str:
    """Return a name as a string literal."""
    return json.dumps(name, ensure_ascii=False)
