"""Names of blocks, parameters and values, as a person would choose them."""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from archdsl.elaborate.naming import MODULE_ATTRIBUTES
from archdsl.initializers import Initializer
from archdsl.ops import Op
from archdsl.syntax.error_context import KEYWORDS

FUNCTIONS = frozenset("min max abs ceil floor round sqrt log2 len sum int reversed make_divisible".split())

SHADOWING = frozenset({"pad", "act"})
"""Names of ops that a parameter may have."""

_ROLES = {"p": "drop", "count": "n", "callee": "act", "if": "complete", "when": "residual"}
"""Usual names of values whose role has another name."""
_KINDS = {
    **dict.fromkeys(("out", "groups", "heads", "to", "dim", "n"), "channels"),
    **dict.fromkeys(("k", "stride", "pad", "dilation", "scale", "output_pad"), "small"),
    "count": "count",
}
"""The kind of a number by its role; others are small numbers."""


def is_reserved(name: str) -> bool:
    """Whether the language gives a name a meaning of its own."""
    return (
        name in KEYWORDS or name == "x" or name in FUNCTIONS or Op.registry.get(name) is not None
        or Initializer.registry.get(name) is not None
    )  # fmt: skip


def is_identifier(label: str) -> bool:
    """Whether a label can stand without quotes."""
    return (
        re.fullmatch(r"[A-Za-z]\w*", label, re.ASCII) is not None
        and label not in KEYWORDS and label != "x" and label not in JOIN_WORDS
        and not keyword.iskeyword(label)
    )  # fmt: skip


JOIN_WORDS = frozenset({"concat", "shake", "mul", "add", "sub", "div", "module", "by"})


def can_name_a_value(label: str) -> bool:
    """Whether a label also names a value: it does not if it is the name of an op."""
    return is_identifier(label) and not is_reserved(label) and label not in MODULE_ATTRIBUTES


def name_of_file(path: Path) -> str:
    """Return the name of a network for that of its file."""
    return fresh_name(path.name.partition(".")[0], set())


def kind_of_input(axes: int, taken: Collection[str] = ()) -> str:
    """Return what an input with so many axes is, which names one that has no name, with a number if others are called that."""
    kind = {1: "features", 2: "signal", 3: "image", 4: "volume"}.get(axes, "value")
    names = (kind, *(f"{kind}{number}" for number in range(2, len(taken) + 2)))
    return next(name for name in names if name not in taken)


def fresh_name(wanted: str, taken: set[str], label: str = "") -> str:
    """Return a name that is not taken yet, and take it."""
    wanted = re.sub(r"\W", "_", wanted).strip("_") or "value"
    if wanted[0].isdigit():
        wanted = f"n{wanted}"
    if (is_reserved(wanted) and wanted not in SHADOWING) or keyword.iskeyword(wanted):
        wanted = f"{wanted}_"
    choices = [wanted]
    if label and is_identifier(label) and not re.fullmatch(r"conv\d*|\d+", label):
        choices.append(f"{label}_{wanted}")
    if wanted == "pad":
        choices.append("padding")
    choices += [f"{wanted}{n}" for n in range(2, 100)]
    name = next(choice for choice in choices if choice not in taken and (choice in SHADOWING or not is_reserved(choice)))
    taken.add(name)
    return name


def name_for(role: str) -> str:
    """Return the usual name for a value of some role."""
    return _ROLES.get(role, role)


def kind_of_role(role: str, values: Sequence[Any]) -> str:
    """Return what kind of value it is: numbers of channels are explained by others, and windows only by windows."""
    if all(isinstance(value, bool) for value in values):
        return "bool"
    if any(isinstance(value, float) for value in values):
        return "float"
    if any(isinstance(value, str | tuple | list | range) or value is None for value in values):
        return "other"
    return _KINDS.get(role, "small")


def snake(name: str) -> str:
    """Return the name of a class as that of a block: `BasicBlock` is `basic_block`."""
    for word in ("ConvNeXt", "NeXt", "ReLU", "GELU", "SiLU", "GLU", "MLP"):
        name = name.replace(word, word.capitalize())
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name.strip("_"))
    return re.sub(r"_+", "_", spaced).lower()


def block_name(class_name: str, taken: set[str], variant: str = "") -> str:
    """Return the name of the block for a class. `variant` is what a further block of the class has that the first one lacks."""
    name = snake(class_name) or "block"
    if name[0].isdigit():
        name = f"b{name}"
    candidates = [
        name,
        *([f"{name}_with_{variant}"] if variant else []),
        f"{name}_block",
        *(f"{name}_{n}" for n in range(2, 100)),
    ]
    found = next(n for n in candidates if n not in taken and not is_reserved(n) and not keyword.iskeyword(n))
    taken.add(found)
    return found
