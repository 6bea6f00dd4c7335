"""`--limit`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Cli = Callable[..., Result]
DEEP = "".join(f"block b{i} {{ b{i + 1} }}\n" for i in range(70)) + "block b70 { relu }\nnetwork n { input image [3, 8, 8]; b0 }"


def test_on_the_command_line(cli: Cli) -> None:
    Path("deep.arch").write_text(DEEP)
    assert "`--limit call_depth=N`" in cli("check", "deep.arch").stderr
    assert cli("check", "deep.arch", "--limit", "call_depth=90").exit_code == 0
    assert cli("compile", "deep.arch", "--limit", "call_depth=90", "--limit", "nodes=10").exit_code == 0
    assert cli("new", "mine", "--from", "deep.arch", "--limit", "call_depth=90").exit_code == 0
    assert cli("check", "deep.arch").exit_code == 1


@pytest.mark.parametrize("wrong", ["nodes", "nodes=many", "knots=3", "nodes=0", "nodes=1=2"])
def test_wrong_on_the_command_line(cli: Cli, wrong: str) -> None:
    result = cli("check", "resnet18", "--limit", wrong)
    assert result.exit_code == 2 and "--limit" in result.stderr
