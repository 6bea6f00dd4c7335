"""Reads the files of `torch.export.save` without executing what is in them.

`torch.export.load` unpickles some parts of an archive, which can run any code, and loads compiled libraries. Programs of plain
tensors have no such parts, so that an archive with any of them is refused before it is loaded.
"""

from __future__ import annotations

import ast
import io
import json
import logging
import pickle
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import torch
from torch._ops import OpOverload
from torch.export import ExportedProgram

from archdsl.diagnostics import SpecError, codes

_TARGET: Final = re.compile(r"(torch\.ops\.|torch\.sym_|torch\.(ops|_check)|_operator\.|math\.)[\w.]+")
_SAFE: Final = (
    "archive_format", "archive_version", "version", "byteorder", ".data/", "models/", "data/sample_inputs/", "data/weights/",
    "data/constants/", "extra/",
)  # fmt: skip
"""What the names of parts begin with that are read."""


def read_program(path: Path) -> ExportedProgram:
    """Return the program in a file. Raise `SpecError` E1201 if it is none, or holds what only code could read."""
    from torch.export.pt2_archive._package import PT2ArchiveReader, load_pt2

    data = path.read_bytes()  # once, so that what is checked is what is loaded
    try:
        with PT2ArchiveReader(io.BytesIO(data)) as archive:
            reason = _danger(archive)
    except (RuntimeError, ValueError, KeyError, AssertionError) as error:
        raise _bad(
            path, "it is no archive of torch.export.save", "save it with `torch.export.save(program, 'net.pt2')`"
        ) from error
    if reason is not None:
        raise _bad(path, f"{reason}, which could run code")
    logger = logging.getLogger("torch.export")
    level = logger.level
    try:
        logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            programs = load_pt2(io.BytesIO(data)).exported_programs
    except Exception as error:  # PyTorch has no one error for files of other versions
        lines = str(error).strip().splitlines() or [""]
        raise _bad(path, f"PyTorch {torch.__version__} cannot load it: {type(error).__name__}: {lines[0][:200]}") from error
    finally:
        logger.setLevel(level)
    if len(programs) != 1:
        raise _bad(path, f"it holds {len(programs)} programs, expected one")
    program: ExportedProgram = next(iter(programs.values()))
    for node in program.graph.nodes:
        if node.op == "call_function" and not _is_known(node.target):
            raise _bad(path, f"its node `{node.name}` calls `{node.target}`, which is no operation of PyTorch")
    return program


def _bad(path: Path, reason: str, help: str | None = None) -> SpecError:
    return SpecError(codes.importing.BadAddress(str(path), reason, help))


def _is_known(target: Any) -> bool:
    module = getattr(target, "__module__", "")
    return isinstance(target, OpOverload) or module in ("_operator", "math") or target in (torch.sym_sum, torch.sym_float)


def _danger(archive: Any) -> str | None:
    """Return what in an archive can be read only by executing it; None if there is no such thing."""
    names = archive.get_file_names()
    for name in names:
        if not name.startswith(_SAFE):
            return f"it holds `{name}`"
        if name.endswith(".json"):
            for reason in _in_json(json.loads(archive.read_string(name))):
                return f"`{name}` has {reason}"
        elif name.startswith("data/sample_inputs/"):
            try:
                torch.load(io.BytesIO(archive.read_bytes(name)), weights_only=True)
            except (pickle.UnpicklingError, RuntimeError):
                return f"`{name}` has more than tensors"
        elif name.startswith(("data/weights/", "data/constants/")) and name.endswith(".pt"):
            return f"`{name}` is of an old format"
    return None


def _in_json(data: Any) -> Iterator[str]:
    """Yield what is dangerous in a part of an archive: pickles, objects, expressions and names of functions."""
    if isinstance(data, list):
        for item in data:
            yield from _in_json(item)
    elif isinstance(data, dict):
        for key, value in data.items():
            if key == "use_pickle" and value:
                yield "a pickle"
            elif key == "path_name" and not str(value).startswith(("weight_", "tensor_")):
                yield f"the object `{value}`"
            elif key == "expr_str" and not _is_size(str(value)):
                yield f"the expression `{value}`"
            elif key == "target" and isinstance(value, str) and not _TARGET.fullmatch(value):
                yield f"a call of `{value}`"
            else:
                yield from _in_json(value)


_PARTS: Final = (ast.Expression, ast.Call, ast.keyword, ast.Name, ast.Constant, ast.BinOp, ast.UnaryOp, ast.Compare, ast.Tuple,
                 ast.expr_context, ast.operator, ast.unaryop, ast.cmpop)  # fmt: skip


def _is_size(expression: str) -> bool:
    """Whether an expression, which PyTorch evaluates as Python, is a formula of symbolic sizes: of sympy's own classes."""
    import sympy  # type: ignore[import-untyped]
    from torch.utils._sympy import functions

    try:
        tree = ast.parse(expression, mode="eval")
    except (SyntaxError, ValueError, RecursionError):
        return False
    for node in ast.walk(tree):
        if not isinstance(node, _PARTS):
            return False
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            called = getattr(functions, name, None) or getattr(sympy, name, None)
            if not isinstance(called, type) or not issubclass(called, sympy.Basic):
                return False
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and not node.value.isidentifier():
            return False
    return True
