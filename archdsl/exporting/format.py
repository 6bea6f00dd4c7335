"""The formats of exported networks. Each module below `archdsl/exporting/formats` is one, and describes itself.

Such a module holds a `Format` named `FORMAT`, and imports PyTorch and the runtime only when they are needed, so that naming the
formats costs nothing.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias, get_args

if TYPE_CHECKING:
    from torch import Tensor

    from archdsl.exporting.program import Program

Precision = Literal["fp32", "bf16", "fp16", "int8"]
PRECISIONS: Final[tuple[Precision, ...]] = get_args(Precision)
_FOLDER: Final = Path(__file__).parent / "formats"

Runner: TypeAlias = "Callable[[Sequence[Tensor]], list[Tensor]]"
"""A file that was opened in its runtime: from the inputs to the outputs, in order. It raises for invalid sizes."""


class Format(NamedTuple):
    """A file format, with its runtime.

    `suffixes` are those of the files, the first of which is the default. `packages` are those that writing or running needs, as
    they are imported. `write` writes a program to a path, and returns the paths of all files that it wrote; `run` opens a file,
    and `metadata` reads what `write` stored.
    """

    about: str
    suffixes: tuple[str, ...]
    packages: tuple[str, ...]
    precisions: frozenset[Precision]
    write: Callable[[Program, Path], tuple[Path, ...]]
    run: Callable[[Path], Runner]
    metadata: Callable[[Path], Mapping[str, str]]
    check: Callable[[], None] = lambda: None
    """Raise `SpecError` if something other than a package is missing."""
    required_suffix: str | None = None
    """The suffix without which the runtime does not open a file."""


def names() -> list[str]:
    """Return the names of all formats."""
    return sorted(module.name for module in pkgutil.iter_modules([str(_FOLDER)]))


def format_named(name: str) -> Format:
    """Return a format by its name. Raise `KeyError` if there is none."""
    if name not in names():
        raise KeyError(name)
    found: Format = import_module(f"archdsl.exporting.formats.{name}").FORMAT
    return found


def name_for_file(path: Path, to: str | None = None) -> str:
    """Return the name of the format of a file: `to`, or that of its suffix. Raise `ValueError` if there is none."""
    if to is not None and to not in names():
        raise ValueError(f"the formats are {', '.join(names())}, not {to!r}")
    ends = [(suffix, name) for name in names() for suffix in format_named(name).suffixes if path.name.lower().endswith(suffix)]
    name = to or max(ends, key=lambda end: len(end[0]), default=(None, None))[1]
    if name is None:
        suffixes = ", ".join(f"{format_named(name).suffixes[0]} ({name})" for name in names())
        raise ValueError(f"no format has files like {path.name}: name a format with `to`, or a suffix: {suffixes}")
    required = format_named(name).required_suffix
    if required is not None and path.suffix.lower() != required:
        raise ValueError(f"files of the format {name} end in {required}, not {path.name!r}")
    return name
