"""Compares networks with timm's, with its weights copied in by key. Run with the references on the path.

    echo darknet53 | PYTHONPATH=.references:. python tests/parity/compare_timm.py

Stochastic depth stays on: both sides draw in the same order from equal seeds.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import torch
from torch import nn

import archdsl
from tests.parity.measuring import answer, compare_numbers, compare_structure, import_torchvision, scatter

SIDE = 96
"""The images of the comparison are smaller than those of the networks, to save time."""

SPECS = {
    "convnext_v2": ["convnextv2_atto", "convnextv2_femto", "convnextv2_pico", "convnextv2_nano", "convnextv2_tiny",
                    "convnextv2_base", "convnextv2_large", "convnextv2_huge"],
    "darknet53": ["darknet53"],
    "deit": ["deit_tiny", "deit_small", "deit_base", "deit_tiny_distilled", "deit_small_distilled", "deit_base_distilled"],
}  # fmt: skip
"""Every network that timm has, and torchvision has not."""

DROP = {"convnextv2_tiny": 0.2, "convnextv2_large": 0.2, "convnextv2_huge": 0.3}
"""Rates of stochastic depth other than 0.1. In timm it is off unless a rate is given."""

STRUCTURE_ALONE = {"convnextv2_femto", "convnextv2_pico", "convnextv2_nano", "convnextv2_base", "convnextv2_large",
                   "convnextv2_huge", "deit_small", "deit_base", "deit_small_distilled", "deit_base_distilled"}  # fmt: skip
"""Compared without numbers, for their time and memory: each is another one's blocks, wider or more often."""

REPEATED = {"convnextv2_tiny"}
"""Compared without numbers unless these are asked for, as `make exhaustive` does: another network has the same blocks."""


def reference(name: str) -> nn.Module:
    """timm's network, without weights of a training."""
    options = {} if name == "darknet53" else {"drop_path_rate": DROP.get(name, 0.1)}
    theirs = f"{name}_patch16_224" if name.startswith("deit") else name
    return import_module("timm").create_model(theirs, **options)  # type: ignore[no-any-return]


def ours(name: str) -> Any:
    """Our network."""
    return archdsl.load(f"specs/{next(file for file, networks in SPECS.items() if name in networks)}.arch:{name}")


def structure(name: str) -> dict[str, Any]:
    """Keys, shapes and the number of parameters, without any numbers."""
    with torch.device("meta"):
        theirs = reference(name)
    return compare_structure(ours(name), theirs)


def numbers(name: str) -> dict[str, float]:
    """Outputs in both modes, gradients of the first and the last layer, and running statistics after one step."""
    torch.manual_seed(0)
    side = 224 if name.startswith("deit") else SIDE
    return compare_numbers(ours(name), scatter(reference(name)), torch.randn(2, 3, side, side))


def compare(name: str, repeated: bool) -> dict[str, Any]:
    """Everything that the test of a network looks at."""
    alone = name in STRUCTURE_ALONE or (name in REPEATED and not repeated)
    return {**structure(name), "differences": {} if alone else numbers(name)}


if __name__ == "__main__":
    import_torchvision()  # timm imports it
    answer(compare)
