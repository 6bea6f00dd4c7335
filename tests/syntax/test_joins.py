"""A join is an op class: its name becomes a keyword, and it is parsed, checked and built as the others are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from archdsl.driver import check_text, compile_text
from archdsl.ops.base import Op
from archdsl.ops.join import Join, equal_shapes, joins
from archdsl.shapes import Shape

TEXT = "network n {{ input image [3, 8, 8]; {} {{ conv(4, 3); conv({}, 3) }}; relu }}"


@pytest.fixture
def largest() -> Iterator[type[Join]]:
    list(Op.registry)  # imports every family: one that is imported below would be forgotten
    entries = Op.registry._entries
    before = dict(entries)

    class Largest(Join, name="largest"):
        """The elementwise maximum of branches of equal shape."""

        example = "largest { conv(8, 3); conv(8, 1) }"

        def infer(self, *inputs: Shape) -> Shape:
            return equal_shapes(self.name, inputs)

    try:
        yield Largest
    finally:
        entries.clear()
        entries.update(before)


def test_a_new_join_is_a_keyword_and_checked(largest: type[Join]) -> None:
    compiled = compile_text(TEXT.format("largest", 4))
    assert compiled.ok
    assert [error.code for error in check_text(TEXT.format("largest", 5))] == ["E0302"]
    (error,) = check_text("network n { input image [3, 8, 8]; largest(relu, bn) }")
    assert error.help == "write `largest { relu; bn }`"
    (error,) = check_text("network n { input image [3, 8, 8]; let largest = 3 }")
    assert error.code == "E0107"


def test_a_new_join_is_built_once_a_target_writes_it(largest: type[Join]) -> None:
    torch = pytest.importorskip("torch")
    import archdsl
    from archdsl.backends.torch import expressions, lowerings
    from archdsl.backends.torch.lowerings import base

    def lower(op: Join, *shapes: Shape, inplace: bool = False) -> lowerings.Lowering:
        return lowerings.Lowering(function=expressions.Call(expressions.torch("maximum"), expressions.inputs(len(shapes))))

    base.lowers(largest)(lower)
    try:
        module = archdsl.loads("network n { input image [3, 8, 8]; largest { x; { conv(3, 1) -> relu } } }").build().eval()
        image = torch.rand(1, 3, 8, 8)
        assert bool((module(image) >= image).all())
    finally:
        del base._rules[largest]


def test_without_it_the_name_is_free() -> None:
    assert "largest" not in joins()
    assert check_text("network n { input image [3, 8, 8]; largest: conv(4, 3) }") == []


def test_the_table_of_statements_lists_the_joins() -> None:
    page = (Path(__file__).parents[2] / "docs" / "language.md").read_text(encoding="utf-8")
    listed = re.search(r"\| `([a-z ]+) \{ \.\.\. \}` \| branches, joined \|", page)
    assert listed is not None and set(listed[1].split()) == joins().keys()
