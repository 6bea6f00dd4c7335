"""The format `pt2`: a program of `torch.export`, which PyTorch runs and compiles further."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.exporting.format import PRECISIONS, Format, Runner
from archdsl.exporting.placing import write_from_memory

if TYPE_CHECKING:
    from torch import Tensor

    from archdsl.exporting.program import Program

_METADATA = "archdsl.json"


def _write(program: Program, path: Path) -> tuple[Path, ...]:
    import torch

    from archdsl.exporting.program import quiet

    with quiet():
        exported, extra = program.exported(), {_METADATA: json.dumps(program.metadata)}
        write_from_memory(path, lambda buffer: torch.export.save(exported, buffer, extra_files=extra))
    return (path,)


def _load(path: Path, extra: dict[str, Any]) -> Any:
    import torch

    from archdsl.exporting.program import quiet

    with path.open("rb") as file, quiet():
        return torch.export.load(file, extra_files=extra)


def _run(path: Path) -> Runner:
    import torch

    from archdsl.exporting.program import flat

    module = _load(path, {}).module()

    def run(inputs: Sequence[Tensor]) -> list[Tensor]:
        with torch.no_grad():
            return list(flat(module(*inputs)))

    return run


def _metadata(path: Path) -> Mapping[str, str]:
    extra = {_METADATA: ""}
    _load(path, extra)
    found: dict[str, str] = json.loads(extra[_METADATA])
    return found


FORMAT = Format("a program of torch.export, for PyTorch", (".pt2",), ("torch",), frozenset(PRECISIONS), _write, _run, _metadata)
