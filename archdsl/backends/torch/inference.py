"""What the source of a network for inference has besides: evaluation mode from the start, and the memory format of images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from archdsl.ir import Graph
from archdsl.ops import Category
from archdsl.ops.normalization import GroupNorm

_FORMAT: Final = "memory_format=torch.channels_last"
_IMAGE_AXES: Final = 3

_TRAIN: Final = '''
    def train(self, mode=True):
        """Raise `RuntimeError` for training mode: batch norm is folded, and what only training needs is left out."""
        if mode:
            raise RuntimeError("this module is optimized for inference: to train, build it without `optimize`")
        return super().train(mode)
'''


def constructor_lines(graph: Graph) -> list[str]:
    """Return the lines at the end of the network's constructor."""
    converted = [f"        self.to({_FORMAT})"] if pays_channels_last(graph) else []
    return [*converted, "        self.eval()"]


def train_lines() -> list[str]:
    """Return the network's method `train`."""
    return _TRAIN.rstrip().splitlines()


def input_lines(graph: Graph, arguments: list[str]) -> list[str]:
    """Return the first lines of the network's `forward`, given the variables of its inputs."""
    if not pays_channels_last(graph):
        return []
    images = [argument for argument, value in zip(arguments, graph.inputs, strict=True) if len(value.shape) == _IMAGE_AXES]
    return [f"        {image} = {image}.contiguous({_FORMAT})" for image in images]


def pays_channels_last(graph: Graph) -> bool:
    """Return whether images are kept with the channels last: if windows of a convolution over images overlap.

    Its kernels are faster then. Convolutions that cut an image into patches are only the start of networks on tokens. Networks
    with group normalization keep the usual format: for the other one, PyTorch computes the variance as `E[x^2] - E[x]^2` (2.13),
    which loses up to all digits where it is small beside the mean.
    """
    if not any(len(value.shape) == _IMAGE_AXES for value in graph.inputs):
        return False
    on_images = [node for function in graph.functions() for node in function.ops if len(node.output.shape) == _IMAGE_AXES]
    if any(isinstance(node.op, GroupNorm) for node in on_images):
        return False
    convolutions = (node for node in on_images if node.op.category is Category.CONVOLUTION)
    return any(_overlaps(node.op.attributes(*node.input_shapes)) for node in convolutions)


def _overlaps(geometry: Mapping[str, Any]) -> bool:
    return any(window > stride for window, stride in zip(geometry["k"], geometry["stride"], strict=True))
