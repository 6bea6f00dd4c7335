"""Stages around parts of the language that plain growth would rarely meet: several values, products, tokens, parameters."""

from __future__ import annotations

from collections.abc import Callable

from tests.attack.arguments import Leaves
from tests.attack.network import LARGEST_TOKEN
from tests.attack.program import (
    Apply,
    Argument,
    Binary,
    Block,
    Call,
    Expression,
    For,
    Group,
    Item,
    Join,
    Label,
    ListOf,
    Literal,
    Module,
    Name,
    Parameter,
    Pipeline,
    Range,
    Stage,
    Statement,
    Take,
    Unpack,
)
from tests.attack.values import Value

Fresh = Callable[[str], str]
Body = tuple[Statement, ...]


def take(name: str, *stages: Stage) -> Pipeline:
    """Return a pipeline that begins with a value."""
    return Pipeline((Take(Name(name)), *stages))


def split(leaves: Leaves, fresh: Fresh, x: Value) -> Stage:
    """Return a split whose parts are joined again, as in gated linear units and cross-stage partial networks."""
    one, two = fresh("s"), fresh("s")
    half = leaves.random.choice((1, 2, 3))
    wide = Literal(2 * half)
    widen = leaves.call("conv", [wide, Literal(1)]) if len(x.shape) > 1 else leaves.call("linear", [wide])
    if leaves.maybe(0.5):
        parts = leaves.call("split", [Literal(2)], axis=Literal(0) if leaves.maybe(0.3) else None)
        kind = leaves.random.choice(("mul", "add", "sub", "max", "concat"))
        gate = (leaves.activation(),) if leaves.maybe(0.7) else ()
        joined = Join(kind, (take(one), take(two, *gate)))
        return Group((Unpack((one, two), (widen, parts)), Pipeline((joined,))))
    sizes = ListOf((Literal(1), leaves.number(2 * half - 1)))
    names = (one, "_") if leaves.maybe(0.2) else (one, two)
    after: Statement = take(one) if "_" in names else Pipeline((Join("concat", (take(two), take(one))),))
    return Group((Unpack(names, (widen, leaves.call("split", [sizes]))), after))


def parameter(leaves: Leaves, fresh: Fresh, x: Value) -> Stage:
    """Return a join of `x` with a learned tensor or a constant."""
    name = fresh("g")
    sizes = [1 if opened or leaves.maybe(0.4) else size for size, opened in zip(x.shape, x.open, strict=True)]
    shape = ListOf(tuple(map(Literal, sizes)))
    if leaves.maybe(0.25):
        value = leaves.call("const", [Literal(leaves.random.choice((0.5, 2, -1.5))), shape])
    elif leaves.maybe(0.1) and len(x.shape) == 1:
        value = leaves.call("const", [ListOf(tuple(Literal(0.5 + at) for at in range(x.shape[0])))])
    else:
        value = leaves.call("param", [shape], batch_axis=Literal(True) if leaves.maybe(0.3) else None)
    kind = leaves.random.choice(("mul", "mul", "sub", "add", "max"))
    branch = take(name, *((leaves.call("sin"),) if leaves.maybe(0.2) else ()))
    join = Join(kind, (take("x"), branch), broadcast=kind == "add")
    if not any(x.open) and leaves.maybe(0.2):
        full = leaves.call("param", [ListOf(tuple(map(Literal, x.shape)))])
        return Group((Pipeline((full,), Label(name)), Pipeline((Join("concat", (take(name), take("x"))),))))
    return Group((Pipeline((value,), Label(name)), Pipeline((join,))))


def grid(leaves: Leaves, fresh: Fresh, x: Value) -> Stage:
    """Return layers in a family of two indices, joined as in U-Net++."""
    name = fresh("n")
    width = leaves.width()
    convolution = leaves.call("conv", [Literal(width), Literal(3)])
    first = Label(name, Literal(0), False, Literal(0))
    second = Label(name, Literal(0), False, leaves.number(1))
    row = Item(Name(name), Literal(0))
    over: Expression = row if leaves.maybe(0.5) else Item(row, Range(Literal(0), Call("len", (row,))))
    joined = Join("concat", (Pipeline((For("v", over, (take("v"),)),)),))
    last = Binary("-", Call("len", (row,)), Literal(1))
    end: Body = (Pipeline((joined, convolution)),)
    if leaves.maybe(0.3):
        end = (*end, Pipeline((Join("add", (take("x"), Pipeline((Take(Item(row, last)),)))),)))
    return Group((Pipeline((convolution,), first), Pipeline((convolution,), second), *end))


def reuse(leaves: Leaves, fresh: Fresh, x: Value) -> Stage:
    """Return a labelled group, with a label in it that is read by its path."""
    name, inner = fresh("o"), fresh("w")
    convolution = leaves.call("conv", [Literal(leaves.width()), Literal(1)])
    group = Group((Pipeline((convolution,), Label(inner)), Pipeline((leaves.activation(),))))
    joined = Join(leaves.random.choice(("add", "mul", "concat")), (take("x"), take(f"{name}.{inner}")))
    return Group((Pipeline((group,), Label(name)), Pipeline((joined,))))


MERGE = Block(
    "merge",
    (Parameter("values"), Parameter("out")),
    (
        Pipeline((Join("concat", (Pipeline((For("v", Name("values"), (take("v", Apply("relu")),)),)),)),)),
        Pipeline((Apply("conv", (Argument(None, Name("out")), Argument(None, Literal(1)))),)),
    ),
)
"""A block that takes values."""


