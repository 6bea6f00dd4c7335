"""Small graphs made by hand, without any source text."""

from __future__ import annotations

from archdsl.ir import Graph, GraphBuilder
from archdsl.ops import Op


def op(name: str, **arguments: object) -> Op:
    """Return an op by its name in the language."""
    found = Op.registry.get(name)
    assert found is not None
    return found(**arguments)


def residual(blocks: int = 2) -> Graph:
    """Return a network of residual blocks, which share one function, with an auxiliary head and a further output."""
    builder = GraphBuilder("residual", doc="A small network.")
    image = builder.input("image", (4, 8, 8))
    builder.begin("basic", arguments={"width": 4})
    body = builder.op(op("conv", out=4, k=3), image, key=("conv",), labelled=True)
    body = builder.op(op("bn"), body, key=("1",))
    x = builder.end(builder.op(op("add"), body, image), key=("0",))
    assert x is not None and x.producer is not None
    function = x.producer.callee  # type: ignore[attr-defined]
    for i in range(1, blocks):
        x = builder.call(function, x, key=(str(i),)).output
    side = builder.op(op("flatten"), builder.op(op("gap"), x, key=("side", "0")), key=("side", "1"))
    builder.head("side", side, 0.3)
    builder.output("mask", builder.op(op("conv", out=1, k=1), x, key=("mask",)))
    return builder.finish(builder.op(op("relu"), x, key=("last",)))
