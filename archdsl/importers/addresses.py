"""What an address of a model means: a file of another program, told by its ending, or a name in a Python module.

`FORMATS` is the one table of the files that can be imported. Nothing here imports PyTorch.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from archdsl.diagnostics import SpecError, codes
from archdsl.optional_dependencies import extra_needed
from archdsl.resources import shipped_files

if TYPE_CHECKING:
    from archdsl.importers.configs.importing import ImportedConfig
    from archdsl.importers.importing import Imported

_HEAD: Final = 1 << 16
"""Bytes of a file that are searched for marks."""
_SPEC: Final = ".arch"
_WEIGHTS: Final = (".pt", ".pth", ".safetensors")
PYTHON_SIZE: Final = (3, 224, 224)
"""The size of the example for a model in Python that has no other."""


@dataclass(frozen=True)
class Format:
    """A kind of file with a model. The `module` has a function `import_file`, and needs the packages of an `extra`.

    Files of several kinds may share an ending; then each kind has `marks`, of which the beginning of its files has one.
    """

    name: str
    suffixes: tuple[str, ...]
    module: str
    extra: str
    marks: tuple[bytes, ...] = ()


CONFIGURATION: Final = Format(
    "a configuration file", (".cfg", ".prototxt", ".pt.txt", ".pbtxt", ".json", ".yaml", ".yml"),
    "archdsl.importers.configs.importing", "import",
)  # fmt: skip
FORMATS: Final = (
    Format("a program of torch.export", (".pt2",), "archdsl.importers.programs.exported", "train"),
    Format("an ONNX model", (".onnx",), "archdsl.importers.programs.onnx_file", "export"),
    CONFIGURATION,
)


@dataclass(frozen=True)
class ModelFile:
    """A file with a model, and its kind."""

    path: Path
    format: Format


@dataclass(frozen=True)
class PythonName:
    """`package.module:name`: a model that running Python makes."""

    address: str


def model_at(address: str) -> ModelFile | PythonName | None:
    """Return the model that an address means; None if it is that of a spec.

    A Python module is asked for only if no spec has the name, and none of it runs here.
    """
    kind = _format_of(address)
    if kind is not None:
        return ModelFile(Path(address), kind)
    path, colon, names = address.partition(":")
    dotted = path.split(".")
    if not colon or not names or path.endswith(_SPEC) or not all(part.isidentifier() for part in dotted):
        return None
    if os.path.exists(path) or any(file.stem == path for file in shipped_files()):
        return None
    if not all(part.isidentifier() for name in names.split(",") for part in name.strip().split(".")):
        return None
    found = PathFinder.find_spec(dotted[0], [os.getcwd(), *sys.path])
    return PythonName(address) if found is not None or dotted[0] in sys.builtin_module_names else None


def import_model(
    address: str, *, call: str | None = None, sizes: Sequence[tuple[int, ...]] | None = None, partial: bool = False,
    fixed: bool = False, family: bool = False, say: Callable[[str], None] | None = None,
) -> Imported | ImportedConfig:  # fmt: skip
    """Return the spec of the model at an address. `sizes` are those of the inputs, without the batch.

    Sizes are symbolic where the network works at others, unless they shall be `fixed`; those of a configuration file are fixed.
    With `family`, a file with several scales becomes a network for each.

    Before the user's Python runs, `say` is told.
    Raise `SpecError` E1201 for an address that leads nowhere, and the errors of the importer.
    """
    kind = _format_of(address)
    if kind is None and os.path.isfile(address) and not address.endswith(_WEIGHTS):
        kind = CONFIGURATION  # its content says which
    if kind is None:
        _refuse_file(address)
        with extra_needed("train", "importing a model"):
            from archdsl.importers.importing import import_address  # here: torch takes over a second to import
        if say is not None:
            say(f"running the Python of {address.partition(':')[0]}")
        return import_address(address, call=call, sizes=sizes or (PYTHON_SIZE,), partial=partial, fixed=fixed)
    path = Path(address)
    if call is not None:
        raise SpecError(codes.importing.BadAddress(address, "`--call` is for a class or function in Python"))
    if not path.is_file():
        raise SpecError(codes.importing.BadAddress(address, "it is a folder" if path.is_dir() else "there is no such file"))
    with extra_needed(kind.extra, f"importing {kind.name}"):
        import_file = cast("Callable[..., Imported | ImportedConfig]", import_module(kind.module).import_file)
    options = {"family": family} if kind is CONFIGURATION else {"fixed": fixed}
    return import_file(path, sizes=sizes, partial=partial, **options)


def _format_of(address: str) -> Format | None:
    """Return the kind of the file at an address; None if it is no file of another program."""
    kinds = [kind for kind in FORMATS if address.lower().endswith(kind.suffixes)]
    if all(not kind.marks for kind in kinds):
        return kinds[0] if kinds else None
    try:
        with open(address, "rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return kinds[0]
    return next((kind for kind in kinds if any(mark in head for mark in kind.marks)), None)


def _refuse_file(address: str) -> None:
    """Raise `SpecError` E1201 if an address is a file of a kind that is not read."""
    if ":" in address and not os.path.exists(address):
        return
    if os.path.isfile(address) or "/" in address or address.endswith(_WEIGHTS):
        known = ", ".join(suffix for kind in FORMATS for suffix in kind.suffixes)
        reason = "files of this kind have no model that can be read" if os.path.exists(address) else "there is no such file"
        raise SpecError(codes.importing.BadAddress(address, reason, f"files that are read end in {known}"))
