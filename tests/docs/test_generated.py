"""The generated pages are as the source code would write them; `make docs` writes them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

GENERATE = Path(__file__).parents[2] / "docs" / "generate.py"


def test_the_pages_are_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("generate_docs", GENERATE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert list(module.stale()) == []
