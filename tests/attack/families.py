"""Stages around families of labels that a loop fills: U-Nets and densely connected layers."""

from __future__ import annotations

from tests.attack.arguments import Leaves
from tests.attack.program import (
    Binary,
    For,
    Group,
    Item,
    Join,
    Label,
    Let,
    Literal,
    Name,
    Pipeline,
    Range,
    Stage,
    Take,
)


def unet(leaves: Leaves, family: str, channels: int) -> Group:
    """Return a path down and up again, joined level by level with `family[i]`; its roundings decide which sizes work."""
    depth, r = leaves.random.choice((1, 1, 2)), leaves.random.choice((2, 2, 3))
    ceil = Literal(True) if leaves.maybe(0.2) else None
    down: Stage = leaves.call(leaves.random.choice(("maxpool", "avgpool", "lppool")), [Literal(r)], ceil=ceil)
    up: Stage = leaves.call("upconv", [Literal(channels), Literal(r)])
    if leaves.maybe(0.3):
        up = leaves.call("upsample", [Literal(r)])
    level = Item(Name(family), Binary("-", Literal(depth), Name("i")))
    fitted = Pipeline((up, leaves.call("crop_like", [level])) if leaves.maybe(0.25) else (up,))
    kind = leaves.random.choice(("concat", "concat", "add", "mul"))
    rounds = Range(Literal(1), Literal(depth + 1))
    convolution = leaves.call("conv", [Literal(channels), Literal(3)])
    return Group(
        (
            Pipeline((convolution,), Label(family, Literal(0))),
            Pipeline((For("i", rounds, (Pipeline((down,)), Pipeline((convolution,), Label(family, Name("i"))))),)),
            Pipeline((For("i", rounds, (Pipeline((Join(kind, (Pipeline((Take(level),)), fitted)), convolution)),)),)),
        )
    )


def dense(leaves: Leaves, family: str) -> Group:
    """Return layers of which each joins all before it."""
    layers = leaves.random.choice((2, 3))
    before = For("j", Range(Literal(0), Name("last")), (Pipeline((Take(Item(Name(family), Name("j"))),)),))
    joined = Join("concat", (Pipeline((before,)),))
    layer = (
        Let("last", Name("i")),
        Pipeline((Group((Pipeline((joined, leaves.call("conv", [Literal(2), Literal(3)]))),)),), Label(family, Name("i"))),
    )
    first = leaves.call("conv", [Literal(2), Literal(3)])
    rounds = For("i", Range(Literal(1), Literal(layers)), layer)
    return Group((Pipeline((first,), Label(family, Literal(0))), Pipeline((rounds,))))
