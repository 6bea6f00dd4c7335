"""Dense layers, embeddings, and changes of arrangement."""

from collections.abc import Mapping
from math import prod
from typing import Annotated, Any, ClassVar, Literal

from archdsl.diagnostics import SpecError, codes
from archdsl.fields import Check, Field
from archdsl.ops.base import (
    ANY_RANK,
    LINE,
    VECTOR,
    Case,
    Category,
    Division,
    DType,
    Op,
    Out,
    PositiveInt,
    WeightedOp,
    fixed,
)
from archdsl.ops.weight_norm import WEIGHT_NORM, WeightNorm, with_norms
from archdsl.registry import Aliases
from archdsl.shapes import Dim, LinearSize, Shape, SizeError, format_shape, numel


class Linear(WeightedOp, name="linear"):
    """A dense layer on the last axis: the features of a vector `[F]`, or of each token of `[L, F]`.

    For an input with more axes, `axis = -1` confirms that the last axis holds the features, as after `permute([1, 2, 0])`.
    The weight is `[out, in]`, as in `nn.Linear`. With `transposed = true` it is stored as `[in, out]`, as in GPT-2.
    """

    aliases = ("dense", "fc", "fully_connected", "lin")
    category = Category.DENSE
    saves_output = False
    weight_layer = True
    not_in_figures = ("out", "bias", "axis", "weight_norm", "transposed", "init")
    example = "flatten; linear(10)"
    cases = (
        Case({"out": 5}, (VECTOR, LINE)),
        Case({"out": 5, "bias": False}, (VECTOR, LINE)),
        Case({"out": 5, "axis": -1}, ANY_RANK),
        Case({"out": 5, "weight_norm": True}, (VECTOR,)),
        Case({"out": 5, "transposed": True}, (VECTOR, LINE)),
        Case({"out": 5, "transposed": True, "bias": False}, (LINE,)),
    )

    out: Out = Field(description="output features")
    bias: bool = Field(True, description="whether there is a learned bias per output feature")
    axis: Literal[-1] | None = Field(None, description="-1 for an input with more than two axes")
    weight_norm: WeightNorm = Field(False, description=WEIGHT_NORM)
    transposed: bool = Field(False, description="whether the weight is stored as `[in, out]`")

    def validate(self) -> None:
        """Raise `ValueError` for `weight_norm` of a transposed weight, whose first index is not an output."""
        super().validate()
        if self.transposed and self.weight_norm:
            raise ValueError("`weight_norm` is about each output, which is not the first index of a transposed weight")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the number of input features with the parameters."""
        return {"in_features": self._features(inputs[0]), "out": self.out, "bias": self.bias, "transposed": self.transposed}

    def infer(self, *inputs: Shape) -> Shape:
        """Return `[out]` for `[F]`, and `[L, out]` for `[L, F]`."""
        self._features(inputs[0])
        return (*inputs[0][:-1], self.out)

    def parameters(self, *inputs: Shape) -> dict[str, tuple[int, ...]]:
        """Return the weight `[out, in]`, or the other way round, and the bias unless it is off."""
        sizes = (self.out, self._features(inputs[0]))
        tensors: dict[str, tuple[int, ...]] = {"weight": sizes[::-1] if self.transposed else sizes}
        if self.bias:
            tensors["bias"] = (self.out,)
        return with_norms(tensors) if self.weight_norm else tensors

    def absorbs_affine(self, side: Literal["before", "after"], *inputs: Shape) -> bool:
        """Return whether the features are the channels, which come first: those of a vector, not those of tokens."""
        return len(inputs[0]) == 1

    def macs(self, output: Shape, *inputs: Shape) -> Dim:
        """Return output elements times input features."""
        return prod(output, start=self._features(inputs[0]))

    def _features(self, shape: Shape) -> int:
        if self.axis is None and len(shape) not in (1, 2):
            raise SpecError(codes.shapes.NeitherVectorNorTokens(shape))
        pooled = "`gap` or `avgpool_to` before `flatten` gives a fixed number for any input size" if len(shape) == 1 else None
        return fixed(self.name, shape[-1], "the number of features", pooled)


class Flatten(Op, name="flatten"):
    """Merges all axes into one: `[C, H, W]` to `[C * H * W]`."""

    category = Category.DENSE
    integers = "kept"
    example = "flatten"
    cases = (Case({}, (*ANY_RANK, ((),))),)

    def is_identity(self, *inputs: Shape) -> bool:
        """Return whether the input is a vector already."""
        return len(inputs[0]) == 1

    def infer(self, *inputs: Shape) -> Shape:
        """Return the number of elements."""
        return (numel(inputs[0]),)


def _sizes(sizes: tuple[int, ...]) -> tuple[int, ...]:
    if not sizes or any(size < 1 and size != -1 for size in sizes) or sizes.count(-1) > 1:
        raise ValueError("sizes are at least 1; one of them may be -1, which is then computed")
    return sizes


class Reshape(Op, name="reshape"):
    """Arranges the same elements, in order, in another shape. One size may be -1 and is computed."""

    aliases = ("view",)
    category = Category.DENSE
    integers = "kept"
    example = "reshape([64, -1])"
    cases = (Case({"sizes": (4, -1)}, ANY_RANK), Case({"sizes": (8, 2, 6)}, (LINE,)))

    sizes: Annotated[tuple[int, ...], Check(_sizes)] = Field(description="the new shape, without the batch axis")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the sizes, with the computed one in place of -1."""
        return {"sizes": self.infer(*inputs)}

    def is_identity(self, *inputs: Shape) -> bool:
        """Return whether the input has these sizes already."""
        return self.infer(*inputs) == inputs[0]

    def infer(self, *inputs: Shape) -> Shape:
        """Return the sizes, which must hold as many elements as the input. For a symbolic input, one of them is -1."""
        total, known = numel(inputs[0]), self._known()
        if -1 not in self.sizes:
            if total != known:
                raise SpecError(codes.shapes.ReshapedElements(total, inputs[0], self.sizes))
            return self.sizes
        try:
            computed = total // known
        except SizeError:
            raise SpecError(codes.shapes.ReshapedElements(total, inputs[0], self.sizes)) from None
        if not isinstance(total, LinearSize) and computed * known != total:
            raise SpecError(codes.shapes.ReshapedElements(total, inputs[0], self.sizes))
        return tuple(computed if size == -1 else size for size in self.sizes)

    def divisions(self, *inputs: Shape) -> list[Division]:
        """Return that the other sizes divide the number of elements, if one is computed."""
        total = numel(inputs[0])
        if -1 not in self.sizes or not isinstance(total, LinearSize):
            return []
        return [Division(total, self._known(), f"`reshape` cannot arrange {total} elements in groups of {self._known()}")]

    def _known(self) -> int:
        return prod(size for size in self.sizes if size != -1)


