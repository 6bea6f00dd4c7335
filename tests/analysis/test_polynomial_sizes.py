"""Networks whose sizes are products of symbolic sizes: verdicts against fixed sizes, tables, errors, and built modules."""

from __future__ import annotations

from itertools import product

import pytest
import torch

import archdsl
from archdsl.driver import Compiled, compile_text
from archdsl.network import Network


def checked(body: str, shape: str = "[3, H, W]") -> Compiled:
    return compile_text(f"network net {{\n  input image {shape}\n  {body}\n}}\n")


VIT = "conv(8, 4, stride = 4, pad = 0) -> reshape([8, -1]) -> transpose(0, 1); skip { ln(axis = -1) -> linear(8) -> gelu }"
WINDOWS = "tokens: flatten; image -> maxpool(3) -> upsample(3) -> flatten; add { x; tokens }"
BODIES = {
    "tokens": VIT,
    "windows": WINDOWS,
    "halves": "a: reshape([3, -1]); image -> maxpool([1, 2]) -> upsample([1, 2]) -> reshape([3, -1]); add { x; a }",
    "class token": "reshape([1, -1]) -> pad(before = 1, after = 0) -> relu",
    "mean": "reshape([3, -1]) -> gap -> flatten -> linear(4)",
    "pooled tokens": "reshape([3, -1]) -> conv(4, 3) -> avgpool_to(5) -> flatten",
    "back": "flatten -> reshape([-1]) -> reshape([3, -1])",
    "normalized": "flatten -> reshape([1, -1]) -> instance_norm",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_verdicts_are_those_of_fixed_sizes(body: str) -> None:
    """Each pair of sizes works exactly if the network with these numbers does, and gives the shapes that the formulas say."""
    compiled = checked(body, "[3, H, W] where H >= 2 and W >= 2" if "instance" in body else "[3, H, W]")
    assert compiled.ok and compiled.graph is not None, compiled.diagnostics
    for h, w in product((1, 2, 3, 4, 5, 6, 8, 9, 12), repeat=2):
        if "instance" in body and min(h, w) < 2:
            continue
        fixed = checked(body, f"[3, {h}, {w}]")
        at = {"H": h, "W": w}
        assert compiled.sizes.works(at) == fixed.ok, at
        if fixed.ok and fixed.graph is not None:
            pairs = zip(compiled.graph.main.values, fixed.graph.main.values, strict=True)
            for symbolic, number in pairs:
                values = tuple(s if isinstance(s, int) else s.value(at) for s in symbolic.shape)
                assert values == number.shape


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_modules_run_at_several_sizes(body: str) -> None:
    compiled = checked(body, "[3, H, W] where H >= 2 and W >= 2" if "instance" in body else "[3, H, W]")
    network = Network(compiled)
    module = network.build().eval()
    graph = compiled.graph
    assert graph is not None
    for h, w in ((4, 4), (6, 8), (12, 6), (12, 24), (5, 7)):
        image = torch.randn(2, 3, h, w)
        if not network.sizes.works({"H": h, "W": w}):
            with pytest.raises(ValueError, match="must be"):
                module(image)
            continue
        shape = tuple(s if isinstance(s, int) else s.value({"H": h, "W": w}) for s in graph.result.shape)
        assert module(image).shape == (2, *shape)


def test_table_and_totals() -> None:
    compiled = checked(VIT + "; skip { linear(8) }", "[3, H, W] where H % 4 == 0 and W % 4 == 0")
    assert compiled.ok and compiled.graph is not None
    text = str(Network(compiled).table())
    assert "[H/4*W/4, 8]" in text and "MACs    32*H*W" in text
    assert Network(compiled).table().macs.value({"H": 8, "W": 12}) == 6 * (3 * 16 * 8 + 8 * 8 + 8 * 8)  # type: ignore[union-attr]


@pytest.mark.parametrize(("body", "shape", "code", "message", "help"), [
    ("flatten -> linear(10)", "[3, H, W]", "E0307", "found the symbolic size 3*H*W", "before `flatten` gives a fixed number"),
    ("flatten -> slice(0..30)", "[3, H, W]", "E0307", "3*H*W has to be at least 30 here, and no condition can relate H to W",
     "state sizes that are large enough: `where H >= 4 and W >= 4`"),
    ("a: flatten; input b [196]; add { a; b }", "[3, H, W]", "E0307", "3*H*W has to be equal to 196 here",
     "fix one of the sizes"),
    ("a: flatten; input b [196]; add { a; b }", "[3, N, N]", "E0310", "no N works: 3*N^2 against 196", ""),
    ("a: flatten; maxpool(2) -> flatten; add { a; x }", "[3, H, W]", "E0305", "", ""),
    ("reshape([2, -1])", "[3, H, W]", "E0309", "the 3*H*W elements", "must divide 3*H*W for every size"),
    ("reshape([3, 5])", "[3, H, W]", "E0309", "the 3*H*W elements", "write -1"),
    ("reshape([3, -1]) -> maxpool(2)", "[3, H, W]", "E0307", "H*W - 2 divided by 2 is not a whole number", "fix the size"),
    ("expect x.h * x.w == 12", "[3, H, W]", "E0307", "depends on the symbolic sizes H and W", ""),
    ("expect x.h * x.w == 0", "[3, H, W]", "E0701", "", ""),
])  # fmt: skip
def test_refused(body: str, shape: str, code: str, message: str, help: str) -> None:
    errors = [found for found in checked(body, shape).diagnostics if found.is_error]
    assert [found.code for found in errors] == [code]
    assert message in errors[0].message and help in (errors[0].help or "")


@pytest.mark.parametrize("claim", [
    "expect x.shape == [3, image.h * image.w]", "expect x.l >= 1", "expect x.l + 1 != x.l", "expect x.l // H == W",
    "expect x.l == W * H", "expect x.l > 0", "expect x.l^2 == H^2 * W^2",
])  # fmt: skip
def test_claims(claim: str) -> None:
    assert checked(f"reshape([3, -1]); {claim}").ok


@pytest.mark.parametrize(("body", "sentences"), [
    ("slice(0..1) -> reshape([1, -1]) -> conv(4, 2, pad = 0)", ["either H must be at least 2 or W must be at least 2"]),
    ("maxpool(2) -> reshape([3, -1]) -> instance_norm",
     ["H and W must be at least 2", "either H must be at least 4 or W must be at least 4"]),
    (VIT, ["H and W must be at least 4"]),
    (WINDOWS, ["H and W must be multiples of 3"]),
    ("a: flatten; image -> maxpool([1, 2]) -> upsample([1, 2]) -> flatten; add { x; a }",
     ["H can be any size", "W must be even"]),
])  # fmt: skip
def test_sentences(body: str, sentences: list[str]) -> None:
    found = [sentence.partition(":")[0] for sentence in checked(body).sizes.sentences()]
    assert found == sentences or found == sentences[::-1]


def test_a_product_that_is_always_larger() -> None:
    compiled = checked("a: flatten; image -> maxpool(2) -> flatten; add { x; a }")
    [found] = compiled.diagnostics
    assert found.message == "no H works: 3*H*W of `a` against 3*floor(H/2)*floor(W/2) of `flatten`"


def test_a_square_is_decided() -> None:
    sizes = checked("a: flatten; input b [48]; add { a; b }", "[3, N, N]").sizes
    assert [n for n in range(1, 20) if sizes.works({"N": n})] == [4]
    assert checked("flatten -> slice(0..30)", "[3, N, N]").sizes.sentences()[0].startswith("N must be at least 4")
    assert checked("relu", "[3, N, N] where N * N <= 1000").sizes.work["N"].points == frozenset(range(1, 32))


def test_an_input_with_a_product() -> None:
    compiled = checked("reshape([3, -1]); input position [3, H * W]; add { x; position }")
    network = Network(compiled)
    module = network.build().eval()
    assert module(torch.zeros(1, 3, 4, 5), torch.ones(1, 3, 20)).shape == (1, 3, 20)
    with pytest.raises(ValueError, match=r"position must be \[batch, 3, H\*W\]"):
        module(torch.zeros(1, 3, 4, 5), torch.ones(1, 3, 21))
    assert compiled.graph is not None


def test_exported() -> None:
    network = Network(checked(VIT))
    module = network.build().eval()
    exported = torch.export.export(module, (torch.randn(2, 3, 16, 24),), dynamic_shapes=network.dynamic_shapes())
    for h, w in ((16, 24), (32, 12), (8, 20)):
        image = torch.randn(3, 3, h, w)
        torch.testing.assert_close(exported.module()(image), module(image))


def test_specialized() -> None:
    compiled = checked(VIT)
    assert compiled.graph is not None
    graph, found = archdsl.analysis.at_sizes(compiled.graph, compiled.sizes, {"image": (3, 8, 12)})
    assert graph is not None and not found and graph.result.shape == (6, 8)
