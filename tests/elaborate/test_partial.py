"""What is known of a network behind errors: everything that does not depend on them, and where it fails."""

from __future__ import annotations

from random import Random

import pytest

from archdsl.driver import compile_text
from archdsl.ir import Function, Graph, verify
from archdsl.resources import shipped_files
from archdsl.shapes import Shape
from tests.attack import text as source
from tests.attack.generate import generate


def partial(body: str, before: str = "") -> Graph:
    compiled = compile_text(f"{before}\nnetwork n {{ input image [3, 16, 16]; {body} }}")
    assert compiled.graph is None and compiled.partial is not None
    assert not compiled.partial.complete
    return verify(compiled.partial)


def keys(function: Function) -> dict[str, Shape | None]:
    return {repr(node.module): node.output.shape if node.outputs else None for node in function.nodes if node.module}


def test_what_comes_before_and_beside_an_error_is_there() -> None:
    graph = partial(
        "a: conv(8, 3); b: conv(4, nope); c: relu; d: { a -> conv(16, 1) -> bn }; output o: { d -> gap }; conv(nope, 1)"
    )
    assert keys(graph.main) == {"a": (8, 16, 16), "d": (16, 16, 16), "o": (16, 1, 1)}
    assert [(result.name, result.kind) for result in graph.results] == [("o", "output")] and not graph.has_result


@pytest.mark.parametrize(
    "statement", ["let k = nope", "expect x.c == nope", "aux h: conv(nope, 1)", "output o: conv(nope, 1)", "init { conv = nope }"]
)
def test_a_mistake_beside_the_flow_leaves_it_alone(statement: str) -> None:
    graph = partial(f"conv(8, 3); {statement}; last: conv(4, 3)")
    assert keys(graph.main)["last"] == graph.result.shape == (4, 16, 16)


@pytest.mark.parametrize(("stage", "what", "shapes"), [
    ("skip { conv(9, 3) }", "skip", [(9, 16, 16), (8, 16, 16)]), ("add { x; conv(9, 3) }", "add", [(8, 16, 16), (9, 16, 16)]),
    ("concat { x; maxpool(2) }", "concat", [(8, 16, 16), (8, 8, 8)]), ("conv(8, 17, pad = 0)", "conv", [(8, 16, 16)]),
])  # fmt: skip
def test_what_failed_is_marked(stage: str, what: str, shapes: list[Shape]) -> None:
    graph = partial(f"conv(8, 3); {stage}; relu")
    [failure] = graph.main.failures
    assert failure.what == what and [value.shape for value in failure.inputs] == shapes
    assert failure.span is not None


def test_a_failure_in_a_block() -> None:
    graph = partial("a: conv(8, 3); f(8)", "block f(w) { c: conv(w, 3); skip { conv(w + 1, 3) } }")
    [call] = graph.main.calls
    assert call.outputs == [] and keys(call.callee) == {"c": (8, 16, 16), "1": (9, 16, 16)}
    assert [failure.what for failure in call.callee.failures] == ["skip"]


def test_what_may_not_run_is_left_out() -> None:
    graph = partial("a: conv(8, 3); let n = nope; repeat n { a -> b: conv(4, 1) }; if n { a -> relu }; a -> c: relu")
    assert keys(graph.main) == {"a": (8, 16, 16)}


def test_a_false_claim_leaves_a_whole_graph() -> None:
    compiled = compile_text("network n { input image [3, 16, 16]; conv(8, 3); expect params == 1 }")
    assert compiled.graph is None and compiled.partial is not None and verify(compiled.partial).complete


def test_without_errors_it_is_the_graph() -> None:
    compiled = compile_text("network n { input image [3, 16, 16]; conv(8, 3) }")
    assert compiled.partial is compiled.require()


def test_mistakes_anywhere_leave_a_sound_graph() -> None:
    """Each spec, and random programs, with one number or name changed."""
    random = Random(0)
    texts = [path.read_text(encoding="utf-8") for path in shipped_files()]
    texts += [source.program(generate(seed)) for seed in range(40)]
    for text in texts:
        for _ in range(4):
            at = random.choice([i for i, c in enumerate(text) if c.isdigit()])
            changed = f"{text[:at]}{random.choice(['7', 'q', '+ 1', ''])}{text[at + 1 :]}"
            compiled = compile_text(changed)
            if compiled.partial is not None:
                verify(compiled.partial)
