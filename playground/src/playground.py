"""What the page asks the compiler. Every answer is plain data as JSON, or a text."""

from __future__ import annotations

import json
from typing import Any

from archdsl.analysis import layer_table
from archdsl.analysis.table_data import row_data, totals_data
from archdsl.diagnostics import as_data
from archdsl.driver import compile_source
from archdsl.lsp.analysis import Analysis, Text, analyze
from archdsl.lsp.hints import applications_table, hints_of
from archdsl.session import Session

SESSION = Session()
_last: Analysis | None = None


def check(text: str, focus: str | None) -> str:
    """Return what was found in a text, the hints of its lines, and the table of each network."""
    global _last
    analysis = _last = analyze(Text("playground", None, text, None), SESSION, focus=focus, before=_last)
    hints = [
        {"offset": hint.offset, "text": hint.text, "table": applications_table(hint.applications) if hint.applications else ""}
        for hint in hints_of(analysis)
    ]
    networks = [_network(name, compiled) for name, compiled in analysis.checked.networks]
    return json.dumps({"diagnostics": [as_data(one) for one in analysis.diagnostics], "hints": hints, "networks": networks})


def _network(name: str, compiled: Any) -> dict[str, Any]:
    if compiled.graph is None:
        return {"name": name, "ok": False}
    table = layer_table(compiled.graph, compiled.recipe)
    return {
        "name": name, "ok": True, "rows": [row_data(row) for row in table.rows], "totals": totals_data(table),
        "sizes": compiled.sizes.sentences(), "line": _line(compiled),
    }  # fmt: skip


def _line(compiled: Any) -> int:
    definition = compiled.graph.main.definition
    return int(definition.line_column[0]) if definition is not None else 1


def _graph(text: str, name: str) -> Any:
    return compile_source(Text("playground", None, text, None).source, None, name, session=SESSION).require()


def diagram(text: str, name: str) -> str:
    """Return the diagram of a network as SVG, whose boxes have the lines that they were written by."""
    from archdsl.backends.diagram.render import render  # here: the first check needs no diagram

    return render(_graph(text, name), "svg", source_lines=True).decode()


def source(text: str, name: str) -> str:
    """Return the PyTorch source of a network."""
    from archdsl.backends.torch.emit import emit  # here: the first check emits nothing

    return emit(_graph(text, name))
