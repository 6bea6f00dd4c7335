"""The wheel, built and installed in an environment of its own that sees this one's other packages."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    root = Path(__file__).parent.parent
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        str(folder),
        str(root),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    [built] = folder.glob("archdsl-*.whl")
    return built


@pytest.fixture(scope="module")
def command(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed `archdsl`; the checkout is not on its path."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", str(wheel)]
    subprocess.run(install, check=True, capture_output=True, timeout=300)
    [site] = (folder / "lib").glob("python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin" / "archdsl"


def test_the_wheel_holds_what_the_checkout_has(wheel: Path, root: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    expected = {f"archdsl/{path.relative_to(root)}" for folder in ("grammars", "specs") for path in (root / folder).iterdir()}
    sources = [path for suffix in ("py", "js", "css", "html") for path in (root / "archdsl").rglob(f"*.{suffix}")]
    expected |= {str(path.relative_to(root)) for path in sources} | {"archdsl/py.typed"}
    expected |= {"archdsl/docs/errors.md", "archdsl/docs/language.md"}  # which the servers show
    assert {name for name in names if ".dist-info/" not in name} == expected


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["--version"], "archdsl "),
        (["specs"], "resnet152"),
        (["check", "resnet50"], "25,557,032"),
        (["compile", "vgg16"], "nn.Conv2d"),
        (["render", "googlenet", "-o", "-", "--format", "svg"], "<svg"),
    ],
)
def test_the_installed_command(command: Path, tmp_path: Path, arguments: list[str], shown: str) -> None:
    done = subprocess.run([command, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert shown in done.stdout


def test_the_installed_package_is_the_wheels(command: Path, tmp_path: Path) -> None:
    code = "import archdsl, archdsl.resources as r; print(archdsl.__file__); print(r.resource_folder('specs'))"
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    python = command.with_name("python")
    done = subprocess.run([python, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
    assert all(str(command.parent.parent) in line for line in done.stdout.splitlines())
