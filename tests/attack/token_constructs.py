"""Stages around tokens and attention: products, patterns, windows, masks, biases and positions."""

from __future__ import annotations

from tests.attack.arguments import Leaves
from tests.attack.constructs import Body, Fresh, take
from tests.attack.program import (
    Apply,
    Argument,
    Expression,
    Group,
    Join,
    Label,
    ListOf,
    Literal,
    Name,
    Pipeline,
    Range,
    Size,
    Skip,
    Stage,
    Take,
    Word,
)
from tests.attack.values import Value


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
            return Group((name, *_with_class_token(leaves, fresh, flat, inner, width)))
    if leaves.maybe(0.4):
        return Group((name, Pipeline((flat, *inner))))
    sizes: dict[str, Expression] = {axis: Size(before, axis) for axis in axes.split()[:-1]}
    back = _pattern(leaves, f"({axes}) c -> c {axes}", sizes)
    path = Pipeline((flat, *inner, back))
    return Group((name, Pipeline((Skip((path,)),)) if leaves.maybe(0.5) else path))


def _pattern(leaves: Leaves, pattern: str, sizes: dict[str, Expression]) -> Apply:
    return leaves.call("rearrange", [Word(pattern)], **sizes)


def _with_class_token(leaves: Leaves, fresh: Fresh, flat: Stage, inner: list[Stage], width: int) -> Body:
    """Return layers on tokens behind one that is learned, with a position of its own."""
    token = fresh("token")
    made = leaves.call("param", [ListOf((Literal(1), Literal(width)))], batch_axis=Literal(True) if leaves.maybe(0.5) else None)
    embedded = inner[0]
    assert isinstance(embedded, Apply)
    embedded = Apply(embedded.name, (*embedded.arguments, Argument("prefix", Literal(1))))
    last: tuple[Stage, ...] = ()
    if leaves.maybe(0.5):
        last = (leaves.call("slice", [Range(Literal(0), Literal(1))]), Apply("flatten"))
    return (
        Pipeline((flat,)),
        Pipeline((made,), Label(token)),
        Pipeline((Join("concat", (take(token), take("x")), axis=0), embedded, *inner[1:], *last)),
    )


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
    """Return attention in shifted windows, padded to whole ones and cropped again, often with a bias of relative positions."""
    before, padded, mask, tokens, bias = fresh("v"), fresh("v"), fresh("mask"), fresh("t"), fresh("bias")
    window, shift = leaves.random.choice(((2, 1), (3, 1), (4, 2), (3, 2)))
    heads = leaves.random.choice((1, 1, 2))
    places = ListOf((Literal(1), Literal(2)))
    sizes: dict[str, Expression] = {"p": Literal(window), "q": Literal(window), "n": Literal(heads)}
    shifted, biased = leaves.maybe(0.6), leaves.maybe(0.5)
    moves = leaves.call("window_shift", [Literal(-shift), Literal(window)], axis=places)
    masked = leaves.call("window_mask", [Name(padded), Literal(window), Literal(shift)], axis=places)
    attention = leaves.call(
        "attend", [Name(tokens)] * 3, mask=Name(mask) if shifted else None, bias=Name(bias) if biased else None
    )
    body: Body = (
        Pipeline((leaves.call("conv", [Literal(heads * leaves.width()), Literal(1)]),), Label(before)),
        Pipeline((leaves.call("pad_to", [Literal(window)]),), Label(padded)),
        *((Pipeline((masked,), Label(mask)), Pipeline((moves,))) if shifted else ()),
        *(_relative_bias(leaves, fresh, bias, heads, window) if biased else ()),
        *((take(padded, *((moves,) if shifted else ())),) if biased else ()),
        Pipeline((_pattern(leaves, "(n c) (h p) (w q) -> h w n (p q) c", sizes),), Label(tokens)),
        Pipeline((attention, _pattern(leaves, "h w n (p q) c -> (n c) (h p) (w q)", {"p": Literal(window)}))),
    )
    if shifted:
        body = (*body, Pipeline((leaves.call("window_shift", [Literal(shift), Literal(window)], axis=places),)))
    return Group((*body, Pipeline((leaves.call("crop_like", [Name(before)], keep=Word("start")),))))


