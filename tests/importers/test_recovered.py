"""What a module no longer shows when it is built, and the importer recovers: small networks that return as they were."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import archdsl
from archdsl.diagnostics import SpecError
from archdsl.loading import loads
from benchmarks.round_trips import compared

NETWORKS = {
    "response_norm": ("[3, 8, 8]", "conv: conv(8, 3); relu; lrn(5, alpha = 5e-4, k = 2.0); head: conv(4, 1)", "lrn(5"),
    "shaken": ("[3, 8, 8]", "c: conv(4, 3); shake { a: conv(4, 3); b: conv(4, 3) }; relu", "shake {"),
    "tied": (": int [5]", "module wte: embedding(11, 8); wte; norm: ln(axis = -1); unembed(wte)", "unembed(wte)"),
    "transposed": ("[6, 8]", "fc: linear(4, transposed = true); relu", "linear(4, transposed = true)"),
    "cropped": ("[3, 9, 9]", "a: conv(4, 3, pad = 0); b: conv(4, 3, pad = 0); concat { x; a -> crop_like(b) }", "crop_like(b"),
    "other_values": (
        "[6, 8]",
        "tokens: x; pos: param([6, 8]); add { tokens; pos }; query: x; mix: query -> mha(2, value = tokens); norm: ln(axis = -1)",
        "mha(2, value =",
    ),
    "frequencies": (
        "[1]",
        "const([10000^(i / 40) for i in 0..40]) -> scale(0.5); mul { x; image }; concat { sin; cos }; fc: linear(3)",
        "10000^(i / 40) for i in 0..40",
    ),
    "grid": (
        "[4, 6, 6]",
        'before: x; tokens: rearrange("c h w -> (h w) c"); fc: linear(4); rearrange("(h w) c -> c h w", h = before.h); relu',
        "w = image.w)",
    ),
    "positions": (
        ": int [5]",
        "words: embedding(11, 8); wpe: param([9, 8]); wpe -> crop_like(words, keep = start, axis = [0]); add { words; x }",
        "crop_like(words, start, axis = [0])",
    ),
    "three": ("[3, 8, 8]", "a: conv(4, 3); relu; b: conv(4, 3); c: conv(4, 3); add { a; b; x }", "add {"),
}
"""The input, the body, and what the imported text has."""


@pytest.mark.parametrize("name", NETWORKS)
def test_a_small_network_returns(name: str) -> None:
    shape, body, words = NETWORKS[name]
    between = "" if shape.startswith(":") else " "
    network = loads(f"network small {{\n  input image{between}{shape}\n  {body}\n}}\n")
    sizes = tuple(int(size) for size in shape.partition("[")[2].strip("]").split(","))
    example = torch.randint(0, 11, (2, *sizes)) if ":" in shape else torch.randn(2, *sizes)
    torch.manual_seed(0)
    imported = archdsl.from_module(network.build(check_sizes=False), example, name="small", fixed=True)
    assert words in imported.text
    assert compared(network, imported.text) == []


class Attending(nn.Module):
    """Attention whose queries, keys and values are three values."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.third = (nn.Linear(8, 8) for _ in range(3))
        self.mix = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.mix(self.first(x), self.second(x), self.third(x), need_weights=False)[0]
        return result


def test_queries_keys_and_values_keep_their_places() -> None:
    text = archdsl.from_module(Attending(), torch.randn(2, 5, 8)).text
    assert "mha(2, second, third)" in text


class Noisy(nn.Module):
    """Random numbers that are no op of the language."""

    def __init__(self, *, returned: bool) -> None:
        super().__init__()
        self.conv, self.returned = nn.Conv2d(3, 4, 1), returned

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        noise = torch.rand(2, 1, 1, 1)
        return (self.conv(x), noise) if self.returned else self.conv(x) + noise


@pytest.mark.parametrize("returned", [False, True])
def test_random_numbers_are_refused(returned: bool) -> None:
    with pytest.raises(SpecError) as caught:
        archdsl.from_module(Noisy(returned=returned), (3, 8, 8))
    assert "random numbers" in str(caught.value)
