"""One class per block structure: its parameters and formulas, of graphs that are made by hand and of specs."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import torch

import archdsl
from archdsl.backends.torch.emit import emit
from archdsl.backends.torch.formulas import Formula, Symbol, binary, evaluate, text_of
from archdsl.backends.torch.instantiate import build
from archdsl.backends.torch.module_tree import ModuleTree
from archdsl.ir import Constant, Graph, GraphBuilder, Module, Use, Value, flatten, state, verify
from archdsl.ops import Op
from archdsl.passes import run_passes
from tests.backends.torch.interpreter import Interpreter


def op(name: str, **arguments: Any) -> Op:
    cls = Op.registry.get(name)
    assert cls is not None
    made: Op = cls.create(arguments)
    return made


class Spec:
    """Builds a graph as the elaborator does, with expressions."""

    def __init__(self, *shape: int) -> None:
        self.builder = GraphBuilder("net")
        self.x: Value = self.builder.input("image", shape or (4, 8, 8))
        self._numbers = [itertools.count()]

    def op(
        self, name: str, x: Value | None = None, key: str | None = None, texts: dict[str, str] | None = None, **arguments: Any
    ) -> Value:
        """Apply an op to `x`; `texts` are the expressions of its arguments."""
        key_ = (key,) if key is not None else (str(next(self._numbers[-1])),)
        made = op(name, **arguments)
        self.x = self.builder.op(made, x or self.x, key=key_, labelled=key is not None, name=key, expressions=texts or {})
        return self.x

    def join(self, name: str, *values: Value) -> Value:
        self.x = self.builder.op(op(name), *values)
        return self.x

    def begin(self, name: str, **arguments: Any) -> None:
        self.builder.begin(name, arguments=arguments)
        self._numbers.append(itertools.count())

    def let(self, **constants: Constant) -> None:
        self.builder.function.constants = constants

    def end(self, *, given: dict[str, Any] | None = None, texts: dict[str, str] | None = None) -> Value:
        self._numbers.pop()
        key = (str(next(self._numbers[-1])),)
        found = self.builder.end(self.x, key=key, given=given or {}, expressions=texts or {})
        assert found is not None
        self.x = found
        return found

    def graph(self) -> Graph:
        return verify(run_passes(self.builder.finish(self.x)))


def check(graph: Graph) -> str:
    """Return the source of a graph that computes what the graph says, with the same keys."""
    torch.manual_seed(0)
    module = build(graph, dtype=torch.float64).eval()
    assert {key: tuple(value.shape) for key, value in module.state_dict().items()} == state(graph)
    inputs = [torch.randn(2, *value.shape, dtype=torch.float64) for value in graph.inputs]
    found = module(*inputs)
    expected = Interpreter(graph, module.state_dict(), training=False).run(*inputs)["main"]
    torch.testing.assert_close(found, expected)
    return emit(graph)


def classes(source: str) -> dict[str, list[str]]:
    """Return the parameters of each class that is a module."""
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef) and ast.unparse(node.bases[0]) in ("nn.Module", "nn.Sequential"):
            (init,) = (item for item in node.body if isinstance(item, ast.FunctionDef) and item.name == "__init__")
            found[node.name] = [argument.arg for argument in init.args.args][1:]
    return found


def test_channels_flow_from_one_op_to_the_next() -> None:
    spec = Spec()
    for width in (8, 6):
        spec.begin("unit", width=width)
        spec.op("conv", out=width, k=1, texts={"out": "width"})
        spec.op("conv", out=width, k=3, key="c2", texts={"out": "width"})
        spec.op("bn", key="bn")
        spec.op("conv", out=3 * width, k=1, key="c3", texts={"out": "width * 3"})
        spec.op("bn", key="bn3")
        spec.end(given={"width": width})
    source = check(spec.graph())
    assert classes(source) == {"Unit": ["in_channels", "width"], "Net": []}
    for line in (
        "nn.Conv2d(in_channels, width, kernel_size=1)",
        "self.c2 = nn.Conv2d(width, width, kernel_size=3, padding=1, bias=False)",
        "self.bn = nn.BatchNorm2d(width)",
        "self.c3 = nn.Conv2d(width, width * 3, kernel_size=1, bias=False)",
        "self.bn3 = nn.BatchNorm2d(width * 3)",
        "Unit(4, width=8)",
    ):
        assert line in source


def test_formulas_are_short() -> None:
    """What a spec adds and takes away again is not written, nor is a factor of one."""
    w, n = Symbol("w", (8, 6)), Symbol("n", (2, 3))
    half = binary("//", w, 2)
    cases: list[tuple[Formula, str]] = [
        (binary("+", half, binary("-", w, half)), "w"),
        (binary("-", binary("+", w, n), w), "n"),
        (binary("-", binary("+", binary("*", n, 1), 2), 1), "n + 1"),
        (binary("//", binary("*", w, 64), 64), "w"),
        (binary("*", binary("+", w, n), binary("-", w, 1)), "(w + n) * (w - 1)"),
        (binary("-", w, binary("-", n, 1)), "w - (n - 1)"),
        (binary("//", w, binary("*", n, 2)), "w // (n * 2)"),
        (binary("+", w, binary("+", n, 1)), "w + n + 1"),
        (binary("**", binary("**", w, 2), 2), "(w ** 2) ** 2"),
    ]
    for formula, text in cases:
        assert text_of(formula, repr) == text
        for i in range(2):
            assert evaluate(formula, i) == eval(text, {"w": w.column[i], "n": n.column[i]})


def test_no_formula_by_coincidence() -> None:
    """Widths that are thirds of each other, or equal, stay apart unless the spec relates them."""
    spec = Spec()
    for wide, third, same in ((12, 4, 12), (24, 8, 24), (36, 12, 36)):
        spec.begin("unit", wide=wide)
        spec.op("conv", out=wide, k=1, key="a", texts={"out": "wide"})
        spec.op("conv", out=third, k=1, key="b")
        spec.op("conv", out=same, k=1, key="c")
        spec.op("relu")
        spec.op("conv", out=5, k=1)
        spec.end()
    source = check(spec.graph())
    assert classes(source)["Unit"] == ["in_channels", "wide", "b_channels", "c_channels"] and "//" not in source


def test_a_wrong_expression_is_not_written() -> None:
    spec = Spec()
    for width in (8, 6):
        spec.begin("unit", width=width)
        spec.op("conv", out=width + 2, k=1, texts={"out": "width * 3"})
        spec.op("relu")
        spec.end()
    assert classes(check(spec.graph()))["Unit"] == ["in_channels", "out_channels"]


def test_out_channels_means_the_output() -> None:
    spec = Spec()
    for hidden, out in ((8, 6), (4, 12)):
        spec.begin("unit")
        spec.op("conv", out=hidden, k=1, key="expand")
        spec.op("relu")
        spec.op("conv", out=out, k=1, key="project")
        spec.end()
    assert classes(check(spec.graph()))["Unit"] == ["in_channels", "expand_channels", "out_channels"]


def test_constants_and_nested_calls() -> None:
    """A `let` is expanded, and a block hands its numbers on as the spec writes them."""
    spec = Spec(8, 8, 8)
    for width, stride in ((12, 2), (16, 1)):
        mid = width // 4 + 2
        spec.begin("outer", width=width, stride=stride)
        spec.let(mid=Constant(mid, "width // 4 + 2"))
        for out, text, step in ((mid, "mid", stride), (width, "width", 1)):
            spec.begin("inner", out=out, stride=step)
            spec.op("conv", out=out, k=3, stride=step, key="conv", texts={"out": "out", "stride": "stride"})
            spec.op("relu")
            given = {"out": out, "stride": step} if text == "mid" else {"out": out}
            spec.end(given=given, texts={"out": text, "stride": "stride"} if text == "mid" else {"out": text})
        spec.op("prelu", per_channel=True)
        spec.end(given={"width": width, "stride": stride})
    source = check(spec.graph())
    assert classes(source)["Inner"] == ["in_channels", "out", "stride"] and "stride=1):" in source
    assert classes(source)["Outer"] == ["in_channels", "width", "stride"]
    assert "Inner(in_channels, out=width // 4 + 2, stride=stride)" in source
    assert "Inner(width // 4 + 2, out=width)" in source and "nn.PReLU(num_parameters=width)" in source


def test_padding_follows_the_window() -> None:
    spec = Spec(4, 16, 16)
    for k, dilation in ((3, 1), (5, 2), (7, 1)):
        spec.begin("unit", k=k, rate=dilation)
        spec.op("conv", out=4, k=k, dilation=dilation, texts={"k": "k", "dilation": "rate"})
        spec.op("maxpool", k=3, stride=1, pad=1)
        spec.op("relu")
        spec.end()
    source = check(spec.graph())
    assert classes(source)["Unit"] == ["k", "rate"] and "padding=rate * (k - 1) // 2" in source


def test_floats_keep_their_spelling() -> None:
    spec = Spec()
    for width in (8, 6):
        spec.begin("unit", width=width, slope=0.1 * width)
        spec.op("conv", out=width, k=1, texts={"out": "width"})
        spec.op("bn", eps=1e-3, texts={"eps": "1e-3"})
        spec.op("leaky_relu", slope=0.1 * width, texts={"slope": "slope"})
        spec.op("droppath", p=0.125, texts={"p": "1 / 8"})
        spec.end()
    spec.op("bn", eps=0.00025, texts={"eps": "2.5e-4"})
    source = check(spec.graph())
    assert "eps=1e-3)" in source and "eps=2.5e-4)" in source and "nn.LeakyReLU(negative_slope=slope" in source


def test_sizes_of_slices_and_paddings_are_parameters() -> None:
    """Numbers in `forward` are kept by the module under the names of the spec."""
    spec = Spec()
    for keep in (3, 2):
        spec.begin("unit", keep=keep)
        whole = spec.x
        first = spec.op("slice", whole, part=range(0, keep), texts={"part": "0..keep"})
        rest = spec.op("slice", whole, part=range(keep, whole.shape[0]), texts={"part": "keep..x.c"})
        spec.join("concat", rest, first)
        spec.op("pad_channels", to=whole.shape[0] + keep, texts={"to": "x.c + keep"})
        spec.end()
    source = check(spec.graph())
    assert classes(source)["Unit"] == ["in_channels", "keep"]
    assert "x.narrow(1, 0, self.keep)" in source and "x.narrow(1, self.keep, self.in_channels - self.keep)" in source


def test_sizes_by_index_and_of_patterns_are_formulas() -> None:
    """`x.shape[-1]` is as good as `x.c`, and the argument of an axis is read like any other."""
    text = """
    block attention(heads) {
      let width = x.shape[-1]
      qkv: linear(3 * width)
      rearrange("l (three n d) -> three n l d", three = 3, n = heads)
      [q, k, v]: split(3)
      attend(q, k, v)
      rearrange("1 n l d -> l (n d)")
      proj: linear(x.shape[1])
    }
    network net {
      input tokens [5, 8]
      attention(2); linear(24); attention(4)
    }
    """
    source = archdsl.loads(text).source()
    assert "self.qkv = nn.Linear(in_features, 3 * in_features)" in source
    assert "self.proj = nn.Linear(in_features, in_features)" in source


def test_ops_that_change_nothing_disappear() -> None:
    spec = Spec()
    spec.begin("unit")
    before = spec.x
    spec.op("pad", amount=0)
    spec.op("slice", part=range(0, 4))
    spec.op("relu")
    spec.join("add", spec.x, before)
    spec.op("transpose", a=1, b=1)
    spec.end()
    spec.op("pad", amount=0, key="kept")
    spec.op("flatten")
    spec.op("reshape", sizes=(256,))
    spec.op("relu")
    graph = spec.graph()
    source = check(graph)
    assert "pad(" not in source and "narrow" not in source and "transpose" not in source and "reshape" not in source
    assert "self.kept = nn.ZeroPad2d(0)" in source
    assert "inplace" not in source.split("class Net")[0], "the input of the block is read again"


def test_a_module_that_is_called_twice() -> None:
    """It is constructed once, and its weights get the gradients of both calls."""
    builder = GraphBuilder("net")
    x = builder.input("image", (4, 8, 8))
    conv, shared = op("conv", out=4, k=3), Module(("conv",), True)
    a = builder.op(conv, x, module=shared)
    b = builder.op(conv, builder.op(op("relu"), a, key=("1",)), module=shared)
    block = builder.declare(("block",))
    function = builder.begin("unit", declared=block)
    c = builder.op(op("bn"), builder.op(op("conv", out=4, k=1), b, key=("0",)), key=("1",))
    first = builder.end(c, key=("block",), declared=block)
    assert first is not None
    second = builder.call(function, first, key=("block",), declared=block)
    graph = verify(run_passes(builder.finish(builder.op(op("add"), second.output, b))))
    assert len(flatten(graph).nodes) == 8
    source = check(graph)
    assert source.count("self.conv = ") == 1 and source.count("self.conv(") == 2
    assert source.count("self.block = ") == 1 and source.count("self.block(") == 2
    network = build(graph)
    network(torch.randn(2, 4, 8, 8)).sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_a_module_that_is_called_twice_has_one_bias_for_both() -> None:
    """It is omitted if what follows each call cancels it, and not if only some of it does."""
    conv, bn = op("conv", out=4, k=3), op("bn")
    for cancelled_twice in (False, True):
        builder = GraphBuilder("net")
        shared = Module(("conv",), True)
        a = builder.op(bn, builder.op(conv, builder.input("image", (4, 8, 8)), module=shared), key=("1",))
        b = builder.op(conv, a, module=shared)
        graph = verify(run_passes(builder.finish(builder.op(bn, b, key=("3",)) if cancelled_twice else b)))
        check(graph)
        assert ("conv.bias" in state(graph)) is not cancelled_twice


def test_a_block_that_is_called_twice_has_one_bias_for_both() -> None:
    builder = GraphBuilder("net")
    unit = builder.declare(("unit",))
    function = builder.begin("unit", declared=unit)
    x = builder.input("image", (4, 8, 8))
    first = builder.end(builder.op(op("conv", out=4, k=3), x, key=("0",)), key=("unit",), declared=unit)
    assert first is not None
    second = builder.call(function, first, key=("unit",), declared=unit)
    graph = verify(run_passes(builder.finish(builder.op(op("bn"), second.output, key=("1",)))))
    check(graph)
    assert "unit.0.bias" in state(graph)


@pytest.mark.parametrize("aux", [True, False])
def test_a_block_that_is_called_twice_runs_what_either_call_needs(aux: bool) -> None:
    """One value of the first call is for a head alone, and the second call does not need it."""
    builder = GraphBuilder("net")
    x = builder.input("image", (4, 8, 8))
    unit = builder.declare(("unit",))
    function = builder.begin("unit", declared=unit)
    trunk = builder.op(op("conv", out=4, k=3), x, key=("trunk",))
    side = builder.op(op("conv", out=2, k=1), trunk, key=("side",))
    first = builder.end(trunk, key=("unit",), declared=unit)
    assert first is not None
    builder.head("side", builder.visible(side), 0.3)
    second = builder.call(function, first, key=("unit",), declared=unit)
    graph = verify(run_passes(builder.finish(second.output)))
    assert len({call.callee for call in graph.main.calls}) == 1
    network = build(graph, aux=aux)
    assert ("unit.side.weight" in network.state_dict()) is aux
    x = torch.randn(2, 4, 8, 8)
    assert len(network(x)) == 2
    weight, bias = network.unit.trunk.weight, network.unit.trunk.bias
    conv = partial(torch.nn.functional.conv2d, weight=weight, bias=bias, padding=1)
    assert torch.allclose(network.eval()(x), conv(conv(x)))


def test_a_module_whose_calls_need_different_modules() -> None:
    builder = GraphBuilder("net")
    x = builder.input("image", (4, 8, 8))
    shared = Module(("conv",), True)
    y = builder.op(op("conv", out=4, k=3), builder.op(op("conv", out=8, k=3), x, module=shared), module=shared)
    with pytest.raises(ValueError, match="`conv` is applied twice, and its inputs need different modules"):
        emit(builder.finish(y))


def test_a_shared_activation_overwrites_nothing_that_is_read_again() -> None:
    builder = GraphBuilder("net")
    x = builder.input("image", (4, 8, 8))
    act = Module(("act",), True)
    a = builder.op(op("relu"), builder.op(op("conv", out=4, k=1), x, key=("a",)), module=act)
    b = builder.op(op("conv", out=4, k=1), a, key=("b",))
    c = builder.op(op("relu"), b, module=act)
    source = check(verify(run_passes(builder.finish(builder.op(op("mul"), b, c)))))
    assert "self.act = nn.ReLU()" in source


DPN = """
block project(r, width, inc, stride) {
  input_: x
  deep: { conv(r, 1) -> bn -> relu; conv(r, 3, stride, groups = 4) -> bn -> relu; conv(width + inc, 1) }
  short: { input_ -> conv(width + 2 * inc, 1, stride) }
  concat {
    add { short -> slice(0..width); deep -> slice(0..width) }
    short -> slice(width..width + 2 * inc)
    deep -> slice(width..width + inc)
  }
}
block dual_path(r, width, inc) {
  input_: x
  deep: { conv(r, 1) -> bn -> relu; conv(r, 3, groups = 4) -> bn -> relu; conv(width + inc, 1) }
  concat {
    add { input_ -> slice(0..width); deep -> slice(0..width) }
    input_ -> slice(width..input_.c)
    deep -> slice(width..width + inc)
  }
}
network dpn(classes = 10) {
  input image [3, 32, 32]
  stem: conv(16, 3) -> bn -> relu
  for i, n in [3, 4, 5, 3] {
    let r = 16 * 2^i
    let width = 32 * 2^i
    let inc = [8, 16, 12, 20][i]
    "stage{i}_0": project(r, width, inc, 1 if i == 0 else 2)
    for j in 1..n { "stage{i}_{j}": dual_path(r, width, inc) }
  }
  gap; flatten
  fc: linear(classes)
}
"""
"""Dual-path networks: Chen et al. 2017, arXiv:1707.01629. The residual path has `width` channels, the dense one grows."""


def test_a_dual_path_network_has_a_class_per_block() -> None:
    dual_path = archdsl.loads(DPN)
    source = dual_path.source()
    assert classes(source) == {
        "Project": ["in_channels", "r", "width", "inc", "stride"],
        "DualPath": ["in_channels", "r", "width", "inc"],
        "Dpn": [],
    }
    network = dual_path.build(dtype=torch.float64).eval()
    image = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    expected = Interpreter(dual_path.graph, network.state_dict(), training=False).run(image)["main"]
    torch.testing.assert_close(network(image), expected)


ZOO: dict[str, dict[str, list[str]]] = {
    "resnet50": {
        "BottleneckBlockWithDownsample": ["in_channels", "width", "stride"],
        "BottleneckBlock": ["in_channels", "width"],
    },
    "googlenet": {
        "Unit": ["in_channels", "out", "k", "stride"],
        "Inception": ["in_channels", "c1", "r3", "c3", "r5", "c5", "pool"],
        "Head": ["in_channels"],
    },
    "densenet121": {"DenseLayer": ["in_channels"]},
    "unet": {"Double": ["in_channels", "out"]},
    "seresnet50": {
        "Se": ["in_channels"],
        "SeBottleneckWithDownsample": ["in_channels", "width", "stride"],
        "SeBottleneck": ["in_channels", "width"],
    },
    "shakeshake20_2x16d": {
        "Branch": ["in_channels", "width", "stride"],
        "Shaken": ["in_channels", "width"],
        "Shifted": ["in_height", "in_width"],
        "Shortcut": ["in_channels", "in_height", "in_width", "width"],
        "ShakenWithDownsample": ["in_channels", "in_height", "in_width", "width"],
    },
}
"""The classes of published networks: their parameters are those of the blocks."""


@pytest.mark.parametrize("name", ZOO)
def test_published_networks(name: str) -> None:
    *found, (_, network) = classes(archdsl.load(name).source()).items()
    assert dict(found) == ZOO[name] and network == []


class CountedUses(list[Use]):
    """The uses of a value, which count how many of them are read."""

    read = 0

    def __iter__(self) -> Iterator[Use]:
        for use in super().__iter__():
            self.read += 1
            yield use


def test_the_uses_of_a_value_are_not_read_for_each_of_its_users() -> None:
    builder = GraphBuilder("net")
    x = builder.op(op("conv", out=4, k=1), builder.input("image", (4, 8, 8)), key=("0",))
    branches = [builder.op(op("relu"), x, key=(str(i + 1),)) for i in range(200)]
    graph = run_passes(builder.finish(builder.op(op("add"), *branches)))
    counted = CountedUses(x.uses)
    x.uses = counted
    ModuleTree(graph)
    assert counted.read <= 2 * len(branches)
