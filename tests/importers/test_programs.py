"""Files of torch.export: what they become, and that nothing in them runs."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import Result

import archdsl
from archdsl.diagnostics import SpecError
from archdsl.importers.addresses import ModelFile, PythonName, import_model, model_at
from tests.importers.files import net, save_program


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_program(tmp_path_factory.mktemp("program") / "net.pt2")


def test_a_program_keeps_modules_and_dropout(program: Path) -> None:
    imported = import_model(str(program)).require_proved()
    text = imported.text
    assert "Imported from net.pt2 (torch.export)" in text
    assert "block unit(" in text and "units: for i in 0..3" in text and "silu -> dropout(0.2)" in text
    lines = imported.reports["net"].lines
    assert "evaluation at 3x16x16: bit for bit" in lines and not any("training" in line for line in lines)


def test_the_weights_come_along(program: Path, cli: Callable[..., Result]) -> None:
    result = cli("import", str(program), "-o", "net.arch", "--weights", "net.safetensors")
    assert result.exit_code == 0, result.stderr
    assert "running the Python" not in result.stderr
    loaded = archdsl.load("net.arch").build(weights="net.safetensors").eval()
    x = torch.randn(1, 3, 16, 16)
    with torch.no_grad():
        assert torch.equal(loaded(x), net()(x))


def test_open_sizes_and_training_mode(tmp_path: Path) -> None:
    dynamic = torch.export.Dim.DYNAMIC
    path = save_program(tmp_path / "open.pt2", net().train(), dynamic_shapes=({0: dynamic, 2: dynamic, 3: dynamic},))
    imported = import_model(str(path), sizes=[(3, 24, 40)]).require_proved()
    assert "input image [3, 24, 40]" in imported.text and "The program runs in training mode." in imported.text
    assert "training: bit for bit" in imported.reports["open"].lines


@pytest.mark.parametrize(
    ("sizes", "words"),
    [([(3, 8, 8)], "is 3x16x16, and `--input` 3x8x8"), ([(3, 16, 16), (1,)], "has 2 sizes, and the program 1")],
)
def test_sizes_that_a_program_lacks(program: Path, sizes: list[tuple[int, ...]], words: str) -> None:
    with pytest.raises(SpecError, match="E1201") as caught:
        import_model(str(program), sizes=sizes)
    assert words in str(caught.value)


class Touch:
    """What a pickle may do."""

    def __reduce__(self) -> Any:
        return (Path.touch, (Path("executed"),))


def _changed(program: Path, name: str, change: Callable[[bytes], bytes]) -> bytes:
    """Return an archive with another content of one part."""
    with zipfile.ZipFile(program) as archive:
        parts = {info.filename: archive.read(info) for info in archive.infolist()}
    with io.BytesIO() as stream:
        writer = torch._C.PyTorchFileWriter(stream)
        for part, data in parts.items():
            inner = part.partition("/")[2]
            if inner not in (".data/version", ".data/serialization_id", "byteorder"):
                data = change(data) if inner == name else data
                writer.write_record(inner, data, len(data))
        if name not in {part.partition("/")[2] for part in parts}:
            data = change(b"")
            writer.write_record(name, data, len(data))
        writer.write_end_of_file()
        return stream.getvalue()


def _pickled(_: bytes) -> bytes:
    stream = io.BytesIO()
    torch.save(Touch(), stream)
    return stream.getvalue()


def _replaced(old: str, new: str) -> Callable[[bytes], bytes]:
    return lambda data: data.replace(old.encode(), new.encode(), 1)


@pytest.mark.parametrize(
    ("part", "change", "words"),
    [
        ("data/sample_inputs/model.pt", _pickled, "has more than tensors"),
        ("data/weights/model.pt", _pickled, "is of an old format"),
        ("data/aotinductor/model/a.so", lambda _: b"code", "it holds `data/aotinductor"),
        ("data/weights/model_weights_config.json", _replaced('"use_pickle": false', '"use_pickle": true'), "a pickle"),
        ("models/model.json", _replaced("torch.ops.aten.relu.default", "torch.hub.load"), "a call of `torch.hub.load`"),
        ("models/model.json", lambda d: d[:-1] + b', "expr_str": "__import__(\\"os\\").getcwd()"}', "has the expression"),
    ],
)  # fmt: skip
def test_nothing_in_a_file_runs(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str, change: Any, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.pt2").write_bytes(_changed(program, part, change))
    with pytest.raises(SpecError, match="E1201") as caught:
        import_model("bad.pt2")
    assert words in str(caught.value) and "could run code" in str(caught.value)
    assert not Path("executed").exists()


def test_what_no_program_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.pt2").write_text("no archive")
    Path("folder.pt2").mkdir()
    Path("model.pt").write_bytes(b"weights")
    for address, words in {
        "text.pt2": "is no archive of torch.export.save", "folder.pt2": "it is a folder", "none.pt2": "there is no such file",
        "model.pt": "have no model that can be read", "net.arch": "it has no name behind a colon",
    }.items():  # fmt: skip
        with pytest.raises(SpecError, match="E1201") as caught:
            import_model(address)
        assert words in str(caught.value)
    with pytest.raises(SpecError, match="`--call` is for a class"):
        import_model("text.pt2", call="(3)")


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("net.pt2", ModelFile), ("some/Net.ONNX", ModelFile), ("torch.nn:Linear", PythonName),
        ("torch.nn:Linear,Conv2d", PythonName), ("resnet:resnet50", None), ("resnet50", None), ("net.arch:resnet50", None),
        ("net.arch", None), ("-", None), ("-:net", None), ("no_such_package:Net", None), ("C:\\net.arch", None), ("torch", None),
        ("torch.nn:", None), (":Net", None),
    ],
)  # fmt: skip
def test_addresses(address: str, kind: type | None) -> None:
    found = model_at(address)
    assert found is None if kind is None else isinstance(found, kind)


def test_files_win_over_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("torch").write_text("network a { input image [3, 8, 8]; relu }\n")
    assert model_at("torch:a") is None


def test_commands_take_the_file(program: Path, cli: Callable[..., Result]) -> None:
    result = cli("check", str(program), "--size", "3x24x24")
    assert result.exit_code == 0, result.stderr
    assert "the text is proved to be the same network" in result.stderr and "conv" in result.stdout
    assert cli("check", "none.pt2", "--format", "json").stdout.count("E1201") == 1
    for option in ("--fix", "--watch"):
        assert "is for specs: write" in (refused := cli("check", str(program), option)).stderr and refused.exit_code == 2


def test_commands_take_a_name_in_python(cli: Callable[..., Result]) -> None:
    Path("tiny_module.py").write_text(
        "from torch import nn\n\n\ndef net():\n    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())\n"
    )
    result = cli("render", "tiny_module:net", "--size", "3x8x8", "-o", "net.svg")
    assert result.exit_code == 0, result.stderr
    assert "running the Python of tiny_module" in result.stderr and Path("net.svg").read_text().count("conv")
    assert "there is no file 'tiny_modul'" in cli("check", "tiny_modul:net").stderr
