"""Products of matrices that the network computes itself."""

from collections.abc import Mapping
from math import prod
from typing import Any, ClassVar

from archdsl.diagnostics import SpecError, codes
from archdsl.fields import Field
from archdsl.ops.base import Case, Category, Equality, Op
from archdsl.ops.join import stretched_size
from archdsl.shapes import Dim, Shape


class Matmul(Op, name="matmul"):
    """The product of two matrices, the last two axes of two values: `[H, L, D]` times `[H, D, M]` gives `[H, L, M]`.

    The axes before them run side by side; a size of 1 goes with any other. As `torch.matmul`, it takes the batch along.
    """

    aliases = ("bmm", "mm", "dot")
    category = Category.DENSE
    arity = 2
    operands = ("a", "b")
    about_operands: ClassVar = {"a": "the factor on the left", "b": "the factor on the right"}
    takes_x = False
    broadcasts_batch = True
    saves_output = False
    example = "flatten; tokens: reshape([64, 128]); matmul(tokens, tokens, transpose_b = true) -> softmax(axis = -1)"
    cases = (
        Case({}, (((8, 12), (12, 10)), ((3, 8, 12), (3, 12, 10)), ((1, 2, 8, 12), (3, 1, 12, 10)))),
        Case({"transpose_b": True}, (((8, 12), (10, 12)), ((3, 8, 12), (1, 10, 12)))),
        Case({"transpose_a": True}, (((3, 12, 8), (3, 12, 10)),)),
        Case({"transpose_a": True, "transpose_b": True}, (((12, 8), (10, 12)),)),
    )

    transpose_a: bool = Field(False, description="whether the last two axes of `a` change places before")
    transpose_b: bool = Field(False, description="whether the last two axes of `b` change places before")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the axes that change places."""
        return {"transpose_a": self.transpose_a, "transpose_b": self.transpose_b}

    def infer(self, *inputs: Shape) -> Shape:
        """Return the axes before, the rows of `a` and the columns of `b`."""
        a, b = inputs
        if len(a) < 2 or len(a) != len(b):
            raise SpecError(codes.joins.NoMatrices(self.name, a, b))
        before, (rows, inner), (other, columns) = self._parts(a, b)
        pairs = [(inner, other), *((x, y) for x, y in before if 1 not in (x, y))]
        if any(x != y for x, y in pairs if isinstance(x, int) and isinstance(y, int)):
            raise SpecError(codes.joins.MatrixSizes(a, b, inner, other, self.transpose_a, self.transpose_b))
        return (*map(stretched_size, before), rows, columns)

    def equalities(self, *inputs: Shape) -> list[Equality]:
        """Return that the columns of `a` are the rows of `b`, and that axes before them agree, or one of them is one."""
        before, (_, inner), (other, _) = self._parts(*inputs)
        found = [Equality(inner, other, (0, 1))]
        for x, y in before:
            if 1 not in (x, y):
                stays = stretched_size((x, y)) == y
                found.append(Equality(x, y, (0, 1), "either") if stays else Equality(y, x, (1, 0), "either"))
        return found

    def macs(self, output: Shape, *inputs: Shape) -> Dim:
        """Return output elements times the size that is summed over."""
        return prod(output, start=self._parts(*inputs)[1][1])

    def _parts(self, a: Shape, b: Shape) -> tuple[list[tuple[Dim, Dim]], Shape, Shape]:
        """Return the axes before in pairs, and the last two of each factor in the order in which they are multiplied."""
        last_a, last_b = a[-2:], b[-2:]
        return (
            list(zip(a[:-2], b[:-2], strict=True)),
            last_a[::-1] if self.transpose_a else last_a,
            last_b[::-1] if self.transpose_b else last_b,
        )
