"""Files of other programs are told by how they begin, and a spec with mistakes is never taken for one."""

from __future__ import annotations

from pathlib import Path

import pytest

from archdsl.driver import check_text, compile_address
from archdsl.resources import shipped_files
from archdsl.syntax.other_formats import binary_format, text_format
from tests.golden.test_errors import BREAK, CASES

TEXTS = {
    "a Python file": [
        "import torch\n", "from torch import nn\n", "# net\n\nimport torch.nn as nn\n", "class Net(nn.Module):\n    pass\n",
        "def forward(self, x):\n    return x\n",
        "model = Sequential()\nmodel.add(Dense(3))\n", "model = nn.Sequential(\n    nn.Linear(3, 4),\n)\n",
        '"""A network."""\nimport jax\n', "@dataclass\nclass Config:\n    width: int\n", "#!/usr/bin/env python3\nprint()\n",
    ],
    "a Caffe prototxt file": [
        'name: "LeNet"\nlayer {\n}\n', 'layer {\n  name: "data"\n}\n', "layers {\n}\n", 'input: "data"\ninput_dim: 1\n',
    ],
    "a Darknet .cfg file": ["[net]\nwidth=416\n", "# comment\n[convolutional]\nfilters=3\n"],
    "an Ultralytics YAML file": ["nc: 80\nbackbone:\n", "# YOLOv5\n\nnc: 80  # classes\n"],
    "a YAML file": ["---\nmodel: resnet\n", "model:\n  name: resnet50\n", "layers:\n- conv\n"],
    "a Keras model as JSON": ['{"class_name": "Functional"}', '{\n  "class_name": "Sequential",\n  "config": {}\n}'],
    "a Jupyter notebook": ['{\n "cells": []\n}', '{"nbformat": 4}'],
    "a JSON file": ['{"layers": [1]}', "[\n  1\n]", "{}"],
    "a PyTorch module as it is printed": ["Sequential(\n  (0): Conv2d(3, 16)\n)\n"],
    "a TensorFlow graph as text": ["node {\n  name: \"x\"\n}\n"],
    "an XML or HTML file": ['<?xml version="1.0"?>\n<net name="a"/>\n', "<!DOCTYPE html>\n"],
    "a drawing of a graph": ["digraph g {\n a -> b\n}\n"],
    "an INI or TOML file": ["[model]\nname = 3\n"],
}  # fmt: skip
BINARIES = {
    "a PyTorch checkpoint": b"PK\x03\x04\x00\x00archive/data.pkl",
    "a NumPy archive": b"PK\x03\x04\x00\x00weights.npy",
    "a pickle, such as an old PyTorch checkpoint": b"\x80\x02}q\x00.",
    "an ONNX model": b"\x08\x07\x12\x07pytorch",
    "an HDF5 file, such as weights of Keras": b"\x89HDF\r\n\x1a\n",
    "a safetensors file": b'\x40\x00\x00\x00\x00\x00\x00\x00{"a": 1}',
    "a TensorFlow Lite model": b"\x1c\x00\x00\x00TFL3",
    "an image": b"\x89PNG\r\n",
}


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in TEXTS.items() for text in texts])
def test_a_text_of_another_program(kind: str, text: str) -> None:
    (error,) = check_text(text)
    assert error.code == "E0106" and error.summary().startswith(f"this is {kind}, and ")


@pytest.mark.parametrize("kind", BINARIES)
def test_a_binary_file(kind: str, tmp_path: Path) -> None:
    assert binary_format(BINARIES[kind]) == kind
    (tmp_path / "net.arch").write_bytes(BINARIES[kind])
    (error,) = compile_address(str(tmp_path / "net.arch")).diagnostics
    assert error.code == "E0602" and f"is {kind}, and no spec" in error.message


def test_specs_and_texts_with_mistakes_are_no_other_files() -> None:
    texts = [path.read_text(encoding="utf-8") for path in shipped_files()]
    cases = [path for path in CASES if not path.stem.startswith(("given_", "python_class"))]
    texts += [path.read_text(encoding="utf-8").partition(BREAK)[0] for path in cases]
    for text in texts:
        assert text_format(text) is None, text
        assert binary_format(text.encode()) is None
        lines = text.splitlines(keepends=True)
        if len(lines) > 3:
            assert text_format("".join(lines[:-1])) is None
