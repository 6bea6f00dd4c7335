"""New spec files: a copy of a network with everything that it uses, or a small template."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, Final

from archdsl.addresses import read_address
from archdsl.diagnostics import Diagnostic, SpecError, codes
from archdsl.driver import compile_source
from archdsl.elaborate import Program, read_source, select_network
from archdsl.file_io import cannot_write, check_storable, write_file
from archdsl.formatting import format_source
from archdsl.session import Session
from archdsl.source import SourceFile
from archdsl.syntax.extract import excerpt
from archdsl.syntax.parser import parse

_FIRST: Final = """\
## A small residual network for 8 by 8 digits: a template to edit.
## `archdsl check NAME.arch` shows its layers, `archdsl render NAME.arch -o NAME.svg` draws it.

# A block is a function of the tensor that flows through it. `x` is the current value of that tensor.
block unit(width, stride = 1) {
  skip {
    conv1: conv(width, 3, stride); bn1: bn; relu
    conv2: conv(width, 3);         bn2: bn
  } via {
    if stride != 1 or x.c != width { downsample: conv(width, 1, stride) -> bn }
  }
  relu
}

network NAME(classes: int = 10, width: int = 16) {
  input image [1, 8, 8]                # channels, height, width; no batch
  conv1: conv(width, 3) -> bn -> relu  # a label is a key of the state_dict: conv1.0.weight
  for i in 0..3 {
    "layer{i + 1}": unit(width * 2^i, stride = 1 if i == 0 else 2)
  }
  expect x.shape == [4 * width, 2, 2]  # a claim, verified by `check`
  gap; flatten
  fc: linear(classes)
}

# The recipe of `archdsl train NAME.arch`; `--set train.epochs=3` changes a key.
train {
  data      = digits
  epochs    = 10
  batch     = 64
  optimizer = sgd(lr = 0.1, momentum = 0.9, nesterov = true, weight_decay = 5e-4)
  schedule  = cosine(warmup = 1)
  seed      = 0
}
"""


def template(name: str, session: Session) -> dict[str, str]:
    """Return a small commented spec by file name. Raise `SpecError` if the name is not valid for a network."""
    text = _FIRST.replace("NAME", name)
    return _imported(name, text, Path(), session) | {f"{name}.arch": text}


def copy_of(address: str, name: str, stdin: IO[bytes], session: Session) -> dict[str, str]:
    """Return a network under a new name and the files that it imports, by path. Raise `SpecError` if there is no such network."""
    path, chosen, source = read_address(address, session, stdin)
    if isinstance(source, Diagnostic):
        raise SpecError(source)
    folder, stem = (path.parent, path.stem) if path is not None else (None, "")
    program = Program(folder, session)
    module = program.module(source, path)
    if any(diagnostic.is_error for diagnostic in program.diagnostics):
        raise SpecError(*program.diagnostics)
    definition = select_network(module, chosen, stem, source.name)
    if isinstance(definition, Diagnostic):
        raise SpecError(definition)
    text = excerpt(module.file, definition, name)
    found = _imported(name, text, folder or Path(), session)
    return found | {f"{name}.arch": _formatted(text, session)}


def _formatted(text: str, session: Session) -> str:
    """Return a text without errors in the one style: another name may move what stands in columns."""
    file, _ = parse(SourceFile("<new>", text), session.limits)
    return format_source(file, session.limits)


def _imported(name: str, text: str, folder: Path, session: Session) -> dict[str, str]:
    """Check a new spec, and return the files that it imports. Raise `SpecError` if it has errors."""
    file = f"{name}.arch"
    compiled = compile_source(SourceFile(file, text), folder / file, name, session=session)
    for diagnostic in compiled.diagnostics:
        if (
            diagnostic.span is not None and diagnostic.span.text == name
        ):  # without its place, since the user did not write that text
            raise SpecError(diagnostic.moved(None))
    compiled.require()
    root = folder.resolve()
    return {str(Path(source.name).resolve().relative_to(root)): source.text for source in compiled.sources[1:]}


def write_new(files: dict[str, str], folder: Path) -> list[Path]:
    """Write files into a folder. Raise `SpecError` E0606 if a file exists; identical imported files may exist."""
    targets = {folder / name: text for name, text in files.items()}
    new = folder / next(reversed(files))
    for path, text in targets.items():
        if os.path.lexists(path) and (path == new or not _holds(path, text)):
            raise SpecError(codes.files.FileExists(str(path)))
    for path, text in targets.items():
        check_storable(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(path.parent, error) from error
        if not os.path.exists(path):
            write_file(path, text)
    return list(targets)


def _holds(path: Path, text: str) -> bool:
    """Return whether a file contains a spec with this text."""
    found = read_source(path) if path.is_file() else None
    return isinstance(found, SourceFile) and found.text == text
