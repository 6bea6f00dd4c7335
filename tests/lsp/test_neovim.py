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
CONFIGURATION = REPOSITORY / "editors" / "neovim" / "archdsl.lua"
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


WRITING = """
local function write()
local buffer = vim.api.nvim_create_buf(true, false)
vim.api.nvim_win_set_buf(0, buffer)
vim.fn.writefile({{ "vim.cmd('filetype on'); vim.o.completeopt = 'menuone,noselect'; dofile('{configuration}')" }}, "init.lua")
local job = vim.fn.jobstart({{ vim.v.progpath, "-u", "init.lua", "written.arch" }}, {{ term = true, env = {{ NVIM = "" }} }})
local function shown(text)
  local lines = vim.api.nvim_buf_get_lines(buffer, 0, -1, false)
  return table.concat(lines, "\\n"):find(text, 1, true)
end
local function await(text)
  if vim.wait(60000, function() return shown(text) end, 20) then return end
  error("never shown: " .. text .. "\\n" .. table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), "\\n"))
end
local function type(keys, text)
  vim.fn.chansend(job, vim.keycode(keys))
  await(text)
end
await("written.arch")
type("i", "INSERT")
type("block unit(width) {{<CR>", "E:1") -- the server has begun
type("skip {{ con", "con")
type("<C-x><C-o>", "conv(out, k")
assert(not shown("relu"), "what does not begin so")
type("<C-n><C-y>(width, 3) -> bn }}<CR>relu<CR>}}<CR><CR>network net {{<CR>input image [3, 8, 8]<CR>conv(4, k", ", k")
type("<C-x><C-o>", "k =")
type("<C-n><C-y>3) -> unit(4)<CR>}}<CR>", "×1")
type("<Esc>:wq<CR>", "Process exited")
end
local done, message = pcall(write)
if not done then io.stderr:write(message .. "\\n") end
vim.cmd(done and "qa!" or "cquit 1")
"""
WRITTEN = """block unit(width) {
  skip { conv(width, 3) -> bn }
  relu
}

network net {
  input image [3, 8, 8]
  conv(4, k = 3) -> unit(4)
}
"""


def neovim(folder: Path, script: str, *files: str) -> None:
    """Run a script in Neovim, in a folder that is its home, too."""
    (folder / "script.lua").write_text(script)
    (folder / "archdsl").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m archdsl "$@"\n')
    (folder / "archdsl").chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "XDG_STATE_HOME": str(folder),
        "HOME": str(folder),
        "PYTHONPATH": str(REPOSITORY),
    }
    command = [Path(sys.executable).with_name("nvim"), "--headless", "-u", "NONE", "-S", "script.lua", *files]
    subprocess.run(command, env=environment, check=True, timeout=500, cwd=folder)


@pytest.mark.slow
@pytest.mark.parametrize("every", [8, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_neovim_shows_the_hints_of_specs(tmp_path: Path, every: int) -> None:
    specs = shipped_files()[::every]
    result = tmp_path / "found.json"
    neovim(tmp_path, SCRIPT.format(configuration=CONFIGURATION, result=result), *map(str, specs))
    found = json.loads(result.read_text())
    for path in specs:
        text = path.read_text(encoding="utf-8")
        analysis = analyze(Text(path.as_uri(), 1, text, path), Session())
        expected = [[*analysis.source.utf16_position(hint.offset), hint.text] for hint in hints_of(analysis)]
        assert found[str(path)]["hints"] == expected, path
        assert found[str(path)]["diagnostics"] == len(analysis.diagnostics)


@pytest.mark.slow
def test_a_network_is_written_with_completion(tmp_path: Path) -> None:
    """Keys in a terminal: lines indent, the list has what begins so, and what is chosen is put in as a whole."""
    neovim(tmp_path, WRITING.format(configuration=CONFIGURATION))
    assert (tmp_path / "written.arch").read_text(encoding="utf-8") == WRITTEN
