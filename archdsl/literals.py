"""Values in the syntax of the language, and the names of their types in messages."""

from __future__ import annotations

from typing import Any


class Expression(str):
    """A text that is an expression of the language, as `load("net.arch", norm=Expression("gn(32)"))` gives one."""

    __slots__ = ()


def show(value: Any, words: frozenset[str] = frozenset(), most: int = 20) -> str:
    """Return a value as a spec writes it; of a list, at most so many elements. Whatever is no plain value writes itself."""
    if isinstance(value, Expression):
        return str(value)
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        if value in words:
            return value
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    if isinstance(value, tuple | list):
        shown = [show(item, words, most) for item in value[:most]]
        return "[" + ", ".join([*shown, "..."] if len(value) > most else shown) + "]"
    if isinstance(value, range):
        return _show_range(value)
    return str(value)


def _show_range(value: range) -> str:
    if value.step < 0:
        return f"reversed({_show_range(range(value[-1], value[0] + 1, -value.step))})" if value else "[]"
    by = f" by {value.step}" if value.step != 1 else ""
    return f"{value.start}..{value.stop}{by}"


def type_name(value: Any) -> str:
    """Return the type of a value with its article, as messages name it."""
    names: list[tuple[type | tuple[type, ...], str]] = [
        (bool, "a bool"), (int, "an int"), (float, "a float"), (str, "a string"),
        ((tuple, list, range), "a list"), (type(None), "none"),
    ]  # fmt: skip
    for kind, name in names:
        if isinstance(value, kind):
            return name
    return getattr(value, "type_name", "not a plain value")


def article(noun: str) -> str:
    """Return a noun with its indefinite article."""
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"
