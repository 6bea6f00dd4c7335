"""What cheaper forms of convolutions save, compared with the plain ones that they replace, in parameters and MACs.

The forms and their sources: a bottleneck 1x1, kxk, 1x1 against two kxk of its width (He et al. 2015, arXiv:1512.03385,
section 4.1, Figure 5); a stack of 3x3 against one window of the same receptive field (Simonyan & Zisserman 2014,
arXiv:1409.1556, section 2.3); 1xn and nx1 against nxn (Szegedy et al. 2015, arXiv:1512.00567, section 3.2); a depthwise
convolution and 1x1 against a full one (Howard et al. 2017, arXiv:1704.04861, section 3.1); groups against a dense
convolution (Xie et al. 2016, arXiv:1611.05431). Weights alone are compared: biases and normalizations are the same or negligible.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Literal, NamedTuple, TypeAlias

from archdsl.ir import FlatGraph, FlatNode, Usage
from archdsl.ops.base import Category
from archdsl.shapes import Dim, Shape, SizeError

Kind: TypeAlias = Literal["bottleneck", "stacked windows", "factorized window", "depthwise separable", "grouped"]


class Saving(NamedTuple):
    """One form at one place: the layers that it consists of, what they cost, and what the plain layers would cost."""

    kind: Kind
    form: str
    replaces: str
    paths: tuple[str, ...]
    params: int
    macs: Dim
    params_replaced: int
    macs_replaced: Dim


class _Layer(NamedTuple):
    """A convolution, with its window, stride and channels."""

    node: FlatNode
    k: tuple[int, ...]
    stride: tuple[int, ...]
    channels: int
    out: int
    groups: int

    @property
    def input(self) -> Shape:
        return self.node.node.inputs[0].shape

    @property
    def output(self) -> Shape:
        return self.node.shape

    @property
    def dense(self) -> bool:
        return self.groups == 1

    @property
    def pointwise(self) -> bool:
        return self.dense and set(self.k) == {1}

    @property
    def params(self) -> int:
        return prod(self.k) * self.channels * self.out // self.groups

    @property
    def macs(self) -> Dim:
        return _times(self.params, self.output[1:])

    @property
    def window(self) -> str:
        return "x".join(map(str, self.k))


def savings(flat: FlatGraph) -> list[Saving]:
    """Return what each such form saves; a layer belongs to one form. A layer that is applied again is counted each time."""
    found: list[Saving] = []
    for chain in _chains(flat):
        position = 0
        while position < len(chain):
            made = _form(chain[position:])
            if made is None:
                position += 1
            else:
                saving, length = made
                found.append(saving)
                position += length
    return found


def _form(layers: Sequence[_Layer]) -> tuple[Saving, int] | None:
    """Return the form with which a chain begins, and how many layers it has."""
    for rule in (_bottleneck, _separable, _factorized, _stacked, _grouped):
        found = rule(layers)
        if found is not None:
            return found, len(found.paths)
    return None


def _bottleneck(layers: Sequence[_Layer]) -> Saving | None:
    if len(layers) < 3:
        return None
    reduce, inner, expand = layers[:3]
    narrow = inner.channels < expand.out and inner.out < expand.out
    if not (reduce.pointwise and expand.pointwise and inner.dense and prod(inner.k) > 1 and narrow and _alike(inner)):
        return None
    area = prod(inner.k)
    params = area * (reduce.channels + expand.out) * expand.out
    window = f"two {inner.window} of {expand.out}"
    return _saving("bottleneck", f"1x1, {inner.window}, 1x1", window, layers[:3], params, _times(params, expand.output[1:]))


def _separable(layers: Sequence[_Layer]) -> Saving | None:
    if len(layers) < 2:
        return None
    spatial, pointwise = layers[:2]
    if not (spatial.groups == spatial.channels == spatial.out > 1 and pointwise.pointwise and prod(spatial.k) > 1):
        return None
    params = prod(spatial.k) * pointwise.channels * pointwise.out
    form = f"depthwise {spatial.window}, 1x1"
    return _saving(
        "depthwise separable", form, f"full {spatial.window}", layers[:2], params, _times(params, pointwise.output[1:])
    )


def _factorized(layers: Sequence[_Layer]) -> Saving | None:
    if len(layers) < 2:
        return None
    one, two = layers[:2]
    lines = len(one.k) == len(two.k) == 2 and one.dense and two.dense and {one.k, two.k} == {(1, max(one.k)), (max(one.k), 1)}
    if not lines or max(one.k) == 1:
        return None
    n = max(one.k)
    params = n * n * one.channels * two.out
    form = f"{one.window}, {two.window}"
    return _saving("factorized window", form, f"{n}x{n}", layers[:2], params, _times(params, two.output[1:]))


def _stacked(layers: Sequence[_Layer]) -> Saving | None:
    """Return a run of convolutions of window 3, of which the first may have a stride."""
    count = 0
    for layer in layers:
        if not (layer.dense and set(layer.k) == {3} and (count == 0 or set(layer.stride) == {1})):
            break
        count += 1
    if count < 2:
        return None
    run = layers[:count]
    first, last = run[0], run[-1]
    size = 1 + 2 * sum([1 if i == 0 else first.stride[0] for i in range(count)])
    params = size ** len(first.k) * first.channels * last.out
    window = "x".join([str(size)] * len(first.k))
    return _saving("stacked windows", f"{count} of {first.window}", window, run, params, _times(params, last.output[1:]))


def _grouped(layers: Sequence[_Layer]) -> Saving | None:
    layer = layers[0]
    if layer.groups == 1 or layer.groups == layer.channels:
        return None
    params = prod(layer.k) * layer.channels * layer.out
    form = f"{layer.window} in {layer.groups} groups"
    return _saving("grouped", form, f"dense {layer.window}", layers[:1], params, _times(params, layer.output[1:]))


def _saving(kind: Kind, form: str, replaces: str, layers: Sequence[_Layer], params: int, macs: Dim) -> Saving:
    total: Dim = 0
    for layer in layers:
        total = total + layer.macs
    paths = tuple([layer.node.path for layer in layers])
    return Saving(kind, form, replaces, paths, sum([layer.params for layer in layers]), total, params, macs)


def _alike(layer: _Layer) -> bool:
    return len(set(layer.k)) == 1


def _times(number: int, sizes: Shape) -> Dim:
    return prod(sizes, start=number)


def _chains(flat: FlatGraph) -> Iterator[list[_Layer]]:
    """Yield runs of convolutions in which each takes what the one before it gives, past ops that keep the shape."""
    users: dict[int, list[FlatNode]] = {}
    for node in flat.nodes:
        for number in dict.fromkeys(node.inputs):
            users.setdefault(number, []).append(node)
    returned = set(flat.outputs)
    seen: set[int] = set()
    for node in flat.nodes:
        layer = _layer(node)
        if layer is None or node.outputs.start in seen:
            continue
        chain = [layer]
        seen.add(node.outputs.start)
        value = node.outputs.start
        while value not in returned and len(users.get(value, ())) == 1:
            (user,) = users[value]
            following = _layer(user)
            if following is not None:
                chain.append(following)
                seen.add(user.outputs.start)
            elif len(user.inputs) != 1 or user.shape != flat.values[value].shape or user.op.category not in _PASSED:
                break
            value = user.outputs.start
        yield chain


_PASSED = frozenset({Category.NORMALIZATION, Category.ACTIVATION, Category.REGULARIZATION})


def _layer(node: FlatNode) -> _Layer | None:
    if node.usage is Usage.NEVER or node.op.name not in ("conv", "bottleneck", "depthwise"):
        return None
    given = node.op.attributes(*node.node.input_shapes)
    return _Layer(node, given["k"], given["stride"], given["in_channels"], given["out"], given["groups"])


def totals(found: Sequence[Saving]) -> list[tuple[Saving, int]]:
    """Return the sum of each kind of form, with the number of its places. Raise nothing for sizes of several symbols."""
    sums: dict[tuple[str, str, str], tuple[Saving, int]] = {}
    for one in found:
        key = (one.kind, one.form, one.kind if one.kind == "bottleneck" else one.replaces)
        known = sums.get(key)
        if known is None:
            sums[key] = (one._replace(replaces=_general(one)), 1)
            continue
        total, count = known
        try:
            macs, replaced = total.macs + one.macs, total.macs_replaced + one.macs_replaced
        except SizeError:
            continue
        sums[key] = (
            total._replace(
                params=total.params + one.params, macs=macs, params_replaced=total.params_replaced + one.params_replaced,
                macs_replaced=replaced, paths=(*total.paths, *one.paths),
            ),
            count + 1,
        )  # fmt: skip
    return list(sums.values())


def _general(one: Saving) -> str:
    return f"{one.replaces.rpartition(' of ')[0]} of the same width" if one.kind == "bottleneck" else one.replaces