def merged(leaves: Leaves, fresh: Fresh, x: Value) -> Stage:
    """Return a block that is called with a list of values, or with a family."""
    if leaves.maybe(0.5):
        name = fresh("v")
        listed = ListOf((Name("x"), Name(name), Name(name)))
        label = Label(name)
    else:
        name = fresh("f")
        label = Label(name, Literal(0))
        listed = Name(name) if leaves.maybe(0.5) else Item(Name(name), Range(Literal(0), Literal(1)))
    width = leaves.number(leaves.width())
    call = leaves.call("merge", [listed, width]) if leaves.maybe(0.5) else leaves.call("merge", [], out=width, values=listed)
    return Group((Pipeline((leaves.activation(),), label), Pipeline((call,))))


def roots(leaves: Leaves, fresh: Fresh, x: Value) -> tuple[Stage, ...]:
    """Return a root or logarithm of what is positive."""
    return (Apply("abs"), Apply("add", (Argument(None, Literal(0.5)),)), Apply(leaves.random.choice(("sqrt", "log"))))


def unpooled(leaves: Leaves, fresh: Fresh, x: Value) -> Stage:
    """Return a pool whose maxima return to their places, as in SegNet."""
    full, small, places = fresh("v"), fresh("s"), fresh("s")
    window = leaves.random.choice((2, 2, 3))
    step = leaves.random.choice((None, None, Literal(2)))
    pad = Literal(1) if leaves.maybe(0.2) else None
    pool = leaves.call("maxpool", [Literal(window)], stride=step, pad=pad, indices=Literal(True))
    like = Name(full) if leaves.maybe(0.7) else None
    layers = (leaves.activation(),) if leaves.maybe(0.5) else ()
    back = leaves.call("max_unpool", [Name(places), Literal(window)], stride=step, pad=pad, like=like)
    body: Body = (
        Pipeline((Take(Name("x")),), Label(full)),
        Unpack((small, places), (pool,)),
        take(small, *layers, back),
    )
    if leaves.maybe(0.3):
        body = (*body, Pipeline((Join("add", (take("x"), take(full))),)))
    return Group(body)


HALVES = Block(
    "halves",
    (Parameter("out"),),
    (
        Pipeline(
            (Apply("conv", (Argument(None, Binary("*", Literal(2), Name("out"))), Argument(None, Literal(1)))),), Label("wide")
        ),
        Unpack(("low", "high"), (Apply("split", (Argument(None, Literal(2)),)),)),
    ),
)
"""A block that gives two values."""


def halves(leaves: Leaves, fresh: Fresh, x: Value) -> Stage:
    """Return a block of two values, which brackets take up, or whose label leads to them."""
    call = leaves.call("halves", [leaves.number(leaves.width())])
    kind = leaves.random.choice(("mul", "sub", "concat"))
    if leaves.maybe(0.5):
        one, two = fresh("s"), fresh("s")
        return Group((Unpack((one, two), (call,)), Pipeline((Join(kind, (take(one), take(two, Apply("sigmoid")))),))))
    part = fresh("p")
    other = leaves.random.choice(("low", "wide")) if kind == "concat" else "low"
    joined = Join(kind, (take(f"{part}.high"), take(f"{part}.{other}")))
    return Group((Pipeline((call,), Label(part)), Pipeline((joined,))))


def listed(leaves: Leaves, fresh: Fresh, x: Value) -> Stage:
    """Return a split whose label is a family of its values, as in Res2Net."""
    parts, number = fresh("f"), leaves.random.choice((2, 3))
    width = Literal(number * leaves.random.choice((1, 2)))
    widen = leaves.call("conv", [width, Literal(1)]) if len(x.shape) > 1 else leaves.call("linear", [width])
    first, last = Item(Name(parts), Literal(0)), Item(Name(parts), Literal(-1 if leaves.maybe(0.3) else number - 1))
    if leaves.maybe(0.5):
        joined = Join("concat", (Pipeline((For("v", Name(parts), (take("v", leaves.activation()),)),)),))
    else:
        joined = Join(leaves.random.choice(("add", "mul", "concat")), (Pipeline((Take(first),)), Pipeline((Take(last),))))
    return Group((Pipeline((widen,)), Pipeline((leaves.call("split", [Literal(number)]),), Label(parts)), Pipeline((joined,))))


def quotient(leaves: Leaves, fresh: Fresh, x: Value) -> Stage:
    """Return a quotient whose divisor is positive, as in layer normalization or attention that is written out."""
    if leaves.maybe(0.5):
        lower: tuple[Stage, ...] = (Apply("abs"), leaves.call("add", [Literal(0.5)]))
    else:
        lower = (leaves.call("norm", axis=Literal(0), keep=Literal(True)), leaves.call("clamp", [Literal(0.1)]))
    return Join("div", (take("x"), Pipeline(lower)))


def tied(leaves: Leaves, fresh: Fresh, x: Value) -> Stage:
    """Return layers on tokens: an embedding that the last layer shares, a table that is looked up, or numbers."""
    width, number = leaves.width(), LARGEST_TOKEN + 1 + leaves.random.randrange(3)
    roll = leaves.random.random()
    if roll < 0.3:
        return Group((Pipeline((Apply("real"), leaves.call("scale", [Literal(0.5)]))),))
    if roll < 0.6:
        table = fresh("table")
        made = leaves.call("param", [ListOf((Literal(number), Literal(width)))])
        return Group((Pipeline((made,), Label(table)), Pipeline((leaves.call("lookup", [Name(table)]),))))
    words = fresh("m")
    declared = Module(Label(words), (leaves.call("embedding", [Literal(number), Literal(width)]),))
    inner = (leaves.call("ln", axis=Literal(-1)),) if leaves.maybe(0.5) else ()
    return Group((declared, Pipeline((Take(Name(words)), *inner, leaves.call("unembed", [Name(words)])))))


BLOCKS = (MERGE, HALVES)
"""The blocks that templates call."""
