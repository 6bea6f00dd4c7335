"""`torch.export` with `dynamic_shapes()`: each op over every symbolic size, one program for all sizes that work, bit for bit."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest
import torch

import archdsl
from archdsl.backends.torch.export import traceable
from archdsl.literals import show
from archdsl.ops import Op
from tests.ops.cases import cases

LETTERS = ("A", "B", "D", "H", "W")


def statement(op: Op) -> str:
    given = ", ".join(f"{name} = {show(getattr(op, name))}" for name in sorted(op.given))
    return f"{op.name}({given})" if given else op.name


def with_open_axes(op: Op, shape: tuple[int, ...]) -> str | None:
    """The op on an input whose sizes are all open but the channels, else all but the last; none where it needs numbers."""
    kind = ": int" if op.integers == "required" else ""
    for fixed in ((0,), (0, len(shape) - 1), (len(shape) - 1,)):
        kept = () if kind else fixed
        sizes = [str(size) if axis in kept else LETTERS[axis] for axis, size in enumerate(shape)]
        text = f"network n {{ input a{kind} [{', '.join(sizes)}]; {statement(op)} }}"
        if len(kept) < len(shape) and not any(found.is_error for found in archdsl.check(text)):
            return text
    return None


_MARKS = {True: (), False: (pytest.mark.exhaustive,)}


def programs() -> list[Any]:
    """Each case with symbolic sizes. Of an op, the one of the highest rank with the most arguments is in every run."""
    found, largest = {}, dict[str, tuple[int, int, str]]()
    for case in cases():
        op, shapes = case.values
        if op.name == "pos_embed" and len(shapes) == 1:
            continue  # its grid fixes the number of tokens
        if shapes and not op.statement and not op.operands and (text := with_open_axes(op, shapes[0])) is not None:
            name = f"{op.name}-{len(shapes[0]) - 1}-{statement(op)}"
            found[name] = text
            largest[op.name] = max(largest.get(op.name, (0, 0, "")), (len(shapes[0]), len(op.given), name))
    chosen = {name for *_, name in largest.values()}
    return [pytest.param(text, id=name, marks=_MARKS[name in chosen]) for name, text in found.items()]


JOINS = [
    "input a [4, H, W]; l: x; upsample(2); crop_like(l)",
    "input a [3, H]; conv(3, 3, stride = 2, pad = 1); upconv(3, 2); crop_like(a)",
    "input a [8, H, W]; u: conv(8, 3, pad = 0); upconv(8, 2); crop_like(u)",
    "input a [8, H, W]; large: conv(8, 3); maxpool(2); resize_like(large)",
    "input a [8, H, W]; large: conv(8, 3); maxpool(2); resize_like(large, mode = bicubic, align_corners = true)",
    "input a [8, H]; input b [8, H + 1]; a -> resize_like(b, mode = linear)",
    "input a [8, H, W]; input b [8, H, W]; add { a; b }",
    "input a [8, H, W]; input b [8, H, W]; shake { a; b }",
    "input a [8, H, W]; input b [8, 1, W]; mul { a; b }",
    "input a [8, H, W]; mul { x; { gap; conv(8, 1); sigmoid } }",
    "input a [8, H, W]; input b [8, H, 2 * W]; concat(axis = -1) { a; b }",
    "input a [8, N, N]; maxpool(3, 2, ceil = true); upsample(2); crop_like(a)",
    "input a [H, 8]; p: param([1, 8], init = normal); concat { p; x }",
    "input a [8, H, W]; p: param([8, 1, 1], init = normal); mul { x; p }",
    "input a [H, 8]; input b [W, 8]; matmul(a, b, transpose_b = true) -> softmax(axis = -1); matmul(x, b)",
    "input a [8, N, N]; skip { transpose(1, 2) }",
    "input a [8, H, W]; repeat 4 { maxpool(3, 2, 1, ceil = true); conv(8, 3) }",
    "input a [8, H, W]; add { conv(8, 3, stride = 2); maxpool(2, ceil = true); avgpool(3, 2, 1) }",
    "input a [1, H, W]; avgpool(2); instance_norm",
    "input a [1, H, 2]; avgpool(2); instance_norm",
    "input a [1, H, W]; c: conv(2, 3); maxpool(2); upconv(2, 2); concat { c; x }",
    "input a [8, H, W]; [top, middle, _]: split(3, axis = 1); add { top; middle }",
    "input a [8, H, W]; low: { part: conv(8, 3, stride = 2); relu }; concat { low.part; x }",
]  # fmt: skip
CONDITIONS = [
    "H % 2 == 0", "H % 2 == 1 and H > 5", "H % 17 != 0", "H % 11 > 1", "H % 17 != 0 and H % 11 > 1", "3 <= H <= 40", "H <= 5",
    "H == 4 or H == 9 or H == 12", "H == 4 or H == 5", "H % 4 == 0 or H == 7", "H != 6", "H == 7", "H >= 1000000",
    "H % 17 == 0 or H % 13 == 0",
    "H % 5 == 3 or H % 5 == 1",
]  # fmt: skip
"""Of multiples, remainders, ranges, single sizes and one alone."""


def sizes_of(network: archdsl.Network, count: int) -> list[dict[str, int]]:
    """Some sizes that work and that one program can take."""
    numbers = []
    for sizes in traceable(network.graph).values():
        first = sizes.smallest()
        numbers.append(list(islice((n for n in range(first, first + 200) if n in sizes), 3 * count)))
    every = [
        dict(zip(network.sizes.work, [of[(i * (2 * j + 1)) % len(of)] for j, of in enumerate(numbers)], strict=True))
        for i in range(3 * count)
    ]
    good = [at for i, at in enumerate(every) if network.sizes.works(at) and at not in every[:i]]
    return good[:count]


def inputs_at(network: archdsl.Network, at: dict[str, int], batch: int) -> tuple[torch.Tensor, ...]:
    found = []
    for value in network.graph.inputs:
        shape = (batch, *(size if isinstance(size, int) else size.at(at[size.symbol]) for size in value.shape))
        found.append(torch.randint(0, 3, shape) if value.dtype == "int" else torch.randn(shape))
    return tuple(found)


def agrees(network: archdsl.Network, count: int) -> int:
    """Export at one size, and compare at several; how many there were."""
    torch.set_num_threads(1)
    module = network.build().eval()
    points = sizes_of(network, count)
    example = inputs_at(network, points[len(points) // 2], 3)
    program = torch.export.export(module, example, dynamic_shapes=network.dynamic_shapes()).module()
    for at in points:
        inputs = inputs_at(network, at, 2)
        torch.testing.assert_close(program(*inputs), module(*inputs), rtol=0, atol=0, equal_nan=True, msg=str(at))
    return len(points)


@pytest.mark.parametrize("text", programs())
def test_each_op(text: str) -> None:
    assert agrees(archdsl.loads(text), 5) == 5


@pytest.mark.parametrize("body", JOINS)
def test_joins_and_combinations(body: str) -> None:
    assert agrees(archdsl.loads(f"network n {{ {body} }}"), 8) == 8


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("body", [pytest.param("conv(2, 3)", marks=pytest.mark.exhaustive), "maxpool(3, 2, 1, ceil = true)"])
def test_conditions(condition: str, body: str) -> None:
    """What works is what the program takes, and it refuses the rest."""
    network = archdsl.loads(f"network n {{ input a [1, H] where {condition}; {body} }}")
    agrees(network, 8)
    points = sizes_of(network, 4)
    program = torch.export.export(
        network.build(), inputs_at(network, points[-1], 2), dynamic_shapes=network.dynamic_shapes()
    ).module()
    for n in (n for n in range(1, 60) if not network.sizes.works({"H": n})):
        with pytest.raises(AssertionError):
            program(torch.zeros(2, 1, n))


@pytest.mark.parametrize(("pool", "window", "stride", "pad"), [
    ("maxpool(2, 3, ceil = true)", 2, 3, 0), ("avgpool(3, 3, 1, ceil = true)", 3, 3, 1),
    ("maxpool(2, 4, ceil = true, dilation = 2)", 3, 4, 0),
    ("maxpool(2, 2, 0, ceil = true)", 2, 2, 0), ("avgpool(4, 3, 1, ceil = true)", 4, 3, 1),
])  # fmt: skip
@pytest.mark.parametrize("example", [20, 22])
def test_pools_whose_last_window_may_begin_behind_the_input(pool: str, window: int, stride: int, pad: int, example: int) -> None:
    """The program takes either the sizes at which that happens or the others, as at the example's, and refuses the rest."""

    def left_out(n: int) -> bool:
        return -(-(n + 2 * pad - window) // stride) * stride >= n + pad

    network = archdsl.loads(f"network n {{ input a [1, H]; {pool} }}")
    module = network.build().eval()
    program = torch.export.export(module, (torch.randn(3, 1, example),), dynamic_shapes=network.dynamic_shapes()).module()
    for n in range(network.dynamic_shapes()[0][2].min, 30):
        x = torch.randn(2, 1, n)
        if left_out(n) == left_out(example):
            assert torch.equal(program(x), module(x)), n
        else:
            with pytest.raises(AssertionError, match="Guard failed"):
                program(x)
    assert any(left_out(n) for n in range(3, 30)) == (stride + pad > window)


def test_what_dynamic_shapes_says() -> None:
    """Bounds of the open axes; none for an axis that is fixed after all."""
    network = archdsl.loads(
        "network n { input a [3, H, W] where 4 <= H <= 40 and W == 9; input b [3, 2 * H, 9]; output o: { b -> gap }; "
        "a -> maxpool(2) }"
    )
    first, second = network.dynamic_shapes()
    assert list(first) == [0, 2] and list(second) == [0, 2] and first[0] is second[0]
    assert (first[2].min, first[2].max) == (4, 40)
    assert list(network.dynamic_shapes(batch=False)[0]) == [2]
    assert archdsl.load("unet", width=2).dynamic_shapes()[0][2].min == 32  # which leaves two at the deepest level
    assert archdsl.loads("network n { input a [3, 8, 8]; relu }").dynamic_shapes(batch=False) == ({},)


def test_an_example_that_does_not_work() -> None:
    network = archdsl.loads("network n { input a [3, H]; skip { maxpool(2) -> upsample(2) } }")
    with pytest.raises(ValueError, match="H must be even"):
        torch.export.export(network.build(), (torch.zeros(2, 3, 7),), dynamic_shapes=network.dynamic_shapes())
