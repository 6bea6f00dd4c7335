"""The page on the networks that come with archdsl, and its diagrams."""

from __future__ import annotations

import ast as python
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from inspect import cleandoc
from pathlib import Path
from types import ModuleType

from archdsl.backends.diagram import build_diagram, render
from archdsl.cli.specs import Entry, entry_of
from archdsl.driver import compile_networks
from archdsl.ir import Graph
from archdsl.resources import shipped_files
from archdsl.syntax import nodes as ast
from archdsl.syntax.doc_comments import introduction
from tests.parity import compare_pytorchcv, compare_timm, compare_torchvision, test_handwritten
from tests.parity.test_parity import LIMIT

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "images" / "zoo"
BY_HAND = "plain PyTorch"
LONG_SPEC, LARGE_PICTURE = 45, 60
"""Specs with more lines, and diagrams with more boxes, are folded."""

ABOUT = """\
The networks that come with archdsl, by family. Commands accept their names, as in `archdsl check resnet50`, and
`archdsl new mine --from resnet50` writes a copy to edit. `archdsl specs` lists them. You can also use the template of a
family, and set its parameters: `archdsl check resnet --set 'layers=[3, 4, 6, 3]'`.

Parameters include auxiliary heads, which exist only in training; multiply-accumulates (MACs) are those of one example
without heads; depth is the number of layers with weights on the longest path. All figures are computed from the text, and
the `expect` lines of the specs state many of them.
"""


@dataclass(frozen=True)
class Reference:
    """The network of a library that a network is compared with, the changes made to it, and whether outputs are compared too."""

    library: str
    name: str
    change: str
    numbers: bool

    @property
    def text(self) -> str:
        """The reference as a table cell."""
        words = f"{self.library}'s `{self.name}`" + (f" {self.change}" if self.change else "")
        words = "a module in plain PyTorch" if self.library == BY_HAND else words
        return words if self.numbers else f"{words}, structure only"


@dataclass(frozen=True)
class Network:
    """A network: its entry in the list, its definition and its graph."""

    entry: Entry
    definition: ast.Definition
    graph: Graph


