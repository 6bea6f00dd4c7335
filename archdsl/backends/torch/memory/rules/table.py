"""The memory of parameters, constants, tables of embeddings, and positions."""

from __future__ import annotations

from archdsl.backends.torch.memory import aten
from archdsl.backends.torch.memory import aten_layers as layers
from archdsl.backends.torch.memory.rules.base import Applied, allocates
from archdsl.backends.torch.memory.tensors import BOOL, FLOAT, LONG, Tensor, empty
from archdsl.shapes import numel


@allocates("param", "const")
def stored(at: Applied) -> Tensor:
    """Return the stored tensor with a batch axis."""
    (own,) = at.stored.values()
    if at.op.name == "param" and at.op.flat:
        return aten.viewed(own, (1, *at.op.shape))
    return own if at.op.name == "param" and at.op.batch_axis else aten.unit_axis(own, 0)


@allocates("rel_coords")
def relative_coords(at: Applied) -> Tensor:
    """Return the stored buffer."""
    return at.stored[""]


@allocates("coords")
def coords(at: Applied) -> Tensor:
    """Return `torch.arange` with a batch axis."""
    return aten.unit_axis(empty(at.meter, at.shape[1:], FLOAT), 0)


@allocates("embedding")
def embedding(at: Applied) -> Tensor:
    """Return `torch.nn.Embedding`, whose gradient needs the tokens."""
    return layers.taken(at.stored["weight"], at.x, at.shape, added=False)


@allocates("lookup")
def lookup(at: Applied) -> Tensor:
    """Return the runtime's `lookup`: `F.embedding` if all examples have one table, else `gather`."""
    tokens, table = at.inputs
    if table.shape[0] == 1:
        return layers.taken(aten.selected(table), tokens, at.shape, added=False)
    batch, width = table.shape[0], table.shape[2]
    rows = layers.taken(table, tokens, (batch, numel(tokens.shape[1:]), width), added=True)
    return aten.viewed(rows, at.shape)


@allocates("pos_embed")
def pos_embed(at: Applied) -> Tensor:
    """Return a sum with the parameter, which is interpolated for another grid."""
    (own,) = at.stored.values()
    return aten.add(at.x, _resized_positions(at, own) if at.given["resized"] else own)


def _resized_positions(at: Applied, table: Tensor) -> Tensor:
    """Return the runtime's `resized_positions`."""
    prefix, (rows, columns) = at.op.prefix, at.op.base
    width, (height, breadth) = table.shape[2], at.plain[1][-2:]
    grid = aten.narrowed(table, 1, rows * columns) if prefix else aten.viewed(table, table.shape)
    images = aten.permuted(aten.viewed(grid, (1, rows, columns, width)), [0, 3, 1, 2])
    images = layers.resized(images, (1, width, height, breadth))
    tokens = aten.transposed(aten.reshape(images, (1, width, height * breadth)))
    made = layers.concatenated([aten.narrowed(table, 1, prefix), tokens], 1, (1, prefix + height * breadth, width))
    del images  # a variable of that function, which lasts until it returns
    return made


@allocates("rel_bias")
def relative_bias(at: Applied) -> Tensor:
    """Return the runtime's `relative_bias`: rows of the table, which is a parameter unless it is given."""
    table = at.x if at.op.present else aten.unit_axis(next(own for key, own in at.stored.items() if key), 0)
    heads, length, _ = at.shape[1:]
    rows = layers.taken(table, at.stored[""], (table.shape[0], length * length, heads), added=True)
    return aten.permuted(aten.viewed(rows, (table.shape[0], length, length, heads)), [0, 3, 1, 2])


@allocates("window_mask")
def window_mask(at: Applied) -> Tensor:
    """Return the runtime's `window_mask`: the region of each position, compared within windows."""
    axes, windows = at.given["axis"], at.given["window"]
    count = len(axes)
    region = empty(at.meter, (1,) * count, LONG)
    for i, axis in enumerate(axes):
        size = at.plain[0][axis]
        position = empty(at.meter, (size,), LONG)
        part = _part(position)
        shape = tuple([size if j == i else 1 for j in range(count)])
        region = aten.pointwise(aten.by_number(region), aten.viewed(part, shape), item=LONG)
    for i, window in reversed(list(enumerate(windows))):
        region = aten.viewed(region, (*region.shape[:i], region.shape[i] // window, window, *region.shape[i + 1 :]))
    region = aten.permuted(region, [*range(0, 2 * count, 2), *range(1, 2 * count, 2)])
    inner = numel(windows)
    region = aten.reshape(region, (*region.shape[:count], inner))
    apart = empty(at.meter, (*region.shape, inner), BOOL)
    zeros = empty(at.meter, apart.shape)
    mask = empty(at.meter, apart.shape)
    del zeros
    mask = aten.unit_axis(aten.unit_axis(mask, count), 0)
    del region, position, part, apart
    return mask


def _part(position: Tensor) -> Tensor:
    """Return which part of a shifted axis each position is in: the sum of two comparisons."""
    sides = []
    for _ in range(2):
        compared = empty(position.meter, position.shape, BOOL)
        sides.append(empty(position.meter, position.shape, LONG))
        del compared
    made = empty(position.meter, position.shape, LONG)
    del sides
    return made
