"""Weights into modules: what fits, what does not, and what is said of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from archdsl import Network, SpecError, load, loads
from archdsl.diagnostics import Diagnostic
from archdsl.ir import state as graph_state

State = dict[str, Tensor]


def same(module: nn.Module, state: State) -> bool:
    return all(torch.equal(value, state[key]) for key, value in module.state_dict().items())


def refusal(network: Network, source: Any, **options: Any) -> Diagnostic:
    """What is said where weights are refused, and a module left as it was."""
    module = network.build()
    before = {key: value.clone() for key, value in module.state_dict().items()}
    with pytest.raises(SpecError) as caught:
        network.load_weights(module, source, **options)
    assert same(module, before)
    return caught.value.diagnostics[0]


@pytest.mark.parametrize("name", ["w.safetensors", "w.pt", "safetensors without a name", "w.zip"])
def test_all_of_it(network: Network, state: State, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    safetensors.torch.save_file(state, path) if "safetensors" in name else torch.save(state, path)
    assert same(network.build(weights=path), state)
    module = network.build()
    report = network.load_weights(module, path)
    assert report.ok and same(module, state)
    assert str(report) == f"{name}: 28 tensors loaded into `small`"
    assert str(network.check_weights(path)) == f"{name}: 28 tensors fit `small`"


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
@pytest.mark.parametrize("zipped", [False, True])
def test_both_formats_of_torch_whatever_the_name(network: Network, state: State, tmp_path: Path, name: str, zipped: bool) -> None:
    torch.save(state, tmp_path / name, _use_new_zipfile_serialization=zipped)
    assert same(network.build(weights=tmp_path / name), state)


def test_other_classes(network: Network, five: Network, state: State) -> None:
    said = refusal(five, state)
    assert said.code == "E0905" and "24 of the network's 28 tensors fit; 4 have another shape" in said.message
    marks = [said.mark, *said.related]
    assert [mark.span.line_column[0] for mark in marks if mark] == [9, 11]
    assert marks[1] and marks[1].span.text == "linear(classes)"
    assert marks[1].text == "`fc.weight` is [5, 4], in the file [10, 4]; `fc.bias` is [5], in the file [10]"
    assert said.help and "--weights-partial" in said.help
    module = five.build()
    fresh = module.fc.weight.clone()
    report = five.load_weights(module, state, partial=True)
    assert len(report.loaded) == 24 and {p.key for p in report.problems} == {
        f"{s}fc.{k}" for s in ("", "early.") for k in ("weight", "bias")
    }
    assert torch.equal(module.fc.weight, fresh) and torch.equal(module.stem.get_submodule("0").weight, state["stem.0.weight"])
    assert "the rest stays as initialized" in str(report)


def test_nothing_that_fits_is_refused_in_part_too(network: Network) -> None:
    said = refusal(network, {"other.weight": torch.zeros(3)}, partial=True)
    assert "0 of the network's 28 tensors fit; 28 are missing from the file; 1 is in the file alone" in said.message
    assert said.help and "another network" in said.help


def test_missing_and_unexpected(network: Network, state: State) -> None:
    del state["stage1.1.weight"]
    state["extra.weight"] = torch.zeros(2)
    said = refusal(network, state)
    assert "1 is missing from the file; 1 is in the file alone" in said.message
    assert said.mark and said.mark.span.text == "bn" and said.mark.text == "`stage1.1.weight` not in the file"
    assert said.notes == ("in the file alone: `extra.weight`",)


def test_wrappers_and_prefixes(network: Network, state: State, tmp_path: Path) -> None:
    names = {"module._orig_mod." + key: value for key, value in state.items()}
    torch.save({"epoch": 3, "model": names, "optimizer": {"lr": 0.1}}, tmp_path / "w.pt")
    module = network.build()
    report = network.load_weights(module, tmp_path / "w.pt")
    assert same(module, state)
    assert report.notes == (
        "taken from `model` in the file",
        "the prefix `module.` taken off",
        "the prefix `_orig_mod.` taken off",
    )


def test_a_part_that_was_compiled(network: Network, state: State) -> None:
    names = {key.replace("stem.", "stem._orig_mod."): value for key, value in state.items()}
    report = network.load_weights(network.build(), names)
    assert report.ok and report.notes == ("`_orig_mod.` taken out of names",)


def test_what_stands_beside_a_prefix(network: Network, state: State) -> None:
    names = {"model." + key: value for key, value in state.items()} | {"mean": torch.zeros(1)}
    report = network.load_weights(network.build(), names)
    assert report.notes == ("the prefix `model.` taken off; without it, and left aside: `mean`",)


def test_more_beside_a_prefix_than_with_it() -> None:
    """As in a checkpoint of a small network."""
    network = loads("network n { input rows [3]; linear(2) }")
    names = {f"module.{key}": value for key, value in network.build().state_dict().items()}
    others = {f"loss.{number}": torch.zeros(()) for number in range(9)}
    assert network.load_weights(network.build(), names | others).ok
    nothing = loads("network n { input rows [3]; relu }")
    assert not nothing.check_weights(names).ok


def test_a_label_that_looks_like_a_prefix() -> None:
    network = loads("network net { input image [1, 8, 8]; model: conv(4, 3) -> bn }")
    module = network.build()
    assert network.load_weights(network.build(), module.state_dict()).notes == ()
    names = {"module." + key: value for key, value in module.state_dict().items()}
    assert network.load_weights(network.build(), names).notes == ("the prefix `module.` taken off",)


def test_heads_that_a_file_lacks(network: Network, state: State) -> None:
    bare = {key: value for key, value in state.items() if not key.startswith("early")}
    said = refusal(network, bare)
    assert said.help and "--weights-without-heads" in said.help
    report = network.load_weights(network.build(), bare, without_heads=True)
    assert report.ok and report.notes == (
        "not in the file, and left as initialized: `early.fc.weight`, `early.fc.bias` of the heads",
    )
    del bare["fc.bias"]
    assert "1 is missing from the file" in refusal(network, bare, without_heads=True).message


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_numbers_are_converted(network: Network, state: State, dtype: torch.dtype) -> None:
    other = {key: value.to(dtype) if value.is_floating_point() else value for key, value in state.items()}
    module = network.build()
    report = network.load_weights(module, other)
    name = str(dtype).removeprefix("torch.")
    assert report.notes == (f"24 converted from {name} to float32",)
    assert same(module, {key: value.float() if value.is_floating_point() else value for key, value in other.items()})


def test_quantized_weights_are_no_weights(network: Network, state: State) -> None:
    state["fc.weight"] = state["fc.weight"].to(torch.int8)
    said = refusal(network, state)
    assert "1 has another kind of number" in said.message and said.mark and said.mark.text == "`fc.weight` int8 in the file"


def test_counters_that_older_files_lack(network: Network, state: State) -> None:
    old = {key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}
    report = network.load_weights(network.build(), old)
    assert report.ok and report.notes == (
        "4 counters `num_batches_tracked` are not in the file, as in older ones, and keep their values",
    )


def test_a_module_without_memory(network: Network, state: State) -> None:
    module = network.build(device="meta", weights=state)
    assert same(module, state) and all(weight.requires_grad for weight in module.parameters())


@pytest.mark.parametrize("name", ["resnet18", "googlenet", "densenet121", "unet", "mobilenet_v2", "convnext_tiny"])
def test_the_graph_knows_the_keys_in_the_modules_order(name: str) -> None:
    network = load(name)
    state = network.build(device="meta").state_dict()
    assert list(graph_state(network.graph).items()) == [(key, tuple(value.shape)) for key, value in state.items()]


def test_a_module_without_heads_leaves_theirs(network: Network, state: State) -> None:
    module = network.build(aux=False, weights=state)
    heads = set(state) - set(module.state_dict())
    assert heads and same(module, {key: value for key, value in state.items() if key not in heads})
    report = network.load_weights(module, state)
    assert report.ok and any("of heads that the module does not have" in note for note in report.notes)
    with pytest.raises(SpecError, match="1 is in the file alone"):
        network.load_weights(module, state | {"more": torch.zeros(2)})


def test_weights_that_nothing_uses_are_counted_with_those_in_use() -> None:
    unused = loads(
        "network net { input image [3, 8, 8]\n a: conv(8, 3)\n dead: conv(100, 3)\n a; aux h: conv(2, 1); conv(4, 1) }"
    )
    table = unused.table()
    for aux, params in ((True, table.params), (False, table.params_eval)):
        module = unused.build(aux=aux)
        assert sum(p.numel() for p in module.parameters()) == params
        assert f"# net: {params:,} parameters" in unused.source(aux=aux)


def test_tables_of_positions_are_integers() -> None:
    """Swin stores which row of its table belongs to each pair of positions."""
    network = load("swin_t")
    weights = network.build(device="meta").state_dict()
    assert all(network.check_weights(weights, by=by).ok for by in ("name", "order"))