def _relative_bias(leaves: Leaves, fresh: Fresh, name: str, heads: int, window: int) -> Body:
    """Return a bias of relative positions, whose table is learned or computed as in Swin v2. It changes `x`."""
    made = leaves.call("rel_bias", [Literal(heads), Literal(window)])
    if leaves.maybe(0.6):
        return (Pipeline((made,), Label(name)),)
    table, rows = fresh("t"), fresh("t")
    layers = (leaves.call("linear", [Literal(3)], axis=Literal(-1)), Apply("relu"))
    last = leaves.call("linear", [Literal(heads)], axis=Literal(-1), bias=Literal(False))
    return (
        Pipeline((leaves.call("rel_coords", [Literal(window)]),), Label(table)),
        take(table, *layers, last, _pattern(leaves, "h w n -> (h w) n", {})),
        Pipeline((Take(Name("x")),), Label(rows)),
        Pipeline((leaves.call("rel_bias", [Literal(heads), Literal(window)], table=Name(rows)),), Label(name)),
    )


def crossed(leaves: Leaves, fresh: Fresh, x: Value) -> Stage:
    """Return attention of tokens to other tokens: those of a pooled image, or of another width."""
    queries, memory, values = fresh("query"), fresh("key"), fresh("v")
    heads = leaves.random.choice((1, 2, 2))
    width, other = heads * leaves.random.choice((1, 2)), leaves.width()
    axes = {2: "l", 3: "h w", 4: "d h w"}[len(x.shape)]
    flat = _pattern(leaves, f"c {axes} -> ({axes}) c", {})
    before = fresh("v")
    shrunk = (leaves.call("maxpool", [Literal(2)], ceil=Literal(True)),) if leaves.maybe(0.5) else ()
    body: Body = (
        Pipeline((Take(Name("x")),), Label(before)),
        Pipeline((leaves.call("conv", [Literal(width), Literal(1)]), flat)),
        Pipeline((Take(Name("x")),), Label(queries)),
        take(before, *shrunk, leaves.call("conv", [Literal(other), Literal(1)]), flat),
        Pipeline((Take(Name("x")),), Label(memory)),
    )
    own = leaves.maybe(0.5)
    if own:
        body = (*body, Pipeline((leaves.call("linear", [leaves.number(leaves.width())]),), Label(values)))
    if leaves.maybe(0.6):
        options: dict[str, Expression | None] = {
            "key": Name(memory) if shrunk or leaves.maybe(0.7) else None,
            "value": Name(values) if own else None,
            "bias": Literal(False) if leaves.maybe(0.2) else None,
            "causal": Literal(True) if leaves.maybe(0.2) else None,
            "mask": None,
        }
        scores = fresh("score")
        if leaves.maybe(0.4):
            keys = memory if options["key"] else queries
            body = (*body, *_scores(leaves, queries, keys, width, width if keys == queries else other, scores))
            options["mask"] = Name(scores)
        return Group((*body, take(queries, leaves.call("mha", [Literal(heads)], **options))))
    scores, keys = fresh("score"), fresh("key")
    body = (*body, take(memory, leaves.call("linear", [Literal(width)])), Pipeline((Take(Name("x")),), Label(keys)))
    given: dict[str, Expression | None] = {"causal": Literal(True) if leaves.maybe(0.3) else None}
    if leaves.maybe(0.7):
        body = (*body, *_scores(leaves, queries, keys, width, width, scores))
        given[leaves.random.choice(("mask", "bias"))] = Name(scores)
    result = leaves.call("attend", [Name(queries), Name(keys), Name(values if own else memory)], **given)
    return Group((*body, Pipeline((result,))))


def _scores(leaves: Leaves, queries: str, keys: str, width: int, other: int, name: str) -> Body:
    """Return numbers that are added to the scores of queries and keys. It changes `x`."""
    if width != other:
        return (
            take(queries, leaves.call("linear", [Literal(other)])),
            Pipeline((leaves.call("matmul", [Name("x"), Name(keys)], transpose_b=Literal(True)),), Label(name)),
        )
    return (Pipeline((leaves.call("matmul", [Name(queries), Name(keys)], transpose_b=Literal(True)),), Label(name)),)


