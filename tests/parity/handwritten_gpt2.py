"""GPT-2 in plain PyTorch, with the keys of Hugging Face's `GPT2LMHeadModel`, from Radford et al. 2019 and its code.

The two buffers of the mask that old files have are left out, as newer ones do. `lm_head.weight` is `transformer.wte.weight`.
"""

from __future__ import annotations

from math import pi, sqrt

import torch
from torch import Tensor, nn


class Conv1D(nn.Module):
    """A dense layer with the weight `[in, out]`, as in the code of GPT."""

    def __init__(self, out: int, features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(features, out) * 0.02)
        self.bias = nn.Parameter(torch.zeros(out))

    def forward(self, x: Tensor) -> Tensor:
        """The features of each token."""
        return torch.addmm(self.bias, x.reshape(-1, x.shape[-1]), self.weight).reshape(*x.shape[:-1], -1)


class Attention(nn.Module):
    """Causal self-attention, with its weights as matrices."""

    def __init__(self, width: int, heads: int, drop: float) -> None:
        super().__init__()
        self.c_attn = Conv1D(3 * width, width)
        self.c_proj = Conv1D(width, width)
        self.attn_dropout = nn.Dropout(drop)
        self.resid_dropout = nn.Dropout(drop)
        self.heads = heads

    def forward(self, x: Tensor) -> Tensor:
        """Tokens with what they took from those before them."""
        batch, length, width = x.shape
        shape = batch, length, self.heads, width // self.heads
        q, k, v = (part.view(shape).transpose(1, 2) for part in self.c_attn(x).split(width, dim=2))
        scores = q @ k.transpose(2, 3) / sqrt(width // self.heads)
        later = torch.ones(length, length, dtype=torch.bool).triu(1)
        weights = self.attn_dropout(scores.masked_fill(later, torch.finfo(scores.dtype).min).softmax(-1))
        return self.resid_dropout(self.c_proj((weights @ v).transpose(1, 2).reshape(x.shape)))


class MLP(nn.Module):
    """Two dense layers, with the approximation of GELU."""

    def __init__(self, width: int, drop: float) -> None:
        super().__init__()
        self.c_fc = Conv1D(4 * width, width)
        self.c_proj = Conv1D(width, 4 * width)
        self.dropout = nn.Dropout(drop)

    def forward(self, x: Tensor) -> Tensor:
        """The features of each token."""
        x = self.c_fc(x)
        x = 0.5 * x * (1 + torch.tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))
        return self.dropout(self.c_proj(x))


class Block(nn.Module):
    """Attention and dense layers, each behind a norm."""

    def __init__(self, width: int, heads: int, drop: float) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(width, eps=1e-5)
        self.attn = Attention(width, heads, drop)
        self.ln_2 = nn.LayerNorm(width, eps=1e-5)
        self.mlp = MLP(width, drop)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens of the same shape."""
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class Transformer(nn.Module):
    """The embeddings, the blocks and the last norm."""

    def __init__(self, width: int, depth: int, heads: int, vocab: int, context: int, drop: float) -> None:
        super().__init__()
        self.wte = nn.Embedding(vocab, width)
        self.wpe = nn.Embedding(context, width)
        self.drop = nn.Dropout(drop)
        self.h = nn.ModuleList([Block(width, heads, drop) for _ in range(depth)])
        self.ln_f = nn.LayerNorm(width, eps=1e-5)

    def forward(self, tokens: Tensor) -> Tensor:
        """Features of tokens."""
        x = self.drop(self.wte(tokens) + self.wpe(torch.arange(tokens.shape[1])))
        for block in self.h:
            x = block(x)
        return self.ln_f(x)  # type: ignore[no-any-return]


class GPT2LMHeadModel(nn.Module):
    """GPT-2 with its tied head; the defaults are those of the small network."""

    def __init__(
        self, width: int = 768, depth: int = 12, heads: int = 12, vocab: int = 50257, context: int = 1024, drop: float = 0.1
    ) -> None:
        super().__init__()
        self.transformer = Transformer(width, depth, heads, vocab, context, drop)
        self.lm_head = nn.Linear(width, vocab, bias=False)
        self.lm_head.weight = self.transformer.wte.weight

    def forward(self, tokens: Tensor) -> Tensor:
        """Scores of the next token."""
        return self.lm_head(self.transformer(tokens))  # type: ignore[no-any-return]
