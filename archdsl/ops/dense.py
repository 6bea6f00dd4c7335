"""Dense layers, and the rearrangements that lead to them."""

from collections.abc import Mapping
from math import prod
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from archdsl.declared import Fault
from archdsl.ops.base import Category, Op, PositiveInt, WeightedOp, fixed, fixed_channels
from archdsl.shapes import Dim, Shape, format_shape


class Linear(WeightedOp, name="linear"):
    """A dense layer on the last axis: on the features of a vector `[F]`, or of each token of `[L, F]`.

    With more axes `axis = -1` says that the last one holds the features, as after `permute([1, 2, 0])`.
    """

    category = Category.DENSE
    saves_output = False
    weight_layer = True
    example = "flatten; linear(10)"

    out: PositiveInt = Field(description="output features")
    bias: bool = Field(True, description="a learned shift for each output feature")
    axis: Literal[-1] | None = Field(None, description="-1 for the last axis of an input with more than two")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the number of input features with the parameters."""
        return {"in_features": self._features(inputs[0]), "out": self.out, "bias": self.bias}

    def infer(self, *inputs: Shape) -> Shape:
        """`[F]` to `[out]`, `[L, F]` to `[L, out]`."""
        self._features(inputs[0])
        return (*inputs[0][:-1], self.out)

    def parameters(self, *inputs: Shape) -> dict[str, tuple[int, ...]]:
        """Weight `[out, in]`, and a bias unless it is off."""
        return {"weight": (self.out, self._features(inputs[0]))} | ({"bias": (self.out,)} if self.bias else {})

    def macs(self, output: Shape, *inputs: Shape) -> Dim:
        """Output elements times input features."""
        return prod(output, start=self._features(inputs[0]))

    def _features(self, shape: Shape) -> int:
        if self.axis is None and len(shape) not in (1, 2):
            raise Fault(
                "E0305",
                f"`linear` takes a vector [F] or tokens [L, F], and gets {format_shape(shape)}",
                help="put `flatten` before it, or `gap; flatten` to average over positions first",
            )
        return fixed(self.name, shape[-1], "the number of features")


class Flatten(Op, name="flatten"):
    """All axes as one: `[C, H, W]` to `[C * H * W]`."""

    category = Category.DENSE
    integers = "kept"
    example = "flatten"

    def infer(self, *inputs: Shape) -> Shape:
        """The number of elements, which must be fixed."""
        return (_elements(self.name, inputs[0]),)


def _sizes(sizes: tuple[int, ...]) -> tuple[int, ...]:
    if not sizes or any(size < 1 and size != -1 for size in sizes) or sizes.count(-1) > 1:
        raise ValueError("sizes are at least 1, and one of them may be -1, which is then computed")
    return sizes


class Reshape(Op, name="reshape"):
    """The same elements in another arrangement, in order; one size may be -1 and is computed."""

    category = Category.DENSE
    integers = "kept"
    example = "reshape([64, -1])"

    sizes: Annotated[tuple[int, ...], AfterValidator(_sizes)] = Field(description="the new shape, without the batch")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the sizes, with the computed one in place of -1."""
        return {"sizes": self.infer(*inputs)}

    def infer(self, *inputs: Shape) -> Shape:
        """The sizes as given; they must hold as many elements as the input."""
        total, known = _elements(self.name, inputs[0]), prod(size for size in self.sizes if size != -1)
        if total % known if -1 in self.sizes else total != known:
            raise Fault(
                "E0309",
                f"`reshape` cannot arrange the {total} elements of {format_shape(inputs[0])} as {format_shape(self.sizes)}",
                argument="sizes",
                help=f"the sizes must multiply to {total}; one of them may be -1, which is then computed",
            )
        return tuple(total // known if size == -1 else size for size in self.sizes)


class Embedding(WeightedOp, name="embedding"):
    """A learned vector for each of `n` tokens: `[L]`, integers below `n`, to `[L, dim]`."""

    category = Category.DENSE
    integers = "required"
    saves_output = False
    example = "embedding(1000, 16)"
    example_input = ": int [32]"

    n: PositiveInt = Field(description="how many tokens there are")
    dim: PositiveInt = Field(description="length of each vector")

    def infer(self, *inputs: Shape) -> Shape:
        """One more axis, of `dim`."""
        return (*inputs[0], self.dim)

    def parameters(self, *inputs: Shape) -> dict[str, tuple[int, ...]]:
        """The table `[n, dim]`."""
        return {"weight": (self.n, self.dim)}


def _elements(name: str, shape: Shape) -> int:
    if len(shape) > 2:
        fixed_channels(name, shape[0])
    for size in shape:
        fixed(name, size, "every size")
    return prod(size for size in shape if isinstance(size, int))
