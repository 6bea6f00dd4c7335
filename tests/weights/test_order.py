"""MatchBy by position."""

from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor

from archdsl import Network, SpecError

State = dict[str, Tensor]


def renamed(state: State) -> State:
    """Under names of another scheme, one a layer."""
    layers = list(dict.fromkeys(key.rpartition(".")[0] for key in state))
    return {f"part{layers.index(key.rpartition('.')[0])}.{key.rpartition('.')[2]}": value for key, value in state.items()}


@pytest.mark.parametrize("counters", [True, False])
def test_other_names(network: Network, state: State, counters: bool) -> None:
    other = {key: value for key, value in renamed(state).items() if counters or "num_batches" not in key}
    with pytest.raises(SpecError) as caught:
        network.load_weights(network.build(), other)
    assert "--weights-map order" in str(caught.value)
    module = network.build()
    assert network.load_weights(module, other, by="order").ok
    assert all(
        torch.equal(value, state[key]) for key, value in module.state_dict().items() if counters or "num_batches" not in key
    )


def test_where_the_orders_part(network: Network, state: State) -> None:
    items = list(renamed(state).items())
    items[0], items[6] = items[6], items[0]
    with pytest.raises(SpecError) as caught:
        network.load_weights(network.build(), dict(items), by="order", partial=True)
    said = caught.value.diagnostics[0]
    assert "they part where the network has `stem.0.weight` [4, 1, 3, 3] and the file `part2.weight` [4, 4, 3, 3]" in said.message
    assert said.mark and said.mark.span.text == "conv(width, 3)"


def test_equal_shapes_of_other_tensors(network: Network, state: State) -> None:
    """A weight and a running mean have one shape; their names tell them apart."""
    items = list(renamed(state).items())
    items[1], items[3] = items[3], items[1]
    with pytest.raises(SpecError, match=r"stem\.1\.weight.*part1\.running_mean"):
        network.load_weights(network.build(), dict(items), by="order")


@pytest.mark.parametrize(("cut", "said"), [(slice(-2), "the file ends"), (slice(None), "no more tensors")])
def test_another_number(network: Network, state: State, cut: slice, said: str) -> None:
    items = list(renamed(state).items())[cut]
    if said != "the file ends":
        items.append(("more.weight", torch.zeros(3)))
    with pytest.raises(SpecError, match=said):
        network.load_weights(network.build(), dict(items), by="order")


def test_other_classes(network: Network, five: Network, state: State) -> None:
    with pytest.raises(SpecError, match="another shape"):
        five.load_weights(five.build(), renamed(state), by="order")
    report = five.load_weights(five.build(), renamed(state), by="order", partial=True)
    assert len(report.loaded) == 24 and len(report.problems) == 4


def test_heads_that_a_file_lacks(network: Network, state: State) -> None:
    bare = renamed({key: value for key, value in state.items() if not key.startswith("early")})
    module = network.build()
    assert network.load_weights(module, bare, by="order", without_heads=True).ok
    assert torch.equal(module.fc.weight, state["fc.weight"])


def test_safetensors_keeps_no_order(network: Network, state: State, tmp_path: Path) -> None:
    safetensors.torch.save_file(state, tmp_path / "w.safetensors")
    with pytest.raises(SpecError, match=r"E0906.*no order"):
        network.check_weights(tmp_path / "w.safetensors", by="order")


def test_counters_under_other_names(network: Network, state: State) -> None:
    """As many as the module has are paired in their order; others keep the module's values, and it is said why."""
    for key in state:
        if key.endswith("num_batches_tracked"):
            state[key] = torch.tensor(77)
    renamed = {
        f"k{i}" + (".num_batches_tracked" if key.endswith("num_batches_tracked") else ""): tensor
        for i, (key, tensor) in enumerate(state.items())
    }
    module = network.build()
    assert "not in the file" not in str(network.load_weights(module, renamed, by="order"))
    assert all(torch.equal(tensor, state[key]) for key, tensor in module.state_dict().items())
    fewer = dict(renamed)
    del fewer[next(key for key in fewer if key.endswith("num_batches_tracked"))]
    assert "belong to no layer" in str(network.load_weights(network.build(), fewer, by="order"))