@dataclass(frozen=True)
class Family:
    """A spec and its networks, without templates."""

    path: Path
    text: str
    introduction: str
    networks: tuple[Network, ...]

    @property
    def name(self) -> str:
        """The name of the file."""
        return self.path.stem

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The entries of the networks."""
        return tuple(network.entry for network in self.networks)

    @property
    def shown(self) -> Graph:
        """The network whose diagram represents the family: the first one in the spec, a small one."""
        return self.networks[0].graph


@cache
def families() -> tuple[Family, ...]:
    """Return all specs, compiled."""
    return tuple(_family(path) for path in shipped_files())


def _family(path: Path) -> Family:
    compiled = list(compile_networks(path, bases_too=False))
    file = compiled[0][1]
    about = introduction(file, "#")
    networks = [(d, result.require()) for d, _, result in compiled]
    listed = tuple(Network(entry_of(d.name, path.name, graph, about), d, graph) for d, graph in networks)
    return Family(path, file.source.text, about, listed)


@cache
def references() -> dict[str, Reference]:
    """Return the reference of each network, from the tables of the parity tests."""
    found = {
        name: Reference(library, name, "", name not in module.STRUCTURE_ALONE)
        for library, module in (("torchvision", compare_torchvision), ("timm", compare_timm))
        for names in module.SPECS.values()
        for name in names
    }
    for name, (_, _, theirs) in compare_pytorchcv.NETWORKS.items():
        change = compare_pytorchcv.CHANGES.get(name, "")
        found[name] = Reference("pytorchcv", theirs, change, name not in compare_pytorchcv.STRUCTURE_ALONE)
    for family in test_handwritten.FAMILIES.values():
        found |= {name: Reference(BY_HAND, name, "", name not in family.structure_alone) for name in family.networks}
    return found


@cache
def _tests() -> tuple[tuple[str, str, str], ...]:
    """Return the tests of the shipped networks: file, name, and source with the tables that it uses."""
    found = []
    for path in sorted((ROOT / "tests" / "specs").glob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        tables, functions = {}, {}
        for item in python.parse(text).body:
            lines = text.splitlines()[item.lineno - 1 : item.end_lineno]
            if isinstance(item, python.Assign) and isinstance(item.targets[0], python.Name):
                tables[item.targets[0].id] = "\n".join(lines)
            elif isinstance(item, python.FunctionDef) and item.name.startswith("test_"):
                above = [python.get_source_segment(text, decorator) or "" for decorator in item.decorator_list]
                functions[item.name] = "\n".join([*above, *lines])
        for name, source in functions.items():
            named = [table for key, table in tables.items() if re.search(rf"\b{key}\b", source)]
            found.append((path.name, name, "\n".join([source, *named])))
    return tuple(found)


def tests_of(network: str) -> Iterator[tuple[str, str]]:
    """Yield the tests that mention a network, as `"file:network"` or `"network"`, besides the parity tests."""
    pattern = re.compile(rf"[:\"']{re.escape(network)}[\"']")
    yield from ((file, name) for file, name, source in _tests() if pattern.search(source))


def zoo_page(note: str) -> str:
    """Return the page: the index, the comparison with libraries, and a section per family."""
    parts = ["# Zoo", note, ABOUT.strip(), _index(), "## How the networks are verified", *_comparisons()]
    for family in families():
        parts += _section(family)
    return "\n\n".join(parts) + "\n"


def _index() -> str:
    rows = ["| network | | params | MACs | compared with |", "| --- | --- | ---: | ---: | --- |"]
    for family in families():
        for entry in family.entries:
            reference = references().get(entry.name)
            rows.append(
                f"| [`{entry.name}`](#{family.name}) | {_linked(entry.paper)} | {entry.params:,} | {_macs(entry)} "
                f"| {reference.library if reference is not None else ''} |"
            )
    return "\n".join(rows)


def _comparisons() -> Iterator[str]:
    yield (
        "If a library contains the network, a test copies the library's weights and compares the two networks; `make "
        "test` runs all of "
        f"these tests. The maximum difference is {LIMIT:g} times the largest value. The libraries are installed only "
        f"for the tests:"
    )
    yield "\n".join(f"- {_versioned(library)}: {_words(module)}" for library, module in
                    (("torchvision", compare_torchvision), ("timm", compare_timm), ("pytorchcv", compare_pytorchcv)))  # fmt: skip
    yield (
        "Some networks that no library contains are compared in the same way with a module in plain PyTorch, which is written by "
        "hand after the publication and has the published keys ([tests/parity](../tests/parity)). *Structure only* omits the "
        "comparison of numbers. For other networks, the section names the source of the figures. A test checks the `expect` "
        "lines of every spec."
    )


def _versioned(library: str) -> str:
    pinned = (ROOT / "tests" / "references.txt").read_text(encoding="utf-8")
    found = re.search(rf"^{library}==(\S+)$", pinned, re.MULTILINE)
    assert found is not None
    return f"{library} {found[1]}"


def _words(module: ModuleType) -> str:
    """Return the description of a comparison, from its docstrings."""
    path = Path(module.__file__ or "").relative_to(ROOT)
    structure = (module.structure.__doc__ or "").partition(", without")[0].rstrip(".")
    numbers = (module.numbers.__doc__ or "").rstrip(".")
    how = cleandoc(module.__doc__ or "").partition(". ")[0].partition("with its weights ")[2]
    return f"its weights are {how}. Structure: {_lower(structure)}. Numbers: {_lower(numbers)} ([{path}](../{path}))"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _section(family: Family) -> Iterator[str]:
    yield f"## {family.name}"
    yield _linked(family.introduction.replace("\n", " "))
    yield _table(family)
    said = list(_remarks(family))
    if said:
        yield "\n".join(said)
    graph = family.shown
    diagram = build_diagram(graph)
    facts = ", ".join(diagram.facts)
    picture = f"![{graph.name}: {facts}](images/zoo/{graph.name}.svg)"
    yield from _folded(f"Diagram of <code>{graph.name}</code>", picture, len(diagram.boxes) > LARGE_PICTURE)
    where = f"../specs/{family.path.name}"
    yield f"[specs/{family.path.name}]({where}):"
    mark = "arch file" if "import " in family.text else "arch"
    yield from _folded("Spec", f"```{mark}\n{family.text.strip()}\n```", len(family.text.splitlines()) > LONG_SPEC)


def _folded(title: str, content: str, fold: bool) -> Iterator[str]:
    yield from ["<details>", f"<summary>{title}</summary>", content, "</details>"] if fold else [content]


def _table(family: Family) -> str:
    heads = any(entry.params != entry.params_eval for entry in family.entries)
    columns = ["network", "params", *(["in heads"] if heads else []), "MACs", "input", "depth", "compared with"]
    rows = [columns, ["---" if name in ("network", "input", "compared with") else "---:" for name in columns]]
    for entry in family.entries:
        auxiliary = entry.params - entry.params_eval
        reference = references().get(entry.name)
        rows.append([
            f"`{entry.name}`", f"{entry.params:,}", *([f"{auxiliary:,}" if auxiliary else ""] if heads else []), _macs(entry),
            f"`{entry.input}`", str(entry.depth), reference.text if reference is not None else "",
        ])  # fmt: skip
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _macs(entry: Entry) -> str:
    return f"{entry.macs:,}" if entry.macs is not None else "symbolic"


def _remarks(family: Family) -> Iterator[str]:
    """Yield remarks of specs on single networks, and the source of the figures of those that no library contains."""
    groups: dict[str, list[str]] = {}
    for entry in family.entries:
        if entry.about not in family.introduction:
            groups.setdefault(entry.about, []).append(entry.name)
    for about, names in groups.items():
        yield f"- {_code(names)}: {_linked(about.replace(chr(10), ' '))}"
    alone: dict[str, list[str]] = {}
    for network in family.networks:
        if network.entry.name not in references():
            alone.setdefault(_evidence(network), []).append(network.entry.name)
    for evidence, names in alone.items():
        yield f"- {_code(names)}: not compared with a library. {evidence}"


def _evidence(network: Network) -> str:
    """Return the source of the figures of a network that no library contains."""
    graph = network.graph
    text = network.definition.span.text + (graph.main.definition.text if graph.main.definition is not None else "")
    kinds = [
        what
        for word, what in (("params", "the parameters"), ("depth", "the depth"))
        if re.search(rf"\bexpect {word}\w* ==", text)
    ]
    parts = ["The figures are computed from the text" + (f"; `expect` lines state {' and '.join(kinds)}" if kinds else "") + "."]
    files: dict[str, list[str]] = {}
    for file, name in tests_of(graph.name):
        files.setdefault(file, []).append(name.removeprefix("test_").replace("_", " "))
    if files:
        named = "; ".join(f"{', '.join(names)} ([{file}](../tests/specs/{file}))" for file, names in files.items())
        parts.append(f"Tests: {named}.")
    return " ".join(parts)


def _code(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _linked(text: str) -> str:
    """Return the text with its arXiv numbers as links."""
    return re.sub(r"arXiv:(\d{4}\.\d{4,5})", r"[arXiv:\1](https://arxiv.org/abs/\1)", text)


@cache
def _drawn() -> dict[str, str]:
    """Return the text of each diagram by the name of its file."""
    return {f"{family.shown.name}.svg": render(family.shown, "svg").decode() for family in families()}


def pictures() -> Iterator[tuple[Path, str]]:
    """Yield the file of each diagram with its text."""
    for name, text in _drawn().items():
        yield PICTURES / name, text


def stale_pictures() -> Iterator[Path]:
    """Yield the diagrams that are missing, out of date, or no longer used."""
    known = set()
    for path, text in pictures():
        known.add(path)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            yield path
    yield from (path for path in sorted(PICTURES.glob("*")) if path not in known)


def draw_pictures() -> None:
    """Draw the diagrams, and delete those that are no longer used."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    drawn = dict(pictures())
    for path, text in drawn.items():
        path.write_text(text, encoding="utf-8")
    for path in PICTURES.glob("*"):
        if path not in drawn:
            path.unlink()
