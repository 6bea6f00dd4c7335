"""Alignments of sequences, compared with the textbook's table of longest common subsequences."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl.differences.sequences import best_pairs, common_pairs

WORDS = st.lists(st.integers(0, 3), max_size=12)


def longest(before: list[int], after: list[int]) -> int:
    """Return the length of a longest common subsequence."""
    table = [[0] * (len(after) + 1) for _ in range(len(before) + 1)]
    for i, one in enumerate(before):
        for j, other in enumerate(after):
            table[i + 1][j + 1] = table[i][j] + 1 if one == other else max(table[i][j + 1], table[i + 1][j])
    return table[-1][-1]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(WORDS, WORDS)
def test_pairs_are_a_longest_common_subsequence(before: list[int], after: list[int]) -> None:
    wanted = longest(before, after)
    left_out = len(before) + len(after) - 2 * wanted
    for pairs in (common_pairs(before, after, left_out), best_pairs(len(before), len(after), lambda i, j: before[i] == after[j])):
        assert pairs is not None and len(pairs) == wanted
        assert all(before[i] == after[j] for i, j in pairs)
        assert all(one < other and two < three for (one, two), (other, three) in pairwise(pairs))
    assert left_out == 0 or common_pairs(before, after, left_out - 1) is None


def test_what_is_new_of_equal_elements_is_the_last() -> None:
    assert best_pairs(2, 4, lambda i, j: 1.0) == [(0, 0), (1, 1)]
