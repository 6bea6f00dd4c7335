"""Numbers that spoil every result: NaN and infinite ones, and those that become infinite when they are converted."""

from __future__ import annotations

import math
import struct
from io import BytesIO
from pathlib import Path
from random import Random

import pytest
import safetensors.torch
import torch
from torch import Tensor

from archdsl import Network, SpecError
from archdsl.weights.non_finite import count_spoiled

SPOILED = [math.nan, math.inf, -math.inf, 1e300]


def saved(state: dict[str, Tensor], path: Path) -> Path:
    safetensors.torch.save_file(state, path) if path.suffix == ".safetensors" else torch.save(state, path)
    return path


@pytest.mark.parametrize("name", ["w.safetensors", "w.pt", "the state_dict"])
@pytest.mark.parametrize("value", SPOILED)
def test_a_spoiled_tensor_does_not_fit(
    network: Network, state: dict[str, Tensor], tmp_path: Path, name: str, value: float
) -> None:
    state["fc.weight"] = state["fc.weight"].double()
    state["fc.weight"][3, 1:3] = value
    source = saved(state, tmp_path / name) if "." in name else state
    module = network.build()
    before = {key: tensor.clone() for key, tensor in module.state_dict().items()}
    checked = network.check_weights(source)
    assert not checked.ok and [(p.reason, p.key) for p in checked.problems] == [("values", "fc.weight")]
    with pytest.raises(SpecError) as caught:
        network.load_weights(module, source)
    [found] = caught.value.diagnostics
    assert found == checked.diagnostic() and found.code == "E0905"
    assert "1 holds numbers that are not finite" in found.message and found.message.startswith(name)
    assert found.mark is not None and found.mark.span.text.startswith("linear(classes)")
    assert found.mark.text == "`fc.weight` has 2 numbers in the file that are NaN, infinite or too large"
    assert found.help is not None and "before the training diverged" in found.help
    assert all(torch.equal(before[key], tensor) for key, tensor in module.state_dict().items())
    report = network.load_weights(module, source, partial=True)
    assert len(report.loaded) == len(state) - 1 and torch.equal(module.state_dict()["fc.weight"], before["fc.weight"])


def test_what_is_too_large_depends_on_the_module(network: Network, state: dict[str, Tensor]) -> None:
    state["fc.bias"][0] = 1e6
    assert network.check_weights(state).ok and network.load_weights(network.build(), state).ok
    with pytest.raises(SpecError, match="not finite"):
        network.load_weights(network.build(dtype=torch.float16), state)
    assert network.load_weights(network.build(dtype=torch.bfloat16), state).ok


def test_where_all_is_spoiled_nothing_is_loaded(network: Network, state: dict[str, Tensor]) -> None:
    spoiled = {key: torch.full_like(t, math.nan) if t.is_floating_point() else t for key, t in state.items()}
    report = network.check_weights({key: t for key, t in spoiled.items()})
    assert len(report.problems) == sum(t.is_floating_point() for t in spoiled.values()) and not report.ok
    text = report.diagnostic()
    assert "hold numbers that are not finite" in text.message and "more tensors" not in (text.help or "")


def test_by_position_too(network: Network, state: dict[str, Tensor], tmp_path: Path) -> None:
    state["fc.bias"][0] = math.nan
    other = {f"layers.{i}.{key.rpartition('.')[2]}": t for i, (key, t) in enumerate(state.items()) if not key.endswith("tracked")}
    report = network.check_weights(saved(other, tmp_path / "w.pt"), by="order")
    assert [(p.reason, p.key) for p in report.problems] == [("values", "fc.bias")]


SMALL = ["float16", "bfloat16", "float8_e4m3fn", "float8_e5m2", "float8_e8m0fnu", "float8_e4m3fnuz", "float8_e5m2fnuz"]


@pytest.mark.parametrize("kind", SMALL)
def test_every_small_number_is_judged_as_pytorch_does(kind: str) -> None:
    width = 2 if "16" in kind else 1
    data = b"".join(n.to_bytes(width, "little") for n in range(1 << 8 * width))
    values = torch.frombuffer(bytearray(data), dtype=getattr(torch, kind))
    assert count_spoiled(BytesIO(data), 0, len(data), kind) == int((~values.float().isfinite()).sum()) > 0


@pytest.mark.parametrize(("kind", "form"), [("float32", "<f"), ("float64", "<d")])
def test_large_numbers_are_judged_as_pytorch_does(kind: str, form: str) -> None:
    random, width = Random(3), struct.calcsize(form)
    high = [0x7F, 0xFF, 0x47, 0xC7, 0x48, 0x46, 0x00]
    numbers = [
        random.randbytes(width - 2) + bytes([random.choice([0xE0, 0xEF, 0xF0, 0xFF, 0x80, 0x7F]), random.choice(high)])
        for _ in range(5000)
    ]
    edge = (2 - 2**-24) * 2.0**127  # from here a float64 becomes infinite
    numbers += [struct.pack("<d", sign * n) for sign in (1, -1) for n in (edge, math.nextafter(edge, 0))] if width == 8 else []
    data = b"".join(numbers)
    values = torch.frombuffer(bytearray(data), dtype=getattr(torch, kind))
    for start in (0, 3):
        file = BytesIO(bytes(start) + data)
        assert count_spoiled(file, start, start + len(data), kind) == int((~values.float().isfinite()).sum()) > 0


def test_whole_numbers_are_finite() -> None:
    assert count_spoiled(BytesIO(b"\xff" * 8), 0, 8, "int64") == 0
