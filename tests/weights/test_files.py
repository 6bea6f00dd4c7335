"""Files that are no weights: said in a sentence, nothing executed."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from archdsl import Network, SpecError
from archdsl.weights.weight_files import read_header


class Hostile:
    """Makes a file when it is loaded."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.target,)


def _header(entries: object) -> bytes:
    text = json.dumps(entries).encode() if not isinstance(entries, bytes) else entries
    return len(text).to_bytes(8, "little") + text


def _saved(value: object) -> Callable[[Path], None]:
    return lambda path: torch.save(value, path)


def _nested(path: Path) -> None:
    with warnings.catch_warnings(action="ignore"):  # PyTorch calls them a prototype
        torch.save({"fc.weight": torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)])}, path)


def _flipped(path: Path) -> None:
    torch.save({"fc.weight": torch.zeros(1000)}, path)
    data = bytearray(path.read_bytes())
    data[data.index(bytes(500)) + 100] ^= 1
    path.write_bytes(data)


CASES: dict[str, tuple[bytes | Callable[[Path], Any], str]] = {
    "empty": (b"", "is empty"),
    "text": (b"hello\n", "is text"),
    "noise": (b"\x01\x02\x03", "is neither safetensors nor PyTorch's"),
    "web page": (b"<!DOCTYPE html>", "is a web page"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer"),
    "hdf5": (b"\x89HDF\r\n", "is an HDF5 file"),
    "archive": (b"PK\x03\x04" + b"\0" * 50, "is cut off"),
    "list": (_saved([1, 2]), "holds no state_dict"),
    "numbers": (_saved({"epoch": 1}), "holds no tensors by key; it has `epoch`"),
    "module": (_saved(torch.nn.Linear(2, 2)), "holds the Python object `torch.nn.modules.linear.Linear`"),
    "shapes alone": (
        _saved({"fc.weight": torch.zeros(1), "fc.bias": torch.zeros(1, device="meta")}),
        "holds no numbers for `fc.bias`",
    ),
    "a nested tensor": (_nested, "holds `fc.weight`, a nested tensor"),
    "a flipped bit": (_flipped, "is damaged: the checksum of `"),
    "length": ((10**6).to_bytes(8, "little") + b"{}", "is cut off"),
    "huge length": ((10**18).to_bytes(8, "little") + b"{}", "is neither safetensors nor PyTorch's"),
    "no json": (_header(b"{]"), "its header is not JSON"),
    "deep json": (_header(b'{"a":' + b"[" * 100_000), "its header is not JSON"),
    "nothing": (_header({}), "holds no tensors"),
    "no shape": (_header({"a": {"dtype": "F32", "data_offsets": [0, 4]}}) + b"1234", "contradicts itself at `a`"),
    "wrong size": (_header({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}) + b"1234", "contradicts itself at `a`"),
    "negative": (_header({"a": {"dtype": "F32", "shape": [-1, -1], "data_offsets": [0, 4]}}) + b"1234", "contradicts itself"),
    "outside": (_header({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}), "is cut off"),
}


@pytest.mark.parametrize("name", CASES)
def test_no_weights(network: Network, tmp_path: Path, name: str) -> None:
    content, said = CASES[name]
    path = tmp_path / "w.pt"
    path.write_bytes(content) if isinstance(content, bytes) else content(path)
    for read in (network.check_weights, lambda source: network.build(weights=source)):
        with pytest.raises(SpecError) as caught:
            read(path)
        [found] = caught.value.diagnostics
        assert found.code == "E0906" and said in found.message and found.message.startswith("w.pt ") and found.help


@pytest.mark.parametrize("suffix", ["safetensors", "pt"])
def test_cut_off_anywhere(network: Network, state: dict[str, Tensor], tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"w.{suffix}"
    safetensors.torch.save_file(state, path) if suffix == "safetensors" else torch.save(state, path)
    whole = path.read_bytes()
    for end in (1, 9, 20, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:end])
        with pytest.raises(SpecError, match="E0906"):
            network.build(weights=path)


@pytest.mark.parametrize("zipped", [True, False])
def test_code_is_not_executed(network: Network, tmp_path: Path, zipped: bool) -> None:
    path, target = tmp_path / "w.pt", tmp_path / "executed"
    hostile = {"fc.weight": torch.zeros(1), "x": Hostile(target)}
    torch.save(hostile, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(SpecError, match=r"E0906.*could execute code"):
        network.build(weights=path)
    path.write_bytes(pickle.dumps(Hostile(target)))
    with pytest.raises(SpecError, match=r"E0906.*could execute code"):
        network.build(weights=path)
    assert not target.exists()


def test_no_file(network: Network, tmp_path: Path) -> None:
    for path in (tmp_path / "none.pt", tmp_path):
        with pytest.raises(SpecError, match="E0601"):
            network.check_weights(path)


def test_checksums_that_pytorch_was_told_to_leave_out(network: Network, state: dict[str, Tensor], tmp_path: Path) -> None:
    torch.serialization.set_crc32_options(False)
    try:
        torch.save(state, tmp_path / "w.pt")
    finally:
        torch.serialization.set_crc32_options(True)
    assert network.check_weights(tmp_path / "w.pt").ok


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(st.text(max_size=3), st.recursive(st.none() | st.integers() | st.text(max_size=3), st.lists)),
    st.binary(max_size=20),
)
def test_any_header(tmp_path: Path, entries: dict[str, object], data: bytes) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(_header(entries) + data)
    with pytest.raises(SpecError):
        read_header(path)


def test_safetensors_are_checked_without_pytorch(network: Network, state: dict[str, Tensor], tmp_path: Path) -> None:
    safetensors.torch.save_file(state, tmp_path / "w.safetensors")
    code = (
        "import sys, archdsl; network = archdsl.loads(sys.argv[1]); assert network.check_weights(sys.argv[2]).ok;"
        "assert not {'torch', 'safetensors', 'numpy'} & set(sys.modules)"
    )
    subprocess.run(
        [sys.executable, "-c", code, network.files()["spec.arch"], str(tmp_path / "w.safetensors")], check=True, timeout=300
    )
