"""Attention: the bare function of queries, keys and values, and PyTorch's packed module."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Annotated, Any, ClassVar, TypeVar

from archdsl.diagnostics import SpecError, codes
from archdsl.fields import Field
from archdsl.ops.base import LINE, Case, Category, DropProbability, Equality, Op, PositiveFloat, PositiveInt, fixed
from archdsl.registry import Aliases
from archdsl.shapes import Dim, Shape, format_shape

Heads = Annotated[PositiveInt, Aliases("num_heads", "n_head", "nhead")]
T = TypeVar("T")


class Attend(Op, name="attend"):
    """Scaled dot-product attention: `softmax(q @ k^T * scale + bias) @ v` (Vaswani et al. 2017, arXiv:1706.03762).

    The shapes are `[..., L, d]` for queries, `[..., S, d]` for keys and `[..., S, e]` for values, with any number of equal
    leading axes, such as the heads; the result is `[..., L, e]`. A mask or bias is `[L, S]`, with as many leading axes as
    it needs, each equal or 1. As in PyTorch, a bool mask is true where attention is allowed, and a mask of real numbers is
    added, as `bias` is. `causal` lets each query see the keys up to its own position.
    """

    aliases = ("scaled_dot_product_attention", "sdpa")
    category = Category.ATTENTION
    arity = None
    operands = ("q", "k", "v")
    optional_operands = ("mask", "bias")
    about_operands: ClassVar = {
        "q": "queries, `[..., L, d]`", "k": "keys, `[..., S, d]`", "v": "values, `[..., S, e]`",
        "mask": "`[..., L, S]`: true where attention is allowed, or numbers that are added",
        "bias": "`[..., L, S]`, added to the products",
    }  # fmt: skip
    takes_x = False
    broadcasts_batch = True
    not_in_figures = ("drop", "present")
    example = "attend(x, x, x)"
    cases = (
        Case(
            {}, (((4, 6, 8), (4, 5, 8), (4, 5, 3)), ((6, 8), (5, 8), (5, 8)), ((2, 3, 4, 6, 8), (2, 3, 4, 6, 8), (2, 3, 4, 6, 8)))
        ),
        Case({"causal": True, "scale": 0.5}, (((4, 6, 8), (4, 6, 8), (4, 6, 8)),)),
        Case({"present": ("bias",)}, (((4, 6, 8), (4, 5, 8), (4, 5, 3), (4, 6, 5)), ((4, 6, 8), (4, 5, 8), (4, 5, 3), (6, 5)))),
        Case(
            {"present": ("mask", "bias"), "causal": True},
            (((2, 4, 6, 8), (2, 4, 5, 8), (2, 4, 5, 3), (2, 1, 6, 5), (4, 6, 5)),),
        ),
    )

    causal: Annotated[bool, Aliases("is_causal")] = Field(False, description="whether queries see no later keys")
    scale: PositiveFloat | None = Field(None, description="factor of the products; default: `1 / sqrt(d)`")
    drop: DropProbability = Field(0.0, description="dropout of the attention weights in training")
    present: tuple[str, ...] = Field((), description="which of the mask and the bias there is")

    @classmethod
    def parameters_in_order(cls) -> list[str]:
        """Return the parameters that a call has."""
        return ["causal", "scale", "drop"]

    @property
    def random_in_training(self) -> bool:  # type: ignore[override]
        """Whether there is dropout."""
        return self.drop > 0

    def in_evaluation(self) -> Op:
        """Return the op without dropout."""
        return self.replace(drop=0.0) if self.drop else self

    def data_of(self, inputs: Sequence[T]) -> Sequence[T]:
        """Return queries, keys and values, and the bias: a mask may be bool."""
        named = zip(("q", "k", "v", *self.present), inputs, strict=True)
        return [value for name, value in named if name != "mask"]

    def infer(self, *inputs: Shape) -> Shape:
        """Return the leading axes and length of the queries with the features of the values."""
        (*lead, length, features), (*key_lead, count, key_features), (*value_lead, value_count, out) = self._three(inputs)
        if not len(lead) == len(key_lead) == len(value_lead) or any(map(_differ, (*lead, *key_lead), (*key_lead, *value_lead))):
            shapes = ", ".join(format_shape(shape) for shape in inputs[:3])
            advice = '`rearrange` splits features into heads: `rearrange("l (n d) -> n l d", n = 4)`'
            raise SpecError(codes.tokens.AttentionShapes(self.name, f"expected equal leading axes, found {shapes}", advice))
        if _differ(features, key_features):
            reason = f"multiplies queries with keys: they have {features} and {key_features} features"
            raise SpecError(codes.tokens.AttentionShapes(self.name, reason))
        if _differ(count, value_count):
            reason = f"expected as many values as keys, found {value_count} and {count}"
            raise SpecError(codes.tokens.AttentionShapes(self.name, reason))
        fixed(self.name, features, "the number of features")
        for name, shape in zip(self.present, inputs[3:], strict=True):
            self._check_mask(name, shape, (*lead, length, count))
        return (*lead, length, out)

    def equalities(self, *inputs: Shape) -> list[Equality]:
        """Return that queries and keys have equally many features, keys and values one length, and all the leading axes.

        An axis of a mask or bias is that of the scores, or one.
        """
        query, key, value = inputs[:3]
        found = [Equality(a, b, (0, 1)) for a, b in zip((*query[:-2], query[-1]), (*key[:-2], key[-1]), strict=True)]
        found += [Equality(a, b, (1, 2)) for a, b in zip(key[:-1], value[:-1], strict=True)]
        scores = (*query[:-1], key[-2])
        for position, shape in enumerate(inputs[3:], 3):
            pairs = zip(shape[::-1], scores[::-1], (1, *[0] * len(query)), strict=False)
            found += [Equality(a, b, (position, side), "left") for a, b, side in pairs if a != 1]
        return found

    def macs(self, output: Shape, *inputs: Shape) -> Dim:
        """Return the products of queries with keys, and of weights with values."""
        (*lead, length, features), (*_, count, _), (*_, out) = inputs[:3]
        return prod([*lead, length, count], start=1) * (features + out)

    def _three(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        for name, shape in zip("qkv", inputs, strict=False):
            if len(shape) < 2:
                reason = f"expected `{name}` of shape [..., L, d], found {format_shape(shape)}"
                raise SpecError(codes.tokens.AttentionShapes(self.name, reason))
        return inputs[:3]

    def _check_mask(self, name: str, shape: Shape, scores: Shape) -> None:
        pairs = list(zip(reversed(shape), reversed(scores), strict=False))
        if not 2 <= len(shape) <= len(scores) or any(size != 1 and _differ(size, other) for size, other in pairs):
            reason = f"expected a `{name}` that fits the scores {format_shape(scores)}, found {format_shape(shape)}"
            raise SpecError(codes.tokens.AttentionShapes(self.name, reason, "each of its axes, from the last on, is equal or 1"))


class MultiheadAttention(Op, name="mha"):
    """Multi-head attention with its projections, as PyTorch's `nn.MultiheadAttention` (Vaswani et al. 2017, arXiv:1706.03762).

    `mha(8)` is self-attention on tokens `[L, C]`. Queries are always `x`. `key` gives other tokens, `[S, K]`, as in a
    decoder: `mha(8, memory)`; `value` others than the keys: `mha(8, key = memory_with_positions, value = memory)`. Self-attention
    whose values lack the positions is `mha(8, value = tokens)`. The keys of the `state_dict` are PyTorch's: `in_proj_weight`,
    `in_proj_bias`, `out_proj.weight`, `out_proj.bias`; with keys or values of another number of features, `q_proj_weight`,
    `k_proj_weight` and `v_proj_weight`. `mask` is `[S]` or `[1, S]`, or `[L, S]`; as in `attend`, a bool mask is true
    where attention is allowed.

    In evaluation mode without gradients, PyTorch computes self-attention in one fused step, whose results may differ by rounding.
    The weights start as PyTorch's; a rule `init { linear = ... }` also fills the projection of the result, a linear layer.
    """

    aliases = ("multihead_attention", "multi_head_attention")
    category = Category.ATTENTION
    arity = None
    optional_operands = ("key", "value", "mask")
    about_operands: ClassVar = {
        "key": "tokens of the keys, `[S, K]`; default: the input", "value": "tokens of the values; default: those of the keys",
        "mask": "`[S]`, `[1, S]` or `[L, S]`: true where attention is allowed, or numbers that are added",
    }  # fmt: skip
    inner_layers = 2
    not_in_figures = ("bias", "drop", "present")
    example = 'rearrange("c h w -> (h w) c"); mha(4)'
    cases = (
        Case({"heads": 4}, (LINE[::-1],)),
        Case({"heads": 2, "bias": False, "causal": True}, (LINE[::-1],)),
        Case({"heads": 2, "present": ("key",)}, (((12, 8), (5, 8)), ((12, 8), (5, 6)))),
        Case({"heads": 2, "present": ("key", "value")}, (((12, 8), (5, 8), (5, 8)), ((12, 8), (5, 6), (5, 3)))),
        Case({"heads": 2, "present": ("value",)}, (((12, 8), (12, 8)),)),
        Case(
            {"heads": 2, "present": ("key", "mask")},
            (((12, 8), (5, 8), (12, 5)), ((12, 8), (5, 8), (5,)), ((12, 8), (5, 8), (1, 5))),
        ),
    )

    heads: Heads = Field(description="number of heads, which divides the features")
    bias: bool = Field(True, description="whether the projections have a learned bias")
    drop: DropProbability = Field(0.0, description="dropout of the attention weights in training")
    causal: Annotated[bool, Aliases("is_causal")] = Field(False, description="whether queries see no later keys")
    present: tuple[str, ...] = Field((), description="which of keys, values and mask there are besides `x`")

    @classmethod
    def parameters_in_order(cls) -> list[str]:
        """Return the parameters that a call has."""
        return ["heads", "bias", "drop", "causal"]

    @classmethod
    def call_order(cls) -> list[str]:
        """Return the parameters in positional order: `mha(8, memory)`."""
        return ["heads", *cls.optional_operands, "bias", "drop", "causal"]

    @property
    def random_in_training(self) -> bool:  # type: ignore[override]
        """Whether there is dropout."""
        return self.drop > 0

    def in_evaluation(self) -> Op:
        """Return the op without dropout."""
        return self.replace(drop=0.0) if self.drop else self

    def data_of(self, inputs: Sequence[T]) -> Sequence[T]:
        """Return queries, keys and values: a mask may be bool."""
        return [value for name, value in zip(("x", *self.present), inputs, strict=True) if name != "mask"]

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the parameters with the features of queries, keys and values."""
        query, key, value = self._three(inputs)
        features = {"features": query[1], "key_features": key[1], "value_features": value[1]}
        return {**features, "heads": self.heads, "bias": self.bias, "drop": self.drop, "causal": self.causal}

    def infer(self, *inputs: Shape) -> Shape:
        """Return the shape of the queries."""
        query, key, value = self._three(inputs)
        if query[1] % self.heads:
            largest = max(n for n in range(1, self.heads) if query[1] % n == 0)
            reason = f"splits {query[1]} features into {self.heads} heads, which does not divide them"
            raise SpecError(codes.tokens.AttentionShapes(self.name, reason, f"the largest smaller number that does is {largest}"))
        if _differ(key[0], value[0]):
            reason = f"expected as many values as keys, found {value[0]} and {key[0]}"
            raise SpecError(codes.tokens.AttentionShapes(self.name, reason, "without `key`, the keys are `x` itself"))
        for name, shape in zip(self.present, inputs[1:], strict=True):
            sizes = list(zip(shape[::-1], (key[0], 1 if shape[:-1] == (1,) else query[0]), strict=False))
            if name == "mask" and (len(shape) not in (1, 2) or any(_differ(*pair) for pair in sizes)):
                wanted = f"[{key[0]}] or [{query[0]}, {key[0]}]"
                reason = f"expected a mask {wanted}, found {format_shape(shape)}"
                raise SpecError(codes.tokens.AttentionShapes(self.name, reason))
        return inputs[0]

    def equalities(self, *inputs: Shape) -> list[Equality]:
        """Return that there are as many values as keys, that a mask has their number, and that of the queries or one."""
        (length, _), (count, _), (value_count, _) = self._three(inputs)
        key = 1 + self.present.index("key") if "key" in self.present else 0
        found = []
        for position, (name, shape) in enumerate(zip(self.present, inputs[1:], strict=True), 1):
            if name == "value":
                found.append(Equality(count, value_count, (key, position)))
            elif name == "mask":
                found.append(Equality(shape[-1], count, (position, key)))
                found += [Equality(size, length, (position, 0), "left") for size in shape[:-1] if size != 1]
        return found

    def parameters(self, *inputs: Shape) -> dict[str, tuple[int, ...]]:
        """Return the projections of queries, keys and values, packed if they have equally many features, and of the result."""
        (_, n), (_, key), (_, value) = self._three(inputs)
        weights: dict[str, tuple[int, ...]]
        if n == key == value:
            weights = {"in_proj_weight": (3 * n, n)}
        else:
            weights = {"q_proj_weight": (n, n), "k_proj_weight": (n, key), "v_proj_weight": (n, value)}
        biases = {"in_proj_bias": (3 * n,)} if self.bias else {}
        out = {"out_proj.weight": (n, n)} | ({"out_proj.bias": (n,)} if self.bias else {})
        return weights | biases | out

    def macs(self, output: Shape, *inputs: Shape) -> Dim:
        """Return the projections, the products of queries with keys, and of weights with values."""
        (length, n), (count, key), (_, value) = self._three(inputs)
        return length * n * n * 2 + count * n * (key + value) + length * count * n * 2

    def _three(self, inputs: tuple[Shape, ...]) -> list[tuple[Dim, int]]:
        """Return the shapes of queries, keys and values, with fixed numbers of features."""
        named = dict(zip(("x", *self.present), inputs, strict=True))
        key = named.get("key", named["x"])
        found = []
        for shape in (named["x"], key, named.get("value", key)):
            if len(shape) != 2:
                raise SpecError(codes.tokens.NoTokens(self.name, shape))
            found.append((shape[0], fixed(self.name, shape[1], "the number of features")))
        return found


def _differ(one: Dim, other: Dim) -> bool:
    """Return whether two sizes are known to be different; what is not known becomes a condition."""
    return isinstance(one, int) and isinstance(other, int) and one != other
