"""The page in a real browser, from `file://` and served; `make exhaustive` installs the browser."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from archdsl.backends.viewer.page import viewer_page
from archdsl.diagnostics import render_text
from archdsl.driver import compile_text
from archdsl.loading import load
from tests.backends.diagram.test_hostile import hostile_graph

NETWORKS = [
    "resnet50", "resnet152", "googlenet", "unet", "specs/densenet.arch:densenet121", "specs/vit.arch:vit_b_16",
    "specs/swin.arch:swin_t", "specs/fpn.arch:resnet18_fpn", "specs/ddpm.arch:ddpm_256", "specs/yolov8.arch:yolov8n",
    "specs/nas_bench_201.arch",
]  # fmt: skip
BROKEN = """
network broken {
  input image [3, 8, 8]
  conv(8, 3)
  skip { conv(16, 3) -> relu }
  relu
}
"""


@pytest.mark.exhaustive
def test_the_page_in_a_browser(root: Path, tmp_path: Path) -> None:
    for address in NETWORKS:
        network = load(address)
        (tmp_path / f"{network.name}.html").write_bytes(viewer_page(network.graph))
    attack = "<script>window.attacked = true</script><img src=x onerror='window.attacked = true'>"
    (tmp_path / "hostile.html").write_bytes(viewer_page(hostile_graph(attack)))
    compiled = compile_text(BROKEN)
    assert compiled.partial is not None
    broken = viewer_page(compiled.partial, errors=render_text(compiled.diagnostics))
    (tmp_path / "broken.html").write_bytes(broken)
    environment = {**os.environ, "PAGES": str(tmp_path), "PYTHON": sys.executable, "PYTHONPATH": str(root)}
    node = Path(sys.executable).with_name("node")
    done = subprocess.run(
        [node, "--test", root / "tests" / "browser" / "viewer.test.mjs"],
        env=environment, capture_output=True, text=True, timeout=550,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
