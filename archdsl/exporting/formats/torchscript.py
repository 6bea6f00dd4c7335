"""The format `torchscript`, for programs in C++ that load TorchScript. PyTorch itself recommends `torch.export`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.exporting.format import Format, Runner
from archdsl.exporting.placing import write_from_memory

if TYPE_CHECKING:
    from torch import Tensor

    from archdsl.exporting.program import Program

_METADATA = "archdsl.json"


def _write(program: Program, path: Path) -> tuple[Path, ...]:
    import torch

    from archdsl.exporting.program import quiet

    with quiet(), torch.no_grad():
        traced = torch.jit.trace(  # type: ignore[no-untyped-call]
            program.build(False), program.examples, check_trace=False
        )
        scripted = torch.jit.script(_checked(program, traced))
        frozen, extra = torch.jit.freeze(scripted.eval()), {_METADATA: json.dumps(program.metadata)}
        write_from_memory(path, lambda buffer: torch.jit.save(frozen, buffer, _extra_files=extra))
    return (path,)


def _checked(program: Program, traced: Any) -> Any:
    """Return a module that checks its inputs first: a trace has no conditions."""
    from archdsl.backends.torch.instantiate import module_of
    from archdsl.backends.torch.size_check import NAME, size_check

    names = [f"input_{number}" if not name.isidentifier() else name for number, name in enumerate(program.inputs)]
    arguments = ", ".join(names)
    lines = [line for line in size_check(program.graph, names) if not line.startswith("torch.fx.wrap")]
    source = "\n".join(
        [
            "import torch",
            "from torch import nn",
            *lines,
            "class Checked(nn.Module):",
            "    def __init__(self, network):",
            "        super().__init__()",
            "        self.network = network",
            "",
            f"    def forward(self, {arguments}):",
            f"        {NAME}({arguments})",
            f"        return self.network({arguments})",
            "",
        ]
    )
    return module_of(source, f"{program.graph.name}_checked").Checked(traced)


def _run(path: Path) -> Runner:
    import torch

    from archdsl.exporting.program import flat, quiet

    with quiet():
        module = torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]

    def run(inputs: Sequence[Tensor]) -> list[Tensor]:
        with torch.no_grad():
            return list(flat(module(*inputs)))

    return run


def _metadata(path: Path) -> Mapping[str, str]:
    import torch

    from archdsl.exporting.program import quiet

    extra = {_METADATA: ""}
    with quiet():
        torch.jit.load(str(path), map_location="cpu", _extra_files=extra)  # type: ignore[no-untyped-call]
    found: dict[str, str] = json.loads(extra[_METADATA])
    return found


FORMAT = Format(
    "TorchScript, for programs in C++", (".ts", ".torchscript"), ("torch",), frozenset({"fp32", "fp16", "bf16"}),
    _write, _run, _metadata,
)  # fmt: skip
