"""The server of the Model Context Protocol: what a program that writes networks asks, such as a language model's.

Texts come in the request; the server reads no files but those that come with archdsl. It never imports PyTorch.
"""

from __future__ import annotations

from importlib.metadata import version
from inspect import cleandoc
from pathlib import Path
from typing import Any, Final

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from archdsl.addresses import networks_at
from archdsl.analysis import layer_table
from archdsl.analysis.table_data import row_data, totals_data
from archdsl.backends.diagram.render import render as draw
from archdsl.compiled import Checked, Compiled
from archdsl.diagnostics import SpecError, as_data
from archdsl.diagnostics.codes.table import CODES
from archdsl.diagnostics.suggest import nearest
from archdsl.driver import check_source, compile_address, compile_source
from archdsl.fixing import fix_text
from archdsl.input_sizes import parse_sizes
from archdsl.lints import Levels
from archdsl.literals import show
from archdsl.ops import Op
from archdsl.registry import describe, signature
from archdsl.resources import resource_folder, shipped_files
from archdsl.session import Session
from archdsl.source import SourceFile

INSTRUCTIONS: Final = """\
archdsl is a text language for neural-network architectures and a compiler to PyTorch. Write the network as a text, call
`check`, and correct what it reports: each finding says what to write instead, and `fix` applies the certain ones. Shapes are
channels first, without the batch: [3, 224, 224]. Read the resource archdsl://language for the language, `ops` for the layers,
and `example` for published networks in it. A minimal network:

network net(classes = 10) {
  input image [3, 32, 32]
  repeat 2 { conv(64, 3) -> bn -> relu }
  skip { conv(64, 3) -> bn }
  relu; gap; flatten; linear(classes)
}"""


def create_server() -> MCPServer:
    """Return the server with all tools."""
    server = MCPServer("archdsl", version=version("archdsl"), instructions=INSTRUCTIONS)
    for tool in (check, fix, counts, render, explain, ops, example):
        server.tool()(tool)
    server.resource("archdsl://language", name="language", description="the language reference", mime_type="text/markdown")(
        language
    )
    return server


def check(text: str) -> dict[str, Any]:
    """Check all networks in a text: errors and warnings with places, causes and remedies, and the totals of each network."""
    return _report(_checked(text))


def fix(text: str) -> dict[str, Any]:
    """Apply every fix that is certain. Return the new text, what was changed, and what is left."""
    fixed = fix_text(SourceFile("<text>", text), Levels(), Session())
    return {"text": fixed.text, "changes": [f"{one.code}: {one.help}" for one in fixed.applied], **_report(fixed.checked)}


def counts(text: str, network: str | None = None, size: str | None = None) -> dict[str, Any]:
    """Return the layers of a network with shapes, parameters and multiply-accumulates (MACs), and the valid symbolic sizes.

    `network` chooses one of several; it may also be the name of a published network if the text is empty. `size` replaces the
    size of the input: `3x160x160`.
    """
    found = _compiled(text, network, size)
    graph = found.require()
    table = layer_table(graph)
    return {
        "network": graph.name,
        "layers": [row_data(row) for row in table.rows],
        "totals": totals_data(table),
        "sizes": found.sizes.sentences(),
    }


def render(text: str, network: str | None = None) -> str:
    """Return the diagram of a network as SVG. `network` is as for `counts`."""
    return draw(_compiled(text, network, None).require(), "svg").decode()


def explain(code: str) -> dict[str, Any]:
    """Explain the code of an error or warning, such as E0301, with an erroneous and a corrected example."""
    entry = CODES.get(code.upper())
    if entry is None:
        near = nearest(code.upper(), CODES)
        raise ToolError(f"there is no code {code!r}" + (f"; did you mean {near}?" if near else ""))
    return {
        "code": entry.code,
        "title": entry.title,
        "explanation": entry.explanation,
        "erroneous": entry.bad,
        "corrected": entry.good,
    }


def ops(name: str | None = None) -> dict[str, Any]:
    """List all ops with their signatures, or describe the op `name` with its parameters and an example."""
    if name is None:
        return {op.name: f"{signature(op)}: {cleandoc(op.__doc__ or '').partition(chr(10))[0]}" for op in Op.registry}
    op = Op.registry.get(name)
    if op is None:
        near = nearest(name, Op.registry.names())
        raise ToolError(f"there is no op {name!r}" + (f"; did you mean {near!r}?" if near else ""))
    parameters = {
        parameter: {
            "takes": describe(field.annotation),
            "default": None if field.is_required() else show(field.default, op.words(parameter)),
            "about": field.description or "",
        }
        for parameter in op.parameters_in_order()
        if (field := op.fields[parameter])
    }
    return {
        "signature": signature(op),
        "about": cleandoc(op.__doc__ or ""),
        "parameters": parameters,
        "example": f"input x {op.example_input}\n{op.example}",
    }


def example(name: str) -> str:
    """Return the text of the file with a published network, such as `resnet50`, `unet` or `vit_b_16`; `list` lists the files."""
    files = {path.stem: path for path in shipped_files()}
    if name == "list":
        return "\n".join(files)
    return _published(name).read_text(encoding="utf-8")


def _published(name: str) -> Path:
    """Return the file with a published network. Raise `ToolError` if there is none."""
    files = {path.stem: path for path in shipped_files()}
    path = files.get(name) or next((path for path in files.values() if name in networks_at(str(path))), None)
    if path is None:
        near = nearest(name, files)
        raise ToolError(
            f"no published network is called {name!r}" + (f"; did you mean {near!r}?" if near else "; ask for `list`")
        )
    return path


def language() -> str:
    """Return the language reference."""
    return (resource_folder("docs") / "language.md").read_text(encoding="utf-8")


def _checked(text: str) -> Checked:
    return check_source(SourceFile("<text>", text), None, session=Session())


def _report(checked: Checked) -> dict[str, Any]:
    networks = []
    for name, compiled in checked.networks:
        table = layer_table(compiled.graph) if compiled.graph is not None else None
        totals = totals_data(table) if table is not None else None
        networks.append({"network": name, "totals": totals, "sizes": compiled.sizes.sentences() if table is not None else []})
    wrong = any(diagnostic.is_error for diagnostic in checked.diagnostics)
    return {"ok": not wrong, "diagnostics": [as_data(one) for one in checked.diagnostics], "networks": networks}


def _compiled(text: str, name: str | None, size: str | None) -> Compiled:
    """Return a network of a text without errors. Raise `ToolError` with everything that is wrong."""
    try:
        sizes = parse_sizes(size) if size else ()
        if not text.strip() and name is not None:
            found = compile_address(f"{_published(name)}:{name}", session=Session(), sizes=sizes)
        else:
            found = compile_source(SourceFile("<text>", text), None, name, session=Session(), sizes=sizes)
        found.require()
    except (SpecError, ValueError) as error:
        raise ToolError(str(error)) from None
    return found
