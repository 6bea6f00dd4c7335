"""`unembed(wte)`: one weight for an embedding and a head, wherever the head stands."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

import archdsl
from archdsl.ir import state, verify

TEXTS = {
    "same scope": "network n { input words: int [L]; module wte: embedding(30, 8); wte; ln(axis = -1); scores: unembed(wte) }",
    "inner scope": """network n {
      input words: int [L]
      module wte: embedding(30, 8)
      wte
      inner: { ln(axis = -1); unembed(wte) }
    }""",
    "block": """block head(table: op) { ln(axis = -1) -> unembed(table) }
    network n { input words: int [L]; module wte: embedding(30, 8); wte -> head(wte) }""",
    "two heads": """block head(table: op) { ln(axis = -1); unembed(embedding = table) }
    network n {
      input words: int [L]
      module wte: embedding(30, 8)
      wte
      aux(weight = 0.5) early: head(wte)
      ln(axis = -1) -> unembed(wte)
    }""",
}


@pytest.mark.parametrize("name", TEXTS)
def test_the_weight_is_shared(name: str) -> None:
    network = archdsl.loads(TEXTS[name])
    verify(network.graph)
    module = network.build()
    assert list(module.state_dict()) == list(state(network.graph))
    tables = [value for value in module.parameters() if value.shape == (30, 8)]
    assert len(tables) == 1
    norms = 2 if name == "two heads" else 1
    assert network.table().params == sum(p.numel() for p in module.parameters()) == 240 + 16 * norms
    words = torch.randint(30, (2, 5))
    expected = F.linear(F.layer_norm(F.embedding(words, tables[0]), (8,)), tables[0])
    torch.testing.assert_close(module.eval()(words), expected)
    module(words).square().sum().backward()
    assert tables[0].grad is not None and tables[0].grad.abs().min() > 0  # also of tokens that do not occur


def test_macs_count_the_head() -> None:
    assert archdsl.loads(TEXTS["same scope"], size={"words": (5,)}).table().macs == 5 * 8 * 30


def test_the_rule_of_the_embedding_holds() -> None:
    text = TEXTS["inner scope"].replace("inner:", "init { embedding = normal(0.001) }\n inner:")
    torch.manual_seed(0)
    assert 0.0005 < archdsl.loads(text).build().wte.weight.std() < 0.0015
