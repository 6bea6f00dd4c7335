"""Networks that no library has as a class of its own, against modules that are written by hand in plain PyTorch.

Each `handwritten_NAME.py` has a `reference` of a network of `specs/NAME.arch`, with the published keys.
"""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple

import pytest
import torch
from torch import nn

import archdsl
from tests.parity.measuring import compare_numbers, compare_structure, scatter


class Family(NamedTuple):
    """The networks of a file, the size of an image, sizes of further ones, and the networks that are compared without numbers."""

    networks: tuple[str, ...]
    size: tuple[int, int]
    others: tuple[tuple[int, int], ...] = ()
    structure_alone: frozenset[str] = frozenset()


FAMILIES = {
    "detr": Family(("detr_r50", "detr_r101"), (64, 96), ((1, 1), (80, 33)), frozenset({"detr_r101"})),
    "yolov8": Family(
        tuple(f"yolov8{scale}" for scale in "nsmlx"),
        (64, 96),
        ((32, 32), (89, 57)),
        frozenset(f"yolov8{scale}" for scale in "smlx"),
    ),
}
LIMIT = 1e-5
"""Of the largest value."""


def reference(file: str, name: str) -> nn.Module:
    """Return the module that is written by hand."""
    return import_module(f"tests.parity.handwritten_{file}").reference(name)  # type: ignore[no-any-return]


@pytest.mark.parametrize(("file", "name"), [(file, name) for file, family in FAMILIES.items() for name in family.networks])
def test_has_the_structure_of_the_reference(file: str, name: str) -> None:
    with torch.device("meta"):
        theirs = reference(file, name)
    found = compare_structure(archdsl.load(f"specs/{file}.arch:{name}"), theirs)
    assert found["keys"] == [], f"keys that only one side has: {found['keys']}"
    assert found["shapes"], "the same keys have other shapes"
    assert found["static_keys"], "the keys that the graph predicts are not those of the module"
    assert found["params"], "the number of trainable parameters differs"


@pytest.mark.parametrize(
    ("file", "name"),
    [(file, name) for file, family in FAMILIES.items() for name in family.networks if name not in family.structure_alone],
)
def test_computes_what_the_reference_does(file: str, name: str) -> None:
    torch.manual_seed(0)
    family, theirs = FAMILIES[file], scatter(reference(file, name))
    images, others = torch.randn(2, 3, *family.size), [torch.randn(1, 3, *size) for size in family.others]
    found = compare_numbers(archdsl.load(f"specs/{file}.arch:{name}"), theirs, images, fields=fields, others=others)
    assert {key: value for key, value in found.items() if not value <= LIMIT} == {}


def fields(output: object) -> dict[str, torch.Tensor]:
    """Return a result's tensors by archdsl's names."""
    return output if isinstance(output, dict) else output._asdict()  # type: ignore[attr-defined,no-any-return]


@pytest.mark.parametrize("scale", ["yolov8n"])
def test_yolov8_works_at_the_sizes_of_the_reference(scale: str) -> None:
    """Brute force over one side: a size is valid if and only if the reference runs, which does not depend on the widths."""
    with torch.device("meta"):
        theirs = reference("yolov8", scale).eval()
    sizes = archdsl.load(f"specs/yolov8.arch:{scale}").sizes
    for side in range(1, 67):
        try:
            theirs(torch.empty(1, 3, side, 64, device="meta"))
            runs = True
        except RuntimeError:
            runs = False
        assert sizes.works({"H": side, "W": 64}) is runs, side
