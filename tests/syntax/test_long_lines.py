"""Mistakes on lines that are longer than what is looked at."""

from __future__ import annotations

import pytest

from archdsl.source import SourceFile
from archdsl.syntax.parser import parse

LONG = "relu; " * 200


@pytest.mark.parametrize(
    "mistake", ["add(relu, bn)", "conv 64, 3", "conv((3, 3), 3)", "conv(8 -> relu", "n = 3", "concat(" + "bn, " * 200 + "relu)"]
)
@pytest.mark.parametrize("text", ["block b {{ {} {} }}", "block b {{ {1} ; {0} }}", "block b {{\n {0}\n {1} ; {0} {0} }}"])
def test_the_error_is_found(text: str, mistake: str) -> None:
    assert len(parse(SourceFile("net.arch", text.format(LONG, mistake)))[1]) == 1