class Embedding(WeightedOp, name="embedding"):
    """Maps each token, an integer below `n`, to a learned vector: `[L]` to `[L, dim]`."""

    category = Category.DENSE
    integers = "required"
    saves_output = False
    not_in_figures = ("init",)
    example = "embedding(1000, 16)"
    example_input = ": int [32]"
    cases = (Case({"n": 11, "dim": 4}, ((7,), (3, 2))),)

    n: Annotated[PositiveInt, Aliases("num_embeddings")] = Field(description="number of different tokens")
    dim: PositiveInt = Field(description="length of the vectors")

    def infer(self, *inputs: Shape) -> Shape:
        """Return one more axis, of size `dim`."""
        return (*inputs[0], self.dim)

    def parameters(self, *inputs: Shape) -> dict[str, tuple[int, ...]]:
        """Return the table `[n, dim]`."""
        return {"weight": (self.n, self.dim)}


class Lookup(Op, name="lookup"):
    """Takes the row of a table for each token, as `embedding` does: `[L]` and a table `[n, d]` give `[L, d]`.

    The table is a value of the network, such as a `param` or what other layers compute. For weights that the last layer shares
    with the embedding, see `unembed`.
    """

    aliases = ("gather", "take", "index_select")
    category = Category.DENSE
    arity = 2
    operands = ("table",)
    about_operands: ClassVar = {"table": "its rows, `[n, d]`"}
    broadcasts_batch = True
    integers = "required"
    saves_output = False
    example = "table: param([1000, 16], init = normal(0.02)); lookup(table)"
    example_input = ": int [32]"
    cases = (Case({}, (((7,), (11, 4)), ((3, 2), (5, 8)))),)

    def result_dtype(self, *inputs: DType) -> DType:
        """Return that the rows are real numbers. Raise `SpecError` if the tokens are none, or the table is not real."""
        super().result_dtype(inputs[0])
        if inputs[1] != "float":
            reason = f"expected a table of real numbers, found one of {'integers' if inputs[1] == 'int' else 'bools'}"
            raise SpecError(codes.tokens.PositionTable(self.name, reason))
        return "float"

    def infer(self, *inputs: Shape) -> Shape:
        """Return one more axis, the columns of the table."""
        tokens, table = inputs
        if len(table) != 2:
            raise SpecError(codes.tokens.PositionTable(self.name, f"expected a table `[n, d]`, found {format_shape(table)}"))
        return (*tokens, table[1])


class Unembed(Op, name="unembed"):
    """The score of each token, for the vectors of the last axis: their products with the rows of an embedding's table.

    `module wte: embedding(50257, 768)` declares the table, `wte` looks tokens up in it, and `unembed(wte)` shares it: weight
    tying (Press & Wolf 2017, arXiv:1608.05859). There is one weight, under the key of the embedding.
    """

    aliases = ("tied", "tie_weights", "lm_head")
    category = Category.DENSE
    operands = ("embedding",)
    about_operands: ClassVar = {"embedding": "a `module` that is an `embedding`"}
    tied = True
    saves_output = False
    weight_layer = True
    not_in_figures = ("dim",)
    example = "module wte: embedding(1000, 16); wte; unembed(wte)"
    example_input = ": int [32]"
    cases = (Case({"n": 11, "dim": 8}, (VECTOR,)), Case({"n": 11, "dim": 12}, ((12, 12),)))

    n: PositiveInt = Field(description="number of different tokens, as in `embedding`")
    dim: PositiveInt = Field(description="length of the vectors, as in `embedding`")

    @classmethod
    def parameters_in_order(cls) -> list[str]:
        """Return that a call has none besides the embedding."""
        return []

    def infer(self, *inputs: Shape) -> Shape:
        """Return a score per token in place of the vectors."""
        if inputs[0][-1] != self.dim:
            raise SpecError(codes.joins.OtherVectors(self.name, inputs[0], self.dim))
        return (*inputs[0][:-1], self.n)

    def parameters(self, *inputs: Shape) -> dict[str, tuple[int, ...]]:
        """Return the table `[n, dim]`."""
        return {"weight": (self.n, self.dim)}

    def macs(self, output: Shape, *inputs: Shape) -> Dim:
        """Return output elements times the length of the vectors."""
        return prod(output, start=self.dim)