def asked(leaves: Leaves, fresh: Fresh, x: Value) -> Stage:
    """Return learned queries that attend to tokens, as in a decoder."""
    queries, memory, bias = fresh("query"), fresh("key"), fresh("bias")
    width, number = 2 * leaves.random.choice((1, 2)), leaves.random.choice((1, 2, 3))
    axes = {2: "l", 3: "h w", 4: "d h w"}[len(x.shape)]
    shape = ListOf((Literal(number), Literal(width)))
    body: Body = (
        Pipeline((leaves.call("conv", [Literal(width), Literal(1)]), _pattern(leaves, f"c {axes} -> ({axes}) c", {}))),
        Pipeline((Take(Name("x")),), Label(memory)),
        Pipeline((leaves.call("param", [shape]),), Label(queries)),
    )
    if leaves.maybe(0.4):
        return Group((*body, take(queries, leaves.call("mha", [Literal(2), Name(memory)]))))
    fixed = not any(x.open)
    given: dict[str, Expression | None] = {}
    if fixed and leaves.maybe(0.7):
        length = 1
        for size in x.shape[1:]:
            length *= size
        sizes = [leaves.random.choice((1, number)), leaves.random.choice((1, length))]
        made = leaves.call("param", [ListOf(tuple(map(Literal, sizes)))])
        if leaves.maybe(0.4):
            count = Range(Literal(0), Literal(sizes[0] * sizes[1]))
            made = leaves.call("const", [count, ListOf(tuple(map(Literal, sizes)))], stored=Literal(True))
        body = (*body, Pipeline((made,), Label(bias)))
        given["bias"] = Name(bias)
    return Group((*body, Pipeline((leaves.call("attend", [Name(queries), Name(memory), Name(memory)], **given),))))


def seen(leaves: Leaves, fresh: Fresh, x: Value, mask: str) -> Stage:
    """Return attention of one learned query to a signal, where a mask of bools `[1, L]` allows it."""
    query, memory = fresh("query"), fresh("key")
    width = 2 * leaves.random.choice((1, 2))
    body: Body = (
        Pipeline((leaves.call("conv", [Literal(width), Literal(1)]), leaves.call("transpose", [Literal(0), Literal(1)]))),
        Pipeline((Take(Name("x")),), Label(memory)),
        Pipeline((leaves.call("param", [ListOf((Literal(1), Literal(width)))]),), Label(query)),
    )
    if leaves.maybe(0.5):
        call = leaves.call("mha", [Literal(2), Name(memory)], mask=Name(mask))
        return Group((*body, take(query, call)))
    return Group((*body, Pipeline((leaves.call("attend", [Name(query), Name(memory), Name(memory)], mask=Name(mask)),))))


def positions(leaves: Leaves, fresh: Fresh, x: Value) -> Stage:
    """Return `x` with numbers that follow from the position along an axis."""
    rank = len(x.shape)
    at = leaves.random.randrange(1, rank) if rank > 1 else 0
    axis = leaves.random.choice((at, at - rank))
    pattern = "n -> " + " ".join("n" if place == at else "1" for place in range(rank))
    waves = (Apply("sin"),) if leaves.maybe(0.4) else ()
    stages = (leaves.call("coords", [Name("x")], axis=Literal(axis)), _pattern(leaves, pattern, {}), *waves)
    return Join(leaves.random.choice(("mul", "sub", "max")), (take("x"), Pipeline(stages)))


def masked(leaves: Leaves, mask: str) -> Stage:
    """Return the product of `x` and a mask of bools, or of the mask as numbers."""
    turned = (leaves.call("transpose", [Literal(0), Literal(-1)]),) * 2 if leaves.maybe(0.3) else ()
    numbers = (Apply("real"),) if leaves.maybe(0.3) else ()
    return Join("mul", (take("x"), take(mask, *turned, *numbers)))
