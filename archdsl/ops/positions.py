"""Positions of tokens: learned embeddings of a grid, and the relative positions in a window."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from archdsl.diagnostics import SpecError, codes
from archdsl.fields import Check, Field
from archdsl.initializers import Initializer
from archdsl.ops.base import (
    IMAGE,
    LINE,
    VECTOR,
    VOLUME,
    Case,
    Category,
    Equality,
    NonNegativeInt,
    Op,
    PerAxis,
    PositiveInt,
    WeightedOp,
    fixed,
    normal_axis,
    per_axis,
)
from archdsl.shapes import Dim, Shape, format_shape

T = TypeVar("T")


def _pair(sizes: int | tuple[int, ...]) -> int | tuple[int, ...]:
    if isinstance(sizes, tuple) and len(sizes) != 2:
        raise ValueError(f"it has two sizes, rows and columns, found {len(sizes)}")
    return sizes


_Side = Annotated[int, Field(ge=2)]
Grid = Annotated[tuple[PositiveInt, ...], Check(_pair)]
TABLE, INDEX = "relative_position_bias_table", "relative_position_index"
"""What torchvision and timm call the two tensors of a relative position bias."""


class PosEmbed(WeightedOp, name="pos_embed"):
    """Adds a learned embedding of each position to tokens `[L, C]`: `pos_embedding: pos_embed([14, 14], prefix = 1)`.

    It is a parameter `[1, prefix + h * w, C]`, and its label is its key, as in torchvision and timm. The first `prefix`
    tokens, such as a class token, have embeddings of their own. `grid` is the value whose last two sizes are those of the
    current grid, such as the output of the patch convolution. If they are not those of `base`, the embeddings of the grid
    are interpolated as in timm's `resample_abs_pos_embed`: as an image `[1, C, h, w]`, by `F.interpolate(size = ..., mode =
    bicubic, antialias = true)`, and those of the prefix stay. DINO and DINOv2 use `antialias = false`; they also pass a
    scale that is 0.1 larger than the grid, which this op does not.
    """

    aliases = ("position_embedding", "positional_embedding")
    category = Category.VALUE
    arity = None
    optional_operands = ("grid",)
    about_operands: ClassVar = {"grid": "a value whose last two sizes are those of the current grid"}
    sizes_only = True
    vector = False
    saves_output = False
    not_in_figures = ("present", "init", "mode", "antialias")
    example = 'patches: conv(8, 4, stride = 4, pad = 0); rearrange("c h w -> (h w) c"); pos_embed([7, 7], patches)'
    cases = (
        Case({"base": (3, 4)}, ((12, 8),)),
        Case({"base": (3, 4), "prefix": 1, "present": ("grid",)}, (((13, 8), (8, 3, 4)), ((11, 8), (8, 5, 2)))),
        Case({"base": (2, 2), "present": ("grid",), "mode": "bilinear", "antialias": False}, (((15, 8), (8, 3, 5)),)),
    )

    base: Grid = Field(description="rows and columns of the grid whose embeddings are learned")
    prefix: NonNegativeInt = Field(0, description="number of tokens before those of the grid")
    mode: Literal["bicubic", "bilinear"] = Field("bicubic", description="interpolation to another grid")
    antialias: bool = Field(True, description="whether the interpolation to a smaller grid averages")
    present: tuple[str, ...] = Field((), description="whether there is a `grid`")

    @classmethod
    def parameters_in_order(cls) -> list[str]:
        """Return the parameters that a call has."""
        return ["base", "prefix", "mode", "antialias", "init"]

    @classmethod
    def call_order(cls) -> list[str]:
        """Return the parameters in positional order: `pos_embed([14, 14], patches)`."""
        return ["base", "grid", "prefix", "mode", "antialias", "init"]

    @classmethod
    def check_rule(cls, rule: Initializer) -> None:
        """Accept every rule: the tensor has three axes."""

    def data_of(self, inputs: Sequence[T]) -> Sequence[T]:
        """Return the tokens: of the grid, the sizes count."""
        return inputs[:1]

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the shape of the parameter, and whether it has to be interpolated."""
        return {"shape": self.parameters(*inputs)[""], "resized": self._grid(inputs) != self.base}

    def infer(self, *inputs: Shape) -> Shape:
        """Return the shape of the tokens. Their number must be that of the positions."""
        if len(inputs[0]) != 2:
            raise SpecError(codes.tokens.NoTokens(self.name, inputs[0]))
        if len(inputs) > 1 and len(inputs[1]) < 2:
            reason = f"expected a `grid` with rows and columns, found {format_shape(inputs[1])}"
            raise SpecError(codes.tokens.PositionTable(self.name, reason))
        fixed(self.name, inputs[0][1], "the number of features")
        tokens, positions = inputs[0][0], self._positions(inputs)
        if isinstance(tokens, int) and isinstance(positions, int) and tokens != positions:
            rows, columns = self._grid(inputs)
            before = f"{self.prefix} + " if self.prefix else ""
            reason = f"has {before}{rows} * {columns} = {positions} positions, and the input has {tokens} tokens"
            advice = f"`prefix` counts the tokens before those of the grid: {tokens - positions + self.prefix} would fit"
            raise SpecError(codes.tokens.PositionTable(self.name, reason, advice if tokens > positions else None))
        return inputs[0]

    def equalities(self, *inputs: Shape) -> list[Equality]:
        """Return that there are as many tokens as positions."""
        return [Equality(inputs[0][0], self._positions(inputs), (0, len(inputs) - 1))]

    def parameters(self, *inputs: Shape) -> dict[str, tuple[int, ...]]:
        """Return the embeddings, with a batch axis of one."""
        return {"": (1, self.prefix + prod(self.base), fixed(self.name, inputs[0][1], "the number of features"))}

    def _grid(self, inputs: tuple[Shape, ...]) -> tuple[Dim, Dim]:
        rows, columns = inputs[1][-2:] if len(inputs) > 1 else self.base
        return rows, columns

    def _positions(self, inputs: tuple[Shape, ...]) -> Dim:
        rows, columns = self._grid(inputs)
        return rows * columns + self.prefix


class Coords(Op, name="coords"):
    """The numbers 0, 1, 2, ... along an axis of a value, `[n]`, for positions that are computed: `coords(x, axis = 1)`.

    `like` gives the size alone, which may be symbolic. A sine of them is the encoding of Vaswani et al. 2017
    (arXiv:1706.03762, section 3.5); beside an image, they are the channels of CoordConv (Liu et al. 2018, arXiv:1807.03247).
    """

    aliases = ("arange", "position_ids", "coordinates")
    category = Category.VALUE
    arity = 0
    operands = ("like",)
    about_operands: ClassVar = {"like": "the value along whose axis it counts"}
    takes_x = False
    sizes_only = True
    by_name = ("axis",)
    integers = "kept"
    example = 'add(broadcast = true) { x; coords(x, axis = -2) -> rearrange("h -> 1 h 1") }'
    cases = (Case({"axis": 0}, ((LINE,), (VECTOR,))), Case({"axis": -1}, ((IMAGE,), (VOLUME,))))

    axis: int = Field(description="axis: 0 is the channels, -1 the last")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the axis, counted from the front."""
        return {"axis": normal_axis(self.name, self.axis, len(inputs[0]))}

    def infer(self, *inputs: Shape) -> Shape:
        """Return the size of the axis."""
        return (inputs[0][self.attributes(*inputs)["axis"]],)

    def never_negative(self, inputs: bool) -> bool:
        """Return true: they count from 0."""
        return True


class RelativeCoords(Op, name="rel_coords"):
    """The offsets in a window on a logarithmic scale, `[2 * h - 1, 2 * w - 1, 2]`, for the `cpb_mlp` of Swin v2.

    `relative_coords_table: rel_coords(8)` is a buffer of the `state_dict`, and its label is its key, as in torchvision: each
    offset `d` is `sign(d) * log2(1 + 8 * |d| / (size - 1)) / 3` (Liu et al. 2022, arXiv:2111.09883, section 3.3, code).
    """

    category = Category.VALUE
    arity = 0
    takes_x = False
    example = """tokens: rearrange("c (h p) (w q) -> h w 1 (p q) c", p = 4, q = 4)
  relative_coords_table: rel_coords(4)
  cpb_mlp: { relative_coords_table -> linear(16, axis = -1) -> relu -> linear(1, bias = false, axis = -1) }
  table: rearrange("h w n -> (h w) n")
  bias: rel_bias(1, 4, table = table)
  attend(tokens, tokens, tokens, bias = bias)"""
    cases = (Case({"window": (3, 2)}, ((),)), Case({"window": 4}, ((),)))

    window: Annotated[_Side | tuple[_Side, ...], Check(_pair)] = Field(
        description="window size, one number or one per axis; at least 2"
    )

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the window per axis."""
        return {"window": per_axis(self.window, 2, "window")}

    def infer(self, *inputs: Shape) -> Shape:
        """Return an offset along each axis, and the two numbers of it."""
        rows, columns = per_axis(self.window, 2, "window")
        return (2 * rows - 1, 2 * columns - 1, 2)

    def buffers(self, *inputs: Shape) -> dict[str, tuple[int, ...]]:
        """Return the table, with a batch axis of one."""
        rows, columns = per_axis(self.window, 2, "window")
        return {"": (1, 2 * rows - 1, 2 * columns - 1, 2)}


class RelativeBias(WeightedOp, name="rel_bias"):
    """The relative position bias of attention in a window, `[heads, N, N]` for `N` positions (Liu et al. 2021, arXiv:2103.14030).

    `rel_bias(4, 7)` learns a table with a row for each of the `13 * 13` offsets in a window of 7 by 7. Its two tensors
    belong to the scope around it, as in torchvision's Swin: the parameter `relative_position_bias_table`, and the buffer
    `relative_position_index`, which says which row each pair of positions takes. `index` says how the `state_dict` has the
    buffer. A label names the value alone. With `table`, the rows are computed, as by the `cpb_mlp` of Swin v2, and there is
    only the buffer.
    """

    aliases = ("relative_position_bias",)
    category = Category.VALUE
    arity = 0
    optional_operands = ("table",)
    about_operands: ClassVar = {"table": "the rows of the table, if they are computed"}
    takes_x = False
    keys_in_scope = (TABLE, INDEX)
    by_name = ("index",)
    not_in_figures = ("present", "index", "init")
    example = 'rearrange("c (h p) (w q) -> h w 1 (p q) c", p = 4, q = 4); bias: rel_bias(1, 4); attend(x, x, x, bias = bias)'
    cases = (
        Case({"heads": 3, "window": (4, 2)}, ((),)),
        Case({"heads": 3, "window": 3, "present": ("table",)}, (((25, 3),),)),
        Case({"heads": 2, "window": (2, 3), "index": "square"}, ((),)),
        Case({"heads": 2, "window": (2, 3), "index": "absent"}, ((),)),
    )

    heads: PositiveInt = Field(description="number of heads")
    window: Annotated[PerAxis, Check(_pair)] = Field(description="window size, one number or one per axis")
    index: Literal["flat", "square", "absent"] = Field(
        "flat",
        description="`relative_position_index` in the `state_dict`: `flat`, one axis, as in torchvision's Swin; `square`, two "
        "axes, as in its MaxViT; `absent`, as in timm",
    )
    present: tuple[str, ...] = Field((), description="whether there is a `table`")

    @classmethod
    def parameters_in_order(cls) -> list[str]:
        """Return the parameters that a call has."""
        return ["heads", "window", "index", "init"]

    @classmethod
    def call_order(cls) -> list[str]:
        """Return the parameters in positional order."""
        return ["heads", "window", "table", "index", "init"]

    def validate(self) -> None:
        """Raise `ValueError` if an initializer has no table to fill."""
        super().validate()
        if self.present and self.init is not None:
            raise ValueError("`init` initializes the table, which is given")

    def attributes(self, *inputs: Shape) -> Mapping[str, Any]:
        """Return the heads, and the window per axis."""
        return {"heads": self.heads, "window": per_axis(self.window, 2, "window")}

    def infer(self, *inputs: Shape) -> Shape:
        """Return the heads, and the positions of a window twice."""
        if inputs and inputs[0] != self._table():
            reason = f"expected a table {format_shape(self._table())} for its window, found {format_shape(inputs[0])}"
            raise SpecError(codes.tokens.PositionTable(self.name, reason, "its rows are the offsets, its columns the heads"))
        positions = prod(per_axis(self.window, 2, "window"))
        return (self.heads, positions, positions)

    def parameters(self, *inputs: Shape) -> dict[str, tuple[int, ...]]:
        """Return the table, unless it is given."""
        return {} if self.present else {f"../{TABLE}": self._table()}

    def buffers(self, *inputs: Shape) -> dict[str, tuple[int, ...]]:
        """Return the row of the table for each pair of positions if the `state_dict` has it."""
        return {} if self.index == "absent" else {"": self.index_shape()}

    def index_shape(self) -> tuple[int, ...]:
        """Return the shape of the row of the table for each pair of positions."""
        positions = prod(per_axis(self.window, 2, "window"))
        return (positions, positions) if self.index == "square" else (positions**2,)

    def _table(self) -> tuple[int, int]:
        rows, columns = per_axis(self.window, 2, "window")
        return ((2 * rows - 1) * (2 * columns - 1), self.heads)
