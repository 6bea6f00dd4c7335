"""Why a model cannot be traced, in words for who wrote it or only wants to import it."""

from __future__ import annotations

import inspect
import sysconfig
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from archdsl.diagnostics import SpecError, codes

_DEPENDS = ("GuardOnDataDependentSymNode", "UserError", "DataDependentOutputException")
"""What PyTorch raises where a number, a size or a condition follows from the content of a tensor."""

_SAME = "a network of the language computes the same for every input"


def not_traced(name: str, module: nn.Module, example: Sequence[Tensor], error: BaseException) -> SpecError:
    """Return the error E1202 for what `torch.export` has raised: the reason, the line of the source, and what helps."""
    sizes = ",".join("x".join(map(str, tensor.shape[1:])) for tensor in example)
    place = place_of(error)
    if (names := _missing(module, example)) is not None:
        reason = f"`forward` takes {', '.join(names)}, and the example has {len(example)} of these {len(names)} inputs"
        help = f"give the size of each, as in `--input {','.join([sizes.partition(',')[0]] * len(names))}`"
        return SpecError(codes.importing.NotTraced(name, reason, None, help))
    if type(error).__name__ in _DEPENDS:
        reason = "it decides by the content of a tensor (data-dependent control flow)"
        return SpecError(codes.importing.NotTraced(name, reason, place, _SAME))
    try:
        with torch.no_grad():
            module(*example)
    except Exception as failed:
        place = place_of(failed) or place
        help = f"the example is {sizes}, without the batch; `--input` gives other sizes"
        return SpecError(codes.importing.NotTraced(name, f"the model fails on the example: {_said(failed)}", place, help))
    return SpecError(codes.importing.NotTraced(name, _said(error), place, None))


def refuse_open_sizes(name: str, node: Any, place: str, code: str) -> None:
    """Raise `SpecError` E1202 if sizes of the results of a node follow from the content of a tensor."""
    made = node.meta.get("val")
    for tensor in made if isinstance(made, list | tuple) else [made]:
        if isinstance(tensor, Tensor) and not all(isinstance(size, int) for size in tensor.shape):
            reason = f"the size of a tensor depends on the content of another, in `{code}`"
            raise SpecError(codes.importing.NotTraced(name, reason, place, _SAME))


def place_of(error: BaseException) -> str | None:
    """Return the innermost line of the traceback that is neither PyTorch's, nor Python's, nor archdsl's; None if all are."""
    place = None
    standard = sysconfig.get_paths()["stdlib"]
    frame = error.__traceback__
    while frame is not None:
        file = frame.tb_frame.f_code.co_filename
        path = file.replace("\\", "/")
        theirs = "/torch/" not in path and "/archdsl/" not in path and not path.startswith("<")
        if theirs and (not file.startswith(standard) or "site-packages" in path):
            place = f"{file}:{frame.tb_lineno}"
        frame = frame.tb_next
    return place


def _missing(module: nn.Module, example: Sequence[Tensor]) -> list[str] | None:
    """Return the names of the inputs that `forward` needs if the example has fewer; else None."""
    try:
        parameters = inspect.signature(module.forward).parameters.values()
    except (TypeError, ValueError):
        return None
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    needed = [p.name for p in parameters if p.kind in plain and p.default is inspect.Parameter.empty]
    return needed if len(needed) > len(example) else None


def _said(error: BaseException) -> str:
    """Return the first line of an error's message, and its type if it has none."""
    lines = [line for line in str(error).strip().splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:300]
