"""What the language adds, combined: modules, several values, parameters, constants, families, attention, heads and outputs.

Each network is compared with the graph, run op by op: keys, values in double precision, and MACs. It is exported and drawn, too.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

import archdsl
from archdsl.driver import check_text
from archdsl.ir import state, verify
from tests.backends.torch.interpreter import Interpreter

BLOCKS = {
    "level": "block level(head: op) { conv(3, 3); m: x; s: head; m }",
    "gives_two": "block gives_two(parts) { conv(6, 3); [u, v]: split(parts) }",
    "pooled": "block pooled() { gap; flatten; [p, q]: linear(6) -> split(2) }",
    "positioned": """block positioned(w) {
      module t: { linear(w) -> ln(axis = -1) }
      t; pos: param([4, 8], init = normal(0.1)); add { x; pos }; t
      k: const([1, 2, 3, 4, 5, 6, 7, 8]); mul { x; { k -> reshape([1, 8]) } }
    }""",
    "layer": """block layer(memory) {
      skip { ln(axis = -1); self_attn: mha(2) }
      skip { ln(axis = -1); cross: mha(2, memory) }
    }""",
}
TEXTS = """
# a module of a parameter
input a [4, 8]; module p: param([4, 8], init = normal(1.0)); add { a; p }; relu; add { x; p }
# a module with a parameter
input a [4, 8]; module p: { q: param([4, 8], init = normal(1.0)); add { x; q } }; p; relu; p
# a module of a constant
input a [2, 2]; module p: const([[1, 2], [3, 4]]); l: linear(2); add { l; p }; mul { x; p }
# a module of a position bias
input a [2, 4, 4]; linear(4, axis = -1); module b: rel_bias(2, 2); add { x; b }; add { x; b }
# a module with a position bias
input a [4, 8]
module att: {
 before: x
    bias: rel_bias(2, 2)
    q: before -> linear(8) -> rearrange("l (n d) -> n l d", n = 2)
    k: before -> linear(8) -> rearrange("l (n d) -> n l d", n = 2)
    attend(q, k, k, bias = bias) -> rearrange("n l d -> l (n d)") }
