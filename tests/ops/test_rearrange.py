"""`rearrange`: its patterns, sizes by name, symbolic sizes, and what is emitted."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from random import Random

import pytest
import torch
from torch import Tensor

import archdsl
from archdsl.backends.torch.expressions import source as written
from archdsl.backends.torch.lowerings import lower
from archdsl.diagnostics import SpecError
from archdsl.driver import check_text
from archdsl.ops.patterns import read_pattern
from archdsl.ops.tokens import Rearrange
from archdsl.shapes import symbolic_size


def _network(body: str, shape: str = "[8, 12, 10]", before: str = "") -> archdsl.Network:
    return archdsl.loads(f"{before}\nnetwork n {{\n  input image {shape}\n  {body}\n}}\n")


CASES: list[tuple[str, str, Callable[[Tensor], Tensor]]] = [
    ("c h w -> (h w) c", "", lambda x: x.flatten(2).transpose(1, 2)),
    ("c h w -> (w h) c", "", lambda x: x.transpose(2, 3).flatten(2).transpose(1, 2)),
    (
        "c (h p) (w q) -> (h w) (p q) c",
        ", p = 4, q = 5",
        lambda x: x.reshape(2, 8, 3, 4, 2, 5).permute(0, 2, 4, 3, 5, 1).reshape(2, 6, 20, 8),
    ),
    (
        "c (p h) (q w) -> (h w) (p q) c",
        ", h = 3, w = 2",
        lambda x: x.reshape(2, 8, 4, 3, 5, 2).permute(0, 3, 5, 2, 4, 1).reshape(2, 6, 20, 8),
    ),
    ("(g c) h w -> (c g) h w", ", g = 2", lambda x: x.reshape(2, 2, 4, 12, 10).transpose(1, 2).flatten(1, 2)),
    ("c h w -> 1 c (h w) 1", "", lambda x: x.flatten(2)[:, None, :, :, None]),
    ("c ... -> ... c", "", lambda x: x.movedim(1, -1)),
    ("... w -> w ...", "", lambda x: x.movedim(-1, 1)),
    ("c h w -> c (h 1 w) ()", "", lambda x: x.flatten(2)[..., None]),
    ("c h (w) -> c (h) w", "", lambda x: x),
]


@pytest.mark.parametrize(("pattern", "sizes", "expected"), CASES, ids=[case[0] for case in CASES])
def test_values(pattern: str, sizes: str, expected: Callable[[Tensor], Tensor]) -> None:
    """The result is that of reshapes and permutations by hand, and of einops if it is installed."""
    network = _network(f'rearrange("{pattern}"{sizes})')
    x = torch.randn(2, 8, 12, 10)
    made = network.build()(x)
    torch.testing.assert_close(made, expected(x), rtol=0, atol=0)
    assert tuple(made.shape[1:]) == network.graph.result.shape
    try:
        from einops import rearrange  # type: ignore[import-not-found]
    except ImportError:
        return
    left, right = pattern.split("->")
    given = {name: int(size) for name, size in (part.split(" = ") for part in sizes.split(", ")[1:])}
    assert torch.equal(made, rearrange(x, f"b {left} -> b {right}", **given))


def test_it_is_emitted_as_reshapes_and_a_permutation() -> None:
    """The emitted source splits, permutes and merges, without a runtime function and without einops."""
    source = _network('rearrange("c (h p) (w q) -> (h w) (p q) c", p = 4, q = 5)').source()
    assert "unflatten(3, [-1, 5]).unflatten(2, [-1, 4]).permute(0, 2, 4, 3, 5, 1).flatten(3, 4).flatten(1, 2)" in source
    assert "einops" not in source


def test_there_and_back() -> None:
    """Tokens become an image again with a size of a value that is visible."""
    network = _network('rearrange("c h w -> (h w) c"); rearrange("(h w) c -> c h w", h = image.h)', "[8, H, W]")
    x = torch.randn(2, 8, 5, 7)
    assert torch.equal(network.build()(x), x)
    assert "unflatten(1, [image.shape[2], -1])" in network.source()


def test_windows_of_symbolic_sizes() -> None:
    """A division becomes a condition on the symbolic size; the size of a value may be divided by a number."""
    body = """before: x
  rearrange("c (h p) (w q) -> (h w) (p q) c", p = 7, q = 4)
  rearrange("(h w) (p q) c -> c (h p) (w q)", h = before.h // 7, p = 7)"""
    network = _network(body, "[8, H, W]")
    module = network.build()
    for height, width in ((7, 4), (14, 12), (21, 4)):
        x = torch.randn(1, 8, height, width)
        assert torch.equal(module(x), x)
    for height, width in ((8, 4), (7, 6)):
        with pytest.raises(ValueError, match="multiple"):
            module(torch.randn(1, 8, height, width))


def test_a_size_through_the_parameter_of_a_block() -> None:
    """A block reads a size from a value that it takes; equal calls share a function."""
    block = 'block back(like) { rearrange("(h w) c -> c h w", h = like.h) }'
    body = 'patches: conv(8, 4, stride = 4, pad = 0); rearrange("c h w -> (h w) c"); back(patches)'
    module = _network(body, "[8, H, W]", block).build()
    assert module(torch.randn(1, 8, 8, 20)).shape == (1, 8, 2, 5)
    assert module(torch.randn(1, 8, 13, 9)).shape == (1, 8, 3, 2)


def test_integers_stay_integers() -> None:
    """Tokens can be rearranged before they are embedded."""
    text = 'network n {\n  input words: int [12]\n  rearrange("(a b) -> a b", a = 3)\n  embedding(5, 4)\n}\n'
    assert archdsl.loads(text).build()(torch.zeros(2, 12, dtype=torch.long)).shape == (2, 3, 4, 4)


def test_sizes_in_the_classes_of_several_instances() -> None:
    """Instances of a block with other sizes share a class, which takes them as parameters."""
    block = 'block merge(r) { rearrange("c (h p) w -> (p c) h w", p = r); conv(8, 1) }'
    source = _network("merge(2); merge(3)", "[8, 12, 10]", block).source()
    assert source.count("class Merge(") == 1
    assert "unflatten(2, [-1, self.r])" in source


@pytest.mark.parametrize(
    "pattern",
    ["c h w", "c -> c -> c", "c (h w -> c h w", "c h) w -> c h w", "c -> c d", "c d -> c", "2 c -> c", "c, d -> d c", "->"],
)
def test_what_cannot_be_read_has_a_place(pattern: str) -> None:
    """Every error lies in the pattern, or there is none."""
    try:
        read_pattern(pattern)
    except SpecError as error:
        found = error.diagnostic
        assert 0 <= found.start <= found.end <= len(pattern)  # type: ignore[attr-defined]


def test_place_of_an_error() -> None:
    """The error points at the part of the pattern."""
    (found,) = check_text('network n {\n  input image [8, 12, 10]\n  rearrange("c h w -> h w q")\n}\n')
    assert found.span is not None and found.span.text in ("q", "c")


def _random_pattern(
    random: Random,
) -> tuple[str, dict[str, int], tuple[int, ...], list[list[str]], list[list[str]], dict[str, int]]:
    """Return a pattern, the sizes that are given, the input shape, both sides, and the size of each name."""
    names = random.sample("adefghijk", random.randint(1, 5))
    sizes = {name: random.choice([1, 2, 3]) for name in names}

    def side() -> list[list[str]]:
        groups: list[list[str]] = []
        for name in random.sample(names, len(names)):
            if groups and random.random() < 0.4:
                groups[-1].append(name)
            else:
                groups.append([name])
        for _ in range(random.choice([0, 0, 1])):
            groups.insert(random.randint(0, len(groups)), [])
        return groups

    left, right = side(), side()
    given = {name: sizes[name] for group in left for name in group[:-1]}
    shape = tuple(prod(sizes[name] for name in group) for group in left)
    texts = [" ".join("1" if not g else g[0] if len(g) == 1 else f"({' '.join(g)})" for g in groups) for groups in (left, right)]
    return " -> ".join(texts), given, shape, left, right, sizes


@pytest.mark.parametrize("seed", range(60))
def test_random_patterns(seed: int) -> None:
    """Shapes and values are those of numpy's reshape and transpose, and the rule for symbolic sizes agrees with them."""
    pattern, given, shape, left, right, sizes = _random_pattern(Random(seed))
    op = Rearrange(pattern=pattern, sizes=tuple(given.items()))
    before, after = ([name for group in groups for name in group] for groups in (left, right))
    x = torch.arange(2 * prod(shape)).reshape(2, *shape)
    split = x.numpy().reshape(2, *[sizes[name] for name in before]).transpose(0, *[1 + before.index(name) for name in after])
    expected = split.reshape(2, *[prod(sizes[name] for name in group) for group in right])
    assert op.outputs(shape) == (expected.shape[1:],)
    function = lower(op, shape).function
    assert function is not None
    made = x if op.is_identity(shape) else eval(written(function, ["x"]), {"x": x})
    assert made.tolist() == expected.tolist()
    symbols = tuple(size if size == 1 else symbolic_size(f"S{axis}") for axis, size in enumerate(shape))
    at = {f"S{axis}": size for axis, size in enumerate(shape)}
    assert tuple(size if isinstance(size, int) else size.value(at) for size in op.infer(symbols)) == expected.shape[1:]
    for division in op.divisions(symbols):
        assert isinstance(division.size, int) or division.size.value(at) % division.divisor == 0
