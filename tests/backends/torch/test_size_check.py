"""The check of the inputs: it refuses exactly what the verdict refuses, before anything is computed, and is free."""

from __future__ import annotations

import re
from random import Random
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._dynamo.utils import counters

from archdsl import loads
from archdsl.backends.torch.conditions import formula, outside
from archdsl.shapes import Dim, SizeError, SymbolicSize, symbolic_size
from archdsl.sizes import SizeSet, compared

Shapes = tuple[tuple[int, ...], ...]


@pytest.mark.parametrize(("text", "shapes", "message"), [
    ("input a [3, 8, 8]; c: conv(4, 3)", ((2, 3, 8, 9),), "a must be [batch, 3, 8, 8]; it is [2, 3, 8, 9]"),
    ("input a [3, 8, 8]; c: conv(4, 3)", ((3, 8, 8),), "a must be [batch, 3, 8, 8]; it is [3, 8, 8]"),
    ("input a [8]; c: linear(4)", ((2, 9),), "a must be [batch, 8]; it is [2, 9]"),
    ("input a [3, N, N]; conv(4, 3) -> maxpool(2)", ((1, 3, 8, 12),), "a must be [batch, 3, N, N]; it is [1, 3, 8, 12]"),
    ("input a [3, N, N]; add { x; transpose(1, 2) }", ((1, 3, 8, 1),), "a must be [batch, 3, N, N]; it is [1, 3, 8, 1]"),
    ("input a [3, H]; input b [3, 2 * H]; a -> upconv(3, 2); add { x; b }", ((2, 3, 8), (2, 3, 9)),
     "b must be [batch, 3, 2*H], here [2, 3, 16]; it is [2, 3, 9]"),
    ("input a [3, N]; input b [3, N]; add { a; b }", ((2, 3, 8), (2, 3, 1)),
     "b must be [batch, 3, N], here [2, 3, 8]; it is [2, 3, 1]"),
    ("input a [3, 8]; input b [3, 8]; add { a; b }", ((2, 3, 8), (1, 3, 8)),
     "b must be [batch, 3, 8], here [2, 3, 8]; it is [1, 3, 8]"),
    ("input a [3, N]; input b [2, M]; output o: { b -> gap }; a", ((2, 3, 8), (1, 2, 8)),
     "b must be [batch, 2, M], with the batch of a, 2; it is [1, 2, 8]"),
    ("input a [3, N]; input b [2, M, N]; output o: { b -> gap }; a", ((2, 3, 8), (2, 2, 8, 9)),
     "b must be [batch, 2, M, N], with the batch of a, 2; it is [2, 2, 8, 9]"),
    ("input a [3, H, 8]; conv(4, 3)", ((1, 3, 8, 9),), "a must be [batch, 3, H, 8]; it is [1, 3, 8, 9]"),
    ("input a [3, H, 8]; conv(4, 3)", ((1, 4, 8, 8),), "a must be [batch, 3, H, 8]; it is [1, 4, 8, 8]"),
    ("input a [3, H, W]; relu", ((1, 3, 0, 8),), "a must be [batch, 3, H, W]; it is [1, 3, 0, 8]"),
    ("input a [3, H, W] where H % 17 != 0; conv(4, 3)", ((1, 3, 17, 8),),
     "H must be anything but a multiple of 17; H is 17"),
    ("input a [3, H, W] where H % 11 > 1; conv(4, 3)", ((1, 3, 12, 8),), "H must be 2 to 10 more than a multiple of 11; H is 12"),
    ("input a [8, H, W]; instance_norm", ((1, 8, 1, 1),), "either H must be at least 2 or W must be at least 2; H is 1, W is 1"),
    ("input expected [8]; input b [8]; add { expected; b }", ((2, 8), (2, 9)), "b must be [batch, 8], here [2, 8]; it is [2, 9]"),
    ("input layer [3, 8]; conv(3, 3) -> relu", ((2, 3, 9),), "layer must be [batch, 3, 8]; it is [2, 3, 9]"),
])  # fmt: skip
def test_what_is_refused(text: str, shapes: Shapes, message: str) -> None:
    module, calls = loads(f"network n {{ {text} }}").build(), []
    for part in module.children():
        part.register_forward_hook(lambda *_: calls.append(1))
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        module(*(torch.zeros(shape) for shape in shapes))
    assert not calls


