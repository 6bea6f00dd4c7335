"""The target `torch`: Python source."""

from __future__ import annotations

from archdsl.ir.unrolled import Graph
from archdsl.targets import Target


def _write(graph: Graph, suffix: str, aux: bool) -> bytes:
    from archdsl.backends.torch.emit import emit  # here: naming the targets needs no emitter

    return emit(graph, aux=aux).encode()


TARGET = Target("Python source that imports PyTorch alone", ("py",), _write)
