"""What becomes of stored weights agrees with what PyTorch and `Network.check_weights` do with real ones."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest
import torch

import archdsl
from archdsl.weights.unwrap import COUNTER

UNIT = "block unit(width, k = 3) { conv(width, k) -> bn -> relu }\n"
BASE = f"{UNIT}network n {{ input image [3, 8, 8]; stem: unit(8); body: repeat 2 {{ unit(8) }}; gap; flatten; fc: linear(4) }}"
OTHERS = {
    "the same": BASE,
    "renamed": BASE.replace("stem:", "start:"),
    "another shape": BASE.replace("linear(4)", "linear(5)").replace("stem: unit(8)", "stem: unit(8, 5)"),
    "more": BASE.replace("repeat 2", "repeat 3"),
    "less": BASE.replace("repeat 2", "repeat 1"),
    "shifted": BASE.replace("body: repeat", "body: unit(8); repeat"),
    "another norm": BASE.replace("bn", "gn(4)"),
    "positions": f"{UNIT}network n {{ input image [3, 8, 8]; unit(8); repeat 2 {{ unit(8) }}; gap; flatten; linear(4) }}",
    "a head": BASE.replace("gap;", "aux(weight = 0.3) early: { gap; flatten; fc: linear(4) }; gap;"),
}  # fmt: skip


@pytest.mark.parametrize("what", OTHERS)
@pytest.mark.parametrize("backwards", [False, True], ids=["to", "from"])
def test_keys_as_pytorch_sees_them(what: str, backwards: bool) -> None:
    one, other = archdsl.loads(BASE), archdsl.loads(OTHERS[what])
    before, after = (other, one) if backwards else (one, other)
    keys = before.diff(after).keys
    stored = before.build().state_dict()
    report = after.check_weights(stored)
    assert keys.loads == len(report.loaded)
    problems = {problem.key or problem.stored for problem in report.problems}
    assert problems == {*keys.missing, *keys.unexpected, *(one.key for one in keys.reshaped)}
    if keys.notes:
        assert what == "positions"  # archdsl finds the network below `body`, and PyTorch would not
        return
    module = after.build()
    shapes = {key for key, value in module.state_dict().items() if key in stored and stored[key].shape != value.shape}
    fitting = {key: value for key, value in stored.items() if key not in shapes}
    result = module.load_state_dict(fitting, strict=False)
    assert _learned(keys.missing) == _learned(result.missing_keys) - shapes
    assert set(keys.unexpected) == set(result.unexpected_keys)
    assert {one.key for one in keys.reshaped} == shapes
    loads = _learned(module.state_dict()) - _learned(result.missing_keys)
    assert keys.loads == len(loads) + sum(key in stored for key in module.state_dict() if key.endswith(COUNTER))
    if shapes:
        with pytest.raises(RuntimeError) as raised:
            after.build().load_state_dict(stored)
        assert set(re.findall(r"size mismatch for (\S+):", str(raised.value))) == shapes


def _learned(keys: Iterable[str]) -> set[str]:
    """Return keys without the counters of batches, which PyTorch adds to files that lack them."""
    return {key for key in keys if not key.endswith(COUNTER)}


def test_renamed_tensors_are_those_of_the_same_op() -> None:
    """The renamed keys turn a file for the old network into one for the new network, which then computes the same."""
    one, other = archdsl.loads(BASE), archdsl.loads(OTHERS["positions"])
    keys = one.diff(other).keys
    module = one.build().eval()
    names = {pair.before: pair.after for pair in keys.renamed}
    renamed = {names.get(key, key): value for key, value in module.state_dict().items()}
    moved = other.build(weights=renamed).eval()
    image = torch.randn(2, 3, 8, 8)
    assert torch.equal(module(image), moved(image))


def test_weights_that_load_into_another_layer() -> None:
    one = archdsl.loads("network n { input image [3, 8, 8]; conv(8, 3); relu; conv(8, 3); relu; conv(8, 3) }")
    other = archdsl.loads("network n { input image [3, 8, 8]; conv(8, 3); relu; conv(8, 1); relu; conv(8, 3); relu; conv(8, 3) }")
    keys = one.diff(other).keys
    assert [tuple(pair) for pair in keys.misplaced if "weight" in pair.key] == [("4.weight", "4.weight")]
    assert ("2.weight", "4.weight") in keys.renamed
    assert "load from the key of another layer" in str(one.diff(other))


def test_a_network_inside_another_one() -> None:
    inner = "conv(8, 3) -> bn -> relu -> conv(8, 3)"
    one = archdsl.loads(f"network n {{ input image [3, 8, 8]; {inner} }}")
    other = archdsl.loads(f"network n {{ input image [3, 8, 8]; backbone: {{ {inner} }}; gap }}")
    keys = one.diff(other).keys
    assert keys.loads == keys.wanted and not keys.misplaced
    assert keys.notes == ("the prefix `backbone.` put before the keys of the file",)
    assert len(other.check_weights(one.build().state_dict()).loaded) == keys.loads