def test_tokens() -> None:
    module = loads("network n { input words: int [T] where T <= 16; embedding(10, 4) }").build()
    assert module(torch.zeros(2, 16, dtype=torch.long)).shape == (2, 16, 4)
    with pytest.raises(ValueError, match="T must be at most 16; T is 17"):
        module(torch.zeros(2, 17, dtype=torch.long))


@pytest.mark.parametrize("text", [
    "input wave [1, L] where L >= 480000; conv(8, 9, stride = 4) -> relu -> gap -> flatten -> linear(10)",
    "input wave [1, L]; conv(1, 300001, pad = 0)",
    "input wave [1, L] where L >= 480000 and L % 5 != 0; relu",
])  # fmt: skip
def test_long_inputs(text: str) -> None:
    """A least size of more than can be told apart one by one."""
    network = loads(f"network audio {{ {text} }}")
    least = network.sizes.work["L"].smallest()
    module = network.build(device="meta")
    module(torch.zeros(2, 1, least, device="meta"))
    with pytest.raises(ValueError, match=rf"L is {least - 1}$"):
        module(torch.zeros(2, 1, least - 1, device="meta"))


def _random_size(random: Random) -> Dim:
    size: Dim = symbolic_size("H")
    for _ in range(random.randint(0, 3)):
        if isinstance(size, int):
            break
        kind, number = random.randrange(4), random.randint(2, 20)
        size = (
            size // min(number, 5)
            if kind == 0
            else size % number
            if kind == 1
            else size + number - 9
            if kind == 2
            else size * (number % 3 + 1)
        )
    return size


def _random_set(random: Random, depth: int) -> SizeSet:
    if depth == 0 or random.random() < 0.3:
        return compared(
            random.choice(("==", "!=", "<", ">", "<=", ">=")),
            _random_size(random),
            random.choice((random.randint(0, 6), random.randint(0, 60))),
        )
    some, others = _random_set(random, depth - 1), _random_set(random, depth - 1)
    return some & others if random.random() < 0.5 else some | others if random.random() < 0.8 else ~some


def test_the_test_is_the_set() -> None:
    """Sets of every kind: what is asked is true exactly of what is outside; also where it stands beside another test."""
    random, seen = Random(5), 0
    while seen < 800:
        try:
            sizes = _random_set(random, random.randint(0, 4))
        except SizeError:
            continue
        test = outside(sizes, "n") if sizes else None
        if test is not None:
            code = compile(str(test), "test", "eval")
            assert all(bool(eval(code, {"n": n})) == (n not in sizes) for n in (*range(1, 200), 1000, 5041)), (sizes, str(test))
            seen += 1


def test_the_formula_is_the_size() -> None:
    random = Random(6)
    for _ in range(200):
        size = _random_size(random)
        size = size + _random_size(random) if random.random() < 0.5 else size
        text = formula(size, {size.symbols[0]: "n"} if isinstance(size, SymbolicSize) else {})
        assert all(eval(text, {"n": n}) == (size if isinstance(size, int) else size.at(n)) for n in range(1, 130)), (size, text)


def test_the_formula_of_a_product() -> None:
    random = Random(7)
    h, w = symbolic_size("H"), symbolic_size("W")
    for _ in range(100):
        a, b, c = (random.randint(1, 3) for _ in range(3))
        size = (a * h + b) // c * ((w + a) // b) - c * h * w + random.randint(-2, 2)
        text = formula(size, {"H": "n", "W": "m"})
        values = [(n, m) for n in range(1, 20) for m in range(1, 20)]
        wanted = [size if isinstance(size, int) else size.value({"H": n, "W": m}) for n, m in values]
        assert [eval(text, {"n": n, "m": m}) for n, m in values] == wanted, (size, text)


