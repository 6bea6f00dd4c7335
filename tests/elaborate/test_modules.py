"""Modules that run several times: against handwritten PyTorch, in the graph, the table and the source."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import archdsl
from archdsl.driver import check_text, compile_text
from archdsl.ir import state, verify
from archdsl.passes import PASSES

NET = "network tiny {\n  input image [3, 16, 16]\n  "


def network(text: str) -> archdsl.Network:
    found = archdsl.loads(text)
    verify(found.graph)
    return found


def body(text: str) -> archdsl.Network:
    return network(f"{NET}{text}\n}}")


def codes(text: str) -> list[str]:
    return [diagnostic.code for diagnostic in check_text(f"{NET}{text}\n}}")]


def flat(result: Any) -> list[Tensor]:
    return [result] if isinstance(result, Tensor) else list(result)


def compare(spec: archdsl.Network, expected: nn.Module, *inputs: Tensor) -> None:
    """Compare keys in order, what is returned, gradients and statistics after a step of training."""
    built = spec.build(dtype=torch.float64)
    expected = expected.double()
    assert list(built.state_dict()) == list(expected.state_dict()) == list(state(spec.graph))
    built.load_state_dict(expected.state_dict())
    built.train(), expected.train()
    for module in (built, expected):
        sum([(one * one).sum() for one in flat(module(*inputs))], torch.zeros(())).backward()
    for one, other in zip(flat(built(*inputs)), flat(expected(*inputs)), strict=True):
        torch.testing.assert_close(one, other)
    for (name, one), (_, other) in zip(built.named_parameters(), expected.named_parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, msg=name)
    for key, value in built.state_dict().items():
        torch.testing.assert_close(value, expected.state_dict()[key], msg=key)
    assert spec.table().params == sum(parameter.numel() for parameter in expected.parameters())


class Siamese(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
            nn.Linear(8, 4),
        )  # fmt: skip
        self.score = nn.Linear(4, 1)

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        found: Tensor = self.score(self.embed(left) * self.embed(right))
        return found


def test_a_siamese_network() -> None:
    spec = network("""
    network siamese {
      input left [1, 16, 16]
      input right [1, 12, 20]
      module embed: { conv(8, 3) -> bn -> relu -> gap -> flatten -> linear(4) }
      left -> embed
      one: x
      right -> embed
      mul { one; x }
      score: linear(1)
    }
    """)
    compare(spec, Siamese(), torch.randn(3, 1, 16, 16).double(), torch.randn(3, 1, 12, 20).double())
    assert [row.shared for row in spec.table().rows if row.name == "embed.0"] == [False, True]


class Level(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.add_module("0", nn.Conv2d(8, 8, 3, padding=1))

    def forward(self, x: Tensor, cls: nn.Module, box: nn.Module) -> tuple[Tensor, Tensor]:
        x = self.get_submodule("0")(x)
        return cls(x), box(x)


class Retina(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cls = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 6, 3, padding=1))
        self.head = nn.ModuleList([nn.Conv2d(8, 4, 3, padding=1)])
        self.p3, self.p4 = Level(), Level()

    def forward(self, x: Tensor) -> list[Tensor]:
        scores3, boxes3 = self.p3(x, self.cls, self.head[0])
        scores4, boxes4 = self.p4(nn.functional.max_pool2d(x, 2), self.cls, self.head[0])
        return [boxes4, scores3, boxes3, scores4]


@pytest.mark.parametrize("sizes", ["16, 24", "H, W"])
def test_heads_that_all_levels_share(sizes: str) -> None:
    spec = network(f"""
    block level(cls: op, box: op) {{
      conv(8, 3)
      p: x
      scores: cls
      p -> box
    }}
    network retina {{
      input pyramid [8, {sizes}]
      module cls: {{ conv(8, 3) -> relu; conv(6, 3) }}
      module head[0]: conv(4, 3)
      let heads = [cls, head[0]]
      p3: level(cls, heads[1])
      output scores3: p3.scores
      output boxes3: p3
      pyramid -> maxpool(2)
      p4: level(heads[0], head[0])
      output scores4: p4.scores
    }}
    """)
    image = torch.randn(2, 8, 16, 24).double()
    compare(spec, Retina(), image)
    assert spec.source().count("class Level") == 1
    assert "self.p3(pyramid, self.cls, self.head[0])" in spec.source()
    with FlopCounterMode(display=False) as counter:
        spec.build(dtype=torch.float64).eval()(image[:1])
    if sizes == "16, 24":
        assert counter.get_total_flops() == 2 * spec.table().macs  # type: ignore[operator]


def test_a_recurrent_block_and_its_depth() -> None:
    spec = body(
        "conv(8, 1)\n  module step: { skip { conv(8, 3) -> relu } }\n  repeat 3 { step }\n  expect depth == 4 and params == 616"
    )
    assert spec.table().macs == 16 * 16 * (3 * 8 + 3 * 8 * 8 * 9)
    assert spec.source().count("self.step(x)") == 3


def test_a_module_has_its_key_where_it_is_declared() -> None:
    spec = body("module late: conv(3, 1)\n  relu\n  conv(3, 1)\n  late\n  a: late\n  late -> bn")
    assert list(state(spec.graph))[:4] == ["late.weight", "late.bias", "2.weight", "2.bias"]
    assert any(key.startswith("3.") for key in state(spec.graph))
    assert {value.name for value in spec.graph.main.values} >= {"a"}


def test_each_call_of_a_block_has_a_module_of_its_own() -> None:
    spec = network("block twice(out) { module c: conv(out, 3); c -> c }\n" + NET + "twice(3)\n  twice(3) }")
    assert [key for key in state(spec.graph) if key.endswith("weight")] == ["0.c.weight", "1.c.weight"]


@pytest.mark.parametrize(
    ("text", "bias"),
    [
        ("c -> bn -> c -> bn", False),
        ("c -> bn -> c -> relu", True),
        ("a: { c -> bn }\n  b: { c -> bn }", False),
        ("a: { c -> bn }\n  b: c\n  bn", False),
        ("a: { c }\n  bn\n  c -> bn", True),
        ("a: c\n  bn\n  concat { x; a }", True),
    ],
)
def test_the_bias_is_omitted_if_every_use_allows_it(text: str, bias: bool) -> None:
    spec = body("module c: conv(3, 3)\n  " + text)
    assert ("c.bias" in state(spec.graph)) is bias
    spec.build()(torch.randn(2, 3, 16, 16))


@pytest.mark.parametrize("aux", [True, False])
def test_a_module_that_also_runs_in_a_head(aux: bool) -> None:
    spec = body("""module neck: { conv(3, 3) -> relu }
  module only: conv(4, 1)
  a: { neck }
  aux early: { neck -> only -> gap; flatten }
  unread: neck
  a -> neck""")
    table, built = spec.table(), spec.build(aux=aux)
    assert sum(parameter.numel() for parameter in built.parameters()) == (table.params if aux else table.params_eval)
    assert table.params - table.params_eval == 3 * 4 + 4
    parts = [row.part for row in table.rows if row.name == "neck.0"]
    assert parts == ["main", "head", "unused", "main"]


def test_a_block_and_a_module_as_the_stages_of_a_module() -> None:
    spec = network("block unit(out) { conv(out, 3) -> relu }\n" + NET + "module u: unit(3)\n  module same: u\n  u -> same -> u }")
    assert list(state(spec.graph)) == ["u.0.weight", "u.0.bias"]
    spec.build()(torch.randn(1, 3, 16, 16))


def test_a_chain_passes_modules_on() -> None:
    spec = body("module c: conv(3, 1)\n  outer: { inner: { c -> relu; conv(3, 1) }; last: { relu; conv(3, 1) } }\n  relu")
    assert next(iter(state(spec.graph))) == "c.weight"
    spec.build()(torch.randn(1, 3, 16, 16))


def test_the_word_stays_a_name() -> None:
    assert codes("let module = 3\n  conv(module, 3)") == []
    assert codes("conv(3, 3)\n  module: relu\n  add { x; module }") == []
    assert codes("module[0]: conv(3, 3)\n  add { x; module[0] }") == []
    assert codes("for module in [1, 2] { conv(module, 1) }\n  aux module: { gap; flatten }") == []
    assert codes("module module: conv(3, 3)\n  module -> module") == []


def test_the_remedy_of_a_label_gives_a_module() -> None:
    text = "network n {\n  input left [1, 8, 8]\n  input right [1, 8, 8]\n  left\n  tower: { conv(1, 3) }\n  right -> tower\n}"
    (found,) = [diagnostic for diagnostic in check_text(text) if diagnostic.code == "E0507"]
    assert found.fix is not None
    for edit in sorted(found.fix.edits, key=lambda edit: -edit.span.start):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    assert not any(diagnostic.is_error for diagnostic in check_text(text))
    assert list(state(archdsl.loads(text).graph)) == ["tower.0.weight", "tower.0.bias"]


@pytest.mark.parametrize("count", range(len(PASSES) + 1))
def test_every_pass_keeps_modules_in_order(count: int) -> None:
    compiled = compile_text(f"{NET}module t: {{ conv(3, 3) -> bn }}\n  a: {{ t }}\n  aux h: {{ maxpool(2) -> t }}\n  t }}")
    assert compiled.graph is not None
    graph = compiled.graph
    for one in PASSES[:count]:
        graph = verify(one.run(graph))
    assert list(state(graph)) == [f"t.{key}" for key in ("0.weight", "1.weight", "1.bias", "1.running_mean", "1.running_var",
                                                        "1.num_batches_tracked")]  # fmt: skip
