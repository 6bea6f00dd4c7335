"""The live module: copies, pickles, devices, dtypes, compilers, results, tracebacks."""

from __future__ import annotations

import copy
import io
import pickle
import shutil
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import archdsl
from archdsl.ir import state
from tests.attack.generate import generate
from tests.attack.network import LARGEST_TOKEN
from tests.attack.verdicts import load

TEXT = """
block unit(out, stride = 1) { conv: conv(out, 3, stride); bn: bn; relu }
block head(classes) { gap; flatten; fc: linear(classes) }
network net(classes = 5) {
  input image [3, H, W]
  stem: unit(8)
  features: conv(8, 3) -> bn -> relu
  aux(weight = 0.3) aux1: head(classes)
  low: unit(16, stride = 2)
  skip(drop = 0.2) { conv(16, 3); gamma: layer_scale(0.5) }
  output mask: conv(2, 1)
  head(classes)
}
"""
PLAIN = TEXT.replace("output mask: conv(2, 1)", "").replace("aux(weight = 0.3) aux1: head(classes)", "")


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def network(text: str = TEXT, **options: Any) -> nn.Module:
    return archdsl.loads(text).build(**options)


def images() -> Tensor:
    return torch.randn(2, 3, 8, 8)


def step(module: nn.Module) -> None:
    optimizer = torch.optim.SGD(module.parameters(), 0.1)
    found = module.train()(images())
    sum((value.square().mean() for value in found), start=torch.zeros(())).backward()
    optimizer.step()


def test_results() -> None:
    """Heads come in training alone, outputs always; in evaluation a head's modules are not called."""
    module, calls = network(), []
    module.aux1.register_forward_hook(lambda *_: calls.append("aux1"))
    training = module.train()(images())
    assert training._fields == ("main", "aux1", "mask") and calls == ["aux1"]
    evaluation = module.eval()(images())
    assert evaluation._fields == ("main", "mask") and calls == ["aux1"]
    assert isinstance(network(PLAIN).train()(images()), Tensor)
    only_heads = network(TEXT.replace("output mask: conv(2, 1)", ""))
    assert only_heads.train()(images())._fields == ("main", "aux1") and isinstance(only_heads.eval()(images()), Tensor)
    assert not any("aux1" in line for line in archdsl.loads(TEXT).source(aux=False).splitlines())


@pytest.mark.parametrize("chain", ["conv(4, 3)", "conv(4, 3) -> bn -> relu", "body: { conv(4, 3); relu }"])
@pytest.mark.parametrize(
    "results", ["output h: x", "aux h: x", "output h: x; output i: x", "aux h: x; output i: x", "aux h: x; aux i: x"]
)
def test_a_result_that_has_further_names(chain: str, results: str) -> None:
    """The table of results holds although the result of a plain chain is all that there is."""
    text = f"network net {{ input image [3, 8, 8]; {chain}; {results} }}"
    named = [part.split()[:2] for part in results.replace(":", "").split("; ")]
    outputs = ["main"] + [name for kind, name in named if kind == "output"]
    both = ["main", *(name for kind, name in sorted(named))]
    for aux in (True, False):
        module, x = network(text, aux=aux), images()
        for training, names in ((True, both if aux else outputs), (False, outputs)):
            found = module.train(training)(x)
            if names == ["main"]:
                assert isinstance(found, Tensor)
            else:
                assert list(found._fields) == names and all(value is found.main for value in found)
        assert list(module.state_dict()) == list(network(f"network net {{ input image [3, 8, 8]; {chain} }}").state_dict())


def test_copies() -> None:
    module = network()
    step(module)
    other = copy.deepcopy(module)
    x = images()
    torch.testing.assert_close(other.eval()(x), module.eval()(x), rtol=0, atol=0)
    step(other)
    assert not torch.equal(other.stem.conv.weight, module.stem.conv.weight)
    with torch.no_grad():
        result = module(x)
    assert copy.deepcopy(result)._fields == result._fields


