"""The generated pages are as the source code would write them; `make docs` writes them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

GENERATE = Path(__file__).parents[2] / "docs" / "generate.py"


@pytest.fixture(scope="module")
def generate() -> Any:
    spec = importlib.util.spec_from_file_location("generate_docs", GENERATE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_are_up_to_date(generate: Any) -> None:
    assert list(generate.stale()) == []


def test_a_picture_that_is_drawn_otherwise_is_noticed(generate: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zoo = sys.modules["docs.zoo"]
    drawn = {path.name: text for path, text in zoo.pictures()}
    assert sum(map(len, drawn.values())) < 4_000_000
    monkeypatch.setattr(zoo, "PICTURES", tmp_path)
    for name, text in drawn.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert list(zoo.stale_pictures()) == []
    (tmp_path / "resnet18.svg").write_text(drawn["vgg11.svg"], encoding="utf-8")
    (tmp_path / "lenet.svg").unlink()
    (tmp_path / "gone.svg").touch()
    assert {path.name for path in zoo.stale_pictures()} == {"resnet18.svg", "lenet.svg", "gone.svg"}


def test_each_network_is_in_the_zoo_and_tells_how_it_is_checked(generate: Any) -> None:
    zoo = sys.modules["docs.zoo"]
    listed = {entry.name for family in zoo.families() for entry in family.entries}
    assert set(zoo.references()) <= listed
    page = (GENERATE.parent / "zoo.md").read_text(encoding="utf-8")
    for family in zoo.families():
        text = family.path.read_text(encoding="utf-8").strip()
        assert f"```{'arch file' if 'import ' in text else 'arch'}\n{text}\n```" in page
