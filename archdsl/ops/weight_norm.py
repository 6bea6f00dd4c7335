"""Weight normalization: the parameter that asks for it, and the tensors of a layer under it."""

from typing import Annotated

from archdsl.registry import Aliases

WeightNorm = Annotated[bool, Aliases("wn", "weight_normalization")]
WEIGHT_NORM = "whether length and direction of the weights of each first index are learned apart (arXiv:1602.07868)"
"""The description of the parameter `weight_norm`."""


def with_norms(parameters: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """Return the tensors of a layer under `weight_norm` of `torch.nn.utils.parametrizations`: lengths and directions."""
    weight = parameters["weight"]
    return {name: shape for name, shape in parameters.items() if name != "weight"} | {
        "parametrizations.weight.original0": (weight[0], *(1 for _ in weight[1:])),
        "parametrizations.weight.original1": weight,
    }
