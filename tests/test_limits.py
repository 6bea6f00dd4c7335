"""Limits that are set for a while."""

from __future__ import annotations

import sys

import pytest

import archdsl
from archdsl import limits
from archdsl.driver import check_text

HEAD = "network n { input image [3, 8, 8]; "
OVER = {
    "nesting": HEAD + "conv(" + "(" * 70 + "4" + ")" * 70 + ", 3) }",
    "call_depth": "".join(f"block b{i} {{ b{i + 1} }}\n" for i in range(70)) + f"block b70 {{ relu }}\n{HEAD} b0 }}",
    "nodes": HEAD + "repeat 5 { relu } }",
    "iterations": HEAD + "repeat 3 { relu } }",
    "integer_bits": HEAD + "conv(2^300 // 2^298, 3) }",
    "list_items": HEAD + "for i in [1, 2, 3] + [4] { relu } }",
    "list_depth": HEAD + "let a = " + "[" * 9 + "1" + "]" * 9 + "; conv(len(a), 3) }",
    "period": "network n { input image [3, H, W]; repeat 4 { maxpool(2) }; upsample(16) }",
    "size_values": "network n { input image [3, H, W]; conv(8, 3, stride = 2); conv(8, 3, stride = 2) }",
    "steps": HEAD + "for i in 1..9 { conv(i, 1) } }",
    "label_characters": HEAD + "features: relu }",
    "source_characters": HEAD + "relu }",
    "single_sizes": "network n { input image [3, H, W] where 3 <= H <= 40; relu }",
}
LOWERED = {
    "nodes": 4,
    "iterations": 2,
    "list_items": 3,
    "period": 8,
    "size_values": 2,
    "steps": 4_000,
    "label_characters": 7,
    "source_characters": 20,
    "single_sizes": 5,
}
RAISED = {"nesting": 100, "call_depth": 90, "integer_bits": 400, "list_depth": 12}


@pytest.mark.parametrize("name", OVER)
def test_each_can_be_set(name: str) -> None:
    with limits.changed(**{name: LOWERED.get(name, limits.names()[name])}):
        (found,) = check_text(OVER[name])
    assert found.code in {"E0108", "E0207", "E0307", "E0409", "E0502", "E0603"}
    assert f"`--limit {name}=N`" in (found.help or "") + found.message
    with limits.changed(**{name: RAISED.get(name, limits.names()[name])}):
        assert not [found for found in check_text(OVER[name]) if found.is_error]


def test_all_is_as_before_afterwards() -> None:
    before, frames = limits.names(), sys.getrecursionlimit()
    with pytest.raises(KeyError), limits.changed(nodes=3, nesting=1000):
        assert limits.NODES == 3 and sys.getrecursionlimit() > frames
        raise KeyError
    assert limits.names() == before and sys.getrecursionlimit() == frames


@pytest.mark.parametrize(("values", "said"),
                         [({"node": 3}, "there is no limit"), ({"size": 3}, "no limit"), ({"nodes": 0}, "can be"),
                                              ({"nesting": 10**6}, "1 to 1,000")])  # fmt: skip
def test_what_cannot_be_set(values: dict[str, int], said: str) -> None:
    with pytest.raises(ValueError, match=said), limits.changed(**values):
        pass


def test_as_deep_as_they_go() -> None:
    """Nothing on the way to a module meets the end of Python's stack."""
    import torch

    text = HEAD + "skip { " * 148 + "conv(" + "(" * 700 + "3" + ")" * 700 + ", 3)" + " }" * 148 + " }"
    with limits.changed(**{name.lower(): highest for name, highest in limits.HIGHEST.items()}):
        network = archdsl.loads(text)
    module = network.build()
    assert module(torch.zeros(1, 3, 8, 8)).shape == (1, 3, 8, 8)
    assert network.render(format="dot") and str(network.table())
