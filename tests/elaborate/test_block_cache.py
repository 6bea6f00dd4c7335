"""Equal calls of a block are copied from the first: the copies are what calls made anew would be."""

from __future__ import annotations

import pytest

import archdsl
from archdsl.driver import compile_text
from archdsl.elaborate.block_cache import Replay
from archdsl.ir.unrolled import Graph, verify
from archdsl.session import Session

PROGRAMS = {
    "a list that holds a value": """
        block f(v) { concat { v[0]; x } -> conv(8, 1) }
        network n { input image [8, 16, 16]; a: conv(8, 3); conv(8, 3); p: f([a]); conv(8, 3); q: f([a]) }""",
    "a value": """
        block f(v) { add { v; x }; relu }
        network n { input image [8, 16, 16]; a: conv(8, 3); f(a); f(a); f(x) }""",
    "an op with a value": """
        block f(op) { op }
        network n { input image [8, 16, 16]; a: conv(8, 3); repeat 3 { pad(1); f(crop_like(a)) } }""",
    "open sizes": """
        block f(width) { skip { conv(width, 3, stride = 2); upconv(width, 2) } }
        network n { input image [8, H, W]; repeat 3 { f(8) } }""",
    "blocks in blocks": """
        block inner(width, act = relu) { conv: conv(width, 3); bn; act }
        block outer(width, n) { for i in 0..n { part[i]: inner(width, leaky_relu(0.1 * i)) }; tail: { inner(width); inner(width) } }
        network n { input image [8, 16, 16]; stages: repeat 4 { outer(8, 3) } }""",
    "heads and claims": """
        block f(width) { conv(width, 3); aux hd: { gap; flatten; linear(3) }; expect params == 611 }
        network n { input image [8, 16, 16]; a: f(8); b: f(8) }""",
    "nothing": """
        block f { }
        network n { input image [8, 16, 16]; f; relu; f; f }""",
}


def drawn(graph: Graph) -> list[object]:
    return [
        (
            n.op,
            n.inputs,
            n.shape,
            n.path,
            n.labelled,
            n.span,
            n.label,
            [(s.block, dict(s.variables)) for s in n.scope.enclosing()],
        )
        for n in graph.nodes
    ]


@pytest.mark.parametrize("name", PROGRAMS)
def test_copies_are_what_calls_would_be(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session()  # which parses the text once, so that the spans of both graphs are equal
    copied = verify(compile_text(PROGRAMS[name], session=session).require())
    monkeypatch.setattr(Replay, "again", lambda *_: None)
    made = verify(compile_text(PROGRAMS[name], session=session).require())
    assert drawn(copied) == drawn(made)
    assert copied.conditions == made.conditions
    assert copied.state() == made.state()


@pytest.mark.parametrize("body", ["repeat 0 { relu }", "x", "if false { relu }", "aux o: image"])
def test_a_network_without_ops_is_the_identity(body: str) -> None:
    torch = pytest.importorskip("torch")
    image = torch.randn(1, 2, 3, 3)
    module = archdsl.loads(f"network n {{ input image [2, 3, 3]; {body} }}").build().eval()
    assert module(image) is image


def test_none_is_a_value() -> None:
    text = """
        block f(s = none, act: op = none) { maxpool(3, stride = s) }
        network n { input image [8, 16, 16]; f; f(1, none); let k = none; maxpool(2, stride = k) }"""
    assert [d for d in archdsl.check(text) if d.is_error] == []
