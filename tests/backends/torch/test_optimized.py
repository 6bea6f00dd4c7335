"""Modules that are optimized for inference: what is folded and what is not, keys, weights, options, and equal outputs."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import archdsl
from archdsl.ir import state, verify
from tests.backends.torch.folding import TOLERANCE, error, folding_error, inputs_for, scatter
from tests.networks import SMALL

CASES = {
    "after a convolution": ("conv(8, 3) -> bn", 0),
    "after one with a bias": ("conv(8, 3, bias = true) -> bn", 0),
    "after groups": ("conv(8, 3, groups = 4) -> bn", 0),
    "after a depthwise convolution": ("depthwise(3, mult = 2) -> bn", 0),
    "after a bottleneck": ("bottleneck(4) -> bn", 0),
    "after a transposed convolution": ("upconv(6, 3, stride = 2, pad = 1, output_pad = 1) -> bn", 0),
    "after a transposed convolution in groups": ("upconv(6, 2, groups = 2, bias = false) -> bn", 0),
    "after a dense layer": ("gap; flatten; linear(6) -> bn", 0),
    "after a transposed dense layer": ("gap; flatten; linear(6, transposed = true, bias = false) -> bn", 0),
    "after a dense layer on tokens": ("reshape([8, 64]); linear(6) -> bn", 1),
    "twice": ("conv(8, 3) -> bn -> bn", 0),
    "frozen": ("conv(8, 3) -> frozen_bn(eps = 0.001)", 0),
    "without scale and shift": ("conv(8, 3) -> bn(affine = false, eps = 0.01)", 0),
    "behind dropout": ("conv(8, 3) -> dropout(0.5) -> bn", 0),
    "in another block": ("a: f(8); b: g(0)", 0),
    "in another block, once": ("a: f(8); relu; b: f(8); c: g(0)", 0),
    "behind a group": ("one: { relu -> conv(8, 3) }; two: { bn -> relu }", 0),
    "before a convolution without padding": ("relu; bn -> conv(8, 3, pad = 0)", 0),
    "before a convolution that reflects": ("relu; bn -> conv(8, 3, pad_mode = reflect, groups = 2)", 0),
    "before a convolution that pads zeros": ("relu; bn -> conv(8, 3)", 1),
    "before a convolution with TensorFlow's padding": ("relu; bn -> conv(8, 3, stride = 2, pad = tf_same)", 1),
    "before a single window with TensorFlow's padding": ("relu; bn -> conv(8, 1, stride = 2, pad = tf_same)", 0),
    "before a transposed convolution": ("relu; bn -> upconv(8, 2)", 1),
    "before a dense layer": ("gap; flatten; relu; bn -> linear(6)", 0),
    "before and after": ("relu; bn -> conv(8, 1) -> bn; conv(4, 1) -> bn", 0),
    "two before": ("relu; bn -> bn -> conv(8, 1, bias = false)", 0),
    "input also used elsewhere": ("c: conv(8, 3); bn; add { x; c }", 1),
    "its input is an output": ("c: conv(8, 3); output c: c; bn", 1),
    "result is used twice, before": ("relu; b: bn; add { conv(8, 1); b }", 1),
    "of a sum": ("skip { conv(8, 3) } -> bn", 1),
    "of a joined value": ("concat { conv(8, 3); conv(8, 3) } -> bn", 1),
    "shared layer, own norms": ("module m: conv(8, 3); m -> bn -> relu -> m -> bn", 2),
    "shared layer and norm": ("module m: conv(8, 3); module n: bn; m -> n -> relu -> m -> n", 0),
    "shared norm, own layers": ("module n: bn; conv(8, 3) -> n -> relu -> conv(8, 3) -> n", 0),
    "shared block": ("module m: f2(8); m -> relu -> m", 0),
    "shared block at two sizes": ("module m: f2(8); m -> maxpool(2) -> m", 0),
    "shared norm applied in a block": ("module n: bn; conv(8, 3) -> n; h(n)", 1),
    "layer that runs once without the norm": ("module m: conv(8, 3); m -> bn -> m", 1),
    "blocks that repeat": ("repeat 3 { conv(8, 3) -> bn -> relu }", 0),
    "before two layers": ("relu; bn; concat { conv(4, 1); conv(4, 1) }", 0),
    "before a layer and another op": ("relu; bn; concat { conv(4, 1); relu }", 1),
    "the same block, with and without": ("a: f(8); b: f(8); relu; bn", 1),
    "weight norm": ("conv(8, 3, weight_norm = true) -> relu -> upconv(8, 2, weight_norm = true)", 0),
    "weight norm and batch norm": ("conv(8, 3, weight_norm = true) -> bn; gap; flatten; linear(4, weight_norm = true)", 0),
    "only training needs it": ("c: conv(8, 3) -> bn; aux h: { conv(4, 3) -> bn }; relu", 0),
    "a layer that no result needs": ("c: conv(8, 3) -> bn; d: { conv(4, 3) -> bn }; c; relu", 0),
}  # fmt: skip
BLOCKS = """
block f(width) { conv(width, 3) }
block f2(width) { conv(width, 3) -> bn }
block g(unused) { bn }
block h(norm: op) { relu -> norm }
"""


def network(body: str, shape: str = "[8, 8, 8]") -> archdsl.Network:
    return archdsl.loads(f"{BLOCKS}network net {{ input image {shape}; {body} }}")


@pytest.mark.parametrize("body", [body for body, _ in CASES.values()], ids=list(CASES))
def test_folding(body: str) -> None:
    """In double precision the outputs are equal but for rounding, and so many normalizations are left as expected."""
    (left,) = [count for text, count in CASES.values() if text == body]
    spec = network(body)
    verify(spec.optimized_graph)
    plain = scatter(spec.build(dtype=torch.float64))
    optimized = spec.build(optimize=True, weights=plain.state_dict(), dtype=torch.float64)
    inputs = [image.double() for image in inputs_for(spec)]
    assert error(plain, optimized, inputs) < 1e-13
    assert sum(isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d) for part in optimized.modules()) == left
    assert not any(hasattr(part, "parametrizations") for part in optimized.modules())
    assert {key: tuple(value.shape) for key, value in optimized.state_dict().items()} == state(spec.optimized_graph)


ZOO = ("digits_resnet", "googlenet", "mobilenet_v2", "preresnet20", "densenet_bc100", "shakeshake20_2x16d", "resdrop20", "unet")


@pytest.mark.slow
@pytest.mark.parametrize("name", ZOO)
def test_networks_of_the_zoo(name: str) -> None:
    """`benchmarks/optimized.py` compares all of them."""
    size = {} if name in ("digits_resnet", "unet") else {"size": (3, 32, 32)}
    assert folding_error(archdsl.load(name, **size)) < TOLERANCE


def test_weights_of_a_fresh_module_are_those_of_the_plain_one() -> None:
    spec = archdsl.loads(SMALL)
    torch.manual_seed(3)
    plain = spec.build()
    torch.manual_seed(3)
    optimized = spec.build(optimize=True)
    assert error(plain, optimized, inputs_for(spec)) < 1e-6


@pytest.mark.parametrize("options", [{}, {"aux": False}, {"inplace": False}, {"check_sizes": False}, {"device": "meta"}], ids=str)
def test_options(options: dict[str, Any]) -> None:
    """Heads are left out in any case; the other options are those of plain modules."""
    spec = archdsl.loads(SMALL)
    plain = scatter(spec.build())
    optimized = spec.build(optimize=True, weights=plain.state_dict(), **options)
    assert not any(key.startswith("early") for key in optimized.state_dict())
    assert not optimized.training and not any(part.training for part in optimized.modules())
    assert error(plain, optimized.to("cpu"), inputs_for(spec)) < 1e-6
    assert any(isinstance(part, nn.ReLU) for part in optimized.modules()) == ("inplace" in options)
    if "check_sizes" not in options:
        with pytest.raises(ValueError, match="image must be"):
            optimized(torch.zeros(1, 1, 8, 9))


def test_without_a_check_of_sizes() -> None:
    """The source may have no other line that needs `torch` than those about the memory format."""
    spec = network("conv(8, 3) -> bn")
    plain = scatter(spec.build())
    optimized = spec.build(optimize=True, weights=plain.state_dict(), check_sizes=False)
    assert error(plain, optimized, inputs_for(spec)) < 1e-6


def test_training_is_refused() -> None:
    optimized = archdsl.loads(SMALL).build(optimize=True)
    with pytest.raises(RuntimeError, match="optimized for inference"):
        optimized.train()
    assert optimized.eval() is optimized and optimized.train(False) is optimized


def test_keys() -> None:
    """Layers keep their keys, those with folded normalization have a bias, and normalizations and heads have none."""
    spec = archdsl.loads(SMALL)
    plain, optimized = state(spec.graph), state(spec.optimized_graph)
    assert [key for key in plain if key.startswith("stem")] == [
        "stem.0.weight", "stem.1.weight", "stem.1.bias", "stem.1.running_mean", "stem.1.running_var", "stem.1.num_batches_tracked"
    ]  # fmt: skip
    assert [key for key in optimized if key.startswith("stem")] == ["stem.0.weight", "stem.0.bias"]
    assert all(plain.get(key, shape) == shape for key, shape in optimized.items())
    assert {key for key in optimized if key not in plain} == {f"{part}.0.bias" for part in ("stem", "stage0", "stage1", "stage2")}


def test_weights_of_either_module(tmp_path: Path) -> None:
    """Of the plain module, of the optimized one, and of the plain one in the source that `compile --optimize` wrote."""
    spec = archdsl.loads(SMALL)
    plain = scatter(spec.build())
    torch.save({"state_dict": {f"module.{key}": value for key, value in plain.state_dict().items()}}, tmp_path / "plain.pt")
    optimized = spec.build(optimize=True, weights=tmp_path / "plain.pt")
    again = spec.build(optimize=True, weights=optimized.state_dict())
    written: dict[str, Any] = {}
    exec(spec.source(optimize=True), written)
    module = written["Small"]()
    module.load_state_dict(spec.optimized_weights(tmp_path / "plain.pt"))
    report = spec.load_weights(written["Small"](), tmp_path / "plain.pt")
    assert report.notes[-1] == "normalization folded into 4 layers"
    for key, value in optimized.state_dict().items():
        assert torch.equal(value, again.state_dict()[key]) and torch.equal(value, module.state_dict()[key])


def test_folding_is_computed_in_double_precision() -> None:
    """Narrow weights are rounded once, and a module in double precision gets what its weights give."""
    spec = archdsl.loads(SMALL)
    plain = scatter(spec.build())
    exact = spec.build(optimize=True, weights={k: v.double() for k, v in plain.state_dict().items()}, dtype=torch.float64)
    narrow = spec.build(optimize=True, weights=plain.state_dict(), dtype=torch.bfloat16)
    for key, value in narrow.state_dict().items():
        assert torch.equal(value, exact.state_dict()[key].bfloat16()), key


def test_weights_that_do_not_fit() -> None:
    """The error is that of the plain network, unless the weights are those of an optimized one; the module stays as it is."""
    spec, other = archdsl.loads(SMALL), archdsl.loads(SMALL, classes=5)
    module = spec.build(optimize=True)
    before = {key: value.clone() for key, value in module.state_dict().items()}
    with pytest.raises(archdsl.SpecError, match=r"24 of the network's 26 tensors fit") as found:
        spec.load_weights(module, other.build().state_dict())
    assert [one.code for one in found.value.diagnostics] == ["E0905"]
    with pytest.raises(archdsl.SpecError, match=r"8 of the network's 10 tensors fit"):
        spec.load_weights(module, other.build(optimize=True).state_dict())
    spoiled = scatter(spec.build())
    spoiled.stem.get_submodule("1").running_var.fill_(-1.0)
    with pytest.raises(archdsl.SpecError, match="not finite"):
        spec.load_weights(module, spoiled.state_dict())
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())
    report = spec.load_weights(module, other.build().state_dict(), partial=True)
    assert len(report.problems) == 2 and not torch.equal(module.stem.get_submodule("0").weight, before["stem.0.weight"])


def test_copies_and_traces() -> None:
    spec = archdsl.loads(SMALL)
    optimized = spec.build(optimize=True)
    (image,) = inputs_for(spec)
    expected = optimized(image)
    for made in (
        copy.deepcopy(optimized),
        pickle.loads(pickle.dumps(optimized)),
        torch.export.export(optimized, (image,)).module(),
        torch.fx.symbolic_trace(optimized),
    ):
        assert torch.allclose(made(image), expected, atol=1e-6)


def test_channels_last_is_for_convolutions() -> None:
    """Not for networks that cut an image into patches once, or with group normalization."""
    for name, wanted in {"resnet18": True, "convnext_tiny": True, "vit_b_16": False, "gpt2": False, "ddpm": False}.items():
        assert ("channels_last" in archdsl.load(name).source(optimize=True)) == wanted, name


def test_group_normalization_of_small_differences() -> None:
    """With the channels last, PyTorch's kernel has an error of 2 %."""
    network = archdsl.loads("network t { input image [32, 1, 2]; conv(32, 3, bias = false) -> gn(32) }")
    image = 1 + 1e-2 * torch.randn(1, 32, 1, 2, generator=torch.Generator().manual_seed(0))
    weights = dict(network.build().state_dict())
    weights["0.weight"] = nn.functional.pad(torch.eye(32)[:, :, None, None], (1, 1, 1, 1))  # the image as it is
    with torch.no_grad():
        exact = network.build(weights=weights, dtype=torch.float64).eval()(image.double())
        optimized = network.build(optimize=True, weights=weights)(image)
    assert (optimized - exact).abs().max() < 1e-3 * exact.abs().max()


def test_other_targets() -> None:
    spec = archdsl.loads(SMALL)
    drawn = spec.compile("diagram", "svg", optimize=True).decode()
    assert "bn" not in drawn and "bn" in spec.compile("diagram", "svg").decode()
