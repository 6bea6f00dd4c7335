"""Weights of a network inside another, and of images with other channels."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from archdsl import SpecError, load, loads
from archdsl.network import Network

BODY = 'conv1: conv(8, 3); bn1: bn; relu; for i in 0..3 { "layer{i}": { conv: conv(8, 3); bn: bn; relu } }'
PLAIN = f"network plain {{ input image [3, 8, 8]; {BODY}; gap; flatten; fc: linear(10) }}"


def inside(label: str) -> str:
    return f"network whole {{ input image [3, 8, 8]; {label}: {{ {BODY} }}; head: conv(4, 1) }}"


def state(text: str) -> dict[str, Tensor]:
    torch.manual_seed(5)
    return loads(text).build().state_dict()


@pytest.mark.parametrize("label", ["encoder", "backbone", "model", "net"])
def test_both_directions_are_found(label: str) -> None:
    plain, whole = state(PLAIN), state(inside(label))
    into = loads(inside(label))
    module = into.build()
    report = into.load_weights(module, plain, partial=True)
    assert len(report.loaded) == len(plain) - 2
    assert all(
        torch.equal(module.state_dict()[f"{label}.{key}"], value) for key, value in plain.items() if not key.startswith("fc")
    )
    back = loads(PLAIN)
    module = back.build()
    report = back.load_weights(module, whole, partial=True)
    assert len(report.loaded) == len(plain) - 2 and {problem.key for problem in report.problems} >= {"fc.weight", "fc.bias"}
    assert torch.equal(module.state_dict()["layer2.bn.weight"], whole[f"{label}.layer2.bn.weight"])


def test_the_case_from_a_public_thread() -> None:
    network = load("resnet18")
    whole = {f"encoder.{key}": value for key, value in network.build().state_dict().items() if not key.startswith("fc.")}
    assert len(network.check_weights(whole).loaded) == 120
    assert "the prefix `encoder.` taken off" in network.check_weights(whole).notes


def test_a_prefix_that_is_said() -> None:
    twice = {f"{label}.{key}": value for label in ("student", "teacher") for key, value in state(PLAIN).items()}
    network = loads(PLAIN)
    assert network.check_weights(twice, prefix="teacher").ok
    assert network.check_weights(twice, prefix="teacher.").fit.pairs["fc.bias"] == "teacher.fc.bias"
    with pytest.raises(SpecError, match=r"has no keys under `other\.`, and neither has the network"):
        network.check_weights(twice, prefix="other")


def test_own_names_are_left_alone() -> None:
    """A file that fits as it is, though another prefix would make some of it fit elsewhere."""
    assert loads(PLAIN).check_weights(state(PLAIN)).notes == ()


@pytest.mark.parametrize("how", ["sum", "mean", "repeat"])
@pytest.mark.parametrize("channels", [1, 2, 4, 6])
def test_the_first_convolution_is_adapted(how: str, channels: int) -> None:
    stored = state(PLAIN)
    network = loads(PLAIN.replace("[3,", f"[{channels},"))
    module = network.build()
    report = network.load_weights(module, stored, channels=how)
    before, after = stored["conv1.weight"], module.state_dict()["conv1.weight"]
    for i in range(channels):
        expected = {"sum": before.sum(1) / channels, "mean": before.mean(1), "repeat": before[:, i % 3] * 3 / channels}[how]
        torch.testing.assert_close(after[:, i], expected)
    assert f"`conv1.weight` adapted from 3 to {channels} input channels: {how}" in report.notes
    grey = torch.rand(1, 1, 8, 8)
    if how == "sum" or (how, channels) == ("repeat", 6):  # what the layer gives for a grey image stays
        wide = torch.nn.functional.conv2d(grey.expand(1, channels, 8, 8), after)
        torch.testing.assert_close(wide, torch.nn.functional.conv2d(grey.expand(1, 3, 8, 8), before))


def test_other_shapes_are_not_adapted() -> None:
    network = loads(PLAIN.replace("[3,", "[1,").replace("linear(10)", "linear(5)"))
    report = network.check_weights(state(PLAIN), channels="sum")
    assert [problem.key for problem in report.problems] == ["fc.weight", "fc.bias"]
    without = network.check_weights(state(PLAIN))
    assert "`--weights-channels sum`" in (without.alternative or "")


def test_weights_of_a_recipe_start_in_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "specs").mkdir()
    text = PLAIN + '\ntrain { data = digits; weights = pretrained("w.pth", partial = true) }'
    (tmp_path / "specs" / "plain.arch").write_text(text)
    network = load(tmp_path / "specs" / "plain.arch")
    assert network.path_of("weights", "w.pth") == tmp_path / "specs" / "w.pth"
    given: Network = load(tmp_path / "specs" / "plain.arch", **{"train.weights.file": "w.pth"})
    assert given.path_of("weights", "w.pth") == Path("w.pth")
