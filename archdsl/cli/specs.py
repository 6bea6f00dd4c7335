"""`archdsl specs`: the networks that come with archdsl."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from archdsl.cli.console import colorful
from archdsl.cli.output import print_text
from archdsl.diagnostics import json_text
from archdsl.resources import resource_folder, shipped_files
from archdsl.shapes import format_shape
from archdsl.text_table import BOLD, DIM, Cell, format_columns

if TYPE_CHECKING:
    from archdsl.ir import Graph

INDEX: Final = "index.json"
_PAPER = re.compile(r".*?\barXiv:[\d.]*\d|.*?\b(?:19|20)\d\d\b")


@dataclass(frozen=True)
class Entry:
    """An entry of the list of networks; `macs` is None for symbolic input sizes.

    `params` includes auxiliary heads, `params_eval` does not. `about` is the documentation of the network, `introduction` that
    of its file.
    """

    name: str
    file: str
    params: int
    params_eval: int
    macs: int | None
    depth: int
    input: str
    about: str
    introduction: str = field(repr=False)

    @property
    def paper(self) -> str:
        """The description of the network, or of its file, up to the number of the paper, or to its year."""
        said = [text.replace("\n", " ") for text in (self.about, self.introduction) if text]
        found = next(filter(None, map(_PAPER.match, said)), None)
        text = found[0] if found is not None else re.split(r"[.:](?:\s|$)", said[0] if said else "")[0]
        return text + ")" * (text.count("(") - text.count(")"))


@click.command(epilog="\b\nExamples:\n  archdsl specs\n  archdsl specs --format json | jq '.[].name'\n  archdsl check resnet50")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Output format.")
def command(form: str) -> None:
    """List the networks that come with archdsl. Other commands accept their names as NETWORK."""
    listed = list(entries())
    if form == "json":
        print_text(json_text([_data(entry) for entry in listed]))
        return
    rows: list[list[Cell | str]] = [[Cell(title, BOLD) for title in ("network", "params", "MACs", "input", "")]]
    for entry in listed:
        macs = f"{entry.macs:,}" if entry.macs is not None else "symbolic"
        rows.append([entry.name, f"{entry.params:,}", macs, entry.input, Cell(entry.paper, DIM)])
    print_text(format_columns(rows, "<>><<", color=colorful(sys.stdout)))


def _data(entry: Entry) -> dict[str, object]:
    data = asdict(entry) | {"paper": entry.paper}
    del data["introduction"]
    return data


def entries() -> Iterator[Entry]:
    """Yield every network that comes with archdsl, file by file; the networks of a family replace its template.

    Elaborating all of them takes most of a second, so `docs/generate.py` writes the entries of each file into an index next to
    the specs. A file that has changed since is elaborated.
    """
    index = _index()
    for path in shipped_files():
        known = index.get(path.name, {})
        if known.get("sha256") == _digest(path):
            yield from (Entry(**entry) for entry in known["networks"])
        else:
            yield from elaborated(path)


def elaborated(path: Path) -> Iterator[Entry]:
    """Yield the entries of the networks in a file."""
    from archdsl.driver import compile_networks  # here: usually the index suffices
    from archdsl.syntax.doc_comments import introduction  # here, as above

    for definition, file, compiled in compile_networks(path, bases_too=False):
        yield entry_of(definition.name, path.name, compiled.require(), introduction(file, "#"))


def _index() -> dict[str, Any]:
    path = resource_folder("specs") / INDEX
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def index_text(entries: Mapping[Path, Iterable[Entry]]) -> str:
    """Return the text of the index of all files with their entries."""
    files = {
        path.name: {"sha256": _digest(path), "networks": [asdict(entry) for entry in found]} for path, found in entries.items()
    }
    return json.dumps(files, indent=1, ensure_ascii=False) + "\n"


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def entry_of(name: str, file: str, graph: Graph, about_file: str) -> Entry:
    """Return the entry of a network."""
    from archdsl.analysis import layer_table  # here, as above

    table = layer_table(graph)
    return Entry(
        name, file, table.params, table.params_eval, table.macs if isinstance(table.macs, int) else None, table.depth,
        ", ".join(format_shape(value.shape) for value in graph.inputs), graph.doc or about_file, about_file,
    )  # fmt: skip
