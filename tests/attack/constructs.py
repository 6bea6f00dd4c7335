"""Stages around parts of the language that plain growth would rarely meet: several values, products, tokens, parameters."""

from __future__ import annotations

from collections.abc import Callable

from tests.attack.arguments import Leaves
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
    Name,
    Parameter,
    Pipeline,
    Range,
    Size,
    Skip,
    Stage,
    Statement,
    Take,
    Unpack,
    Word,
)
from tests.attack.values import Value

Fresh = Callable[[str], str]
Body = tuple[Statement, ...]


def _take(name: str, *stages: Stage) -> Pipeline:
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
        joined = Join(kind, (_take(one), _take(two, *gate)))
        return Group((Unpack((one, two), (widen, parts)), Pipeline((joined,))))
    sizes = ListOf((Literal(1), leaves.number(2 * half - 1)))
    names = (one, "_") if leaves.maybe(0.2) else (one, two)
    after: Statement = _take(one) if "_" in names else Pipeline((Join("concat", (_take(two), _take(one))),))
    return Group((Unpack(names, (widen, leaves.call("split", [sizes]))), after))


def product(leaves: Leaves, fresh: Fresh, x: Value) -> Stage:
    """Return a product of matrices, or attention, of `x` with itself or a layer of it."""
    name, other = fresh("query"), fresh("key")
    opening: Body = (Pipeline((Take(Name("x")),), Label(name)), Pipeline((Take(Name("x")),), Label(other)))
    if leaves.maybe(0.5):
        opening = (opening[0], Pipeline((leaves.activation(),), Label(other)))
    if leaves.maybe(0.6):
        side = leaves.random.choice(("transpose_a", "transpose_b"))
        made = leaves.call("matmul", [Name(name), Name(other)], **{side: Literal(True)})
        return Group((*opening, Pipeline((made,) if leaves.maybe(0.5) else (made, leaves.call("softmax", [], axis=Literal(-1))))))
    options: dict[str, Expression] = {}
    if leaves.maybe(0.3):
        options["causal"] = Literal(True)
    if leaves.maybe(0.3):
        options["scale"] = Literal(0.5)
    return Group((*opening, Pipeline((leaves.call("attend", [Name(name), Name(other), Name(other)], **options),))))


def tokens(leaves: Leaves, fresh: Fresh, x: Value) -> Stage:
    """Return layers on the positions of an image as tokens, which are put together again or not."""
    before = fresh("v")
    width = leaves.width()
    inner: list[Stage] = []
    for _ in range(leaves.random.choice((0, 1, 1, 2))):
        inner.append(_on_tokens(leaves, fresh, width))
    name = Pipeline((leaves.call("conv", [Literal(width), Literal(1)]),), Label(before))
    if len(x.shape) == 3 and leaves.maybe(0.4):
        p, q = leaves.random.choice((1, 2, 2, 3)), leaves.random.choice((1, 2, 2))
        order = leaves.random.choice(("(h w) (p q) c", "h w (p q c)", "(p c q) h w", "(h w) (c p q)"))
        options = {"p": Literal(p), "q": Literal(q)}
        return Group((name, Pipeline((_pattern(leaves, f"c (h p) (w q) -> {order}", options),))))
    axes = {2: "l", 3: "h w", 4: "d h w"}[len(x.shape)]
    flat = _pattern(leaves, f"c {axes} -> ({axes}) c", {})
    if len(x.shape) == 3 and leaves.maybe(0.2):
        base = ListOf(tuple(Literal(leaves.random.choice((2, 3, 5))) for _ in range(2)))
        smooth = {"mode": Word("bilinear"), "antialias": Literal(False)} if leaves.maybe(0.3) else {}
        inner.insert(0, leaves.call("pos_embed", [base, Name(before)], **smooth))
    if leaves.maybe(0.4):
        return Group((name, Pipeline((flat, *inner))))
    sizes: dict[str, Expression] = {axis: Size(before, axis) for axis in axes.split()[:-1]}
    back = _pattern(leaves, f"({axes}) c -> c {axes}", sizes)
    path = Pipeline((flat, *inner, back))
    return Group((name, Pipeline((Skip((path,)),)) if leaves.maybe(0.5) else path))


def _pattern(leaves: Leaves, pattern: str, sizes: dict[str, Expression]) -> Apply:
    return leaves.call("rearrange", [Word(pattern)], **sizes)