def test_pickles(tmp_path: Path) -> None:
    """The whole module and its results, here and in a process that has not built it."""
    module = network()
    step(module)
    x = images()
    expected = module.eval()(x)
    torch.testing.assert_close(pickle.loads(pickle.dumps(module)).eval()(x), expected, rtol=0, atol=0)
    buffer = io.BytesIO()
    torch.save(module.state_dict(), buffer)
    buffer.seek(0)
    network().load_state_dict(torch.load(buffer, weights_only=True))
    torch.save((module, x, expected), tmp_path / "module.pt")
    program = (
        "import sys, torch\nmodule, x, expected = torch.load(sys.argv[1], weights_only=False)\n"
        "found = module(x)\nassert found._fields == expected._fields\nassert torch.equal(found.main, expected.main)\n"
    )
    run = subprocess.run([sys.executable, "-c", program, tmp_path / "module.pt"], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_devices_and_dtypes() -> None:
    meta = network(device="meta")
    assert all(tensor.is_meta for tensor in meta.state_dict().values())
    assert meta(torch.empty(2, 3, 8, 8, device="meta")).main.shape == (2, 5)
    meta.to_empty(device="cpu").load_state_dict(network().state_dict())
    assert not any(tensor.is_meta for tensor in meta.state_dict().values())
    for dtype in (torch.bfloat16, torch.float64):
        assert network(dtype=dtype)(images().to(dtype)).main.dtype == dtype
    module = network().eval()
    with torch.autocast("cpu", torch.bfloat16):
        assert module(images()).main.dtype == torch.bfloat16


def test_builds_without_allocating() -> None:
    huge = "network net { input image [3, 8, 8]; conv(200000, 3); conv(200000, 3) -> bn; init { conv = he; bn = ones } }"
    assert sum(p.numel() for p in network(huge, device="meta").parameters()) > 3e11


def test_channels_last() -> None:
    module, x = network().eval(), images()
    expected = module(x)
    found = module.to(memory_format=torch.channels_last)(x.to(memory_format=torch.channels_last))
    torch.testing.assert_close(found, expected)
    assert found.mask.is_contiguous(memory_format=torch.channels_last)


FAMILIES = (
    "network net { input image [3, 8, 8]; enc[1]: conv(4, 3); enc[0]: conv(4, 3); conv(4, 3); concat { x; enc[1] }; "
    "layer_scale; relu }"
)
"""Numbered stages, a bare numbered parameter and a family that is no list."""


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("text", [TEXT, FAMILIES], ids=["heads", "numbered"])
def test_compiles_whole(text: str, training: bool) -> None:
    torch._dynamo.reset()
    module, x = network(text.replace("(drop = 0.2)", "")).train(training), images()
    compiled = torch.compile(module, fullgraph=True, backend="eager")
    found, expected = compiled(x), module(x)
    assert getattr(found, "_fields", None) == getattr(expected, "_fields", None)
    torch.testing.assert_close(found, expected)


@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::UserWarning", "ignore::FutureWarning"
)  # PyTorch's own, on import
def test_compiles_to_machine_code() -> None:
    if shutil.which("g++") is None and shutil.which("clang++") is None:
        pytest.skip("torch.compile with inductor NOT run: there is no C++ compiler")
    torch._dynamo.reset()
    module, x = network(PLAIN).eval(), images()
    with torch.no_grad():
        torch.testing.assert_close(torch.compile(module, fullgraph=True)(x), module(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("text", [TEXT, FAMILIES], ids=["heads", "numbered"])
def test_exports(text: str) -> None:
    module, x = network(text).eval(), images()
    exported = torch.export.export(module, (x,)).module()
    torch.testing.assert_close(tuple(exported(x)), tuple(module(x)))


def test_exports_symbolic_sizes() -> None:
    module, x = network().eval(), images()
    sizes = {0: torch.export.Dim("batch"), 2: torch.export.Dim("height", min=4), 3: torch.export.Dim("width", min=4)}
    exported = torch.export.export(module, (x,), dynamic_shapes=(sizes,)).module()
    x = torch.randn(3, 3, 14, 20)
    torch.testing.assert_close(tuple(exported(x)), tuple(module(x)))


def test_traceback_shows_the_line() -> None:
    """What goes wrong in a forward pass ends at the generated line, with the shape that it expects."""
    text = "network net { input image [3, 8, 8]; conv(4, 3); flatten; fc: linear(5) }"
    with pytest.raises(RuntimeError) as caught:
        network(text, check_sizes=False)(torch.randn(2, 3, 9, 9))
    shown = "".join(traceback.format_exception(caught.value))
    assert "return self.fc(x)  # [5]" in shown and "<archdsl net " in shown
    with pytest.raises(ValueError, match=r"it is \[2, 3, 9, 9\]") as refused:
        network(text)(torch.randn(2, 3, 9, 9))
    assert "check_sizes(image)" in "".join(traceback.format_exception(refused.value))
    assert (
        "def forward(self, image):  # [3, 8, 8]"
        in archdsl.loads("network net { input image [3, 8, 8]; conv(4, 3) -> bn; add { x; x } }").source()
    )


@pytest.mark.parametrize(
    "body", ["aux h: conv(4, 1)", "g: { aux h: conv(4, 1) -> relu }; image", "aux h: { conv(4, 1) -> bn }; aux i: conv(2, 1)"]
)
def test_heads_of_a_network_whose_result_is_an_input(body: str) -> None:
    """They do not run in evaluation, however the labels nest."""
    module, calls = network(f"network net {{ input image [3, 8, 8]; {body} }}"), []
    for part in module.children():
        part.register_forward_hook(lambda *_: calls.append(1))
    x = images()
    assert module.eval()(x) is x and not calls
    assert module.train()(x).main is x and calls


@pytest.mark.parametrize("seed", [1000, 1003, 1004, 1006, 1008, 1011, 1013, 1018])
def test_random_programs_compile_whole(seed: int) -> None:
    torch._dynamo.reset()
    spec = load(generate(seed, fixed=True, careless=0.0, statements=20))
    assert not isinstance(spec, archdsl.SpecError)
    module = spec.build().eval()
    x = [
        torch.randint(0, LARGEST_TOKEN + 1, (2, *value.shape)) if value.dtype == "int" else torch.randn(2, *value.shape)
        for value in spec.graph.inputs
    ]
    torch.testing.assert_close(torch.compile(module, fullgraph=True, backend="eager")(*x), module(*x))


@pytest.mark.parametrize(
    "body",
    [
        "c[0]: layer_scale",
        "for i in 0..4 { c[i]: layer_scale(0.5) }",
        "for i in 1..3 { c[2 * i]: layer_scale(0.5) }",
        "c[0]: layer_scale; c[1]: conv(4, 1)",
        "c[1]: conv(8, 1) -> relu; c[0]: layer_scale(2); c[5]: skip { conv(8, 1) }; c[7]: layer_scale",
        "repeat 2 { unit(8) }",
    ],
)
def test_families_of_bare_parameters(body: str) -> None:
    """A family of `layer_scale`s, alone and beside modules: the keys are the graph's, and every factor is used and learned."""
    text = f"block unit(out) {{ c[0]: conv(out, 1); c[1]: layer_scale(0.5) }}\nnetwork n {{ input image [4, 8, 8]; {body} }}"
    spec = archdsl.loads(text)
    module = spec.build()
    assert {key: tuple(value.shape) for key, value in module.state_dict().items()} == state(spec.graph)
    assert list(module.state_dict()) == list(state(spec.graph))
    images = torch.randn(2, 4, 8, 8)
    module(images).sum().backward()
    assert all(parameter.grad is not None for parameter in module.parameters())
    for other in (pickle.loads(pickle.dumps(module)), torch.fx.symbolic_trace(module)):
        torch.testing.assert_close(other(images), module(images))


def test_a_transposed_volume_is_normalized_over_its_channels() -> None:
    text = "network net {\n  input scan [4, D, H, W]\n  transpose(1, 3)\n  lrn(3)\n}\n"
    x = torch.randn(1, 4, 5, 6, 7)
    found = network(text)(x)
    assert torch.equal(found, torch.nn.functional.local_response_norm(x.transpose(2, 4).contiguous(), 3))


def test_a_member_without_a_module_moves_no_key() -> None:
    """`e[0]` is a function of PyTorch, so that `e[1]` is the only module of the family, and keeps its number."""
    network = archdsl.loads("network n { input image [4, 8, 8]; e[0]: min(axis = 2); e[1]: { conv(4, 3) } }")
    assert list(network.build(device="meta").state_dict()) == list(state(network.graph)) == ["e.1.0.weight", "e.1.0.bias"]
