"""Gather what the page needs of Python: the wheels and the shipped networks.

`make playground` runs this before build.mjs. Pyodide is Python 3.14 as WebAssembly; pydantic-core has a wheel for it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from archdsl.cli.specs import entries
from archdsl.resources import shipped_files

HERE = Path(__file__).parent
PACKAGES = HERE / "dist" / "packages"
PLATFORM = ["--platform", "pyemscripten_2026_0_wasm32", "--python-version", "3.14"]
PLATFORM += ["--implementation", "cp", "--abi", "cp314", "--abi", "none"]
NEEDED = ["pydantic", "click"]
START = """\
## A small residual network. Change something: the shapes follow.
block unit(width, stride = 1) {
  skip {
    conv1: conv(width, 3, stride); bn1: bn; relu
    conv2: conv(width, 3);         bn2: bn
  } via {
    if stride != 1 or x.c != width { downsample: conv(width, 1, stride) -> bn }
  }
  relu
}

network net(classes = 10) {
  input image [3, H, W]
  conv1: conv(16, 3) -> bn -> relu
  for i in 0..3 { "layer{i + 1}": unit(16 * 2^i, stride = 1 if i == 0 else 2) }
  gap; flatten
  fc: linear(classes)
}
"""


def pip(*arguments: str) -> None:
    """Run pip."""
    subprocess.run([sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments], check=True)


def gather_packages() -> None:
    """Download the wheels for WebAssembly, and build that of archdsl."""
    shutil.rmtree(PACKAGES, ignore_errors=True)
    PACKAGES.mkdir(parents=True)
    constraints = str(HERE.parent / "constraints.txt")
    pip("download", "--dest", str(PACKAGES), "--only-binary=:all:", *PLATFORM, "--constraint", constraints, *NEEDED)
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(PACKAGES), str(HERE.parent))
    names = sorted(path.name for path in PACKAGES.glob("*.whl"))
    (HERE / "dist" / "packages.json").write_text(json.dumps(names))


def write_data() -> None:
    """Write the shipped networks with their texts."""
    networks = [{"name": entry.name, "title": entry.paper, "file": Path(entry.file).name} for entry in entries()]
    files = {path.name: path.read_text(encoding="utf-8") for path in shipped_files()}
    (HERE / "src" / "zoo.json").write_text(json.dumps({"start": START, "networks": networks, "files": files}))


def main() -> None:
    """Gather everything."""
    write_data()
    gather_packages()


if __name__ == "__main__":
    main()
