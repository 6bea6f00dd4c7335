"""NAS-Bench-201 (Dong & Yang 2020, arXiv:2001.00326): the parameters of its networks, against a model in plain PyTorch.

The counts of all 15,625 networks are compared by `benchmarks/search.py`. Here are one network for each number of 3x3 and 1x1
convolutions, since no other operation has parameters, and the published extremes.
"""

from __future__ import annotations

from itertools import product

import pytest

from archdsl.spaces import Judge, read_space
from benchmarks.nas_bench_201 import OPERATIONS, parameters_in_pytorch


@pytest.fixture(scope="module")
def judged() -> dict[tuple[int, int], tuple[tuple[str, ...], int, int]]:
    space = read_space("nas_bench_201")
    judge, found = Judge(space), {}
    assert space.combinations == len(OPERATIONS) ** 6 == 15_625
    for threes in range(7):
        for ones in range(7 - threes):
            rest = ("zero", "skip_connect", "avg_pool_3x3", "zero", "skip_connect", "avg_pool_3x3")
            operations = (*["nor_conv_3x3"] * threes, *["nor_conv_1x1"] * ones, *rest)[:6]
            index = sum(OPERATIONS.index(one) * 5 ** (5 - place) for place, one in enumerate(operations))
            verdict = judge(space.at_index(index))
            assert verdict.ok and tuple(verdict.member.texts.values()) == operations
            assert verdict.params is not None and isinstance(verdict.macs, int)
            found[threes, ones] = operations, verdict.params, verdict.macs
    return found


def test_the_published_extremes(judged: dict[tuple[int, int], tuple[tuple[str, ...], int, int]]) -> None:
    """Published for CIFAR-10: 0.073306 to 1.531546 million parameters; 7.78305 to 220.11969 MFLOPs, which include 10 biases."""
    counts = [params for _, params, _ in judged.values()]
    assert (min(counts), max(counts)) == (73_306, 1_531_546)
    assert judged[0, 0][2] + 10 == 7_783_050 and judged[6, 0][2] + 10 == 220_119_690
    assert judged[4, 1][1] == 1_073_466  # that of the best network on CIFAR-10


def test_the_counts_are_those_of_a_model_in_plain_pytorch(
    judged: dict[tuple[int, int], tuple[tuple[str, ...], int, int]],
) -> None:
    for operations, params, _ in judged.values():
        assert parameters_in_pytorch(operations) == params, operations


def test_every_edge_counts_the_same() -> None:
    """The order of the operations changes no count."""
    space = read_space("nas_bench_201")
    judge = Judge(space)
    for place, operation in product(range(6), ("nor_conv_3x3", "nor_conv_1x1")):
        verdict = judge(space.at_index(OPERATIONS.index(operation) * 5**place))
        assert verdict.params == 73_306 + 5 * sum(
            {"nor_conv_3x3": 9, "nor_conv_1x1": 1}[operation] * c * c + 2 * c for c in (16, 32, 64)
        )
