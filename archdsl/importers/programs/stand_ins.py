"""What stands for a node of a file that cannot run in PyTorch, so that the rest can be traced and read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from archdsl.importers.aten import Lacking, Step, rule
from archdsl.importers.model import Apply


@torch.library.custom_op("archdsl::stand_in", mutates_args=())
def _stand_in(inputs: list[Tensor], shape: list[int], reason: str) -> Tensor:
    return inputs[0].new_zeros(shape)


@_stand_in.register_fake
def _(inputs: list[Tensor], shape: list[int], reason: str) -> Tensor:
    return inputs[0].new_empty(shape)


@rule("archdsl.stand_in.default")
def _refused(s: Step) -> list[Apply]:
    """Refuse the node that it stands for, for the same reason."""
    raise Lacking(str(s.node.args[2]))


def stand_ins(inputs: Sequence[Any], shapes: Sequence[tuple[int | None, ...] | None], reason: str) -> list[Tensor]:
    """Return a tensor for each result of a node: of its shape in the file, or else of that of its first input.

    The batch is that of the first input.
    """
    tensors = [value for value in inputs if isinstance(value, Tensor)]
    first = tensors[0]
    made = []
    for shape in shapes:
        known = [size for size in (shape or ())[1:] if size is not None]
        whole = shape is not None and len(shape) > 0 and len(known) == len(shape) - 1
        sizes = [int(first.shape[0]), *known] if whole else [int(size) for size in first.shape]
        made.append(_stand_in([tensor.float() for tensor in tensors], sizes, reason))
    return made
