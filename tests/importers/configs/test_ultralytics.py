"""Ultralytics files as texts, with the keys and counts of the published models."""

from __future__ import annotations

from pathlib import Path

import pytest

import archdsl
from archdsl.driver import check_text
from archdsl.importers.configs.importing import ImportedConfig, import_file
from archdsl.ir.flat import state
from tests.importers.configs import ultralytics_files as files


def imported(tmp_path: Path, text: str, name: str = "net.yaml", **options: object) -> ImportedConfig:
    (tmp_path / name).write_text(text)
    return import_file(tmp_path / name, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "params"), [("yolov8.yaml", 3_157_184), ("yolov8s.yaml", 11_166_544), ("yolov8m.yaml", 25_902_624)]
)
def test_the_name_chooses_the_scale(name: str, params: int, tmp_path: Path) -> None:
    """The counts are those of Ultralytics but for the 16 numbers 0 to 15 with which the boxes are decoded."""
    found = imported(tmp_path, files.YOLOV8, name)
    assert next(iter(found.reports.values())).claims["params"] == params
    assert check_text(found.text) == []


def test_keys_are_those_of_the_published_weights(tmp_path: Path) -> None:
    network = archdsl.loads(imported(tmp_path, files.YOLOV8, "yolov8n.yaml").text)
    keys = state(network.graph)
    assert keys["model.0.conv.weight"] == (16, 3, 3, 3) and keys["model.4.m.1.cv2.bn.running_var"] == (32,)
    assert keys["model.22.cv3.2.2.weight"] == (80, 80, 1, 1) and keys["model.22.cv2.0.0.conv.weight"] == (64, 64, 3, 3)
    assert {key.rpartition(".")[0] for key in keys} == {
        key.rpartition(".")[0] for key in state(archdsl.load("yolov8n").graph)
    } - {"model.22.dfl.conv"}


def test_outputs_are_the_levels(tmp_path: Path) -> None:
    text = imported(tmp_path, files.YOLOV8, "yolov8n.yaml").text
    assert "    output p3: x\n" in text and "concat { x; model[6] }" in text and "their decoding into boxes is left out" in text


def test_heads_with_anchors(tmp_path: Path) -> None:
    found = imported(tmp_path, files.YOLOV5, "yolov5s.yaml")
    assert next(iter(found.reports.values())).claims["params"] == 7_235_389
    assert "block c3(out, n = 1, shortcut = false) {" in found.text and "m[1]: model[20] -> conv(255, 1)" in found.text


def test_other_modules(tmp_path: Path) -> None:
    found = imported(tmp_path, files.CLASSIFIER)
    assert "leaky_relu(0.1)" in found.text and "input image [3, 224, 224]" in found.text
    assert check_text(found.text) == []
