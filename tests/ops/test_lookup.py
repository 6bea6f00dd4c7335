"""`lookup`: rows of a table that is a value of the network."""

import torch
from torch import nn

import archdsl

TIED = """
network tied {
  input words: int [T] where T <= 12
  wte: { weight: param([50, 8], init = normal(0.5)) }
  words -> lookup(wte.weight)
  tokens: x
  wpe: { weight: param([12, 8], init = normal(0.5)) }
  add { tokens; wpe.weight -> crop_like(tokens, keep = start, axis = 0) }
  state: ln(axis = -1)
  matmul(state, wte.weight, transpose_b = true)
}
"""


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.wte, self.wpe, self.state = nn.Embedding(50, 8), nn.Embedding(12, 8), nn.LayerNorm(8)

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        x = self.state(self.wte(words) + self.wpe(torch.arange(words.shape[1])))
        return x @ self.wte.weight.T


def test_a_last_layer_with_the_weights_of_the_embedding() -> None:
    net = archdsl.loads(TIED)
    ours, theirs = net.build(), Tied()
    theirs.load_state_dict(ours.state_dict())
    words = torch.randint(0, 50, (3, 9))
    ours(words).square().sum().backward()
    theirs(words).square().sum().backward()
    torch.testing.assert_close(ours(words), theirs(words))
    found = {name: parameter.grad for name, parameter in ours.named_parameters()}
    for name, parameter in theirs.named_parameters():
        torch.testing.assert_close(found[name], parameter.grad)
    assert net.table().params == sum(parameter.numel() for parameter in theirs.parameters())


def test_export_takes_other_lengths_and_batches() -> None:
    net = archdsl.loads(TIED)
    module = net.build()
    program = torch.export.export(module, (torch.zeros(2, 5, dtype=torch.long),), dynamic_shapes=net.dynamic_shapes())
    words = torch.randint(0, 50, (4, 12))
    torch.testing.assert_close(program.module()(words), module(words))


def test_each_example_has_its_table() -> None:
    text = """
    network own {
      input words: int [2, 3]
      input rows [5, 4]
      words -> lookup(rows)
    }
    """
    words, rows = torch.randint(0, 5, (3, 2, 3)), torch.randn(3, 5, 4)
    found = archdsl.loads(text).build()(words, rows)
    assert torch.equal(found, torch.stack([table[tokens] for table, tokens in zip(rows, words, strict=True)]))
