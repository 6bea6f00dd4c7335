"""What a probe measures, compared with PyTorch by hand."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import archdsl
from archdsl.ir import Graph
from archdsl.probing import Layer, PathLengths, Probe
from archdsl.probing.measure import autocorrelation, measure
from archdsl.probing.recording import Gates, Recording
from archdsl.probing.residual_blocks import residual_blocks
from archdsl.probing.subject import Subject, generated
from archdsl.probing.tracing import Traced, trace
from tests.probing.networks import STACK


@pytest.fixture(scope="module")
def probe() -> Probe:
    (found,) = archdsl.loads(STACK).probe(batch=16, seed=1, points=16, samples=4)
    return found


def named(found: Probe, name: str, op: str) -> Layer:
    return next(layer for layer in found.layers if (layer.name, layer.op) == (name, op))


def test_layers_in_the_order_in_which_they_run(probe: Probe) -> None:
    blocks = [pair for d in (1, 2, 3) for pair in [("bn", d), ("relu", d), ("linear", d + 1), ("add", d + 1)]]
    assert [(layer.op, layer.depth) for layer in probe.layers] == [("linear", 1), ("relu", 1), *blocks, ("linear", 5)]
    assert {layer.op for layer in probe.layers if not layer.trunk} == {"bn", "relu", "linear"}
    assert [stage.end.depth for stage in probe.stages] == [1, 2, 3, 4, 5]
    assert [stage.end.op for stage in probe.stages] == ["relu", "add", "add", "add", "linear"]


def test_statistics_and_gradients_are_those_of_pytorch(probe: Probe) -> None:
    """Of the first layer, for which they can be computed from the inputs and the module alone."""
    torch.manual_seed(1)
    module: Any = archdsl.loads(STACK).build(inplace=False)
    subject = generated(module, archdsl.loads(STACK).graph, 16, 1)
    seen: dict[str, Tensor] = {}
    module.stem.register_forward_hook(lambda part, given, value: seen.update(stem=value) or value.retain_grad())
    objective = subject.objective(module(*subject.inputs))
    objective.backward()
    stem = named(probe, "stem", "linear")
    assert probe.objective == pytest.approx(float(objective.detach()), rel=1e-5)
    assert stem.mean == pytest.approx(float(seen["stem"].detach().mean()), rel=1e-4)
    assert stem.std == pytest.approx(float(seen["stem"].detach().std(correction=0)), rel=1e-4)
    gradient = seen["stem"].grad
    assert gradient is not None
    assert stem.gradient == pytest.approx(float(gradient.norm(dim=1).mean()) * 16, rel=1e-4)
    assert stem.weight_gradient == pytest.approx(float(module.stem.weight.grad.norm()), rel=1e-4)


def test_batch_normalization_in_both_modes(probe: Probe) -> None:
    """An untrained one has running statistics of 0 and 1, and so is nearly the identity in evaluation."""
    norm, before = named(probe, "3.0", "bn") if probe.layers[2].name == "3.0" else probe.layers[2], probe.layers[1]
    assert norm.batch_mean is not None and norm.batch_std is not None
    assert (norm.running_mean, norm.running_std) == (0.0, 1.0)
    assert norm.drift == pytest.approx(norm.batch_mean, rel=1e-3)
    assert norm.std == pytest.approx(1.0, abs=0.15)  # a channel that is dead has no variance
    assert norm.evaluation_std == pytest.approx(before.evaluation_std or 0, rel=1e-3)


def test_the_module_is_left_as_it_is() -> None:
    network = archdsl.loads(STACK)
    module = network.build(inplace=False)
    before = {key: value.clone() for key, value in module.state_dict().items()}
    measure(generated(module, network.graph, 8, 0), None)
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())
    assert all(weight.grad is None for weight in module.parameters())


@pytest.mark.parametrize(("bias", "dead", "always"), [(-100.0, 1.0, 0.0), (100.0, 0.0, 1.0)])
def test_dead_and_always_active_units(bias: float, dead: float, always: float) -> None:
    network = archdsl.loads("network n { input x1 [4, 6, 6]; conv1: conv(8, 3); act: relu; gap; flatten; linear(2) }")
    module: Any = network.build(inplace=False)
    nn.init.constant_(module.conv1.bias[:6], bias)
    nn.init.zeros_(module.conv1.bias[6:])
    found = measure(generated(module, network.graph, 8, 0), None).layers[1]
    assert found.op == "relu" and found.units == 8
    assert (found.dead, found.always_active) == (pytest.approx(dead * 6 / 8), pytest.approx(always * 6 / 8))


def test_autocorrelation() -> None:
    noise = torch.randn(4000, 3, generator=torch.Generator().manual_seed(0))
    assert autocorrelation(noise, 2) == [pytest.approx(1.0), pytest.approx(0, abs=0.03), pytest.approx(0, abs=0.03)]
    walk = noise.cumsum(0)
    assert autocorrelation(walk, 1)[1] > 0.99
    assert autocorrelation(noise * 1e-30, 1)[1] == pytest.approx(autocorrelation(noise, 1)[1])
    assert autocorrelation(torch.ones(8, 3), 1) == autocorrelation(torch.zeros(8, 3), 1) == [1.0, 1.0]
    alternating = torch.tensor([[1.0], [-1.0]] * 8)
    assert autocorrelation(alternating, 1)[1] == pytest.approx(-1.0)


def traced_stack(text: str, **parameters: Any) -> tuple[Traced, Graph, nn.Module]:
    network = archdsl.loads(text, **parameters)
    module = network.build(inplace=False).eval()
    return trace(module, network.graph, training=False), network.graph, module


def test_all_paths_together_are_the_gradient() -> None:
    """Each gate lets one of both branches pass, so that the gradients of all 2^n paths sum to that of the network."""
    traced, graph, module = traced_stack(STACK)
    blocks = residual_blocks(traced)
    assert len(blocks) == 3
    subject: Subject = generated(module, graph, 4, 0)
    gates = Gates(blocks)
    run = Recording(traced, [blocks[0].fork], gates)
    objective = subject.objective(run.run(*subject.inputs))
    start, total = run.values[blocks[0].fork], torch.zeros(4, 32)
    for path in itertools.product((0.0, 1.0), repeat=3):
        gates.residual = torch.tensor(path)[:, None].expand(3, 4)
        total += torch.autograd.grad(objective, start, retain_graph=True)[0]
    plain = Recording(traced, [blocks[0].fork])
    (expected,) = torch.autograd.grad(subject.objective(plain.run(*subject.inputs)), plain.values[blocks[0].fork])
    torch.testing.assert_close(total, expected)


def test_path_lengths_of_blocks_that_scale() -> None:
    """Every branch multiplies by 2, so that a path of k blocks has 2^k times the gradient of the one of none."""
    network = archdsl.loads("network n { input v [8]; for i in 0..4 { skip { linear(8, bias = false) } }; linear(2) }")
    module = network.build(inplace=False)
    for part in module.modules():
        if isinstance(part, nn.Linear) and part.out_features == 8:
            part.weight.data = 2 * torch.eye(8)
    from archdsl.probing.path_lengths import path_lengths

    subject = generated(module, network.graph, 4, 0)
    found = path_lengths(subject, trace(module, network.graph, training=False), 3)
    assert found is not None and found.blocks == 4
    assert [norm / found.norms[0] for norm in found.norms] == pytest.approx(
        [1, 2, 4, 8, 16], rel=0.5
    )  # paths meet other examples
    assert found.shares == pytest.approx([math.comb(4, k) * norm / sum(
        math.comb(4, j) * other for j, other in enumerate(found.norms)) for k, norm in enumerate(found.norms)])  # fmt: skip


def test_shares_of_paths() -> None:
    """With equal norms, the gradient follows the binomial distribution: of 54 blocks, 5 to 17 are 0.45 % of the paths."""
    equal = PathLengths([1.0] * 55, 1)
    assert equal.shares == pytest.approx(equal.paths)
    assert equal.share_of_paths(5, 17) == pytest.approx(0.004537, rel=1e-3)
    assert equal.mean_length == pytest.approx(27)
    assert PathLengths([1.0, 0.0, 0.0], 1).range_of(0.9) == (0, 0)
    assert PathLengths([0.0, 0.0], 1).shares == [0.0, 0.0]


BLOCKS = {
    "resnet20": 9,
    "preresnet18": 8,
    "convnextv2_atto": 12,
    "unet": 0,
    "densenet40": 0,
    "lenet": 0,
    "gpt2": 24,
    "resnet18_fpn": 8,
}


@pytest.mark.parametrize(("name", "blocks"), BLOCKS.items())
def test_residual_blocks(name: str, blocks: int) -> None:
    network = archdsl.load(name)
    traced = trace(network.build(device="meta", inplace=False, check_sizes=False), network.graph, training=False)
    assert len(residual_blocks(traced)) == blocks
    assert max(traced.depths.values()) == network.table().depth


def test_equal_probes_are_equal() -> None:
    one, other = (archdsl.loads(STACK, normed=False).probe(batch=8, points=8, samples=2)[0] for _ in range(2))
    assert one == other
    assert one != archdsl.loads(STACK, normed=False).probe(batch=8, points=8, samples=2, seed=4)[0]


def test_training_steps_on_data() -> None:
    before, after = archdsl.loads(STACK).probe(batch=64, train=12, points=8, samples=2)
    assert (before.steps, after.steps, before.seed) == (0, 12, 3)
    assert before.inputs == after.inputs == "training examples"
    assert after.label == "stack, step 12" and after.objective < 0.9 * before.objective
    assert named(before, before.layers[2].name, "bn").running_std == 1.0 != named(after, after.layers[2].name, "bn").running_std


def test_what_cannot_be_measured_is_said() -> None:
    (plain,) = archdsl.loads("network n { input v [4]; linear(16) -> relu -> linear(2) }").probe(batch=4, points=8)
    assert plain.paths is None and plain.notes == ["no path lengths: there are no residual blocks"]
    (tokens,) = archdsl.loads("network n { input v: int [5]; embedding(7, 4); linear(2) }").probe(batch=4, points=8)
    assert tokens.correlations is None and tokens.notes[0].startswith("no correlation of gradients: no input is real")
    text = "network n { input v [4]; linear(3) -> relu -> linear(2); init { linear = zeros } }"
    (zeros,) = archdsl.loads(text).probe(batch=4, points=8)
    assert zeros.correlations is None and zeros.notes[0].endswith("they are zero")
    assert zeros.layers[0].correlation is None


def test_symbolic_sizes_need_data_or_a_size() -> None:
    with pytest.raises(archdsl.SpecError) as raised:
        archdsl.loads("network n { input v [3, H, W]; conv(4, 3); gap; flatten; linear(2) }").probe()
    assert raised.value.diagnostics[0].code == "E0312"


def test_data_needs_a_recipe() -> None:
    with pytest.raises(archdsl.SpecError) as raised:
        archdsl.loads("network n { input v [4]; linear(2) }").probe(train=3)
    assert raised.value.diagnostics[0].code == "E0806"