FREE: dict[str, tuple[str, tuple[Shapes, ...]]] = {
    "fixed": ("input a [3, 8, 8]; c: conv(4, 3); r: relu", (((2, 3, 8, 8),), ((5, 3, 8, 8),))),
    "chain": ("input a [3, H, W]; conv(4, 3); relu; maxpool(2)", (((2, 3, 8, 9),), ((5, 3, 13, 10),))),
    "square": ("input a [3, N, N]; c: conv(4, 3); m: maxpool(2)", (((2, 3, 8, 8),), ((5, 3, 17, 17),))),
    "unet": ("input a [1, H, W]; c: conv(2, 3); p: maxpool(2); b: conv(4, 3); u: upconv(2, 2); concat { c; x }; o: conv(2, 1)",
             (((2, 1, 8, 10),), ((5, 1, 18, 30),))),
    "two": ("input a [3, H]; input b [3, 2 * H]; u: { a -> upconv(3, 2) }; add { u; b }; r: relu",
            (((2, 3, 8), (2, 3, 16)), ((5, 3, 17), (5, 3, 34)))),
    "either": ("input a [8, H, W] where H % 2 == 0 or H > 20; gn(8)", (((2, 8, 8, 9),), ((5, 8, 23, 30),))),
    "where": ("input a [3, H, W] where H % 17 != 0 and W % 11 > 1 and H != 9; c: conv(4, 3)",
              (((2, 3, 8, 9),), ((5, 3, 20, 30),))),
}  # fmt: skip


def _inputs(shapes: Shapes) -> tuple[Tensor, ...]:
    return tuple(torch.randn(shape) for shape in shapes)


@pytest.mark.parametrize("name", FREE)
@pytest.mark.parametrize(("dynamic", "backend"), [
    (False, "eager"), (None, "aot_eager"),
    pytest.param(True, "eager", marks=pytest.mark.exhaustive), pytest.param(True, "aot_eager", marks=pytest.mark.exhaustive),
])  # fmt: skip
def test_compilation_is_as_it_was(name: str, dynamic: bool | None, backend: str) -> None:
    """One graph without a break, as often compiled as without the check, and refused inputs are refused still."""
    text, calls = FREE[name]
    network = loads(f"network n {{ {text} }}")
    graphs = []
    for check_sizes in (False, True):
        torch._dynamo.reset()
        counters.clear()
        module = network.build(check_sizes=check_sizes).eval()
        compiled = torch.compile(module, fullgraph=True, dynamic=dynamic, backend=backend)
        for shapes in calls:
            inputs = _inputs(shapes)
            assert torch.equal(compiled(*inputs), module(*inputs))
        graphs.append(counters["stats"]["unique_graphs"])
    assert graphs[0] == graphs[1]
    wrong = [torch.zeros((*shape[:-1], 0)) for shape in calls[0]]
    with pytest.raises(Exception, match=r"must be \[batch"):  # Dynamo's own, which quotes the ValueError
        compiled(*wrong)
    with pytest.raises(ValueError, match=r"must be \[batch"):
        torch.compile(module, dynamic=dynamic, backend=backend)(*wrong)


@pytest.mark.filterwarnings("ignore:`torch.jit.*` is deprecated:DeprecationWarning")
@pytest.mark.parametrize(
    "name", [name for name in FREE if name != "either"]
)  # PyTorch's normalizations ask for the size themselves
def test_tracers(name: str) -> None:
    """`torch.jit.trace` has nothing to warn of, and `torch.jit.script` and `torch.fx` take it as well."""
    text, calls = FREE[name]
    module: nn.Module = loads(f"network n {{ {text} }}").build().eval()
    inputs = _inputs(calls[0])
    made: list[Any] = [torch.jit.trace(module, inputs), torch.jit.script(module), torch.fx.symbolic_trace(module)]
    for changed in made:
        assert torch.equal(changed(*inputs), module(*inputs))
        other = _inputs(calls[1])
        assert torch.equal(changed(*other), module(*other))
    with pytest.raises(Exception, match=r"must be \[batch"):
        made[1](*(torch.zeros((*shape[:-1], 0)) for shape in calls[0]))


def test_it_can_be_left_out() -> None:
    for text, calls in FREE.values():
        network = loads(f"network n {{ {text} }}")
        assert "check_sizes" not in network.source(check_sizes=False) and "ValueError" not in network.source(check_sizes=False)
        checked, plain = network.build(), network.build(check_sizes=False)
        plain.load_state_dict(checked.state_dict())
        inputs = _inputs(calls[0])
        assert torch.equal(checked(*inputs), plain(*inputs))
