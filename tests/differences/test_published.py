"""The differences of published networks, word for word: each is at most ten lines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from archdsl.differences import Difference
from archdsl.driver import compile_address

GOLDEN = Path(__file__).parent / "golden"
PAIRS = (
    ("resnet50", "resnext50_32x4d"),
    ("resnet18", "resnet34"),
    ("resnet50", "seresnet50"),
    ("vgg16", "vgg16_bn"),
    ("resnet152", "resnet101"),
    ("vgg16", "vgg19"),
    ("densenet121", "densenet169"),
    ("resnet50", "resnet50_gn"),
    ("vgg16", "densenet121"),
    ("resnet50", "resnet50"),
)


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_published_networks(before: str, after: str, golden: Callable[[Path, str], None]) -> None:
    found = str(Difference(compile_address(before).require(), compile_address(after).require()))
    golden(GOLDEN / f"{before}-{after}.txt", f"{found}\n")
    assert len(found.splitlines()) <= 10


def test_levels_of_a_deeper_network(golden: Callable[[Path, str], None]) -> None:
    """New levels have lines of their own, others correspond by name and content, and ops that change alike share a line."""
    found = Difference(compile_address("ddpm").require(), compile_address("ddpm_256").require())
    golden(GOLDEN / "ddpm-ddpm_256.txt", f"{found}\n")
    assert len(found.changes) <= 10
    assert not any(change.kind == "rewired" for change in found.changes)
