-- archdsl in Neovim 0.11 or later. Put this file into ~/.config/nvim/plugin/, and install the server: pip install 'archdsl[lsp]'
-- Neovim's own keys work: K (hover), grn (rename), grr (references), gra (code actions), gO (symbols), CTRL-S (signature).

vim.filetype.add({ extension = { arch = "arch" } })

vim.lsp.config("archdsl", {
  cmd = { "archdsl", "lsp" },
  filetypes = { "arch" },
  root_markers = { ".git", "pyproject.toml" },
})
vim.lsp.enable("archdsl")

-- A line is indented one step more than the one above if that leaves a bracket open, and one less if it begins with a closing one.
function _G.archdsl_indent()
  local above = vim.fn.prevnonblank(vim.v.lnum - 1)
  local text = vim.fn.getline(above):gsub('"[^"]*"', ""):gsub("#.*", "")
  local _, opened = text:gsub("[%[{(]", "")
  local _, closed = (text:gsub("^%s*[%]})]", "")):gsub("[%]})]", "") -- one that begins the line has outdented it already
  local steps = (opened > closed and 1 or 0) - (vim.fn.getline(vim.v.lnum):match("^%s*[%]})]") and 1 or 0)
  return math.max(0, vim.fn.indent(above) + steps * vim.fn.shiftwidth())
end

vim.api.nvim_create_autocmd("FileType", {
  pattern = "arch",
  callback = function()
    vim.bo.indentexpr, vim.bo.indentkeys = "v:lua.archdsl_indent()", "0{,0},0),0],!^F,o,O"
    vim.bo.commentstring = "# %s"
    vim.bo.expandtab, vim.bo.shiftwidth, vim.bo.softtabstop = true, 2, 2
  end,
})

vim.api.nvim_create_autocmd("LspAttach", {
  callback = function(event)
    local client = vim.lsp.get_client_by_id(event.data.client_id)
    if not client or client.name ~= "archdsl" then
      return
    end
    vim.lsp.inlay_hint.enable(true, { bufnr = event.buf }) -- the shape after each line
    vim.lsp.completion.enable(true, client.id, event.buf, { autotrigger = true })
    vim.lsp.codelens.refresh({ bufnr = event.buf }) -- counts, and commands: vim.lsp.codelens.run()
    vim.api.nvim_create_autocmd("BufWritePre", {
      buffer = event.buf,
      callback = function()
        vim.lsp.buf.format({ bufnr = event.buf, id = client.id, timeout_ms = 2000 })
      end,
    })
  end,
})

-- The command that a lens calls has to run in a terminal.
vim.lsp.commands["archdsl.train"] = function(command)
  local path = vim.uri_to_fname(command.arguments[1])
  vim.cmd("botright split | terminal archdsl train " .. vim.fn.shellescape(path .. ":" .. command.arguments[2]))
end
