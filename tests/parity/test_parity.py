"""Networks against those of torchvision, timm and pytorchcv, with their weights: tensors, outputs, gradients and statistics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from tests.parity import compare_pytorchcv, compare_timm, compare_torchvision
from tests.parity.measuring import NUMBERS

LIMIT = 1e-5
"""Of the largest value."""
Compare = Callable[[str], dict[str, Any]]


def of_each_spec(specs: Mapping[str, Sequence[str]]) -> list[Any]:
    """The networks of each spec: the first and the last one, which `make test` compares, and those between."""
    every = [(name, at in (0, len(names) - 1)) for names in specs.values() for at, name in enumerate(names)]
    return [name if chosen else pytest.param(name, marks=pytest.mark.exhaustive) for name, chosen in every]


def differing(found: dict[str, Any]) -> dict[str, float]:
    """What differs by more than the limit, or is no number."""
    return {key: value for key, value in found["differences"].items() if not value <= LIMIT}


def check_by_key(found: dict[str, Any]) -> None:
    """Check a comparison whose weights are copied by key."""
    assert found["keys"] == [], f"keys that only one side has: {found['keys']}"
    assert found["shapes"], "the same keys have other shapes"
    assert found["static_keys"], "the keys that the graph predicts are not those of the module"
    assert found["params"], "the number of parameters differs"
    assert differing(found) == {}


@pytest.mark.parametrize("name", of_each_spec(compare_torchvision.SPECS))
def test_equals_torchvision(torchvision: Compare, name: str) -> None:
    check_by_key(torchvision(name))


@pytest.mark.parametrize("name", of_each_spec(compare_timm.SPECS))
def test_equals_timm(timm: Compare, name: str) -> None:
    check_by_key(timm(name))


@pytest.mark.parametrize("name", compare_pytorchcv.NETWORKS)
def test_equals_pytorchcv(pytorchcv: Compare, name: str) -> None:
    check_in_order(pytorchcv(name))


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", sorted(compare_torchvision.REPEATED))
def test_numbers_of_repeated_blocks_equal_torchvision(torchvision: Compare, name: str) -> None:
    check_numbers(torchvision(f"{name} {NUMBERS}"))


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", sorted(compare_timm.REPEATED))
def test_numbers_of_repeated_blocks_equal_timm(timm: Compare, name: str) -> None:
    check_numbers(timm(f"{name} {NUMBERS}"))


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", sorted(compare_pytorchcv.REPEATED))
def test_numbers_of_repeated_blocks_equal_pytorchcv(pytorchcv: Compare, name: str) -> None:
    check_numbers(pytorchcv(f"{name} {NUMBERS}"))


def check_numbers(found: dict[str, Any]) -> None:
    """Check the numbers of a comparison."""
    assert found["differences"] and differing(found) == {}


def check_in_order(found: dict[str, Any]) -> None:
    """Check a comparison whose weights are copied in the order of the tensors."""
    assert found["shapes"], "the tensors of the two state_dicts, in order, have other shapes"
    assert found["params"], "the number of parameters differs"
    assert differing(found) == {}


@pytest.mark.parametrize("name", [pytest.param("swin", marks=pytest.mark.exhaustive), "swin_v2"])
def test_symbolic_sizes_of_swin(swin_sizes: Compare, name: str) -> None:
    """The verdict, the check of the built module, its result and the formula of its MACs are torchvision's at each size."""
    found = swin_sizes(name)
    assert (found["verdicts"], found["checks"]) == ([], [])
    assert len(found["differences"]) == 6 and differing(found) == {}
    assert set(found["macs"].values()) == {0}
