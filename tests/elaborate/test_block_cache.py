"""Equal calls of a block share one function: it is what calls made anew would make."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

import archdsl
from archdsl.driver import check_source, compile_text
from archdsl.elaborate.block_cache import BlockCache
from archdsl.ir import Graph, Value, flatten, state, verify
from archdsl.literals import show
from archdsl.session import Session
from archdsl.source import SourceFile

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
    "symbolic sizes": """
        block f(width) { skip { conv(width, 3, stride = 2); upconv(width, 2) } }
        network n { input image [8, H, W]; repeat 3 { f(8) } }""",
    "blocks in blocks": """
        block inner(width, act = relu) { conv: conv(width, 3); bn; act }
        block outer(width, n) {
          for i in 0..n { part[i]: inner(width, leaky_relu(0.1 * i)) }
          tail: { inner(width); inner(width) }
        }
        network n { input image [8, 16, 16]; stages: repeat 4 { outer(8, 3) } }""",
    "heads and claims": """
        block f(width, hd) { conv(width, 3); aux "{hd}": { gap; flatten; linear(3) }; expect params == 611 }
        network n { input image [8, 16, 16]; a: f(8, "one"); b: f(8, "two") }""",
    "labels in calls": """
        block inner(v) { before: x; given: v; mid: conv(8, 3); part[0]: relu; tail: { low: conv(8, 3); bn }; add { x; v } }
        block outer(v) { first: inner(v); relu; second: inner(x); third: inner(v) }
        network n {
          input image [8, 16, 16]; a: conv(8, 3); relu
          p: outer(a); q: outer(a); r: outer(image); s: outer(p.second.mid)
          concat {
            q.first.before; q.first.given; q.first.mid; q.second.part[0]; q.third.tail.low; p.third.given
            s.second.given; s.third.given; s.second.before; r.second.part[0]; r.third.before; r.first.given
          }
        }""",
    "labels that are passed on": """
        block inner(v) { kept: v; conv(8, 3) }
        block outer { before: x; bn; one: inner(before); two: inner(before); again: two.kept }
        network n {
          input image [8, 16, 16]; a: outer; relu; b: outer; relu; c: outer
          concat { c.one.kept; b.two.kept; a.before; c.again; b.again }
        }""",
    "several values": """
        block quarters { [low, high]: split(2); wide: low -> conv(8, 3); [a, b]: split(2) }
        block both { part: { [low, high]: split(2) }; part.low -> conv(8, 1) }
        network n {
          input image [8, 16, 16]; [a, b]: quarters; concat { a; b }; [c, d]: quarters; concat { c; d; a }; conv(8, 1)
          e: quarters; image -> both; f: both; g: both; add { e.a; e.b; e.low; g.part.high; f.part.low }
        }""",
    "nothing with labels": """
        block f(v) { before: x; given: v }
        network n { input image [8, 16, 16]; a: f(x); bn; b: f(image); relu; c: f(b.given)
          concat { a.before; b.before; c.given } }""",
    "nothing": """
        block f { }
        network n { input image [8, 16, 16]; f; relu; f; f }""",
}


def shown(arguments: Mapping[str, object]) -> dict[str, str]:
    """The arguments as text, without values of the network, which differ in name alone."""
    return {name: show(value) for name, value in arguments.items() if not isinstance(value, Value)}


def drawn(graph: Graph) -> list[object]:
    return [
        (
            flat.op,
            flat.inputs,
            flat.node.output.shape,
            flat.path,
            flat.node.module and flat.node.module.labelled,
            flat.node.span,
            flat.node.output.name,
            [(call.callee.name, shown(call.callee.arguments), shown(call.given), call.variables) for call in flat.calls],
        )
        for flat in flatten(graph).nodes
    ]


@pytest.mark.parametrize("name", PROGRAMS)
def test_shared_functions_are_what_calls_would_make(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session()  # which parses the text once, so that the spans of both graphs are equal
    shared = verify(compile_text(PROGRAMS[name], session=session).require())
    monkeypatch.setattr(BlockCache, "lookup", lambda *_: None)
    made = verify(compile_text(PROGRAMS[name], session=session).require())
    assert drawn(shared) == drawn(made)
    assert state(shared) == state(made)


@pytest.mark.parametrize(("calls", "functions"), [
    ("a: conv(8, 3); f(a); f(a); f(x)", 2), ("a: conv(8, 3); f(a); b: conv(8, 3); f(b)", 1),
    ("a: conv(4, 3); f(a); b: conv(8, 3); f(b)", 2),
    ("f(x); f(x); f(v = x)", 1), ("for i in 0..3 { e[i]: conv(8, 1); f(e[i]) }", 1), ("for i in 0..3 { g[i]: { f(x) } }", 1),
])  # fmt: skip
def test_functions_are_told_apart_by_what_goes_in(calls: str, functions: int) -> None:
    graph = compile_text(f"block f(v) {{ mul {{ v; x }}; relu }}\nnetwork n {{ input image [8, 16, 16]; {calls} }}").require()
    assert len([function for function in graph.functions() if function.name == "f"]) == functions


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


def test_inputs_are_called_as_the_block_calls_them() -> None:
    text = """
        block f(query, keys) { mul { query; keys[0]; x } }
        network n { input image [8, 16, 16]; for i in 0..2 { e[i]: conv(8, 1) }; left: conv(8, 3); f(left, e); relu; f(e[1],
        e) }"""
    functions = [function for function in compile_text(text).require().functions() if function.name == "f"]
    assert [[value.name for value in function.inputs] for function in functions] == [["x", "keys[0]"], ["query", "keys[0]", "x"]]


def test_networks_of_a_file_share_the_ops_of_equal_calls() -> None:
    text = """
    block f { repeat 2 { relu; conv(8, 3) } }
    network a { input image [8, 16, 16]; f }
    network b { input image [8, 32, 32]; f }"""
    graphs = [compiled.graph for _, compiled in check_source(SourceFile("two", text), None).networks]
    (first, *_), (second, *_) = [[flat.op for flat in flatten(graph).nodes] for graph in graphs if graph is not None]
    assert first is second
