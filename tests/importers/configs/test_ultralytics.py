"""Ultralytics files as texts, with the keys and counts of the published models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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


def test_all_scales_are_aliases_of_one_network(tmp_path: Path) -> None:
    found = imported(tmp_path, files.YOLOV8, "yolov8.yaml")
    counts = {name: report.claims["params"] for name, report in found.reports.items()}
    assert counts == {"yolov8n": 3_157_184, "yolov8s": 11_166_544, "yolov8m": 25_902_624}
    assert "  model[4]: c2f(wide(256), repeats(6), shortcut = true)\n" in found.text, found.text
    assert "network yolov8m = yolov8(0.67, 0.75, 768) expect params == 25_902_624" in found.text, found.text
    assert "  for i in 0..n { m[i]: bottleneck_block(shortcut); step[i]: x }\n" in found.text, found.text
    assert "conv_block(max(wide(256), min(classes, 100)), 3)" in found.text and check_text(found.text) == []


def test_scales_with_other_modules_are_one_network(tmp_path: Path) -> None:
    found = imported(tmp_path, files.YOLO11, "yolo11.yaml")
    assert list(found.reports) == ["yolo11n", "yolo11m", "yolo11l"]
    assert "network yolo11(depth, width, most, nested, classes: int = 80) {" in found.text, found.text
    assert '"{i}": dw_conv -> conv_block(max(wide(256), min(classes, 100)))' in found.text, found.text
    keys = state(archdsl.loads(found.text, "yolo11n").graph)
    assert "model.8.cv3.0.1.0.conv.weight" in keys and "model.8.cv3.0.2.weight" in keys


def test_a_file_of_scales_is_its_first_one_where_one_network_is_wanted(tmp_path: Path, cli: Any) -> None:
    (tmp_path / "yolov8.yaml").write_text(files.YOLOV8)
    assert "3,157,184" in cli("check", str(tmp_path / "yolov8.yaml")).output
    assert "Its scale is `n` of n, s, m" in imported(tmp_path, files.YOLOV8, "yolov8.yaml", family=False).text


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
