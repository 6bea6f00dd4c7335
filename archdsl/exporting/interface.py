"""The inputs of an exported file. With the preparation of a run they are what was stored: bytes, and images of any size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn

from archdsl.analysis import SymbolicSizes
from archdsl.driver import compile_text
from archdsl.exporting.samples import inputs_of
from archdsl.ir import Graph
from archdsl.recipe.transforms import CenterCrop, sides
from archdsl.train.prepare import scaled

if TYPE_CHECKING:
    from archdsl.inference.preparation import InputPreparation
    from archdsl.network import Network


class Raw(NamedTuple):
    """How an input is stored: as bytes, or as floats in a range; otherwise as the network takes it."""

    type: str
    low: float = 0.0
    high: float = 1.0


class Interface(NamedTuple):
    """The inputs of a file: a graph whose inputs have their shapes, the valid sizes, and how values are stored.

    `preparation` makes the inputs of the network from them; None if they are the same.
    """

    graph: Graph
    sizes: SymbolicSizes
    raw: tuple[Raw, ...] = ()
    preparation: nn.Module | None = None

    def samples(self, shapes: list[tuple[int, ...]], seed: int) -> tuple[Tensor, ...]:
        """Return random inputs of these shapes."""
        drawn = inputs_of(self.graph, shapes, seed)
        if not self.raw:
            return drawn
        generator = torch.Generator().manual_seed(seed)
        return tuple(
            _stored(value, raw, torch.rand(value.shape, generator=generator)) for value, raw in zip(drawn, self.raw, strict=True)
        )


def _stored(value: Tensor, raw: Raw, uniform: Tensor) -> Tensor:
    if raw.type == "bytes":
        return (uniform * 256).byte()
    return raw.low + (raw.high - raw.low) * uniform if raw.type == "floats" else value


def as_stored(value: Tensor, raw: Raw) -> Tensor:
    """Return bytes as floats from 0 to 1, or the other way round, if the training data was stored so."""
    if raw.type == "bytes" and value.is_floating_point():
        return (value * 255).round().clamp(0, 255).byte()
    return scaled(value) if raw.type == "floats" else value


def interface_of(network: Network, preparation: InputPreparation | None) -> Interface:
    """Return the inputs of a file with this preparation."""
    if preparation is None:
        return Interface(network.graph, network.sizes)
    found = [preparation.storage.of(given.name) for given in preparation.inputs]
    raw = tuple(Raw(value.type if given.real else "integers", value.low, value.high)
                for value, given in zip(found, preparation.inputs, strict=True))  # fmt: skip
    transforms = preparation.recipe.transform
    if not transforms:
        return Interface(network.graph, network.sizes, raw, preparation.module())
    image = next(number for number, given in enumerate(preparation.inputs) if given.image)
    compiled = compile_text(_spec_of_raw_images(network, image, transforms))
    return Interface(compiled.require(), compiled.sizes, raw, preparation.module())


def _spec_of_raw_images(network: Network, image: int, transforms: Sequence[object]) -> str:
    """Return a network with the inputs of the file, whose images have any size that the transforms take."""
    lines = []
    for position, value in enumerate(network.graph.inputs):
        kind = {"int": ": int", "bool": ": bool"}.get(value.dtype, "")
        sizes, where = ", ".join(map(str, value.shape)), ""
        if position == image:
            sizes = f"{value.shape[0]}, Height, Width"
            if isinstance(first := transforms[0], CenterCrop):
                high, wide = sides(first.size)
                where = f" where Height >= {high} and Width >= {wide}"
        lines.append(f"  input {value}{kind} [{sizes}]{where}")
    return "\n".join([f"network {network.name} {{", *lines, f"  {network.graph.inputs[image]} -> relu", "}"])