def _on_tokens(leaves: Leaves, fresh: Fresh, width: int) -> Stage:
    """Return a stage that keeps the shape of tokens."""
    name = fresh("t")
    attention = leaves.call("attend", [Name(name)] * 3)
    return leaves.random.choice(
        [
            leaves.call("ln", [], axis=Literal(-1)),
            leaves.call("rms_norm", [], axis=Literal(-1)),
            leaves.call("linear", [leaves.number(width)]),
            leaves.activation() if leaves.maybe(0.5) else leaves.call("layer_scale", [], axis=Literal(-1)),
            Skip((Pipeline((leaves.call("linear", [Literal(5)]), Apply("gelu"), leaves.call("linear", [Literal(width)]))),)),
            leaves.call("mha", [Literal(1 if width % 2 else 2)], causal=Literal(True) if leaves.maybe(0.3) else None),
            Skip((Pipeline((leaves.call("ln", [], axis=Literal(-1)),), Label(name)), Pipeline((attention,)))),
        ]
    )


def windowed(leaves: Leaves, fresh: Fresh, x: Value) -> Stage:
    """Return attention in shifted windows, padded to whole ones and cropped again."""
    before, padded, mask, tokens = fresh("v"), fresh("v"), fresh("mask"), fresh("t")
    window, shift = leaves.random.choice(((2, 1), (3, 1), (4, 2), (3, 2)))
    places = ListOf((Literal(1), Literal(2)))
    sizes: dict[str, Expression] = {"p": Literal(window), "q": Literal(window)}
    shifted = leaves.maybe(0.7)
    moves = leaves.call("window_shift", [Literal(-shift), Literal(window)], axis=places)
    masked = leaves.call("window_mask", [Name(padded), Literal(window), Literal(shift)], axis=places)
    attention = leaves.call("attend", [Name(tokens)] * 3, mask=Name(mask) if shifted else None)
    body: Body = (
        Pipeline((leaves.call("conv", [Literal(leaves.width()), Literal(1)]),), Label(before)),
        Pipeline((leaves.call("pad_to", [Literal(window)]),), Label(padded)),
        *((Pipeline((masked,), Label(mask)), _take(padded, moves)) if shifted else ()),
        Pipeline((_pattern(leaves, "c (h p) (w q) -> h w 1 (p q) c", sizes),), Label(tokens)),
        Pipeline((attention, _pattern(leaves, "h w 1 (p q) c -> c (h p) (w q)", {"p": Literal(window)}))),
    )
    if shifted:
        body = (*body, Pipeline((leaves.call("window_shift", [Literal(shift), Literal(window)], axis=places),)))
    return Group((*body, Pipeline((leaves.call("crop_like", [Name(before)], keep=Word("start")),))))


def masked(leaves: Leaves, mask: str) -> Stage:
    """Return the product of `x` and a mask of bools."""
    turned = (leaves.call("transpose", [Literal(0), Literal(-1)]),) * 2 if leaves.maybe(0.3) else ()
    return Join("mul", (_take("x"), _take(mask, *turned)))


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
    branch = _take(name, *((leaves.call("sin"),) if leaves.maybe(0.2) else ()))
    join = Join(kind, (_take("x"), branch), broadcast=kind == "add")
    if not any(x.open) and leaves.maybe(0.2):
        full = leaves.call("param", [ListOf(tuple(map(Literal, x.shape)))])
        return Group((Pipeline((full,), Label(name)), Pipeline((Join("concat", (_take(name), _take("x"))),))))
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
    joined = Join("concat", (Pipeline((For("v", over, (_take("v"),)),)),))
    last = Binary("-", Call("len", (row,)), Literal(1))
    end: Body = (Pipeline((joined, convolution)),)
    if leaves.maybe(0.3):
        end = (*end, Pipeline((Join("add", (_take("x"), Pipeline((Take(Item(row, last)),)))),)))
    return Group((Pipeline((convolution,), first), Pipeline((convolution,), second), *end))


def reuse(leaves: Leaves, fresh: Fresh, x: Value) -> Stage:
    """Return a labelled group, with a label in it that is read by its path."""
    name, inner = fresh("o"), fresh("w")
    convolution = leaves.call("conv", [Literal(leaves.width()), Literal(1)])
    group = Group((Pipeline((convolution,), Label(inner)), Pipeline((leaves.activation(),))))
    joined = Join(leaves.random.choice(("add", "mul", "concat")), (_take("x"), _take(f"{name}.{inner}")))
    return Group((Pipeline((group,), Label(name)), Pipeline((joined,))))


MERGE = Block(
    "merge",
    (Parameter("values"), Parameter("out")),
    (
        Pipeline((Join("concat", (Pipeline((For("v", Name("values"), (_take("v", Apply("relu")),)),)),)),)),
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
