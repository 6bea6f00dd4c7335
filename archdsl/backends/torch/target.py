"""The target `torch`: Python source."""

from __future__ import annotations

from archdsl.ir import Graph
from archdsl.targets import Options, Target


def _write(graph: Graph, suffix: str, options: Options) -> bytes:
    from archdsl.backends.torch.emit import emit  # here: naming the targets needs no emitter

    return emit(graph, aux=options.aux, inplace=options.inplace).encode()


TARGET = Target("Python source that imports PyTorch alone", ("py",), _write, frozenset({"aux", "inplace"}))
