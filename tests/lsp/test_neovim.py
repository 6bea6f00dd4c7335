"""A real editor, with the configuration that `editors/neovim` offers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from archdsl.lsp.analysis import Text, analyze
from archdsl.lsp.hints import hints_of
from archdsl.resources import shipped_files
from archdsl.session import Session

REPOSITORY = Path(__file__).parents[2]
SCRIPT = """
vim.cmd("filetype on")
dofile("{configuration}")
local found = {{}}
for _, path in ipairs(vim.fn.argv()) do
  vim.cmd.edit(path)
  local buffer = vim.api.nvim_get_current_buf()
  vim.wait(60000, function() return #vim.lsp.inlay_hint.get({{ bufnr = buffer }}) > 0 end, 10)
  local hints = {{}}
  for _, hint in ipairs(vim.lsp.inlay_hint.get({{ bufnr = buffer }})) do
    local position = hint.inlay_hint.position
    table.insert(hints, {{ position.line, position.character, hint.inlay_hint.label }})
  end
  found[path] = {{ hints = hints, diagnostics = #vim.diagnostic.get(buffer) }}
end
vim.fn.writefile({{ vim.json.encode(found) }}, "{result}")
vim.cmd("qa!")
"""


@pytest.mark.slow
@pytest.mark.parametrize("every", [8, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_neovim_shows_the_hints_of_specs(tmp_path: Path, every: int) -> None:
    specs = shipped_files()[::every]
    program = Path(sys.executable).with_name("nvim")
    script, result = tmp_path / "open.lua", tmp_path / "found.json"
    script.write_text(SCRIPT.format(configuration=REPOSITORY / "editors" / "neovim" / "archdsl.lua", result=result))
    (tmp_path / "archdsl").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m archdsl "$@"\n')
    (tmp_path / "archdsl").chmod(0o755)
    paths = [str(path) for path in specs]
    environment = {
        **os.environ,
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "XDG_STATE_HOME": str(tmp_path),
        "HOME": str(tmp_path),
        "PYTHONPATH": str(REPOSITORY),
    }
    subprocess.run(
        [program, "--headless", "-u", "NONE", "-S", str(script), *paths], env=environment, check=True, timeout=500, cwd=tmp_path
    )
    found = json.loads(result.read_text())
    for path in specs:
        text = path.read_text(encoding="utf-8")
        analysis = analyze(Text(path.as_uri(), 1, text, path), Session())
        expected = [[*analysis.source.utf16_position(hint.offset), hint.text] for hint in hints_of(analysis)]
        assert found[str(path)]["hints"] == expected, path
        assert found[str(path)]["diagnostics"] == len(analysis.diagnostics)