att -> att
# a module of a split
input a [4, 8]; module s: split(2); [p, q]: s; add { p; q }; conv(4, 3); [r, t]: s; mul { r; t }
# a module that gives values
input a [4, 8]; module s: { conv(6, 3); [u, v]: split(2) }; [p, q]: s; add { p; q } -> conv(4, 1); s_: x
[r, t]: s; concat { r; t; s_ }
# a module of a block that gives values
input a [4, 8]; module s: gives_two(2); [p, q]: s; add { p; q }
# a module of attention
input a [5, 8]; module m: mha(2); m -> m; ln(axis = -1); m
# modules with two indices
input a [4, 8]; for i in 0..2 { for j in 0..2 { module t[i][j]: conv(4, 3) } }; t[0][0]; t[1][1]; t[0][1]
t[1][0]; t[1][1]
# modules in members of a family
input a [4, 8]; for i in 0..2 { s[i]: { module t: conv(4, 3); t; relu; t } }
# outputs of a module
input a [3, 8, 8]; module h: { conv(2, 1) -> sigmoid }; for i in 0..2 { conv(3, 3); output p[i]: h }; h
# outputs of a module in a block
input a [3, 8, 8]; module h: conv(2, 1); for i in 0..2 { l[i]: level(h); output p[i]: l[i].s; l[i] }; relu
# a block with a module, a parameter and a constant
input a [4, 8]; positioned(8); relu; positioned(8); "u-u": positioned(8)
# quoted keys
input a [4, 8]; add { a; "my-param": param([4, 8], init = normal(1.0)) }
module z: { "q-1": bn; "q 2": { conv(4, 3) -> bn }; "s/1": layer_scale(0.5) }; z; z
# values without a batch through a module
input a [4, 8]; cls: param([1, 8], init = normal(1.0)); module m: { linear(8) -> relu }; cls -> m; c: x; a -> m
concat(axis = 0) { c; x }
# an output without a batch
input a [4, 8]; cls: param([1, 8], init = normal(1.0)); module m: linear(8); a -> m; output q: cls -> m; relu
# biases before a split
input a [4, 8, 8]; conv(8, 3); [p, q]: split(2); p -> bn; pp: x; q -> bn; add { pp; x }
# heads of values of a split
input a [4, 8, 8]; [p, q]: conv(8, 3) -> split(2)
for i, v in [p, q] { aux e[i]: v -> gap -> flatten -> linear(2) }; output o: q -> conv(1, 1); p -> conv(3, 1)
# a head of one value of a block
input a [4, 8, 8]; conv(8, 3); t: pooled; aux h: t.p -> linear(2); output o: t.q; t.p
# a module in a head
input a [4, 8, 8]; module h: { conv(4, 3) -> bn -> relu }; aux e: { h; gap; flatten; linear(2) }; conv(4, 1)
gap; flatten; linear(2)
# weight_norm in a module
input a [4, 8, 8]; module h: { conv(4, 3, weight_norm = true) -> relu }; h; h
# attention to another value
input a [4, 8]; input m [6, 8]; d[0]: layer(m); d[1]: layer(m)
# a query that is a parameter
input m [6, 8]; q: param([3, 8], init = normal(1.0)); module d: { ln(axis = -1) -> linear(8) }; q -> d
mha(2, m); d
# a mask
input a [4, 8]; input k: bool [4, 1]; mul { a; k }; module s: { linear(8) -> relu }; s; s
"""
NETWORKS = dict(part.split("\n", 1) for part in TEXTS.split("\n# ")[1:])


@pytest.mark.parametrize("name", NETWORKS)
def test_equals_the_graph(name: str) -> None:
    body = NETWORKS[name]
    blocks = [block for word, block in BLOCKS.items() if f"{word}(" in body or f": {word};" in body]
    network = archdsl.loads("\n".join([*blocks, f"network n {{\n{body}\n}}"]))
    graph = verify(network.graph)
    module = network.build(dtype=torch.float64).eval()
    tensors = {key: value.clone() for key, value in module.state_dict().items()}
    assert {key: tuple(value.shape) for key, value in tensors.items()} == state(graph)
    inputs = [_input(value.dtype, (3, *map(int, value.shape))) for value in graph.inputs]  # type: ignore[call-overload]
    found = _named(module(*inputs))
    expected = Interpreter(graph, tensors, training=False).run(*inputs)
    assert list(found) == list(expected)
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value, msg=key)
    trained = _named(module.train()(*inputs))
    assert list(trained) == [result.name for result in graph.results]
    sum([value.square().sum() for value in trained.values()], torch.zeros(())).backward()
    assert [key for key, value in module.named_parameters() if value.grad is None] == []
    with FlopCounterMode(display=False) as counter:
        network.build(dtype=torch.float64).eval().to("meta")(*[value[:1].to("meta") for value in inputs])
    assert counter.get_total_flops() == 2 * network.table().macs
    program = torch.export.export(module.eval(), tuple(inputs), dynamic_shapes=network.dynamic_shapes()).module()
    fewer = [value[:2] for value in inputs]
    for key, value in _named(program(*fewer)).items():
        torch.testing.assert_close(value, _named(module(*fewer))[key])
    assert isinstance(network.drawing(), bytes)


def _input(kind: str, shape: tuple[int, ...]) -> Tensor:
    return torch.rand(shape) < 0.7 if kind == "bool" else torch.randn(shape, dtype=torch.float64)


def _named(result: Tensor | tuple[Tensor, ...]) -> dict[str, Tensor]:
    return {"main": result} if isinstance(result, Tensor) else result._asdict()  # type: ignore[attr-defined]


def test_initializers_of_all_kinds_of_weights() -> None:
    """Rules of the network fill layers under `weight_norm` and in modules, and parameters."""
    network = archdsl.loads("""network n {
      input a [64, 64]
      module t: { c: conv(64, 3, weight_norm = true) -> relu }
      t; t
      p: param([64, 64])
      add { x; p }
      skip { m: mha(4) }
      last: linear(64, init = normal(std = 0.5))
      init { conv = normal(std = 0.1); param = normal(std = 0.3); linear = zeros }
    }""")
    module = network.build()
    stds = [module.t.c[0].weight.std(), module.p.std(), module.last.weight.std()]
    torch.testing.assert_close(torch.stack(stds), torch.tensor([0.1, 0.3, 0.5]), rtol=0.1, atol=0)


def test_a_bias_is_kept_before_a_split() -> None:
    """Each part of its values may go another way: `split` takes them all."""
    body = "[p, q]: conv(8, 3) -> split(2); p -> bn; pp: x; q -> bn; add { pp; x }"
    module = archdsl.loads(f"network n {{ input a [4, 8, 8]; {body} }}").build()
    assert module.state_dict()["0.bias"].shape == (8,)


@pytest.mark.parametrize("use", ["t.m", "m"])
def test_a_module_runs_in_its_group_alone(use: str) -> None:
    found = check_text(f"network n {{ input a [4, 8, 8];  t: {{ module m: conv(4, 3); m; relu }}; {use} }}")
    assert [diagnostic.code for diagnostic in found if diagnostic.severity == "error"] in (["E0206"], ["E0408"])
